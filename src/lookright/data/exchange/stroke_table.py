"""Strokes in a CSV table, one row per point: image, stroke, x and y, in the order of drawing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from lookright.data.drawings.drawing import Drawing, Mark, Role
from lookright.data.drawings.shapes import Stroke
from lookright.data.exchange.csv_rows import read_rows
from lookright.data.exchange.record import Record
from lookright.errors import DataError, Problem
from lookright.names import suggestion

ROLES: tuple[Role, ...] = get_args(Role)
_NEEDED = ("image", "stroke", "x", "y")


@dataclass
class _Line:
    where: str
    role: Role
    label: str
    width: float
    points: list[tuple[float, float]] = field(default_factory=list)


def read_strokes(
    file: Path, width: float, rest: Literal["unknown", "not_evidence"]
) -> Iterator[Drawing | Problem]:
    """Yield one drawing per image and annotator; what nobody drew on is `rest`."""
    where = file.name
    sheets: dict[tuple[str, str], dict[str, _Line]] = {}
    for row in read_rows(file, where, _NEEDED):
        try:
            if isinstance(row, Problem):
                raise DataError(row)
            _add(sheets, row, width)
        except DataError as error:
            yield from error.problems
    for (image, annotator), lines in sheets.items():
        marks = tuple(_mark(line) for line in lines.values())
        first = next(iter(lines.values())).where
        yield Drawing(image, None, marks, annotator, where=first, ground=rest)


def _add(sheets: dict[tuple[str, str], dict[str, _Line]], row: Record, width: float) -> None:
    annotator = str(row.fields.get("annotator") or "").strip()
    role = str(row.fields.get("role") or "").strip() or "evidence"
    known: dict[str, Role] = {each: each for each in ROLES}
    if role not in known:
        what = f"The role is {role!r}."
        raise DataError(Problem("EXPORT-FIELD", what, row.where, suggestion(role, ROLES)))
    own = str(row.fields.get("width") or "").strip()
    line = _Line(
        row.where,
        known[role],
        str(row.fields.get("label") or "").strip(),
        row.number("width") if own else width,
    )
    # All of the row is read before any of it is kept: half a row would be an empty stroke.
    image, stroke, point = row.text("image"), row.key("stroke"), (row.number("x"), row.number("y"))
    line = sheets.setdefault((image, annotator), {}).setdefault(stroke, line)
    if line.role != role:
        what = f"The stroke is {role} here and {line.role} at {line.where}."
        raise DataError(Problem("EXPORT-FIELD", what, row.where))
    line.points.append(point)


def _mark(line: _Line) -> Mark:
    return Mark(Stroke(np.array(line.points), line.width), line.label, line.role)
