"""The elements of a CVAT export become shapes. Coordinates are edges of pixels, as ours are."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

import numpy as np

from lookright.data.drawings.shapes import (
    Box,
    Ellipse,
    Point,
    Polygon,
    Raster,
    Shape,
    Stroke,
    Vertices,
)
from lookright.data.exchange.numerals import Counts, number, vertices, whole, wholes
from lookright.data.exchange.run_lengths import from_runs
from lookright.errors import DataError, Problem


def shapes_of(element: Element, line_width: float, point_radius: float, where: str) -> list[Shape]:
    """Read the shapes of one element; raises DataError where it is none that can be drawn."""
    if element.tag == "polyline":
        return [Stroke(_vertices(element, where), line_width)]
    if element.tag == "points":
        return [Point(float(x), float(y), point_radius) for x, y in _vertices(element, where)]
    if element.tag in _READERS:
        return [_READERS[element.tag](element, where)]
    what = f"<{element.tag}> is nothing that can be drawn on an image."
    raise DataError(Problem("SHAPE-KIND", what, where, f"Known are: {', '.join(KNOWN)}."))


def decoded(counts: Counts, width: int, height: int, where: str) -> Raster:
    """Expand run lengths of a mask: row by row, and the first run is unmarked."""
    total = counts.sum(dtype=float)
    if counts.min(initial=0) < 0 or total != width * height:
        what = f"The runs hold {total:.0f} pixels; {width} x {height} are {width * height}."
        raise DataError(Problem("MASK-RLE", what, where, "Export it again."))
    try:
        ends = np.cumsum(counts)
        return from_runs(ends[:-1:2], counts[1::2], (width, height), by_rows=True)
    except DataError as error:
        raise DataError(*(replace(each, where=where) for each in error.problems)) from None


def _polygon(element: Element, where: str) -> Polygon:
    return Polygon((_vertices(element, where),))


def _vertices(element: Element, where: str) -> Vertices:
    pairs = [pair.split(",") for pair in element.get("points", "").split(";")]
    return vertices(pairs, "points", where)


def _box(element: Element, where: str) -> Box:
    left, top, right, bottom = _numbers(element, ("xtl", "ytl", "xbr", "ybr"), where)
    return Box(left, top, right, bottom, _angle(element, where))


def _ellipse(element: Element, where: str) -> Ellipse:
    x, y, radius_x, radius_y = _numbers(element, ("cx", "cy", "rx", "ry"), where)
    return Ellipse(x, y, radius_x, radius_y, _angle(element, where))


def _mask(element: Element, where: str) -> Raster:
    names = ("left", "top", "width", "height")
    left, top, width, height = (whole(element.get(name), name, where) for name in names)
    counts = wholes(element.get("rle", "").split(","), "rle", where)
    cells = decoded(counts, width, height, where)
    return Raster(cells.cells, cells.left + left, cells.top + top)


def _numbers(element: Element, names: tuple[str, ...], where: str) -> list[float]:
    return [number(element.get(name), name, where) for name in names]


def _angle(element: Element, where: str) -> float:
    return number(element.get("rotation", "0"), "rotation", where)  # clockwise, in degrees


_READERS: dict[str, Callable[[Element, str], Shape]] = {
    "polygon": _polygon,
    "box": _box,
    "ellipse": _ellipse,
    "mask": _mask,
}
KNOWN = (*_READERS, "polyline", "points", "skeleton")
