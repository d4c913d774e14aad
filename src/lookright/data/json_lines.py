"""A manifest as JSON Lines: one flat object per line, strictly."""

from pathlib import Path

import numpy as np
import polars as pl

from lookright.data.exchange.strict_json import parse_json
from lookright.errors import DataError, Problem


def read_json_lines(path: Path) -> tuple[pl.DataFrame, np.ndarray]:
    """Read the rows as text, and the line on which each stands; blank lines are passed over.

    Numbers and true or false become the text that was written; null becomes nothing. Raises
    DataError with every line that is no flat object: a key twice, NaN, a trailing comma.
    """
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    problems: list[Problem] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip(b"\xef\xbb\xbf \t"):
            continue
        where = f"{path.name} row {number}"
        try:
            rows.append(_flat(line, where))
            numbers.append(number)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(*problems)
    if not rows:
        raise DataError(Problem("MANIFEST-EMPTY", "The manifest has no rows.", path.name))
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String)), np.array(numbers)


def _flat(line: bytes, where: str) -> dict[str, str | None]:
    given = parse_json(line, where)
    if not isinstance(given, dict):
        what = 'A line is one object: {"image": ..., "label": ...}.'
        raise DataError(Problem("MANIFEST-JSON", what, where))
    nested = [name for name, value in given.items() if isinstance(value, dict | list)]
    if nested:
        what = f"{nested[0]!r} holds a list or an object, not one value."
        raise DataError(Problem("MANIFEST-TYPE", what, where))
    return {name: _text(value) for name, value in given.items()}


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)
