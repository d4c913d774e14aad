"""The shapes of a LabelMe file. Its points are edges of pixels, as it draws them on the screen.

LabelMe's own converter draws them by another rule (points are centres, lines are ten pixels wide).
"""

import base64
import binascii
from collections.abc import Callable
from math import floor, hypot

import numpy as np

from lookright.data.drawings.shapes import (
    Box,
    Cells,
    Ellipse,
    Point,
    Polygon,
    Raster,
    Shape,
    Stroke,
    Vertices,
)
from lookright.data.exchange.numerals import vertices
from lookright.data.exchange.record import Record
from lookright.data.images.decode import open_picture
from lookright.data.reading import Reading
from lookright.errors import DataError, Problem

_COUNTS = {"rectangle": 2, "circle": 2, "line": 2, "point": 1, "mask": 2}


def shape_of(entry: Record, line_width: float, point_radius: float) -> Shape:
    """Read one entry of `shapes`; raises DataError where it is none that can be drawn."""
    where = entry.where
    kind = entry.text("shape_type") if "shape_type" in entry else "polygon"  # as in 2018
    points = vertices(entry.list("points"), "points", where)
    if len(points) != _COUNTS.get(kind, len(points)):
        what = f"A {kind} has {_COUNTS[kind]} points; here are {len(points)}."
        raise DataError(Problem("SHAPE-VERTICES", what, where))
    if kind in ("line", "linestrip"):
        return Stroke(points, line_width)
    if kind == "point":
        return Point(*map(float, points[0]), radius=point_radius)
    if kind == "mask":
        return _mask(points, entry.fields.get("mask"), where)
    if kind in _READERS:
        return _READERS[kind](points)
    what = f"{kind!r} is nothing that can be drawn on an image."
    raise DataError(Problem("SHAPE-KIND", what, where, f"Known are: {', '.join(KNOWN)}."))


def _rectangle(points: Vertices) -> Box:
    """Any two opposite corners, in any order."""
    (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
    return Box(left, top, right, bottom)


def _circle(points: Vertices) -> Ellipse:
    """The centre, and a point on the circle."""
    (x, y), (edge_x, edge_y) = points.tolist()
    radius = hypot(edge_x - x, edge_y - y)
    return Ellipse(x, y, radius, radius)


def _mask(points: Vertices, given: object, where: str) -> Raster:
    """Read a PNG that covers the pixels between two corners, both included."""
    cells = _decoded(given, where)
    (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
    rows, cols = cells.shape
    if abs(right - left + 1 - cols) > 1 or abs(bottom - top + 1 - rows) > 1:
        what = f"The mask has {cols} x {rows} pixels, its corners are "
        what += f"({left:g}, {top:g}) and ({right:g}, {bottom:g})."
        raise DataError(Problem("MASK-SIZE", what, where))
    return Raster(cells, floor(left), floor(top))


def _decoded(given: object, where: str) -> Cells:
    if not isinstance(given, str) or not given:
        raise DataError(Problem("MASK-BASE64", "There is no mask.", where))
    try:
        data = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError) as error:
        what = f"The mask is no base64 text: {error}."
        raise DataError(Problem("MASK-BASE64", what, where)) from error
    picture = open_picture(data, Reading(min_side=1), where).picture
    return np.asarray(picture.convert("L")) > 0


def _polygon(points: Vertices) -> Polygon:
    return Polygon((points,))


_READERS: dict[str, Callable[[Vertices], Shape]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "circle": _circle,
}
KNOWN = (*_READERS, "line", "linestrip", "point", "mask")
