"""Does the map tell the truth: what it shows, held against what changed images say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import polars as pl

from lookright.report.lanes import Witness
from lookright.report.words import listed, percent, signed

LIES = 0.15  # a gap at least this far from 0 is called one
OFTEN = 0.25  # a single image's map is counted as hiding from here on

Values = Callable[[str, str], float]  # split, measure -> value over all images; NaN: unknown


@dataclass(frozen=True)
class Banner:
    """A warning above all else, or a reassurance; `tone` is warn or good."""

    tone: str
    title: str
    sentences: tuple[str, ...]


def measured(results: pl.DataFrame) -> bool:
    """Tell whether changed images were looked at at all."""
    return "gap" in set(results["measure"])


def told(value: Values, split: str, predictions: pl.DataFrame) -> str:
    """Say of one split whether the map and the effect of the outside agree."""
    shown, effect, gap = (
        value(split, name) for name in ("framing_sensitivity", "causal_outside", "gap")
    )
    if not isfinite(gap):
        return f"On {split} this cannot be said: no image has both a human map and an effect."
    said = (
        f"On {split}, the map puts {percent(shown)} outside the evidence; of what blurring does to "
        f"the decision, {percent(effect)} comes from outside. {_meaning(gap)}"
    )
    share = _hiding(predictions, split)
    return said if not share else f"{said} On {percent(share)} of the images the map hides it."


def _meaning(gap: float) -> str:
    if gap <= -LIES:
        return "The map points inside while the decision comes from outside: it hides."
    if gap >= LIES:
        return "The map points outside although the decision comes from inside: it slanders."
    return "They agree: the map tells the truth about where the decision comes from."


def _hiding(predictions: pl.DataFrame, split: str) -> float:
    if "gap" not in predictions.columns:
        return 0.0
    gaps = predictions.filter(pl.col("split") == split)["gap"].fill_nan(None).drop_nulls()
    return float((gaps <= -OFTEN).mean() or 0.0) if len(gaps) else 0.0


def banner_of_run(value: Values, splits: Sequence[str]) -> Banner | None:
    """Warn where the map hides what decides, on any split that judges."""
    gaps = {split: value(split, "gap") for split in splits}
    hidden = [split for split, gap in gaps.items() if gap <= -LIES]
    if not hidden:
        return None
    each = [f"{signed(gaps[split], 2)} on {split}" for split in hidden]
    return Banner(
        "warn",
        "The map is lying.",
        (
            f"On {listed(hidden)} it points into the evidence while what changes the decision lies "
            f"outside (gap {listed(each)}). Do not show these maps as the reason.",
        ),
    )


def banner_of_bench(gaps: Mapping[str, float], split: str) -> Banner | None:
    """Warn of every objective whose map hides what decides; gaps are means over seeds."""
    hidden = {label: gap for label, gap in gaps.items() if gap <= -LIES}
    if not hidden:
        return None
    each = [f"{label} ({signed(gap, 2)})" for label, gap in hidden.items()]
    verb = "have maps that lie" if len(hidden) > 1 else "has a map that lies"
    return Banner(
        "warn",
        f"{listed(list(hidden))} {verb}.",
        (
            f"On {split} the map points into the evidence while what changes the decision lies "
            f"outside; the gap is {listed(each)}, and 0 for a map that tells the truth.",
        ),
    )


JUDGE = "blurring, no map"
WITNESSES = (
    ("class map", "framing_sensitivity", "c1"),
    ("difference map", "framing_decision", "c2"),
    (JUDGE, "causal_outside", "c3"),
    ("chance", "framing_chance", "c0"),
)


def witnesses(value: Values, split: str) -> list[Witness]:
    """Put what each witness says of the outside side by side."""
    return [Witness(name, value(split, measure), kind) for name, measure, kind in WITNESSES]


def lookup(whole: pl.DataFrame) -> Values:
    """Find a value by split and measure; unknown ones are NaN."""
    rows = whole.select("split", "measure", "value").rows()
    table = {(split, name): nan if value is None else float(value) for split, name, value in rows}
    return lambda split, measure: table.get((split, measure), nan)
