"""The files of an eye tracker's export, as tables of text."""

import csv
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lookright.data.parquet import read_parquet
from lookright.errors import DataError, Problem

ENDINGS = (".csv", ".tsv", ".txt", ".parquet")
MOST_BYTES = 4_000_000_000  # of one file


@dataclass(frozen=True)
class Table:
    """One file of an export."""

    rows: pl.DataFrame  # text from CSV, typed from Parquet
    name: str  # which image it is about, if its rows do not say
    where: str  # for messages
    decimal_comma: bool = False
    notes: tuple[Problem, ...] = ()


def read_export(path: Path) -> list[Table]:
    """Read the table, or every table below a folder; raises DataError when there is none."""
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.suffix.lower() in ENDINGS)
        files = [each for each in files if each.is_file() and not each.name.startswith(".")]
        if not files:
            what = f"There is no {' or '.join(ENDINGS)} file in this folder."
            raise DataError(Problem("EXPORT-EMPTY", what, str(path)))
        same = len(files) > 1 and len({each.stem for each in files}) == 1
        return [
            _read(each, each.parent.name if same else each.stem, str(each.relative_to(path)))
            for each in files
        ]
    if not path.is_file():
        raise DataError(Problem("FILE-MISSING", "There is no such file or folder.", str(path)))
    return [_read(path, path.stem, path.name)]


def parse(data: bytes, name: str, where: str) -> Table:
    """Read the bytes of a CSV table with commas, semicolons or tabs."""
    text = _decoded(data, where)
    header, _, rest = text.partition("\n")
    separator = max((",", ";", "\t"), key=header.count)
    names = _names(header.strip("\r"), separator, where)
    repeated = sorted({each for each in names if names.count(each) > 1})
    if repeated:
        what = f"More than one column is called {', '.join(map(repr, repeated))}."
        raise DataError(Problem("GAZE-COLUMN", what, where))
    if not rest.strip():
        return Table(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), name, where)
    try:
        rows = pl.read_csv(text.encode(), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        first = str(error).partition("\n")[0]
        problem = Problem("GAZE-TABLE", f"This is no CSV table: {first}", where)
        raise DataError(problem) from error
    return Table(rows, name, where, decimal_comma=separator == ";")


def _names(header: str, separator: str, where: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=separator), [])
    except csv.Error as error:
        what = f"The header is no line of a CSV table: {error}."
        fix = "End every line with a line feed."
        raise DataError(Problem("GAZE-TABLE", what, where, fix)) from error


def _read(file: Path, name: str, where: str) -> Table:
    size = file.stat().st_size
    if size > MOST_BYTES:
        what = f"The file has {size:,} bytes; {MOST_BYTES:,} is the most."
        raise DataError(Problem("GAZE-TABLE", what, where, "Divide it."))
    if file.suffix.lower() == ".parquet":
        return Table(read_parquet(file), name, where)
    return parse(file.read_bytes(), name, where)


def _decoded(data: bytes, where: str) -> str:
    if not data.strip():
        raise DataError(Problem("GAZE-EMPTY", "The file is empty.", where))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fix = "Save the table as UTF-8."
        raise DataError(Problem("GAZE-TABLE", "This is not UTF-8.", where, fix)) from error
    if "\0" in text:
        raise DataError(Problem("GAZE-TABLE", "There is a NUL character.", where))
    return text
