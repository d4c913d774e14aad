"""Pascal VOC: one XML file of boxes per image."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Box
from lookright.data.exchange.export_files import export_files, said
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.links import file_of
from lookright.data.exchange.numerals import number, whole
from lookright.data.exchange.safe_xml import children
from lookright.errors import DataError, Problem


class Voc(Importer):
    """Pascal VOC XML: boxes.

    VOC counts pixels from 1 and includes the last one: xmin = 1, xmax = 10 are ten pixels. Tools
    that write the format from 0, or without the last pixel, are told by `first` and `inclusive`. A
    file without objects says that somebody looked and found nothing; `difficult` says what the
    pixels of an object are that is marked so. Polygons and masks are no part of the format: import
    VOC's SegmentationObject pictures as masks.
    """

    def __init__(
        self,
        first: Literal[1, 0] = 1,  # number of the first pixel
        inclusive: bool = True,  # xmax and ymax are the last pixel, and not the one behind it
        difficult: Literal["evidence", "unknown"] = "evidence",
    ) -> None:
        self.first, self.inclusive = first, inclusive
        self.difficult: Literal["evidence", "unknown"] = difficult

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per file, sorted by path."""
        for file in export_files(path, ".xml"):
            where = said(file, path)
            try:
                yield self._drawing(list(children(file, "annotation", where)), file, where)
            except DataError as error:
                yield from error.problems

    def _drawing(self, elements: list[Element], file: Path, where: str) -> Drawing:
        parts = {each.tag: each for each in elements}
        problems: list[Problem] = []
        marks: list[Mark] = []
        for index, each in enumerate(each for each in elements if each.tag == "object"):
            try:
                marks.append(self._mark(each, f"{where}, object {index + 1}"))
            except DataError as error:
                problems += error.problems
        try:
            size = _size(parts["size"], where) if "size" in parts else None
            named = (parts["filename"].text or "").strip() if "filename" in parts else ""
            image = file_of(named or file.stem, where)
        except DataError as error:
            raise DataError(*problems, *error.problems) from error
        if problems:
            raise DataError(*problems)
        return Drawing(image, size, tuple(marks), where=where)

    def _mark(self, element: Element, where: str) -> Mark:
        label = (element.findtext("name") or "").strip()
        where = f"{where} ({label})" if label else where
        bounds = element.find("bndbox")
        if bounds is None:
            found = ", ".join(f"<{each.tag}>" for each in element) or "nothing"
            raise DataError(Problem("SHAPE-KIND", f"It has no <bndbox>, but {found}.", where))
        left, top, right, bottom = (
            number(bounds.findtext(name), name, where) - self.first
            for name in ("xmin", "ymin", "xmax", "ymax")
        )
        last = 1 if self.inclusive else 0
        is_difficult = (element.findtext("difficult") or "").strip() == "1"
        role = self.difficult if is_difficult else "evidence"
        return Mark(Box(left, top, right + last, bottom + last), label, role)


def _size(element: Element, where: str) -> tuple[int, int] | None:
    size = tuple(whole(element.findtext(name), name, where) for name in ("width", "height"))
    return (size[0], size[1]) if min(size) > 0 else None  # tools that do not know it write 0
