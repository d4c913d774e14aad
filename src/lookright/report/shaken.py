"""What changes of the image do: bars per change, for one run or for every objective."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

import polars as pl
from markupsafe import Markup

from lookright.report.bars import Bar, Group, bars
from lookright.report.glossary import CHANGES, EFFECTS
from lookright.report.tables import Cell, Table, paged
from lookright.report.words import number, signed

TAKES = "evidence gone: should fall"
LEAVES = "evidence there: should stay"
DRAWN = {
    "auroc_change": "Change of AUROC",
    "drop": "Mean drop of the answer's probability",
}


@dataclass(frozen=True)
class Who:
    """Whose bar: an objective, or "" for the only run."""

    name: str
    kind: str


Found = dict[tuple[str, str, str], tuple[float, float, float]]  # who, split, measure -> value, ends


def of_run(results: pl.DataFrame) -> Found:
    """Take the values of one run over all images."""
    whole = results.filter(pl.col("by") == "all")
    rows = whole.select("split", "measure", "value").rows()
    return {("", split, name): (_known(value), nan, nan) for split, name, value in rows}


def of_bench(comparison: pl.DataFrame) -> Found:
    """Take the means over seeds with their intervals."""
    rows = comparison.select("objective", "split", "measure", "mean", "low", "high").rows()
    return {(who, split, name): (_known(mean), _known(low), _known(high))
            for who, split, name, mean, low, high in rows}  # fmt: skip


def charts(found: Found, splits: Sequence[str], whose: Sequence[Who]) -> list[tuple[str, Markup]]:
    """Draw every effect on every split where it was measured."""
    drawn = []
    for split in splits:
        for effect, title in DRAWN.items():
            groups = _groups(found, split, effect, whose)
            if groups:
                drawn.append((f"{title}, {split}", bars(groups, f"{title} on {split}")))
    return drawn


def _groups(found: Found, split: str, effect: str, whose: Sequence[Who]) -> list[Group]:
    groups: list[Group] = []
    begun = set()
    for name, change in CHANGES.items():
        given = [found.get((who.name, split, f"{effect}_{name}")) for who in whose]
        if not any(given):
            continue
        values = [each or (nan, nan, nan) for each in given]
        drawn = tuple(
            Bar(who.name, value, who.kind, low, high)
            for who, (value, low, high) in zip(whose, values, strict=True)
        )
        title = "" if change.takes in begun else TAKES if change.takes else LEAVES
        begun.add(change.takes)
        groups.append(Group(change.title, drawn, title))
    return groups


def table(results: pl.DataFrame, splits: Sequence[str]) -> Table | None:
    """List every effect of every change of one run, one row per change and split."""
    found = of_run(results)
    effects = [
        effect
        for effect in EFFECTS
        if any(("", split, f"{effect}_{name}") in found for split in splits for name in CHANGES)
    ]
    rows = [
        [
            Cell(change.title),
            Cell(split),
            *(_cell(found, split, effect, name) for effect in effects),
        ]
        for split in splits
        for name, change in CHANGES.items()
        if any(("", split, f"{effect}_{name}") in found for effect in effects)
    ]
    head = ["change of the image", "split", *(EFFECTS[effect] for effect in effects)]
    return paged("What changes of the image do", head, rows, 2) if rows else None


def _cell(found: Found, split: str, effect: str, name: str) -> Cell:
    value = found.get(("", split, f"{effect}_{name}"), (nan, nan, nan))[0]
    return Cell((signed if effect in DRAWN else number)(value))


def _known(value: float | None) -> float:
    return float(value) if value is not None and isfinite(value) else nan
