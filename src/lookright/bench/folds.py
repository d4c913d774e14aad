"""Results over folds: a comparison of the seeds' means over their folds, and one per fold."""

import polars as pl

from lookright import stats


def compared(results: pl.DataFrame) -> pl.DataFrame:
    """Compare the rows of a comparison: `fold` "" is over all folds, then each fold by itself.

    The unit of every test is a seed, not a fold: the folds of a seed share most of their training
    images. A seed counts for the whole when it has all folds.
    """
    folds = results["fold"].unique(maintain_order=True).to_list()
    whole = stats.compare(_averaged(results, len(folds)) if len(folds) > 1 else results)
    parts = [whole.with_columns(fold=pl.lit(""))]
    if folds != [""]:
        parts += [
            stats.compare(results.filter(pl.col("fold") == fold)).with_columns(fold=pl.lit(fold))
            for fold in folds
        ]
    return pl.concat(parts).select("fold", pl.exclude("fold"))


def _averaged(results: pl.DataFrame, folds: int) -> pl.DataFrame:
    """Average each seed over its folds; the mean of something undefined is undefined."""
    keys = ["objective", "seed", "split", "by", "value_of", "measure"]
    whole = results.filter(pl.col("by") == "all")
    means = whole.group_by(keys, maintain_order=True).agg(pl.col("value").mean(), pl.len())
    return means.filter(pl.col("len") == folds).drop("len")
