"""LabelMe: one JSON file beside each image."""

from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath
from typing import Any

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.exchange.export_files import export_files, said
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.labelme_shapes import shape_of
from lookright.data.exchange.links import file_of
from lookright.data.exchange.record import Record, as_record
from lookright.data.exchange.strict_json import read_json
from lookright.errors import DataError, Problem
from lookright.settings import Positive, Weight


class Labelme(Importer):
    """LabelMe JSON: polygon, rectangle, circle, line, linestrip, point and mask.

    A file or a folder of them. Flags of the image that are set are its classes. The picture that a
    file may embed is never read: shapes are joined with the image file that it names, and its size
    must be what the file says. Files written before LabelMe turned images upright by their EXIF
    orientation fail there, unless the image is square.
    """

    def __init__(self, line_width: Positive = 1.0, point_radius: Weight = 0.0) -> None:
        self.line_width, self.point_radius = line_width, point_radius  # pixels

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per file, sorted by path."""
        for file in export_files(path, ".json"):
            where = said(file, path)
            folder = file.relative_to(path).parent.as_posix() if path.is_dir() else ""
            try:
                found = as_record(read_json(file, where, _without_picture), where)
                yield self._drawing(found, folder)
            except DataError as error:
                yield from error.problems

    def _drawing(self, file: Record, folder: str) -> Drawing:
        if "shapes" not in file:
            fix = "Is it a LabelMe file?"
            raise DataError(Problem("EXPORT-FORMAT", "There is no 'shapes'.", file.where, fix))
        problems: list[Problem] = []
        marks: list[Mark] = []
        image, size = "", None
        try:
            size = _size(file)
            image = file_of(_seen_from_export(file.text("imagePath"), folder), file.where)
        except DataError as error:
            problems += error.problems
        for number, entry in enumerate(file.list("shapes"), start=1):
            try:
                marks.append(self._mark(as_record(entry, f"{file.where}, shape {number}")))
            except DataError as error:
                problems += error.problems
        if problems:
            raise DataError(*problems)
        return Drawing(image, size, tuple(marks), labels=_flags(file), where=file.where)

    def _mark(self, entry: Record) -> Mark:
        label = entry.key("label") if entry.fields.get("label") else ""
        return Mark(shape_of(entry, self.line_width, self.point_radius), label)


def _seen_from_export(image: str, folder: str) -> str:
    """Join a path that is written as seen from its JSON file with that file's folder."""
    path = image.replace("\\", "/")
    is_absolute = path.startswith("/") or path[1:2] == ":"
    return path if is_absolute else normpath(f"{folder or '.'}/{path}")


def _without_picture(found: dict[str, Any]) -> dict[str, Any]:
    found.pop("imageData", None)
    return found


def _size(file: Record) -> tuple[int, int] | None:
    if "imageWidth" not in file and "imageHeight" not in file:
        return None
    size = file.whole("imageWidth"), file.whole("imageHeight")
    if min(size) < 1:
        what = f"The image has {size[0]} x {size[1]} pixels."
        raise DataError(Problem("EXPORT-FIELD", what, file.where))
    return size


def _flags(file: Record) -> tuple[str, ...]:
    flags = file.record("flags").fields if "flags" in file else {}
    return tuple(name for name, on in flags.items() if on is True)
