"""Which class each image of an import has: from a table, its folder, the tool, or the marks."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import polars as pl

from lookright.data.folders import SPLITS
from lookright.data.importing.joining import Pictures
from lookright.data.importing.tally import Tally
from lookright.data.reading import is_split
from lookright.data.table import Table, read_table
from lookright.errors import DataError, Problem

LabelFrom = Literal["table", "export", "folder", "marks"]
LABELS_FROM: tuple[LabelFrom, ...] = ("table", "export", "folder", "marks")
_HOW = "Choose with --label-from folder, marks, export or table (with --labels TABLE)."


@dataclass
class Words:
    """The classes that a tool's export has for one image."""

    labels: set[str] = field(default_factory=set)  # of the whole image
    drawn: set[str] = field(default_factory=set)  # of its marks


def choose(table: Path | None, words: Iterable[Words], pictures: Pictures) -> LabelFrom:
    """Choose where labels are from when nobody said so."""
    if table:
        return "table"
    if any(each.labels for each in words):
        return "export"
    folders = {os.path.dirname(path) for path in pictures.paths}
    return "folder" if len(folders) > 1 or "" not in folders else "marks"


def from_words(
    words: Mapping[str, Words], kind: Literal["export", "marks"], unmarked: str, tally: Tally
) -> pl.DataFrame:
    """Label the images of an export by what it calls them, or by what is marked on them.

    By marks, an image that nothing is marked on has the label `unmarked`.
    """
    rows = []
    for image, each in words.items():
        found = each.labels if kind == "export" else each.drawn or {unmarked}
        if len(found) == 1 and "" not in found:
            rows.append((image, *found))
            continue
        several = ", ".join(sorted(found)) if found - {""} else ""
        what = f"It has several labels: {several}." if several else "It has no label."
        code = "LABEL-SEVERAL" if several else "LABEL-NONE"
        tally.add([Problem(code, what, image, f"Keep one with --keep. {_HOW}")])
    return pl.DataFrame(rows, ["image", "label"], orient="row")


def from_folders(pictures: Pictures, tally: Tally) -> pl.DataFrame:
    """Label every image by the folder it is in; a folder above named as a split is the split."""
    rows = []
    for path in pictures.paths:
        parents = PurePosixPath(path).parts[:-1]
        if not parents:
            what = "The image is in no folder that could name its class."
            tally.add([Problem("LABEL-NONE", what, path, _HOW)])
            continue
        named = [SPLITS.get(each.lower(), each.lower()) for each in parents[:-1]]
        rows.append((path, parents[-1], next(filter(is_split, named), "")))
    found = pl.DataFrame(rows, ["image", "label", "split"], orient="row")
    return found if (found["split"] != "").any() else found.drop("split")


def from_table(path: Path, pictures: Pictures, tally: Tally) -> pl.DataFrame:
    """Read labels and other columns from a table with `image` or `id`, joined to the images."""
    table = read_table(path, required=("label",))
    column = "image" if "image" in table.rows.columns else "id"
    if column not in table.rows.columns:
        what = "There is no column 'image' or 'id' that says which image a row is about."
        raise DataError(Problem("MANIFEST-COLUMN", what, path.name))
    if "mask" in table.rows.columns and (table.rows["mask"] != "").any():
        what = "The table has masks already."
        fix = "Leave its column 'mask' out: the import writes it."
        raise DataError(Problem("LABELS-MASK", what, path.name, fix))
    found = _joined(table, column, pictures, tally)
    rows = table.rows.with_columns(pl.Series("image", found, dtype=pl.String))
    own = [name for name in ("mask", "unknown") if name in rows.columns]
    return rows.filter(pl.col("image").is_not_null()).drop(own)


def _joined(table: Table, column: str, pictures: Pictures, tally: Tally) -> Sequence[str | None]:
    found: list[str | None] = []
    first: dict[str, str] = {}
    for index, name in enumerate(table.rows[column]):
        joined, where = pictures.find(name), table.where(index)
        if isinstance(joined, Problem):
            level, what = joined.level, joined.what
            code = "LABEL-ABSENT" if joined.code == "JOIN-ABSENT" else joined.code
            tally.add([Problem(code, what, where, joined.fix, level)])
            found.append(None)
            continue
        if joined.path in first:
            what = f"{name!r} is the same image as in {first[joined.path]}: {joined.path!r}."
            tally.add([Problem("JOIN-TWICE", what, where)])
        first.setdefault(joined.path, where)
        found.append(joined.path)
    return found
