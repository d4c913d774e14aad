"""A CSV file of points that people set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from lookright.data.drawings.drawing import UNIT, Drawing, Mark
from lookright.data.drawings.shapes import Point
from lookright.data.exchange.export_files import export_files
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.marked_rows import Layout, Sides, Unmarked, drawings
from lookright.data.exchange.record import Record
from lookright.errors import ConfigError, Problem
from lookright.settings import Weight


class Points(Importer):
    """Points in a CSV file, one per row: discs of `radius` pixels, or the one pixel they lie in.

    The corner of the picture is (0, 0); a tool that numbers pixels, so that whole numbers are their
    centres, is told by `centres`: from 0 or from 1. Pixels are those of the image file, or of a
    picture of `size`, and so is the radius. Normalised points have one pixel each. A row without a
    point is passed over; with `unmarked="empty"` somebody found nothing.
    """

    def __init__(
        self,
        x: str = "x",
        y: str = "y",
        radius: Weight = 0.0,
        units: Literal["pixels", "normalised"] = "pixels",
        centres: Literal[0, 1] | None = None,
        image: str = "image",
        label: str | None = None,
        annotator: str | None = None,
        size: Sides = None,
        unmarked: Unmarked = "unasked",
    ) -> None:
        if units == "normalised" and (radius or centres is not None or size):
            what = "Normalised points know no pixels: no radius, centres or size."
            raise ConfigError(Problem("CONFIG-VALUE", what, "points"))
        self.layout = Layout(image, (x, y), label, annotator)
        self.radius = radius
        self.unmarked: Unmarked = unmarked
        self.size = UNIT if units == "normalised" else size
        self.shift = 0.0 if centres is None else 0.5 - centres

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per image and annotator, in the order of their first rows."""
        for file in export_files(path, ".csv", ".tsv"):
            yield from drawings(file, self.layout, self.size, self.unmarked, self._marks)

    def _marks(self, row: Record, label: str) -> list[Mark]:
        x, y = (row.number(name) for name in self.layout.place)
        return [Mark(Point(x + self.shift, y + self.shift, self.radius), label)]
