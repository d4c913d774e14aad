"""A manifest's table as text: CSV or Parquet in, strings out, whatever they look like."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import polars as pl

from lookright.data.json_lines import read_json_lines
from lookright.data.parquet import read_parquet
from lookright.data.reading import WINDOW
from lookright.errors import DataError, Problem

REQUIRED = ("image", "label")
LOCKS = {"image": "sha256", "mask": "mask_sha256", "unknown": "unknown_sha256"}  # of each file
OPTIONAL = ("id", "split", "mask", "unknown", "group", "source", "weight", *WINDOW)
OPTIONAL += tuple(LOCKS.values())
_NUMERIC = ("weight", *WINDOW)  # may be numbers in Parquet
_TEXTUAL = (pl.String, pl.Categorical, pl.Enum, pl.Null)
LONGEST_CELL = 65_536  # bytes, in the columns that lookright reads
_LONGEST_FIELD = 131_072  # characters, in any column; the csv module's limit is anybody's to move


@dataclass(frozen=True)
class Table:
    """The rows as they were written, and where each of them stands in the file."""

    path: Path
    rows: pl.DataFrame  # known columns are strings without nulls; others as they came
    numbers: np.ndarray  # the row's number as a spreadsheet shows it (Parquet: from 1)
    notices: tuple[Problem, ...] = ()

    @property
    def root(self) -> Path:
        """The folder that every path of the table is relative to."""
        return self.path.parent

    def where(self, index: int) -> str:
        """Say where a row stands, for messages."""
        return f"{self.path.name} row {self.numbers[index]}"


def read_table(path: Path, required: Sequence[str] = REQUIRED) -> Table:
    """Read the table of a manifest; raises DataError when it is no table with image and label."""
    if not path.is_file():
        raise DataError(Problem("MANIFEST-MISSING", "There is no such manifest.", str(path)))
    rows, numbers, notices = _READERS.get(path.suffix.lower(), _read_csv)(path)
    _require_columns(path, rows.columns, required)
    if not len(rows):
        raise DataError(Problem("MANIFEST-EMPTY", "The manifest has no rows.", path.name))
    known = [name for name in (*REQUIRED, *OPTIONAL) if name in rows.columns]
    rows = rows.with_columns(_text(path, rows[name]) for name in known)
    return Table(path, rows, numbers, (*notices, *_near_misses(path, rows.columns)))


def _read_csv(path: Path) -> tuple[pl.DataFrame, np.ndarray, list[Problem]]:
    data = path.read_bytes()
    if not data.strip(b"\xef\xbb\xbf \r\n\t"):
        raise DataError(Problem("MANIFEST-EMPTY", "The manifest is empty.", path.name))
    _require_utf8(path, data)
    separator, notices = _separator(path, data)
    blank, count = _verify_lines(path, data, separator)
    try:
        rows = pl.read_csv(data, separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(Problem("MANIFEST-CSV", f"Not a CSV table: {error}.", path.name)) from error
    if len(rows) == count:  # blank lines came as rows without anything
        rows = rows.filter(~pl.Series(np.isin(np.arange(count), blank), dtype=pl.Boolean))
    if len(rows) == count - len(blank):
        numbers = np.delete(np.arange(2, count + 2), blank)
    else:
        what = f"Its quotes are ambiguous: {len(rows)} or {count} rows."
        raise DataError(Problem("MANIFEST-CSV", what, path.name, "Quote cells by doubling quotes."))
    return rows, numbers, notices


def _require_utf8(path: Path, data: bytes) -> None:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        what, fix = "The file is UTF-16.", "Save it as UTF-8 (in Excel: 'CSV UTF-8')."
        raise DataError(Problem("MANIFEST-ENCODING", what, path.name, fix))
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        what = "There is a NUL character."
        raise DataError(Problem("MANIFEST-NUL", what, f"{path.name} line {line}"))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = "This is not UTF-8; it looks like Latin-1 or a Windows code page."
        fix = "Save the file as UTF-8."
        problem = Problem("MANIFEST-ENCODING", what, f"{path.name} line {line}", fix)
        raise DataError(problem) from None


def _separator(path: Path, data: bytes) -> tuple[str, list[Problem]]:
    header = data[: data.find(b"\n") % (len(data) + 1)]
    found = max((",", ";", "\t"), key=lambda each: header.count(each.encode()))
    if found == "," or not header.count(found.encode()):
        return ",", []
    what = f"Read with {'semicolons' if found == ';' else 'tabs'} between the columns."
    return found, [Problem("MANIFEST-SEPARATOR", what, path.name, level="notice")]


def _verify_lines(path: Path, data: bytes, separator: str) -> tuple[list[int], int]:
    """Return the indices of blank lines and the number of lines below the header."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    lines = csv.reader(text, delimiter=separator, strict=True)
    blank: list[int] = []
    problems: list[Problem] = []
    count = 0
    try:
        header = next(lines, [])
        width = len(header)
        for count, cells in enumerate(lines, start=1):
            if cells and max(map(len, cells)) > _LONGEST_FIELD:
                raise csv.Error(f"a cell has more than {_LONGEST_FIELD} characters")
            if len(cells) == width:
                continue
            if not cells:
                blank.append(count - 1)
                continue
            what = f"{len(cells)} cells where the header has {width}."
            problems.append(Problem("MANIFEST-RAGGED", what, f"{path.name} line {lines.line_num}"))
    except csv.Error as error:
        where = f"{path.name} line {lines.line_num}"
        raise DataError(Problem("MANIFEST-CSV", f"Not CSV: {error}.", where)) from error
    for name in sorted({name for name in header if header.count(name) > 1}):
        problems.append(Problem("MANIFEST-COLUMN", f"Two columns are named {name!r}.", path.name))
    if problems:
        raise DataError(*problems)
    return blank, count


def _read_parquet(path: Path) -> tuple[pl.DataFrame, np.ndarray, list[Problem]]:
    rows = read_parquet(path)
    return rows, np.arange(1, len(rows) + 1), []


def _read_lines(path: Path) -> tuple[pl.DataFrame, np.ndarray, list[Problem]]:
    return (*read_json_lines(path), [])


_READERS = {
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".jsonl": _read_lines,
    ".ndjson": _read_lines,
}


def _text(path: Path, column: pl.Series) -> pl.Series:
    kind = column.dtype
    is_number = kind.is_integer() or (kind.is_float() and column.name in _NUMERIC)
    if not (kind in _TEXTUAL or (is_number and column.name not in ("image", "mask"))):
        what = f"Column {column.name!r} holds {kind}, not text."
        raise DataError(Problem("MANIFEST-TYPE", what, path.name, "Store it as strings."))
    text = column.cast(pl.String)
    if (text.str.len_bytes().max() or 0) > LONGEST_CELL:  # type: ignore[operator]
        what = f"Column {column.name!r} has a cell of more than {LONGEST_CELL} bytes."
        raise DataError(Problem("MANIFEST-CELL", what, path.name))
    return text.fill_null("")


def _require_columns(path: Path, columns: list[str], required: Sequence[str]) -> None:
    where = path.name
    problems = [
        Problem("MANIFEST-COLUMN", f"There is no column {name!r}.", where, _near(columns, name))
        for name in required
        if name not in columns
    ]
    if problems:
        raise DataError(*problems)


def _near(columns: list[str], wanted: str) -> str:
    near = get_close_matches(wanted, columns, n=1, cutoff=0.5)
    hint = f"Is it {near[0]!r}? " if near else ""
    return f"{hint}Columns are: {', '.join(columns)}."


def _near_misses(path: Path, columns: list[str]) -> list[Problem]:
    absent = [name for name in OPTIONAL if name not in columns]
    problems = []
    for column in columns:
        near = get_close_matches(column.strip().lower(), absent, n=1, cutoff=0.75)
        if near and column not in (*REQUIRED, *OPTIONAL):
            what = f"Column {column!r} is kept but not used."
            fix = f"Did you mean {near[0]!r}?"
            problems.append(Problem("MANIFEST-COLUMN", what, path.name, fix, level="notice"))
    return problems
