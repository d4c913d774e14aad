"""How numbers and remarks are written on the page."""

import math
from collections.abc import Sequence

MISSING = "n/a"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with a fixed count of decimals; undefined is n/a, never 0."""
    if value is None or not math.isfinite(value):
        return MISSING
    written = f"{value:.{digits}f}"
    return (written.removeprefix("-") if float(written) == 0 else written).replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """Write a difference with its sign; what is 0 at this precision has none."""
    written = number(value, digits)
    bare = written == MISSING or written.startswith("−") or float(written) == 0
    return written if bare else f"+{written}"


def percent(value: float | None) -> str:
    """Write a share as a percentage that does not claim more than two digits."""
    if value is None or not math.isfinite(value):
        return MISSING
    rounded = f"{100 * value:.0f}"
    if rounded in ("0", "100") and value not in (0, 1):
        rounded = f"{100 * value:.1f}"
    return f"{rounded}\u00a0%"


def probability(p: float | None) -> str:
    """Write a p value."""
    if p is None or not math.isfinite(p):
        return MISSING
    written = "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
    return "1" if written == "1.000" else written


def listed(words: Sequence[str]) -> str:
    """Join words as prose does: a, b and c."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentence(words: str) -> str:
    """Make a remark a sentence: a capital in front, a full stop behind; nothing stays nothing."""
    return f"{words[0].upper()}{words[1:].removesuffix('.')}." if words else ""


def short(words: str, most: int = 34) -> str:
    """Leave out the middle of a long name, so that it stays on its line."""
    half = (most - 1) // 2
    return words if len(words) <= most else f"{words[:half]}…{words[-half:]}"
