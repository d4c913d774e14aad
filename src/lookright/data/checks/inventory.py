"""What a data set holds, in numbers: classes, splits, groups, annotation, evidence and chance."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from lookright.data.checks import balance
from lookright.data.images.decode import content, decode
from lookright.data.manifest import completed, verify
from lookright.data.maps import read_map
from lookright.data.reading import Reading
from lookright.data.table import Table, read_table
from lookright.errors import DataError

_AT_ONCE = 256  # maps in flight


@dataclass(frozen=True)
class Inventory:
    """Tables about a manifest; shares are of 1."""

    rows: int
    images: pl.DataFrame  # split, label, images, annotated, share
    groups: pl.DataFrame  # column (group, source), split, different, largest (images of one)
    evidence: pl.DataFrame  # label, maps, empty, area: mean, low and high (5 % and 95 %)
    chance: pl.DataFrame  # split, images, majority, accuracy, inside (mean area of maps)
    missing: pl.DataFrame  # what is missing, count


def take_inventory(
    path: Path,
    reading: Reading | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inventory:
    """Count everything, and read every map; what is broken is counted as missing.

    Raises DataError only where the manifest itself cannot be read.
    """
    table = read_table(path)
    rows = completed(table.rows)
    there = set(verify(table, None, True).sizes)
    areas = _areas(table, rows, there, reading or Reading(), progress)
    rows = rows.with_columns(areas)
    return Inventory(
        len(rows),
        balance.counts(rows),
        _groups(rows),
        _evidence(rows),
        _chance(rows),
        _missing(rows, there),
    )


def _areas(
    table: Table,
    rows: pl.DataFrame,
    there: set[str],
    reading: Reading,
    progress: Callable[[int, int], None] | None,
) -> pl.Series:
    """Return the mean of every map: null where there is none, NaN where it cannot be read."""
    reading = replace(reading, empty_mask="background")
    jobs = [
        (index, row)
        for index, row in enumerate(rows.iter_rows(named=True))
        if row["mask"] in there and row["image"] in there
    ]

    def measure(job: tuple[int, dict[str, str]]) -> tuple[int, float]:
        """Return the index of a row and the area of its evidence."""
        index, row = job
        try:
            data = content(table.root / row["image"], row["image"])
            image = decode(data, reading.of_row(row), row["image"])
            mask = content(table.root / row["mask"], row["mask"])
            drawn = read_map(mask, reading, image, row["mask"]).map
        except DataError:
            return index, float("nan")
        return index, float("nan") if drawn is None else float(drawn.mean(dtype=np.float64))

    found: list[float | None] = [None] * len(rows)
    waiting = iter(jobs)
    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while window := list(islice(waiting, _AT_ONCE)):
            for index, area in pool.map(measure, window):
                found[index] = area
            done += len(window)
            if progress:
                progress(done, len(jobs))
    return pl.Series("_area", found, dtype=pl.Float64)


def _groups(rows: pl.DataFrame) -> pl.DataFrame:
    parts = [_different(rows, column) for column in ("group", "source") if column in rows.columns]
    return pl.concat(parts) if parts else pl.DataFrame()


def _different(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    sizes = rows.filter(pl.col(column) != "").group_by("split", column).len()
    return (
        sizes.group_by("split")
        .agg(pl.len().alias("different"), pl.col("len").max().alias("largest"))
        .sort("split")
        .select(pl.lit(column).alias("column"), "split", "different", "largest")
    )


def _evidence(rows: pl.DataFrame) -> pl.DataFrame:
    """Describe the maps of each class, and of all; areas are of maps that are not empty."""
    read = rows.filter(pl.col("_area").is_not_null() & pl.col("_area").is_not_nan())
    every = read.with_columns(pl.lit("(all)").alias("label"))
    full = pl.col("_area").filter(pl.col("_area") > 0)
    return (
        pl.concat([read, every])
        .group_by("label")
        .agg(
            pl.len().alias("maps"),
            (pl.col("_area") == 0).sum().alias("empty"),
            full.mean().alias("area"),
            full.quantile(0.05, "linear").alias("low"),
            full.quantile(0.95, "linear").alias("high"),
        )
        .sort(pl.col("label") == "(all)", "label")
    )


def _chance(rows: pl.DataFrame) -> pl.DataFrame:
    """Say what knowing nothing scores: always the commonest class, and looking anywhere."""
    lines = []
    for (split,), part in rows.group_by("split", maintain_order=True):
        commonest = part["label"].value_counts(sort=True).row(0)
        inside = part["_area"].fill_nan(None).replace(0.0, None).mean()
        lines.append((split, len(part), commonest[0], commonest[1] / len(part), inside))
    columns = ["split", "images", "majority", "accuracy", "inside"]
    types = [pl.String, pl.Int64, pl.String, pl.Float64, pl.Float64]
    return pl.DataFrame(lines, dict(zip(columns, types, strict=True)), orient="row")


def _missing(rows: pl.DataFrame, there: set[str]) -> pl.DataFrame:
    lines: list[tuple[str, int]] = []
    for column in ("image", "mask"):
        named = rows[column].filter(rows[column] != "")
        lines.append((f"{column}: no such file", int((~named.is_in(list(there))).sum())))
    lines.append(("mask: cannot be read", int(rows["_area"].is_nan().sum() or 0)))
    lines += [(f"{name}: empty", _empty(rows[name])) for name in _told(rows.columns)]
    return pl.DataFrame(lines, {"missing": pl.String, "rows": pl.Int64}, orient="row").filter(
        pl.col("rows") > 0
    )


def _told(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name not in ("annotated", "_area")]


def _empty(column: pl.Series) -> int:
    if column.dtype != pl.String:
        return column.null_count()
    return int((column.fill_null("") == "").sum())
