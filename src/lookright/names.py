"""Did you mean ...? The nearest right name for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(given: str, allowed: Iterable[str]) -> str:
    """Say what would have been right: the nearest name if one is near, and all of them.

    >>> suggestion("epohcs", ["epochs", "batch"])
    "Did you mean 'epochs'? Allowed: batch, epochs."
    """
    names = sorted(allowed)
    near = get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Allowed: {', '.join(names)}."
