"""The table of annotation economics: what each state of the annotation gained over none at all."""

from collections.abc import Sequence

import polars as pl

from lookright.economics.levels import Level
from lookright.errors import Problem, RunError

COLUMNS = {
    "method": pl.String,
    "kind": pl.String,  # none (never looks at maps), share, corruption, noise
    "share": pl.Float64,  # of the training maps
    "corruption": pl.String,
    "amount": pl.Float64,
    "maps": pl.Int64,
    "split": pl.String,
    "measure": pl.String,
    "seeds": pl.Int64,
    "mean": pl.Float64,
    "std": pl.Float64,  # over seeds, n - 1
    "low": pl.Float64,  # 95 % interval of the mean
    "high": pl.Float64,
    "difference": pl.Float64,  # to training without maps, on common seeds
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "note": pl.String,
}


def benefit(comparison: pl.DataFrame, levels: Sequence[Level]) -> pl.DataFrame:
    """Sort the rows of `comparison.csv` by what they learnt from.

    The first row of the comparison is the training without maps. Raises RunError when its results
    are missing: nothing can be gained over nothing.
    """
    whole = comparison.filter(pl.col("fold").fill_null("") == "")
    baseline = levels[0].objective
    if baseline not in whole["objective"]:
        what = f"{baseline} has no results, and all gains are over it."
        raise RunError(Problem("ECONOMICS-BASELINE", what, fix="Start the same command again."))
    known = pl.DataFrame([vars(level) for level in levels], infer_schema_length=None)
    joined = known.join(whole, on="objective", how="inner", maintain_order="left")
    return joined.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
