"""The rows of a CSV file, each by the names of its header and with its place in the file."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from lookright.data.exchange.record import Record
from lookright.errors import DataError, Problem
from lookright.names import suggestion

_LONGEST = 1 << 27  # characters of one cell: run lengths of a large mask


def read_rows(file: Path, where: str, needed: Iterable[str]) -> Iterator[Record | Problem]:
    """Yield the rows one by one; commas, semicolons or tabs stand between the cells.

    Raises DataError when the file is no table, or has not the needed columns. A row with too many
    cells or too few is yielded as a Problem; blank lines are passed over.
    """
    lines = _lines(file, where)
    first = next(lines, None)
    if first is None:
        raise DataError(Problem("EXPORT-EMPTY", "The file is empty.", where))
    header = [name.strip() for name in first[1]]
    _require(header, needed, where)
    for number, cells in lines:
        here = f"{where} line {number}"
        if len(cells) < len(header) or any(cells[len(header) :]):
            what = f"{len(cells)} cells where the header has {len(header)}."
            yield Problem("EXPORT-RAGGED", what, here)
        else:
            yield Record(dict(zip(header, cells, strict=False)), here)


def columns_of(file: Path, where: str) -> list[str]:
    """Return the names in the header."""
    return [name.strip() for name in next(_lines(file, where), (0, []))[1]]


def _lines(file: Path, where: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            start = stream.readline()
            stream.seek(0)
            separator = max(",;\t", key=start.count)
            lines = csv.reader(stream, delimiter=separator, strict=True)
            for cells in lines:
                if any(cells):
                    yield lines.line_num, cells
    except csv.Error as error:
        raise DataError(Problem("EXPORT-CSV", f"Not CSV: {error}.", where)) from error
    except UnicodeError:
        what, fix = "This is not UTF-8.", "Save the file as UTF-8."
        raise DataError(Problem("EXPORT-CSV", what, where, fix)) from None


def _require(header: list[str], needed: Iterable[str], where: str) -> None:
    problems = [
        Problem("EXPORT-COLUMN", f"There is no column {name!r}.", where, suggestion(name, header))
        for name in needed
        if name not in header
    ]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    problems += [
        Problem("EXPORT-COLUMN", f"Two columns are named {name!r}.", where) for name in twice
    ]
    if problems:
        raise DataError(*problems)
