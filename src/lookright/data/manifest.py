"""A data set described by a table: one row per image, paths relative to the table's folder."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from lookright.data import paths, rules
from lookright.data.images.decode import content, decode
from lookright.data.images.decoded import Decoded
from lookright.data.lock import FIX_CHANGED, differs
from lookright.data.maps import read_map
from lookright.data.reading import Reading
from lookright.data.sample import Sample, Unknown
from lookright.data.source import Source
from lookright.data.table import LOCKS, Table, read_table
from lookright.errors import DataError, Problem


@dataclass(frozen=True)
class Verified:
    """The rows that a table turned out to hold, and everything that is wrong with them."""

    rows: pl.DataFrame
    problems: tuple[Problem, ...]
    sizes: dict[str, tuple[int, int]]  # of every file that is there: bytes, time of change


class Manifest(Source):
    """Images and maps in files, named by the rows of a CSV or Parquet table.

    Raises DataError with every offending row: paths that leave the folder or lead nowhere, ids
    twice, labels or splits that are none, and groups in two splits unless that is allowed. A test
    set may lack a class (`forgiven`, codes of problems).
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str] | None = None,
        reading: Reading | None = None,
        allow_group_overlap: bool = False,
        forgiven: Sequence[str] = (),
    ) -> None:
        table = read_table(Path(path))
        verified = verify(table, classes, allow_group_overlap)
        errors = [
            each
            for each in verified.problems
            if each.level == "error" and each.code not in forgiven
        ]
        if errors:
            raise DataError(*errors)
        self.root = table.root
        self.reading = reading or Reading()
        self.rows = verified.rows
        self.classes = tuple(classes or sorted(verified.rows["label"].unique()))
        remarks = (each for each in verified.problems if each.level != "error")
        self.notices = (*table.notices, *remarks)
        self._sizes = verified.sizes
        self.fingerprint = _fingerprint(self)

    def sample(self, index: int) -> Sample:
        """Read one image and its map; raises DataError that names the row's id."""
        row = self.rows.row(index, named=True)
        try:
            data = self._unchanged(row, "image")
            image = decode(data, self.reading.of_row(row), row["image"])
            if not row["mask"]:
                return Sample(image.pixels, None)
            mask = self._unchanged(row, "mask")
            read = read_map(mask, self.reading, image, row["mask"])
            return Sample(image.pixels, read.map, self._unknown(row, image))
        except DataError as error:
            raise DataError(*(_named(row["id"], each) for each in error.problems)) from error

    def _unknown(self, row: dict[str, str], image: Decoded) -> Unknown | None:
        path = row.get("unknown", "")
        if not path:
            return None
        reading = replace(self.reading, empty_mask="background")
        read = read_map(self._unchanged(row, "unknown"), reading, image, path)
        return None if read.map is None else read.map >= 0.5

    def _unchanged(self, row: dict[str, str], column: str) -> bytes:
        path = row[column]
        file = self.root / path
        data = content(file, path)
        if (len(data), os.stat(file).st_mtime_ns) != self._sizes[path]:
            what = "The file has changed since the data set was opened."
            raise DataError(Problem("IMG-CHANGED", what, path, "Start again."))
        if differs(data, row.get(LOCKS[column], "")):
            what = f"The file is not the one whose {LOCKS[column]} the manifest names."
            code = "IMG-HASH" if column == "image" else "MASK-HASH"
            raise DataError(Problem(code, what, path, FIX_CHANGED))
        return data


def read_manifest(
    path: Path,
    classes: Sequence[str] | None = None,
    reading: Reading | None = None,
    allow_group_overlap: bool = False,
) -> Manifest:
    """Open the data set that a table describes; see `Manifest`."""
    return Manifest(path, classes, reading, allow_group_overlap)


def verify(table: Table, classes: Sequence[str] | None, allow_group_overlap: bool) -> Verified:
    """Hold the rows against every rule, and look for their files."""
    weights, wrong_weights = rules.weights(table)
    rows = completed(table.rows).with_columns(weights)
    overlap = rules.groups_in_two_splits(table)
    if allow_group_overlap:
        overlap = [replace(each, level="warning") for each in overlap]
    broken, sizes = _files(table, rows)
    return Verified(
        rows,
        (
            *rules.duplicate_ids(table),
            *rules.labels(table, classes),
            *rules.splits(table),
            *wrong_weights,
            *rules.windows(table),
            *rules.unknown_alone(rows, table),
            *broken,
            *rules.repeated_images(table),
            *overlap,
        ),
        sizes,
    )


def completed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that every source has: id, split, mask and annotated."""
    names = rows.columns
    given = [pl.lit("").alias(name) for name in ("split", "mask") if name not in names]
    rows = rows.with_columns(given)
    if "id" not in names:
        rows = rows.with_columns(pl.col("image").alias("id"))
    return rows.with_columns((pl.col("mask") != "").alias("annotated"))


def _files(table: Table, rows: pl.DataFrame) -> tuple[list[Problem], dict[str, tuple[int, int]]]:
    problems = [
        Problem("IMG-MISSING", "There is no image.", table.where(index))
        for index in (rows["image"] == "").arg_true()
    ]
    sizes: dict[str, tuple[int, int]] = {}
    for column in [name for name in ("image", "mask", "unknown") if name in rows.columns]:
        cells = rows[column]
        refused = paths.forbidden(cells)
        problems += [replace(problem, where=table.where(index)) for index, problem in refused]
        wrong = {cells[index] for index, _ in refused} | {""}
        located = paths.locate(cells.filter(~cells.is_in(list(wrong))), table.root)
        sizes |= located.sizes
        for index in cells.is_in(list(located.problems)).arg_true():
            problem = located.problems[cells[index]]
            problems.append(replace(problem, where=f"{table.where(index)}, {column}"))
    return problems, sizes


def _named(name: str, problem: Problem) -> Problem:
    where = problem.where if problem.where == name else f"{name} ({problem.where})"
    return replace(problem, where=where)


def _fingerprint(manifest: Manifest) -> str:
    digest = hashlib.sha256(repr((manifest.classes, manifest.reading)).encode())
    # Locking pins what is there and changes nothing.
    rows = manifest.rows.select(sorted({*manifest.rows.columns} - {*LOCKS.values()}))
    digest.update(rows.write_csv().encode())
    sizes = (f"{path}:{size}" for path, (size, _) in sorted(manifest._sizes.items()))
    digest.update("\n".join(sizes).encode())
    return digest.hexdigest()
