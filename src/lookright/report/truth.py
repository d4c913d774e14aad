"""Does the map tell the truth: what the detector says of a run, and of every run of a bench."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan

import polars as pl

from lookright.detector import Verdict, judge
from lookright.report.lanes import Witness
from lookright.report.words import listed, percent

Values = Callable[[str, str], float]  # split, measure -> value over all images; NaN: unknown
Verdicts = Mapping[str, Verdict]  # by split


@dataclass(frozen=True)
class Banner:
    """A warning above all else."""

    title: str
    sentences: tuple[str, ...]


def judged(predictions: pl.DataFrame, splits: Sequence[str]) -> dict[str, Verdict]:
    """Ask the detector about every split."""
    return {split: judge(predictions.filter(pl.col("split") == split)) for split in splits}


def known(verdicts: Verdicts) -> bool:
    """Tell whether anything can be said on any split."""
    return any(not isnan(verdict.score) for verdict in verdicts.values())


def told(value: Values, split: str, verdict: Verdict) -> str:
    """Say of one split whether the witnesses contradict each other."""
    shown, effect = value(split, "framing_sensitivity"), value(split, "causal_outside")
    said = f"On {split}: {plain(verdict)}"
    if not isfinite(effect):
        return said
    return (
        f"{said} The map puts {percent(shown)} outside the evidence; of what blurring does to the "
        f"decision, {percent(effect)} comes from outside."
    )


def plain(verdict: Verdict) -> str:
    """Write the detector's sentence with proper minus signs."""
    sentence = verdict.sentence
    return re.sub(r"-(?=\d)", "−", sentence[0].lower() + sentence[1:])


def banner_of_run(verdicts: Verdicts) -> Banner | None:
    """Warn where the detector is sure that maps and decision contradict each other."""
    flagged = {split: verdict for split, verdict in verdicts.items() if verdict.flagged}
    if not flagged:
        return None
    said = [f"On {split}: {plain(verdict)}" for split, verdict in flagged.items()]
    advice = "Do not show these maps as the reason for an answer."
    return Banner("The map is lying", (*said, advice))


Counted = Mapping[tuple[str, str], Sequence[Verdict]]  # objective, split -> its trainings


def banner_of_bench(verdicts: Counted) -> Banner | None:
    """Warn of every objective that the detector flags, with how many of its trainings."""
    flagged = {key: found for key, found in verdicts.items() if _count(found)}
    if not flagged:
        return None
    most = {key: found for key, found in flagged.items() if 2 * _count(found) > len(found)}
    few = [_briefly(*key, found) for key, found in flagged.items() if key not in most]
    names = listed(list(dict.fromkeys(label for label, _ in most)))
    title = f"Maps that lie: {names}" if most else "Single maps are lying"
    said = [_counted(*key, found) for key, found in most.items()]
    said += [f"Fewer trainings: {listed(few)}."] if few and most else [f"{each}." for each in few]
    return Banner(title, (*said, MEANT))


def flags(verdicts: Counted) -> dict[str, list[str]]:
    """Say of each objective, split by split, how many of its trainings are flagged."""
    found: dict[str, list[str]] = {}
    for (label, split), given in verdicts.items():
        if _count(given):
            found.setdefault(label, []).append(f"map flagged on {split}: {_several(given)}")
    return found


def _count(found: Sequence[Verdict]) -> int:
    return sum(verdict.flagged for verdict in found)


def _several(found: Sequence[Verdict]) -> str:
    return f"{_count(found)} of {len(found)} trainings"


def _counted(label: str, split: str, found: Sequence[Verdict]) -> str:
    worst = max((each for each in found if each.flagged), key=lambda each: each.score)
    said = plain(worst).removeprefix("the map lies: ")
    return f"{label} on {split}, {_several(found)}. At its worst {said}"


def _briefly(label: str, split: str, found: Sequence[Verdict]) -> str:
    directions = listed(sorted({each.direction for each in found if each.flagged}))
    return f"{label} on {split} {directions} in {_several(found)}"


MEANT = (
    "In brackets: the first share outside the evidence minus the second, mean and 95 % interval "
    "over images. Do not show flagged maps as the reason for an answer."
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
