"""Our numbers beside a paper's, in the shape of its tables: `paper.csv`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from lookright.published import Printed, Table, Task
from lookright.stats import FEWEST, holm, spread, welch
from lookright.stats.tested import Tested
from lookright.stats.welch import Published

COLUMNS = {
    "table": pl.String,
    "row": pl.String,  # a data set, an attack type, a generator
    "objective": pl.String,  # its row in our comparison; empty where we have none
    "method": pl.String,  # as the paper calls it; empty where it has none
    "split": pl.String,
    "measure": pl.String,
    "seeds": pl.Int64,
    "mean": pl.Float64,
    "std": pl.Float64,  # over what the paper's is over
    "published_mean": pl.Float64,
    "published_std": pl.Float64,
    "published_runs": pl.Int64,
    "difference": pl.Float64,  # ours less theirs
    "low": pl.Float64,  # 95 % interval, Welch
    "high": pl.Float64,
    "p": pl.Float64,
    "p_holm": pl.Float64,  # adjusted over the methods of one row
    "note": pl.String,
}
BETWEEN = "± is the spread between the means below, over which nothing can be tested"


def beside(results: pl.DataFrame, task: Task, methods: Mapping[str, str]) -> pl.DataFrame:
    """Put `results.csv` of a comparison beside the tables of a paper.

    `methods` names the objective of each row of ours, in order. Rows of ours that the paper has
    not, and rows of the paper that we have not, are kept, with nothing on the other side. Names of
    folds and parts are compared by their letters and digits only.
    """
    split = _judged(results["split"].unique(maintain_order=True).to_list())
    known = results.with_columns(pl.col("fold", "value_of").fill_null(""))
    known = known.filter(pl.col("split") == split)
    lines = [
        {"table": table.title, "row": name, "split": split, "measure": table.measure, **line}
        for table in task.tables
        for name in table.rows
        for line in _lines(known, table, name, task, methods)
    ]
    return pl.DataFrame(lines, schema=COLUMNS)


def _judged(splits: list[str]) -> str:
    """Choose the split that a paper's test stands beside."""
    tests = [split for split in splits if split not in ("train", "val")]
    return "test" if "test" in tests else next(iter(tests or splits))


def _lines(
    results: pl.DataFrame, table: Table, name: str, task: Task, methods: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Compare one row of a table, method by method."""
    printed, values = table.rows[name], _values(results, table, name)
    pairs = [*methods.items(), *(("", each) for each in printed if each not in methods.values())]
    lines = []
    for label, method in pairs:
        ours = _summed_up(values.get(label, []))
        if table.spread == "rows":
            ours = replace(ours, std=_between(results, table, label))
        line = {"objective": label, "seeds": ours.count, "mean": ours.mean, "std": ours.std}
        line |= {"note": _note(ours, table, bool(label)), "method": "", "p": np.nan}
        if method in printed:
            line |= {"method": task.methods[method], **_against(ours, printed[method], table)}
        lines.append(line)
    adjusted = holm([line["p"] for line in lines])
    return [line | {"p_holm": p} for line, p in zip(lines, adjusted, strict=True)]


def _against(ours: Published, printed: Printed, table: Table) -> dict[str, Any]:
    theirs = Published(printed.mean, printed.std, table.runs)
    found = Tested(ours.mean - theirs.mean)
    if table.spread == "runs" and ours.count >= FEWEST:
        found = welch.compare(ours, theirs)
    numbers = {f"published_{key}": value for key, value in vars(printed).items()}
    numbers |= {"published_runs": table.runs, "difference": found.estimate}
    return {**numbers, "low": found.low, "high": found.high, "p": found.p}


def _summed_up(values: list[float]) -> Published:
    defined = [value for value in values if not np.isnan(value)]
    return Published(float(np.mean(defined)) if defined else np.nan, spread(defined), len(defined))


def _note(ours: Published, table: Table, is_ours: bool) -> str:
    if is_ours and not ours.count:
        return "not measured" if table.of == "all" else f"no {table.of} of ours has this name"
    return BETWEEN if table.spread == "rows" else ""


def _values(results: pl.DataFrame, table: Table, name: str) -> dict[str, list[float]]:
    """Return one value per seed, by row of our comparison; over folds the mean of a seed's."""
    rows = _belonging(results, table, name).filter(pl.col("measure") == table.measure)
    if table.of != "fold":
        rows = _over_folds(rows, results["fold"].n_unique())
    wide = rows.group_by("objective", maintain_order=True).agg("value")
    return {label: [_number(each) for each in values] for label, values in wide.iter_rows()}


def _belonging(results: pl.DataFrame, table: Table, name: str) -> pl.DataFrame:
    """Choose the rows about all test images, or about the fold or part of this name."""
    whole = pl.col("by") == "all"
    if table.of == "all":
        return results.filter(whole)
    if table.of == "fold":
        return results.filter(whole, pl.col("fold").is_in(_alike(results["fold"], name)))
    parts = results.filter(~pl.col("by").is_in(["all", "class"]))
    parts = parts.filter(pl.col("value_of").is_in(_alike(parts["value_of"], name)))
    # The same name may be a value of several columns; the first one is taken.
    return parts.filter(pl.col("by") == pl.col("by").first())


def _over_folds(rows: pl.DataFrame, folds: int) -> pl.DataFrame:
    keys = ["objective", "seed"]
    means = rows.group_by(keys, maintain_order=True).agg(pl.col("value").mean(), pl.len())
    return means.filter(pl.col("len") == folds)


def _between(results: pl.DataFrame, table: Table, label: str) -> float:
    """Return the spread (n) between the means of the folds; NaN when there are none."""
    rows = results.filter(by="all", measure=table.measure, objective=label)
    means = rows.group_by("fold").agg(pl.col("value").mean())["value"]
    return _number(means.std(ddof=0)) if len(means) > 1 else np.nan


def _alike(found: pl.Series, name: str) -> list[str]:
    return [each for each in found.unique() if _plain(each) == _plain(name)]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
