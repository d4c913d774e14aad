"""A CSV file of boxes, whatever its columns are called."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from lookright.data.drawings.drawing import UNIT, Drawing, Mark
from lookright.data.drawings.shapes import Box
from lookright.data.exchange.export_files import export_files
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.marked_rows import Layout, Sides, Unmarked, drawings
from lookright.data.exchange.numerals import number
from lookright.data.exchange.record import Record
from lookright.errors import ConfigError, DataError, Problem
from lookright.section import Words


class Boxes(Importer):
    """Boxes in a CSV file: one per row in four columns, or all of an image in one cell.

    `columns` are the four in the order of `form`: left, top, width, height (xywh); left, top,
    right, bottom (xyxy); or centre, width, height (cxcywh). One column holds cells such as
    `mass:188,186,67,57;nodule:20,30,9,9`, whose labels may be left out. Pixels are those of the
    image file, or of a picture of `size`, or of the sizes in the columns `size_columns`. With
    first = 1 the first pixel has the number 1; with `inclusive` right and bottom are the last
    pixel. A row without a box is passed over; with `unmarked="empty"` somebody found nothing.
    """

    def __init__(
        self,
        columns: Words = ("x", "y", "width", "height"),
        form: Literal["xywh", "xyxy", "cxcywh"] = "xywh",
        units: Literal["pixels", "normalised"] = "pixels",
        image: str = "image",
        label: str | None = None,
        annotator: str | None = None,
        size: Sides = None,
        size_columns: Words | None = None,
        first: Literal[0, 1] = 0,
        inclusive: bool = False,
        unmarked: Unmarked = "unasked",
    ) -> None:
        if len(columns) not in (1, 4):
            what = f"Got {len(columns)} columns, expected 4, or 1 that holds whole boxes."
            raise ConfigError(Problem("CONFIG-VALUE", what, "boxes.columns"))
        if size_columns and len(size_columns) != 2:
            what = f"Got {len(size_columns)} columns, expected width and height."
            raise ConfigError(Problem("CONFIG-VALUE", what, "boxes.size_columns"))
        self.columns, self.form, self.units = columns, form, units
        self.layout = Layout(image, columns, label, annotator, size_columns)
        self.size = UNIT if units == "normalised" else size
        self.first, self.inclusive = first, inclusive
        self.unmarked: Unmarked = unmarked

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per image and annotator, in the order of their first rows."""
        for file in export_files(path, ".csv", ".tsv"):
            yield from drawings(file, self.layout, self.size, self.unmarked, self._marks)

    def _marks(self, row: Record, label: str) -> list[Mark]:
        if len(self.columns) == 4:
            return [Mark(self._box([row.number(name) for name in self.columns]), label)]
        cell = str(row.fields[self.columns[0]])
        entries = [each.strip() for each in re.split("[;|]", cell) if each.strip()]
        return [self._entry(each, label, row.where) for each in entries]

    def _entry(self, entry: str, label: str, where: str) -> Mark:
        name, colon, values = entry.rpartition(":")
        parts = values.replace(",", " ").split()
        if len(parts) != 4:
            what = f"{entry[:60]!r} is no box: four numbers are."
            raise DataError(Problem("EXPORT-FIELD", what, where))
        box = self._box([number(each, self.columns[0], where) for each in parts])
        return Mark(box, name.strip() if colon else label)

    def _box(self, values: list[float]) -> Box:
        x, y = values[0] - self.first, values[1] - self.first
        last = 1 if self.inclusive else 0
        if self.form == "xyxy":
            return Box(x, y, values[2] - self.first + last, values[3] - self.first + last)
        width, height = values[2:]
        if self.form == "cxcywh":
            x, y = x - width / 2, y - height / 2
        return Box(x, y, x + width, y + height)
