"""Open Images (Kuznetsova et al. 2020): CSV files of boxes, or of masks in PNG files."""

from collections.abc import Iterator
from os.path import isfile
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from lookright.data.drawings.drawing import UNIT, Drawing, Mark
from lookright.data.drawings.shapes import Box, Raster
from lookright.data.exchange.csv_rows import columns_of, read_rows
from lookright.data.exchange.export_files import export_files
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.links import file_of
from lookright.data.exchange.marked_rows import Layout, Size, drawings
from lookright.data.exchange.record import Record
from lookright.data.exchange.run_lengths import MOST_PIXELS, cropped
from lookright.data.images.decode import content, open_picture
from lookright.data.reading import Reading
from lookright.errors import DataError, Problem

_PLACE = ("XMin", "XMax", "YMin", "YMax")


class OpenImages(Importer):
    """Boxes in shares of the image's sides, or masks that a CSV file lists.

    Masks lie beside their CSV file, in `masks` beside it, or in the folder that `masks` names; they
    may be smaller or larger than their image. `classes` is the CSV file that gives /m/01g317 its
    name. `groups` says what a box around a whole group is.
    """

    def __init__(
        self,
        masks: str | None = None,
        classes: str | None = None,
        groups: Literal["evidence", "unknown"] = "evidence",
    ) -> None:
        self.masks = masks
        self.classes = classes
        self.groups: Literal["evidence", "unknown"] = groups

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per image, in the order of their first rows."""
        names = _names(Path(self.classes)) if self.classes else {}
        for file in export_files(path, ".csv"):
            columns = columns_of(file, file.name)
            if "MaskPath" in columns:
                yield from self._masks(file, names)
            elif set(_PLACE) & set(columns):
                yield from self._boxes(file, names, "IsGroupOf" in columns)
            elif file == path:
                what = f"There is neither XMin nor MaskPath among {', '.join(columns[:20])}."
                raise DataError(Problem("EXPORT-COLUMN", what, file.name))

    def _boxes(
        self, file: Path, names: dict[str, str], grouped: bool
    ) -> Iterator[Drawing | Problem]:
        def marks(row: Record, label: str) -> list[Mark]:
            """Make the box of a row."""
            left, right, top, bottom = (row.number(name) for name in _PLACE)
            is_group = grouped and row.fields["IsGroupOf"] == "1"
            role = self.groups if is_group else "evidence"
            return [Mark(Box(left, top, right, bottom), names.get(label, label), role)]

        yield from drawings(
            file, Layout("ImageID", _PLACE, "LabelName", None), UNIT, "unasked", marks
        )

    def _masks(self, file: Path, names: dict[str, str]) -> Iterator[Drawing | Problem]:
        images: dict[str, list[Record]] = {}
        for row in read_rows(file, file.name, ("ImageID", "MaskPath", "LabelName")):
            try:
                if isinstance(row, Problem):
                    raise DataError(row)
                images.setdefault(file_of(row.text("ImageID"), row.where), []).append(row)
            except DataError as error:
                yield from error.problems
        for image in list(images):
            yield from self._drawing(image, images.pop(image), names, file.parent)

    def _drawing(
        self, image: str, rows: list[Record], names: dict[str, str], folder: Path
    ) -> Iterator[Drawing | Problem]:
        problems: list[Problem] = []
        marks: list[Mark] = []
        sizes: list[Size] = []
        for row in rows:
            try:
                raster, size = _mask(self._file(row, folder), sizes[:1], row.where)
            except DataError as error:
                problems += error.problems
                continue
            sizes.append(size)
            label = str(row.fields["LabelName"])
            marks.append(Mark(raster, names.get(label, label)))
        if problems:
            yield from problems
        else:
            yield Drawing(image, sizes[0], tuple(marks), where=rows[0].where)

    def _file(self, row: Record, folder: Path) -> Path:
        name = PurePosixPath(file_of(row.text("MaskPath"), row.where)).name
        folders = [Path(self.masks)] if self.masks else [folder, folder / "masks"]
        found = next((each / name for each in folders if isfile(each / name)), None)
        if found is None:
            what = f"There is no mask {name!r}."
            raise DataError(Problem("FILE-MISSING", what, row.where, "Say where: masks=FOLDER."))
        return found


def _mask(file: Path, sizes: list[Size], where: str) -> tuple[Raster, Size]:
    reading = Reading(min_side=1, max_pixels=MOST_PIXELS)
    picture = open_picture(content(file, where), reading, where).picture
    if sizes and picture.size != sizes[0]:
        what = f"The mask has {picture.size[0]} x {picture.size[1]} pixels, another of the "
        what += f"same image {sizes[0][0]} x {sizes[0][1]}."
        raise DataError(Problem("MASK-SIZE", what, where))
    return cropped(np.asarray(picture.convert("L")) > 0), picture.size


def _names(file: Path) -> dict[str, str]:
    """Read `LabelName,DisplayName`, with or without a header."""
    names = columns_of(file, file.name)
    if len(names) != 2:
        what = f"Two columns are needed, a code and a name; there are {len(names)}."
        raise DataError(Problem("EXPORT-COLUMN", what, file.name))
    rows = [row for row in read_rows(file, file.name, names) if isinstance(row, Record)]
    pairs = [(str(row.fields[names[0]]), str(row.fields[names[1]])) for row in rows]
    return dict([(names[0], names[1]), *pairs])
