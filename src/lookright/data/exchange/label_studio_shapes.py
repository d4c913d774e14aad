"""A region of Label Studio becomes a shape in pixels.

Its units are percent of the image's width and height, so that turning happens after scaling: a
rectangle about its upper left corner, an ellipse about its centre, both clockwise. `image_rotation`
is how somebody turned the view while drawing; what is stored refers to the image as it is.
"""

import base64
import binascii
from math import cos, radians, sin
from typing import Any

import numpy as np

from lookright.data.drawings.shapes import Box, Ellipse, Point, Polygon, Raster, Shape
from lookright.data.exchange import numerals
from lookright.data.exchange.brush import decode
from lookright.data.exchange.record import Record
from lookright.data.exchange.run_lengths import MOST_PIXELS, cropped, whole_numbers
from lookright.data.images.decode import open_picture
from lookright.data.reading import Reading
from lookright.errors import DataError, Problem

Size = tuple[int, int]
_DRAWN = ("rle", "points", "radiusX", "imageDataURL", "x", "vertices", "touches", "maskDataURL")


def is_drawn(value: Record) -> bool:
    """Say whether a value has a place on the image, and is not a choice or a text about it."""
    return any(name in value for name in _DRAWN)


def is_same_place(one: Record, other: Record) -> bool:
    """Say whether two values describe the same place, whatever else they say of it."""
    names = (*_DRAWN, "y", "width", "height", "radiusY", "rotation")
    return all(_same(one.fields.get(name), other.fields.get(name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and np.array_equal(one, other)
    return one == other


def shape_of(value: Record, size: Size, point_radius: float) -> Shape:
    """Return the shape of a region on an image of this width and height.

    What it is follows from its fields, as exports of both kinds have them. Raises DataError.
    """
    if "rle" in value:
        return _brush(value, size)
    if "imageDataURL" in value:
        return _bitmask(value, size)
    if "points" in value:
        outline = numerals.vertices(value.list("points"), "points", value.where)
        return Polygon((outline / 100 * np.array(size),))
    if "radiusX" in value:
        (x, y), (a, b) = _pair(value, "x", "y", size), _pair(value, "radiusX", "radiusY", size)
        return Ellipse(x, y, a, b, _angle(value))
    if "height" in value:
        return _rectangle(value, size)
    if "x" in value:
        return Point(*_pair(value, "x", "y", size), point_radius)
    what = "The region is of a kind that is not read."
    fix = "Read are brushes, bitmasks, polygons, ellipses, rectangles and key points."
    raise DataError(Problem("EXPORT-KIND", what, value.where, fix))


def _pair(value: Record, across: str, down: str, size: Size) -> tuple[float, float]:
    return value.number(across) * size[0] / 100, value.number(down) * size[1] / 100


def _angle(value: Record) -> float:
    return value.number("rotation") if "rotation" in value else 0.0


def _rectangle(value: Record, size: Size) -> Box:
    left, top = _pair(value, "x", "y", size)
    width, height = _pair(value, "width", "height", size)
    angle = _angle(value)
    c, s = cos(radians(angle)), sin(radians(angle))
    x, y = left + (c * width - s * height) / 2, top + (s * width + c * height) / 2
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, angle)


def _brush(value: Record, size: Size) -> Raster:
    packed = whole_numbers(value.fields["rle"])
    if len(packed) and (packed.min() < 0 or packed.max() > 255):
        raise DataError(Problem("MASK-RLE", "The brush is no list of bytes.", value.where))
    try:
        return cropped(decode(packed.astype(np.uint8).tobytes(), size))
    except DataError as error:
        raise value.located(error) from None


def _bitmask(value: Record, size: Size) -> Raster:
    given = value.fields["imageDataURL"]
    if not isinstance(given, str) or not given.startswith("data:image/png;base64,"):
        raise value.wrong("imageDataURL", given, "a PNG in base64")
    try:
        data = base64.b64decode(given.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise value.wrong("imageDataURL", given, "a PNG in base64") from None
    picture = open_picture(data, Reading(min_side=1, max_pixels=MOST_PIXELS), value.where).picture
    if picture.size != size:
        what = f"The mask has {picture.size[0]} x {picture.size[1]} pixels, "
        what += f"its image {size[0]} x {size[1]}."
        raise DataError(Problem("MASK-SIZE", what, value.where))
    channel = "A" if picture.has_transparency_data else "R"
    return cropped(np.asarray(picture.convert("RGBA").getchannel(channel)) >= 128)


def packed(found: dict[str, Any]) -> dict[str, Any]:
    """Keep the brush of a region as an array while its file is read."""
    runs = found.get("rle")
    if isinstance(runs, list) and runs:
        try:
            array = np.array(runs)
        except (ValueError, OverflowError):
            return found
        if array.dtype.kind == "i" and array.min() >= 0 and array.max() <= 255:
            found["rle"] = array.astype(np.uint8)
    return found
