"""Tables with one mark per row: the rows of one person and one image become a drawing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.exchange.csv_rows import columns_of, read_rows
from lookright.data.exchange.links import file_of
from lookright.data.exchange.record import Record
from lookright.errors import DataError, Problem
from lookright.section import Words, listed
from lookright.settings import Count

Size = tuple[int, int]
Unmarked = Literal["unasked", "empty"]
Sides = Annotated[tuple[Count, Count] | None, BeforeValidator(listed)]  # width, height


@dataclass(frozen=True)
class Layout:
    """Which columns hold what."""

    image: str
    place: Words  # what the mark is read from; a row without any of it marks nothing
    label: str | None  # None: `label`, if there is such a column
    annotator: str | None  # None: `annotator`, if there is such a column
    size: Words | None = None  # the columns of the picture's width and height


def drawings(
    file: Path,
    layout: Layout,
    size: Size | None,
    unmarked: Unmarked,
    marks: Callable[[Record, str], list[Mark]],
) -> Iterator[Drawing | Problem]:
    """Yield the drawings of a table in the order of their first rows.

    `marks` reads the marks of one row, given its label. `size` is that of the picture where the
    table has no columns for it. The whole table is read before anything is yielded but problems.
    """
    where = file.name
    layout = _found(layout, columns_of(file, where))
    needed = (layout.image, *layout.place, *(layout.size or ()))
    needed += tuple(name for name in (layout.label, layout.annotator) if name)
    sheets: dict[tuple[str, str], _Sheet] = {}
    blank = 0
    for row in read_rows(file, where, needed):
        try:
            if isinstance(row, Problem):
                raise DataError(row)
            if not any(str(row.fields[name]).strip() for name in layout.place):
                blank += 1
                if unmarked == "unasked":
                    continue
                found = []
            else:
                found = marks(row, str(row.fields[layout.label]) if layout.label else "")
            _sheet(sheets, row, layout, size).marks.extend(found)
        except DataError as error:
            yield from error.problems
    for (image, annotator), sheet in sheets.items():
        yield Drawing(image, sheet.size, tuple(sheet.marks), annotator, where=sheet.where)
    if blank and unmarked == "unasked":
        what = f"{blank} rows mark nothing; nobody may have been asked."
        fix = "If somebody looked at all of them: unmarked=empty."
        yield Problem("EXPORT-UNMARKED", what, where, fix, level="notice")


@dataclass
class _Sheet:
    """What has been read of one person's marks on one image."""

    size: Size | None
    where: str
    marks: list[Mark] = field(default_factory=list)


def _found(layout: Layout, columns: list[str]) -> Layout:
    label = layout.label or ("label" if "label" in columns else None)
    annotator = layout.annotator or ("annotator" if "annotator" in columns else None)
    return Layout(layout.image, layout.place, label, annotator, layout.size)


def _sheet(
    sheets: dict[tuple[str, str], _Sheet], row: Record, layout: Layout, size: Size | None
) -> _Sheet:
    image = file_of(row.text(layout.image), row.where)
    annotator = str(row.fields[layout.annotator]).strip() if layout.annotator else ""
    if layout.size:
        width, height = layout.size
        size = row.whole(width), row.whole(height)
        if min(size) < 1:
            what = f"The picture has {size[0]} x {size[1]} pixels."
            raise DataError(Problem("EXPORT-FIELD", what, row.where))
    sheet = sheets.setdefault((image, annotator), _Sheet(size, row.where))
    if sheet.size != size:
        what = f"{image} has another size here than at {sheet.where}."
        raise DataError(Problem("EXPORT-FIELD", what, row.where))
    return sheet
