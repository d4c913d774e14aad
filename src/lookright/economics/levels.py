"""The states of the annotation that are compared, and what each row of a comparison learnt from."""

from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any, Literal

import polars as pl

from lookright import objectives
from lookright.bench.row import Row, rows
from lookright.configuration import Annotation
from lookright.data import arrange, unarranged
from lookright.data.source import Source
from lookright.run import Run

Kind = Literal["none", "share", "corruption", "noise"]

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)
# What hurried, coarse or mistaken annotators leave; boxes are as tight as boxes get.
CORRUPTIONS = {
    "missing": 0.5,
    "shifted": 0.1,
    "shrunk": 0.5,
    "dilated": 1.0,
    "boxes": 0.0,
    "misplaced": 0.25,
    "swapped": 0.25,
}
NOISE = (0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Level:
    """What a row of the comparison learnt from; its `kind` is none if it never looks at maps."""

    objective: str  # the row
    method: str  # its objective, whatever the annotation
    kind: Kind
    share: float = nan  # of the training maps that there are
    corruption: str = "none"
    amount: float = nan
    maps: int | None = None  # that were learnt from; unknown where folds differ


def annotations() -> tuple[Annotation, ...]:
    """List the default states: all maps as drawn, fewer of them, spoilt, drawn unsteadily."""
    states: list[dict[str, Any]] = [{}, *({"share": share} for share in SHARES)]
    states += [{"corruption": name, "amount": amount} for name, amount in CORRUPTIONS.items()]
    states += [{"corruption": "noisy", "amount": amount} for amount in NOISE]
    return tuple(Annotation.model_validate(each) for each in states)


def levels(run: Run) -> list[Level]:
    """Say of every row of a comparison what it learnt from, in order."""
    source = None if run.bench.folds else unarranged(run.data, Path())
    return [_level(row, source and _count(source, run, row)) for row in rows(run)]


def _level(row: Row, maps: int | None) -> Level:
    names = row.label, row.objective.title
    if not objectives.find(row.objective.name).uses_maps:
        return Level(*names, "none")
    state = row.annotation
    if state.corruption == "none":
        return Level(*names, "share", state.share, maps=maps)
    kind = "noise" if state.corruption == "noisy" else "corruption"
    return Level(*names, kind, state.share, state.corruption, state.amount, maps)


def _count(source: Source, run: Run, row: Row) -> int:
    """Count the training maps that a row's annotation leaves."""
    left = arrange(source, run.data.model_copy(update={"maps": row.annotation})).rows
    return left.filter((pl.col("split") == "train") & pl.col("annotated")).height
