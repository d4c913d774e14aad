"""One line of a comparison: an estimate, its interval, and over what they generalise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from lookright.stats import holm
from lookright.stats.tested import Tested

COLUMNS = {
    "split": pl.String,
    "fold": pl.String,  # "" without folds, and for means over them
    "measure": pl.String,
    "objective": pl.String,
    "seed": pl.Int64,  # empty: the mean over the objective's seeds
    "baseline": pl.String,  # the estimate is the difference to it; "" where it is the value
    "over": pl.String,  # what would be drawn anew: images, a column of patients, seeds, both
    "how": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,  # 95 %
    "high": pl.Float64,
    "statistic": pl.Float64,  # z, t, or for McNemar how many images the two differ on
    "p": pl.Float64,
    "p_holm": pl.Float64,  # adjusted over the objectives
    "effect": pl.Float64,  # mean difference over its standard deviation over seeds
    "count": pl.Int64,  # images that define the estimate, or seeds
    "note": pl.String,
}
FAMILY = ("split", "fold", "measure", "seed", "baseline", "over", "how")


@dataclass(frozen=True)
class Line:
    """What one row of the table says."""

    split: str
    fold: str
    measure: str
    objective: str
    seed: int | None
    baseline: str
    over: str
    how: str
    found: Tested
    count: int
    effect: float = np.nan


def frame(lines: Sequence[Line]) -> pl.DataFrame:
    """Make the table, with p values adjusted over the objectives of each comparison."""
    rows = [
        {**{name: value for name, value in vars(line).items() if name != "found"}}
        | vars(line.found)
        for line in lines
    ]
    table = pl.DataFrame(rows, schema={n: k for n, k in COLUMNS.items() if n != "p_holm"})
    adjusted = pl.col("p").map_batches(_adjusted, pl.Float64).over(FAMILY).alias("p_holm")
    return table.with_columns(adjusted).select(*COLUMNS)


def _adjusted(ps: pl.Series) -> pl.Series:
    return pl.Series(holm(ps.to_list()), dtype=pl.Float64)
