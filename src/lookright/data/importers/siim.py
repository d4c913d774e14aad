"""Run lengths in a CSV file, as in SIIM-ACR Pneumothorax (2019) and other competitions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Raster
from lookright.data.exchange.export_files import export_files
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.marked_rows import Layout, Sides, drawings
from lookright.data.exchange.numerals import wholes
from lookright.data.exchange.record import Record
from lookright.data.exchange.run_lengths import MOST_PIXELS, Counts, from_runs
from lookright.errors import DataError, Problem


class Siim(Importer):
    """Starts and lengths of runs, one mask per row: `ImageId, EncodedPixels`.

    -1 says that somebody looked and found nothing. Several rows of one image are parts of one
    drawing. SIIM counts each start from the end of the run before (`offsets="relative"`), from 0;
    most others count from the first pixel of the picture (`absolute`), which has the number 1.
    Pixels follow each other down the `columns`, or along the `rows`, of a picture of `size`.
    """

    def __init__(
        self,
        offsets: Literal["relative", "absolute"] = "relative",
        first: Literal[0, 1] | None = None,
        order: Literal["columns", "rows"] = "columns",
        size: Sides = (1024, 1024),
        image: str = "ImageId",
        runs: str = "EncodedPixels",
        label: str = "pneumothorax",
    ) -> None:
        self.offsets, self.order, self.label = offsets, order, label
        self.first = int(offsets == "absolute") if first is None else first
        self.size = size or (1024, 1024)
        self.layout = Layout(image, (runs,), None, None)

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per image, in the order of their first rows."""
        for file in export_files(path, ".csv"):
            yield from drawings(file, self.layout, self.size, "unasked", self._marks)

    def _marks(self, row: Record, label: str) -> list[Mark]:
        (name,) = self.layout.place
        words = str(row.fields[name]).split()
        if words == ["-1"]:
            return []
        numbers = wholes(words, name, row.where)
        if len(numbers) % 2:
            what = f"{name} has {len(numbers)} numbers; starts and lengths are pairs."
            raise DataError(Problem("MASK-RLE", what, row.where))
        try:
            return [Mark(self._raster(numbers[::2], numbers[1::2]), label or self.label)]
        except DataError as error:
            raise row.located(error) from None

    def _raster(self, starts: Counts, lengths: Counts) -> Raster:
        self._verify(np.abs(starts).max(initial=0) <= MOST_PIXELS)
        self._verify(lengths.min(initial=1) > 0 and lengths.max(initial=0) <= MOST_PIXELS)
        starts = starts - self.first
        if self.offsets == "relative":
            starts = np.cumsum(starts) + np.cumsum(lengths) - lengths
        ends = starts + lengths
        self._verify(starts.min(initial=0) >= 0 and (starts[1:] >= ends[:-1]).all())
        self._verify(ends.max(initial=0) <= self.size[0] * self.size[1])
        return from_runs(starts, lengths, self.size, by_rows=self.order == "rows")

    def _verify(self, fits: bool | np.bool) -> None:
        if fits:
            return
        what = f"The runs do not fit {self.size[0]} x {self.size[1]} pixels, counted from "
        what += "the end of the run before." if self.offsets == "relative" else "the first pixel."
        other = "absolute" if self.offsets == "relative" else "relative"
        fix = f"Try offsets={other}, or give the size of the pictures: size=WIDTH,HEIGHT."
        raise DataError(Problem("MASK-RLE", what, fix=fix))
