"""The radiologists' boxes of ChestX-ray14 (Wang et al. 2017): BBox_List_2017.csv."""

from collections.abc import Iterator
from pathlib import Path

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Box
from lookright.data.exchange.export_files import export_files
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.marked_rows import Layout, drawings
from lookright.data.exchange.record import Record
from lookright.errors import Problem

_PLACE = ("Bbox [x", "y", "w", "h]")  # one heading, taken apart by its commas
_SIZE = (1024, 1024)


class NihBoxes(Importer):
    """BBox_List_2017.csv of ChestX-ray14: left, top, width, height on the originals of 1024 pixels.

    984 boxes of 8 findings on 880 images. Images of another size are scaled to. The list names
    images with boxes only: of all others it says nothing.
    """

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per image."""
        layout = Layout("Image Index", _PLACE, "Finding Label", None)
        for file in export_files(path, ".csv"):
            yield from drawings(file, layout, _SIZE, "unasked", _box)


def _box(row: Record, label: str) -> list[Mark]:
    left, top, width, height = (row.number(name) for name in _PLACE)
    return [Mark(Box(left, top, left + width, top + height), label)]
