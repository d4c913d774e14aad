"""Folders of masks: pictures of the same names as the images, binary, soft, or of class numbers."""

from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.drawn import DrawnMap, Size
from lookright.data.drawings.shapes import Raster
from lookright.data.exchange.importer import Importer
from lookright.data.folders import files_below, is_image
from lookright.data.images.decode import content, open_picture
from lookright.data.images.formats import recognise
from lookright.data.maps import map_values
from lookright.data.reading import MaskChannel, Reading
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem


class Masks(Importer):
    """Reads a folder whose files are named as the images are, whatever their endings.

    `kind: map` reads {0, 1}, {0, 255} and soft maps; `kind: index` takes every value but
    `background` for a class, named by `names` ({1: lung, 2: heart}) or by its number. Folders
    below mirror those of the images, or name annotators, or name labels. What a mask's name has
    at its end and its image's has not is the `suffix`.
    """

    def __init__(
        self,
        kind: Literal["map", "index"] = "map",
        folders: Literal["images", "annotators", "labels"] = "images",
        suffix: str | None = None,
        channel: MaskChannel | None = None,
        names: dict[str, str] | None = None,
        background: int = 0,
        unknown: int | None = None,
    ) -> None:
        self.kind = kind
        self.folders = folders
        self.suffix = suffix or ""
        self.channel: MaskChannel | None = channel
        self.names = names or {}
        self.background = background
        self.unknown = unknown

    def read(self, path: Path) -> Iterator[Drawing | DrawnMap | Problem]:
        """Yield the masks below a folder, by their names."""
        if not path.is_dir():
            fix = "Name the folder that holds the masks."
            raise DataError(Problem("FOLDER-MISSING", "This is no folder.", str(path), fix))
        ignored = [each for each in files_below(path) if not is_image(each)]
        for file in ignored:
            what, where = "It is no picture and was left out.", file.relative_to(path).as_posix()
            yield Problem("MASK-IGNORED", what, where, level="notice")
        for file in files_below(path):
            if is_image(file):
                try:
                    yield from self._file(file, file.relative_to(path).as_posix())
                except DataError as error:
                    yield from error.problems

    def _file(self, file: Path, where: str) -> Iterator[Drawing | DrawnMap | Problem]:
        plain = Path(where).with_suffix("")
        if not plain.name.endswith(self.suffix):
            what = f"The name does not end in {self.suffix!r}: left out."
            yield Problem("MASK-IGNORED", what, where, level="notice")
            return
        stem = plain.with_name(plain.name.removesuffix(self.suffix)).as_posix()
        first, _, rest = stem.partition("/")
        if self.folders != "images" and not rest:
            what = f"The file is in no folder that could name its {self.folders[:-1]}."
            raise DataError(Problem("MASK-FOLDER", what, where, "Set folders=images."))
        image = stem if self.folders == "images" else rest
        annotator = first if self.folders == "annotators" else ""
        label = first if self.folders == "labels" else ""
        data = content(file, where)
        if self.kind == "index" or label:
            yield self._marks(data, image, annotator, label, where)
            return
        if recognise(data) == "JPEG":
            what = "A JPEG blurs the edges of a mask; it is cut at one half."
            yield Problem("MASK-JPEG", what, where, level="warning")
        render = partial(_rendered, file, self.channel, where)
        key = blake2b(data, digest_size=16).hexdigest() + str(self.channel)
        yield DrawnMap(image, None, render, key, annotator, where=where)

    def _marks(self, data: bytes, image: str, annotator: str, label: str, where: str) -> Drawing:
        if self.kind == "map":
            values, _ = map_values(data, Reading(mask_channel=self.channel), where)
            marks = tuple(_mark(values >= 0.5, label))
        else:
            numbers = _numbers(data, where)
            found = [each for each in np.unique(numbers).tolist() if each != self.background]
            marks = tuple(each for number in found for each in self._class(numbers, number, label))
            values = numbers
        height, width = values.shape
        return Drawing(image, (width, height), marks, annotator, where=where)

    def _class(self, numbers: np.ndarray, number: int, label: str) -> list[Mark]:
        name = label or self.names.get(str(number), str(number))
        role = "unknown" if number == self.unknown else "evidence"
        return [Mark(each.shape, name, role) for each in _mark(numbers == number, name)]


def _rendered(file: Path, channel: MaskChannel | None, where: str, size: Size) -> Evidence:
    reading = Reading(mask_channel=channel)
    try:
        return map_values(content(file, where), reading, where)[0]
    except DataError as error:
        raise DataError(*(_advised(each) for each in error.problems)) from error


def _advised(problem: Problem) -> Problem:
    if problem.code != "MASK-VALUES":
        return problem
    fix = "If the values are class numbers, set kind=index and choose with --keep."
    return Problem(problem.code, problem.what, problem.where, fix)


def _numbers(data: bytes, where: str) -> np.ndarray:
    picture = open_picture(data, Reading(min_side=1), where).picture
    if picture.mode not in ("P", "L", "1") and not picture.mode.startswith("I"):
        what = f"A picture of class numbers has one channel of whole numbers, not {picture.mode}."
        raise DataError(Problem("MASK-CHANNEL", what, where))
    return np.asarray(picture).astype(np.int32)


def _mark(cells: np.ndarray, label: str) -> list[Mark]:
    """Mark the pixels of a mask, cut down to the part that holds them."""
    rows, cols = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(cols[0])
    part = cells[top : rows[-1] + 1, left : cols[-1] + 1].copy()
    return [Mark(Raster(part, left, top), label)]
