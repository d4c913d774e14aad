"""What must hold for the rows of a manifest, one rule each: all offenders, with row numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from lookright.data.reading import WINDOW, is_split
from lookright.data.table import Table
from lookright.errors import Problem
from lookright.names import suggestion

SPLITS = ("train", "val", "test", "test_...")


def duplicate_ids(table: Table) -> list[Problem]:
    """Find ids that more than one row has; without an id column the image path is the id."""
    ids = table.rows["id" if "id" in table.rows.columns else "image"]
    problems = [
        Problem("ID-EMPTY", "There is no id.", table.where(index))
        for index in (ids == "").arg_true()
        if ids.name == "id"
    ]
    for index, first in _repeated(ids):
        if ids[index]:
            what = f"The {ids.name} {ids[index]!r} is already taken by row {table.numbers[first]}."
            problems.append(Problem("ID-DUPLICATE", what, table.where(index)))
    return problems


def repeated_images(table: Table) -> list[Problem]:
    """Find images named by several rows: an error when label or split differ, else a warning."""
    rows = table.rows
    if "id" not in rows.columns:
        return []  # then the image is the id, and must not be repeated at all
    parts = [name for name in ("label", "split") if name in rows.columns]
    seen = rows.with_row_index("_first").filter(pl.col("image") != "").group_by("image")
    several = seen.agg(pl.col("_first").first(), pl.len(), pl.col(parts).n_unique())
    return [
        _repeated_image(table, row, [part for part in parts if row[part] > 1])
        for row in several.filter(pl.col("len") > 1).sort("_first").iter_rows(named=True)
    ]


def _repeated_image(table: Table, row: dict[str, Any], differs: list[str]) -> Problem:
    what = f"{row['len']} rows name the image {row['image']!r}"
    where = table.where(row["_first"])
    if differs:
        what = f"{what}, with different {differs[0]}s."
        return Problem(f"IMG-TWICE-{differs[0].upper()}", what, where)
    return Problem("IMG-TWICE", f"{what}.", where, level="warning")


def _repeated(values: pl.Series) -> list[tuple[int, int]]:
    """Return (index, first index) of every value that stood in an earlier row."""
    later = (~values.is_first_distinct()).arg_true()
    if not len(later):
        return []
    wanted = set(values.gather(later))
    firsts: dict[str, int] = {}
    for index in values.is_in(list(wanted)).arg_true():
        firsts.setdefault(values[index], index)
    return [(index, firsts[values[index]]) for index in later]


def labels(table: Table, classes: Sequence[str] | None) -> list[Problem]:
    """Find rows without a label or with one that is not declared, and classes without rows."""
    column = table.rows["label"]
    found = set(column.unique()) - {""}
    problems = [
        Problem("LABEL-MISSING", "There is no label.", table.where(index))
        for index in (column == "").arg_true()
    ]
    problems += _several_in_one(table, found)
    if classes is None:
        few = len(found) < 2 and not problems
        what = f"There is only one class, {next(iter(found), '')!r}; there must be two at least."
        return problems + [Problem("LABEL-ONE", what, table.path.name)] * few
    wrong = column.is_in(list(found - set(classes))).arg_true()
    for index in wrong:
        what = f"The label {column[index]!r} is no declared class."
        fix = suggestion(column[index], classes)
        problems.append(Problem("LABEL-UNKNOWN", what, table.where(index), fix))
    for name in (each for each in classes if each not in found):
        what = f"No row has the declared class {name!r}."
        problems.append(Problem("LABEL-UNUSED", what, table.path.name))
    return problems


def _several_in_one(table: Table, found: set[str]) -> list[Problem]:
    """Find labels such as 'cat|dog' where cat and dog are labels themselves."""
    joined = [
        label
        for label in found
        for mark in "|;,+"
        if mark in label and {part.strip() for part in label.split(mark)} <= found
    ]
    what, fix = "holds several labels; an image has one.", "Make it a class or choose one."
    return [
        Problem("LABEL-SEVERAL", f"{table.rows['label'][index]!r} {what}", table.where(index), fix)
        for index in table.rows["label"].is_in(joined).arg_true()
    ]


def splits(table: Table) -> list[Problem]:
    """Find rows whose split is missing or is no split's name."""
    if "split" not in table.rows.columns:
        return []
    column = table.rows["split"]
    wrong = [name for name in column.unique() if not is_split(name)]
    problems = []
    for index in column.is_in(wrong).arg_true():
        given = column[index]
        what = f"There is no split {given!r}." if given else "There is no split."
        problems.append(Problem("SPLIT", what, table.where(index), suggestion(given, SPLITS)))
    return problems


def weights(table: Table) -> tuple[pl.Series, list[Problem]]:
    """Return the images' weights, 1.0 unless given, and the cells that are no weights."""
    if "weight" not in table.rows.columns:
        return pl.repeat(1.0, len(table.rows), dtype=pl.Float64, eager=True).alias("weight"), []
    text = table.rows["weight"].str.strip_chars()
    values = pl.select(pl.when(text == "").then(pl.lit("1")).otherwise(text)).to_series()
    numbers = values.cast(pl.Float64, strict=False).fill_null(np.nan)
    problems = []
    for index in (~(numbers.is_finite() & (numbers >= 0))).arg_true():
        what = f"The weight {text[index]!r} is not a number of at least 0."
        problems.append(Problem("WEIGHT", what, table.where(index)))
    return numbers.alias("weight"), problems


def windows(table: Table) -> list[Problem]:
    """Find windows of images that have one half only, or that are no numbers."""
    there = [name for name in WINDOW if name in table.rows.columns]
    if not there:
        return []
    if len(there) == 1:
        what = f"There is {there[0]!r} without {(set(WINDOW) - {*there}).pop()!r}."
        return [Problem("WINDOW", what, table.path.name, "Give both columns, or none.")]
    problems = []
    cells = table.rows.select(pl.col(WINDOW).str.strip_chars())
    numbers = cells.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    right = np.isfinite(numbers).all(1) & (numbers[:, 1] > 0)
    empty = cells.select(pl.all_horizontal(pl.all() == "")).to_series().to_numpy()
    for index in np.flatnonzero(~right & ~empty):
        what = "The window is not a centre and a width above 0."
        fix = "Write both as numbers, or leave both empty."
        problems.append(Problem("WINDOW", what, table.where(int(index)), fix))
    return problems


def unknown_alone(rows: pl.DataFrame, table: Table) -> list[Problem]:
    """Find pixels that are said to be unknown where there is no map at all."""
    if "unknown" not in rows.columns:
        return []
    what = "There is an unknown mask, but no mask: nobody was asked, and nothing is known."
    fix = "Name the mask as well, or leave both empty."
    alone = rows.select((pl.col("unknown") != "") & (pl.col("mask") == "")).to_series()
    return [Problem("UNKNOWN-ALONE", what, table.where(index), fix) for index in alone.arg_true()]


def groups_in_two_splits(table: Table) -> list[Problem]:
    """Find groups (patients, subjects) with images in two splits.

    An error when training or validation is one of them; two test splits may share a group, with
    a warning.
    """
    if not {"group", "split"} <= set(table.rows.columns):
        return []
    known = table.rows.filter((pl.col("group") != "") & (pl.col("split") != ""))
    counts = known.group_by("group", "split").len().sort("group", "split")
    shared = counts.filter(pl.len().over("group") > 1)
    return [
        _shared_group(table, str(group), dict(part.select("split", "len").iter_rows()))
        for (group,), part in shared.group_by("group", maintain_order=True)
    ]


def _shared_group(table: Table, group: str, counts: dict[str, int]) -> Problem:
    told = " and ".join(f"{count} in {split!r}" for split, count in counts.items())
    only_tests = all(split.startswith("test") for split in counts)
    return Problem(
        "GROUP-SPLITS",
        f"Its images are in several splits: {told}.",
        f"{table.path.name} group {group!r}",
        "Move it into one split, or set data.allow_group_overlap.",
        "warning" if only_tests else "error",
    )
