"""Label Studio's export: JSON or JSON-MIN, a list of tasks."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Raster
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.label_studio_shapes import (
    Size,
    is_drawn,
    is_same_place,
    packed,
    shape_of,
)
from lookright.data.exchange.links import file_of
from lookright.data.exchange.record import Record, as_record
from lookright.data.exchange.strict_json import read_json
from lookright.errors import DataError, Problem

MOST_CELLS = 400_000_000  # of all brushes of one annotation
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what the server puts before the name of an upload
_PICTURE = re.compile(r"\.(png|jpe?g|tiff?|webp|bmp|p[gp]m|dcm)($|\?)", re.IGNORECASE)
_PASSED_OVER = {
    "cancelled": "{} annotations were cancelled and passed over.",
    "predictions": "{} predictions of a model were passed over.",
    "unmarked": "{} tasks have no annotation: nobody was asked.",
    "other": "{} answers are neither drawn nor choices (texts, ratings); they were passed over.",
}


class LabelStudio(Importer):
    """Brushes, bitmasks, polygons, ellipses, rectangles and key points of Label Studio.

    Every annotation of a task is one annotator's drawing; its choices are labels of the image.
    `image` names the task's field that holds the image. A key point is a disc of `point_radius`
    pixels (0: its one pixel). `uploads` says whether the eight characters that the server puts
    before the name of an uploaded file belong to your file's name.
    """

    def __init__(
        self,
        image: str | None = None,
        point_radius: Annotated[float, Field(ge=0)] = 0,
        uploads: Literal["strip", "keep"] = "strip",
    ) -> None:
        self.image = image
        self.point_radius = point_radius
        self.uploads = uploads

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per annotation and image; see `Importer.read`."""
        found = read_json(path, path.name, packed)
        if not isinstance(found, list):
            fix = "Export as JSON or JSON-MIN, which are lists of tasks."
            raise DataError(Problem("EXPORT-FORMAT", "This is no list of tasks.", path.name, fix))
        counts: Counter[str] = Counter()
        found.reverse()
        for number in range(1, len(found) + 1):
            yield from self._task(found.pop(), f"{path.name}: task {number}", counts)
        for name, what in _PASSED_OVER.items():
            if counts[name]:
                problem = what.format(counts[name])
                yield Problem(f"EXPORT-{name.upper()}", problem, path.name, level="notice")

    def _task(self, given: Any, where: str, counts: Counter[str]) -> Iterator[Drawing | Problem]:
        try:
            task = as_record(given, where)
            name = next((each for each in ("annotations", "completions") if each in task), None)
            if name is None and "data" not in task:
                yield from self._annotation(_of_row(task), self._images(task), counts)
                return
            images = self._images(task.record("data"))
            counts["predictions"] += len(task.list("predictions"))
            annotations = task.records(name) if name else []
        except DataError as error:
            yield from error.problems
            return
        counts["unmarked"] += not annotations
        for each in annotations:
            if each.fields.get("was_cancelled") or each.fields.get("skipped"):
                counts["cancelled"] += 1
                continue
            try:
                annotation = _Annotation(_annotator(each), each.records("result"), each.where)
            except DataError as error:
                yield from error.problems
            else:
                yield from self._annotation(annotation, images, counts)

    def _annotation(
        self, annotation: "_Annotation", images: list[str], counts: Counter[str]
    ) -> Iterator[Drawing | Problem]:
        pages = [_Page() for _ in images]
        problems: list[Problem] = []
        labels: list[str] = []
        for region in _regions(annotation.results, labels, counts, problems):
            try:
                self._mark(region, pages)
            except DataError as error:
                problems += error.problems
        if problems:
            yield from problems
            return
        for image, page in zip(images, pages, strict=True):
            yield Drawing(
                image,
                page.size,
                tuple(page.marks),
                annotation.annotator,
                tuple(dict.fromkeys(labels)),
                annotation.where,
            )

    def _mark(self, region: "_Region", pages: "list[_Page]") -> None:
        result = region.result
        index = result.whole("item_index") if "item_index" in result else 0
        if not 0 <= index < len(pages):
            raise result.wrong("item_index", index, "the number of an image of the task")
        page = pages[index]
        size = result.whole("original_width"), result.whole("original_height")
        if min(size) < 1 or page.size not in (None, size):
            what = f"Its image has {size[0]} x {size[1]} pixels"
            what += f", by another region {page.size[0]} x {page.size[1]}." if page.size else "."
            raise DataError(Problem("MASK-SIZE", what, result.where))
        page.size = size
        shape = shape_of(region.value, size, self.point_radius)
        page.cells += shape.cells.size if isinstance(shape, Raster) else 0
        if page.cells > MOST_CELLS:
            what = f"The brushes hold more than {MOST_CELLS} pixels together."
            raise DataError(Problem("MASK-LARGE", what, result.where))
        page.marks += [Mark(shape, label) for label in region.labels or [""]]

    def _images(self, data: Record) -> list[str]:
        name = self.image or _field_of_image(data)
        given = data.fields.get(name)
        links = given if isinstance(given, list) and given else [given]
        return [
            self._file(Record({name: link}, data.where).text(name), data.where) for link in links
        ]

    def _file(self, link: str, where: str) -> str:
        path = file_of(link, where)
        if self.uploads == "strip" and "/data/upload/" in link:
            return _UPLOADED.sub("", path.rpartition("/")[2])
        return path


@dataclass(frozen=True)
class _Annotation:
    annotator: str
    results: list[Record]
    where: str


@dataclass
class _Page:
    """What one annotation says of one image."""

    size: Size | None = None
    marks: list[Mark] = field(default_factory=list)
    cells: int = 0


@dataclass
class _Region:
    """One thing that was drawn, with the classes that any of its results gives it."""

    result: Record
    value: Record
    labels: list[str]


def _regions(
    results: list[Record], labels: list[str], counts: Counter[str], problems: list[Problem]
) -> list[_Region]:
    """Gather results that share an id: a shape, its classes, and what else was said of it."""
    regions: dict[str, _Region] = {}
    for result in results:
        try:
            if result.fields.get("type") == "relation":
                continue
            value = result.record("value")
            if not is_drawn(value):
                chosen = value.texts("choices")
                labels += chosen
                counts["other"] += not chosen
                continue
            key = result.key("id") if "id" in result else result.where
            region = regions.setdefault(key, _Region(result, value, []))
            if not is_same_place(value, region.value):
                what = f"Two different shapes have the id {key!r}."
                raise DataError(Problem("EXPORT-ID", what, result.where))
            region.labels += [each for each in _classes(value) if each not in region.labels]
        except DataError as error:
            problems += error.problems
    return list(regions.values())


def _classes(value: Record) -> Iterator[str]:
    for name in value.fields:
        if name.endswith("labels"):
            yield from value.texts(name)


def _annotator(annotation: Record) -> str:
    """Name who annotated by a number: names and addresses stay where they are."""
    given = annotation.fields.get("completed_by")
    if isinstance(given, dict):
        return as_record(given, annotation.where).key("id")
    return annotation.key("completed_by") if given is not None else ""


def _field_of_image(data: Record) -> str:
    if "image" in data:
        return "image"
    links = [name for name, each in data.fields.items() if _is_picture(each)]
    if len(links) == 1:
        return links[0]
    what = f"Which field is the image? There are: {', '.join(map(repr, list(data.fields)[:20]))}."
    raise DataError(Problem("EXPORT-IMAGE", what, data.where, "Say it: image=FIELD."))


def _is_picture(given: Any) -> bool:
    first = given[0] if isinstance(given, list) and given else given
    return isinstance(first, str) and _PICTURE.search(first) is not None


def _of_row(row: Record) -> _Annotation:
    """Take a row of JSON-MIN, where each control's answer is a field, for an annotation."""
    results = []
    for name, given in row.fields.items():
        where = f"{row.where}, {name}"
        if isinstance(given, dict) and "choices" in given:
            results.append(Record({"value": given}, where))
        elif isinstance(given, list):
            regions = [e for e in given if isinstance(e, dict) and "original_width" in e]
            results += [Record({**each, "value": each, "id": None}, where) for each in regions]
    if "annotator" not in row:
        return _Annotation("", results, row.where)
    given = row.fields["annotator"]
    annotator = (
        as_record(given, row.where).key("id") if isinstance(given, dict) else row.key("annotator")
    )
    return _Annotation(annotator, results, row.where)
