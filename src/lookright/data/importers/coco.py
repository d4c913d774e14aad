"""COCO instances (Lin et al. 2014): one JSON file of images, annotations and categories."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Box, Polygon, Raster, Shape
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.links import file_of
from lookright.data.exchange.record import Record, as_record
from lookright.data.exchange.run_lengths import counts_of_text, from_counts, whole_numbers
from lookright.data.exchange.strict_json import read_json
from lookright.errors import DataError, Problem

MOST_CELLS = 400_000_000  # of all masks of one image
Size = tuple[int, int]


class Coco(Importer):
    """Polygons, run lengths (compressed or not, crowds too) and boxes of COCO's JSON.

    Where an annotation has no segmentation, its box is drawn. An image without annotations is
    passed over, as nobody may have been asked; with `unmarked="empty"` somebody looked at every
    image of the file and found nothing there. `crowd` says what a crowd's pixels are.
    """

    def __init__(
        self,
        unmarked: Literal["unasked", "empty"] = "unasked",
        crowd: Literal["evidence", "unknown"] = "evidence",
    ) -> None:
        self.unmarked = unmarked
        self.crowd: Literal["evidence", "unknown"] = crowd

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per image; see `Importer.read`."""
        root = _root(read_json(path, path.name, _packed), path.name)
        categories, problems = _categories(root)
        yield from problems
        marked, problems = _by_image(root)
        yield from problems
        counts: Counter[str] = Counter()
        for image in _images(root):
            if isinstance(image, Problem):
                yield image
                continue
            annotations = marked.pop(image.key("id"), [])
            counts["unmarked"] += not annotations
            if annotations or self.unmarked == "empty":
                yield from self._drawing(image, annotations, categories, counts)
        for key, annotations in marked.items():
            what = f"There is no image with the id {key}; {len(annotations)} annotations name it."
            yield Problem("EXPORT-REFERENCE", what, path.name)
        yield from self._remarks(counts, path.name)

    def _drawing(
        self,
        image: Record,
        annotations: list[Record],
        categories: dict[str, str],
        counts: Counter[str],
    ) -> Iterator[Drawing | Problem]:
        problems: list[Problem] = []
        marks: list[Mark] = []
        name, size = "", None
        try:
            name = file_of(image.text("file_name"), image.where)
            size = _size(image)
        except DataError as error:
            problems += error.problems
        for each in annotations:
            try:
                shapes = list(_shapes(each, size, counts))
                label = _label(each, categories)
            except DataError as error:
                problems += error.problems
            else:
                role = self.crowd if each.fields.get("iscrowd") in (1, True) else "evidence"
                marks += [Mark(shape, label, role) for shape in shapes]
        cells = sum(mark.shape.cells.size for mark in marks if isinstance(mark.shape, Raster))
        if cells > MOST_CELLS:
            what = f"Its masks hold more than {MOST_CELLS} pixels together."
            problems.append(Problem("MASK-LARGE", what, image.where))
        if problems:
            yield from problems
        else:
            yield Drawing(name, size, tuple(marks), where=image.where)

    def _remarks(self, counts: Counter[str], where: str) -> Iterator[Problem]:
        if counts["unmarked"] and self.unmarked == "unasked":
            what = f"{counts['unmarked']} images have no annotation; nobody may have been asked."
            fix = "If somebody looked at all of them: unmarked=empty."
            yield Problem("EXPORT-UNMARKED", what, where, fix, "notice")
        if counts["boxes"]:
            what = f"{counts['boxes']} annotations have a box only, which was drawn."
            yield Problem("EXPORT-BOX", what, where, level="notice")
        if counts["keypoints"]:
            what = f"{counts['keypoints']} annotations have keypoints, which were not drawn."
            yield Problem("EXPORT-KEYPOINTS", what, where, level="notice")


def _packed(found: dict[str, Any]) -> dict[str, Any]:
    """Keep coordinates and runs as arrays; what is no list of numbers is looked at later."""
    drawn = found.get("segmentation")
    if isinstance(drawn, list) and drawn and all(isinstance(each, list) for each in drawn):
        found["segmentation"] = [_array(each) for each in drawn]
    if isinstance(found.get("counts"), list) and "size" in found:
        found["counts"] = _array(found["counts"])
    return found


def _array(values: list[Any]) -> Any:
    try:
        found = np.array(values)
    except (ValueError, OverflowError):
        return values
    return found if found.ndim == 1 and found.dtype.kind in "if" else values


def _root(found: Any, where: str) -> Record:
    if isinstance(found, list):
        what = "This is a list; COCO's own files are one object with images and annotations."
        fix = "Results of a detector name no files: give the file of the annotations."
        raise DataError(Problem("EXPORT-FORMAT", what, where, fix))
    root = as_record(found, where)
    absent = [name for name in ("images", "annotations") if name not in root]
    if absent:
        fix = "Is it another format? See: lookright list formats."
        problems = [Problem("EXPORT-FORMAT", f"There is no {n!r}.", where, fix) for n in absent]
        raise DataError(*problems)
    return root


def _categories(root: Record) -> tuple[dict[str, str], list[Problem]]:
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for index, each in enumerate(root.list("categories")):
        try:
            one = as_record(each, f"{root.where}: categories[{index}]")
            _add_new(found, one.key("id"), one.text("name"), one.where)
        except DataError as error:
            problems += error.problems
    return found, problems


def _add_new(found: dict[str, str], key: str, value: str, where: str) -> None:
    if key in found:
        raise DataError(Problem("EXPORT-ID", f"The id {key} is there twice.", where))
    found[key] = value


def _by_image(root: Record) -> tuple[dict[str, list[Record]], list[Problem]]:
    found: dict[str, list[Record]] = {}
    problems: list[Problem] = []
    given = root.list("annotations")
    given.reverse()
    for index in range(len(given)):
        try:
            one = as_record(given.pop(), f"{root.where}: annotations[{index}]")
            if "segments_info" in one:
                what = "This is a panoptic annotation, whose masks are PNG files."
                fix = "Export instances, or import the PNG files: lookright data import masks."
                raise DataError(Problem("EXPORT-FORMAT", what, one.where, fix))
            found.setdefault(one.key("image_id"), []).append(one)
        except DataError as error:
            problems += error.problems
    return found, problems


def _images(root: Record) -> Iterator[Record | Problem]:
    seen: dict[str, str] = {}
    for index, each in enumerate(root.list("images")):
        try:
            image = as_record(each, f"{root.where}: images[{index}]")
            _add_new(seen, image.key("id"), "", image.where)
        except DataError as error:
            yield from error.problems
        else:
            yield image


def _size(image: Record) -> Size | None:
    if "width" not in image and "height" not in image:
        return None
    size = image.whole("width"), image.whole("height")
    if min(size) < 1:
        what = f"The image has {size[0]} x {size[1]} pixels."
        raise DataError(Problem("EXPORT-FIELD", what, image.where))
    return size


def _label(annotation: Record, categories: dict[str, str]) -> str:
    if "category_id" not in annotation:
        return ""
    key = annotation.key("category_id")
    if key not in categories:
        what = f"There is no category with the id {key}."
        raise DataError(Problem("EXPORT-REFERENCE", what, annotation.where))
    return categories[key]


def _shapes(annotation: Record, size: Size | None, counts: Counter[str]) -> Iterator[Shape]:
    drawn = annotation.fields.get("segmentation")
    counts["keypoints"] += "keypoints" in annotation
    if isinstance(drawn, dict):
        yield _mask(as_record(drawn, annotation.where), size)
    elif isinstance(drawn, list) and drawn:
        for outline in drawn:
            yield _polygon(outline, annotation.where)
    elif drawn in (None, []) and "bbox" in annotation:
        counts["boxes"] += 1
        yield _box(annotation)
    else:
        raise annotation.wrong("segmentation", drawn, "polygons or run lengths")


def _polygon(outline: Any, where: str) -> Polygon:
    if not isinstance(outline, np.ndarray) or len(outline) % 2:
        what = "A polygon is no list of x, y, x, y, ..."
        raise DataError(Problem("EXPORT-FIELD", what, where))
    return Polygon((outline.astype(np.float64).reshape(-1, 2),))


def _mask(drawn: Record, size: Size | None) -> Raster:
    stated = whole_numbers(drawn.list("size"))
    if len(stated) != 2:
        raise drawn.wrong("size", drawn.fields.get("size"), "height and width")
    own = int(stated[1]), int(stated[0])
    if size and own != size:
        what = f"The mask has {own[0]} x {own[1]} pixels, its image {size[0]} x {size[1]}."
        fix = "Are height and width swapped?" if own == size[::-1] else ""
        raise DataError(Problem("MASK-SIZE", what, drawn.where, fix))
    given = drawn.fields.get("counts")
    try:
        return from_counts(
            counts_of_text(given) if isinstance(given, str) else whole_numbers(given), own
        )
    except DataError as error:
        raise drawn.located(error) from None


def _box(annotation: Record) -> Box:
    values = annotation.list("bbox")
    if len(values) != 4:
        raise annotation.wrong("bbox", values, "x, y, width and height")
    names = ("x", "y", "width", "height")
    box = Record(dict(zip(names, values, strict=True)), f"{annotation.where}, bbox")
    x, y = box.number("x"), box.number("y")
    return Box(x, y, x + box.number("width"), y + box.number("height"))
