"""Lines about other trainings on the same images: seeds as the unit, as in comparison.csv."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from lookright import stats
from lookright.aligned import Entry
from lookright.head_to_head.line import Line
from lookright.stats.tested import Tested

TEXT = {"split": pl.String, "by": pl.String, "value_of": pl.String, "measure": pl.String}
_ANGLE = re.compile(r"(flip|control|dp)_-?\d+(\.\d+)?")


def seed_measures(runs: Sequence[Entry]) -> list[str]:
    """List the measures of the runs' results over all images."""
    return _results(runs)["measure"].unique(maintain_order=True).to_list()


def lines_over_seeds(
    runs: Sequence[Entry], splits: Sequence[str], measures: Sequence[str] | None
) -> list[Line]:
    """Compare objectives over seeds; none when every objective has a single seed."""
    if len({(run.objective, run.seed) for run in runs}) == len({run.objective for run in runs}):
        return []
    table = _results(runs).filter(pl.col("split").is_in(list(splits)))
    if measures:
        table = table.filter(pl.col("measure").is_in(list(measures)))
    rows = stats.compare(_over_folds(table)).to_dicts()
    return [line for row in rows for line in _lines(row, runs[0].objective)]


def _results(runs: Sequence[Entry]) -> pl.DataFrame:
    parts = [_own(run) for run in runs]
    table = pl.concat(parts)
    return table.filter(~pl.col("measure").str.contains(f"^(?:{_ANGLE.pattern})$"))


def _own(run: Entry) -> pl.DataFrame:
    table = pl.read_csv(run.folder / "results.csv", schema_overrides=TEXT)
    whole = table.filter(pl.col("by") == "all").select(
        "split", "by", "measure", pl.col("value").cast(pl.Float64)
    )
    named = {"objective": pl.lit(run.objective), "seed": pl.lit(run.seed, pl.Int64)}
    return whole.with_columns(**named, fold=pl.lit(run.fold))


def _over_folds(table: pl.DataFrame) -> pl.DataFrame:
    """Average over folds, where a seed has them all: otherwise seeds would not be alike."""
    folds = pl.col("fold").n_unique()
    all_folds = table.group_by("split", "measure").agg(folds.alias("all"))
    keys = ["objective", "seed", "split", "by", "measure"]
    means = table.group_by(keys, maintain_order=True).agg(pl.col("value").mean(), folds)
    complete = means.join(all_folds, on=["split", "measure"], maintain_order="left")
    return complete.filter(pl.col("fold") == pl.col("all")).drop("fold", "all")


def _lines(row: dict[str, Any], baseline: str) -> Iterator[Line]:
    place = row["split"], "", row["measure"], row["objective"], None
    own = Tested(row["mean"], row["low"], row["high"], note=row["note"])
    yield Line(*place, "", "seeds", "Student's t", own, row["seeds"])
    if row["objective"] == baseline or np.isnan(row["difference"]):
        return
    gain, count, effect = row["difference"], _pairs(row), row["effect"]
    t = effect * count**0.5
    paired = Tested(gain, row["difference_low"], row["difference_high"], t, row["p_t"], row["note"])
    yield Line(*place, baseline, "seeds", "paired t", paired, count, effect)
    ranks = Tested(gain, p=row["p_wilcoxon"], note=row["note"])
    yield Line(*place, baseline, "seeds", "exact Wilcoxon", ranks, count, effect)


def _pairs(row: dict[str, Any]) -> int:
    """Read how many seeds are common: all, or those that the note lists."""
    found = re.search(r"common seeds only: ([\d, ]+)", row["note"])
    return len(found[1].split(",")) if found else row["seeds"]
