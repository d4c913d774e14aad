"""One shape becomes pixels, or a plain reason why it cannot."""

from math import cos, hypot, isfinite, radians, sin

import numpy as np

from lookright.data.drawings import strokes
from lookright.data.drawings.drawn import Size
from lookright.data.drawings.scanline import TooLarge, Window, bounds, fill
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
from lookright.errors import DataError, Problem

MOST_VERTICES = 4_000_000
FARTHEST = 1e7  # pixels; beyond it no coordinate means a pixel
_CARELESS = 1.0  # pixels that a shape may lie outside without a word: rounding of tools

Notes = tuple[Problem, ...]


def rasterise(shape: Shape, size: Size) -> tuple[Window, Notes]:
    """Mark the pixels of an image that lie in a shape, and say what is odd about it.

    Raises DataError for a shape that has no area, no finite place, or none inside the image.
    """
    if isinstance(shape, Raster):
        return _clipped(shape, size)
    points = _extent(shape)
    _require_place(points)
    _require_area(shape)
    notes = _outside(points, size, _pen(shape))
    try:
        window = _marked(shape, size)
    except TooLarge as error:
        what = f"The shape is too intricate: {error}."
        raise DataError(Problem("SHAPE-LARGE", what, fix="Simplify its outline.")) from error
    return window, (*notes, *_odd(window))


def cells(shape: Shape, size: Size) -> np.ndarray:
    """Return (height, width) flags of the pixels that lie in a shape.

    >>> cells(Point(2.5, 0.5), (3, 1)).tolist()
    [[False, False, True]]
    """
    window, _ = rasterise(shape, size)
    found = np.zeros(size[::-1], bool)
    height, width = window.cells.shape
    found[window.top : window.top + height, window.left : window.left + width] = window.cells
    return found


def _marked(shape: Shape, size: Size) -> Window:
    match shape:
        case Polygon(outlines):
            return fill(outlines, *size)
        case Box():
            return fill([_corners(shape)], *size)
        case Ellipse():
            return _ellipse(shape, size)
        case Point(x, y, radius):
            # The right and lower border belong to the last pixels: people click on it.
            border = np.nextafter(np.array(size, float), 0)
            place = np.where(np.array([x, y]) == size, border, [x, y])
            return strokes.draw(place[None], 2 * radius, *size)
        case Stroke(line, width):
            return strokes.draw(line, width, *size)
        case Raster():
            return _clipped(shape, size)[0]


def _corners(box: Box) -> Vertices:
    edges = np.array([[box.left, box.top], [box.right, box.top]])
    corners = np.array([*edges, [box.right, box.bottom], [box.left, box.bottom]], float)
    if not box.angle:
        return corners
    centre = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2])
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused in words
        return (corners - centre) @ _turn(box.angle).T + centre


def _turn(angle: float) -> np.ndarray:
    """Return the matrix that turns clockwise, as people see it: y points down."""
    c, s = cos(radians(angle)), sin(radians(angle))
    return np.array([[c, -s], [s, c]])


def _ellipse(shape: Ellipse, size: Size) -> Window:
    left, top, right, bottom = bounds(_extent(shape), *size)
    c, s = cos(radians(shape.angle)), sin(radians(shape.angle))
    x = np.arange(left, right) + 0.5 - shape.x
    y = (np.arange(top, bottom) + 0.5 - shape.y)[:, None]
    along, across = (c * x + s * y) / shape.radius_x, (c * y - s * x) / shape.radius_y
    return Window(along**2 + across**2 <= 1, left, top)


def _extent(shape: Shape) -> Vertices:
    """Return points whose bounding box is the shape's, less what a pen adds on all sides."""
    match shape:
        case Polygon(outlines):
            return np.concatenate(outlines) if outlines else np.zeros((0, 2))
        case Box():
            return _corners(shape) if isfinite(shape.angle) else np.full((1, 2), np.nan)
        case Ellipse(x, y, a, b, angle):
            if not isfinite(angle):
                return np.full((1, 2), np.nan)
            c, s = cos(radians(angle)), sin(radians(angle))
            centre, reach = np.array([x, y], float), [hypot(a * c, b * s), hypot(a * s, b * c)]
            return np.array([centre - reach, centre + reach])
        case Point(x, y, radius):
            # A radius or a width that is no number makes the place none.
            return np.array([[x + 0.0 * radius, y]], float)
        case Stroke(line, width):
            return line + 0.0 * width
        case Raster():
            return np.zeros((0, 2))


def _require_place(points: Vertices) -> None:
    if not len(points):
        raise DataError(Problem("SHAPE-VERTICES", "It has no points.", fix="Draw it again."))
    if len(points) > MOST_VERTICES:
        what = f"It has {len(points)} points; {MOST_VERTICES} are allowed."
        raise DataError(Problem("SHAPE-LARGE", what, fix="Simplify its outline."))
    if not np.isfinite(points).all():
        raise DataError(Problem("SHAPE-NAN", "It has coordinates that are no finite numbers."))
    if np.abs(points).max() > FARTHEST:
        what = f"It has a coordinate of {np.abs(points).max():.3g} pixels."
        raise DataError(Problem("SHAPE-FAR", what, fix="Is it in another unit?"))


def _require_area(shape: Shape) -> None:
    match shape:
        case Polygon(outlines):
            for outline in outlines:
                if len(outline) < 3:
                    what = f"An outline has {len(outline)} points; an area needs three."
                    raise DataError(Problem("SHAPE-VERTICES", what, fix="Draw it again."))
            flat = all(_is_flat(outline) for outline in outlines)
        case Box(left, top, right, bottom):
            flat = right <= left or bottom <= top
        case Ellipse(_, _, a, b):
            flat = a <= 0 or b <= 0
        case Point(_, _, radius):
            flat = radius < 0
        case Stroke(_, width):
            flat = width < 0
        case Raster():
            flat = False
    if flat:
        raise DataError(Problem("SHAPE-AREA", "It has no area.", fix="Draw it again."))


def _is_flat(outline: Vertices) -> bool:
    """Say whether all vertices lie on one line."""
    away = outline - outline[0]
    lengths = np.abs(away).max(1)
    far = away[np.argmax(lengths)]
    return float(np.abs(away @ [far[1], -far[0]]).max()) <= 1e-9 * float(lengths.max()) ** 2


def _pen(shape: Shape) -> float:
    match shape:
        case Point(_, _, radius):
            return radius
        case Stroke(_, width):
            return width / 2
        case _:
            return 0.0


def _outside(points: Vertices, size: Size, pen: float) -> Notes:
    """Refuse what lies outside the image altogether, and warn of what does in part."""
    low, high = points.min(0), points.max(0)
    if (low - pen > size).any() or (high + pen < 0).any():
        what = f"It lies outside the image, which has {size[0]} x {size[1]} pixels."
        fix = "Is it of another image, in another unit, or are x and y swapped?"
        raise DataError(Problem("SHAPE-OUTSIDE", what, fix=fix))
    beyond = max(float((-low).max()), float((high - size).max()))
    if beyond <= _CARELESS:
        return ()
    what = f"It reaches {beyond:.1f} pixels beyond the image and was cut at its border."
    return (Problem("SHAPE-CLIPPED", what, level="warning"),)


def _odd(window: Window) -> Notes:
    notes = []
    if window.ambiguous:
        what = "The outline crosses itself; what it goes round twice counts as a hole."
        notes.append(Problem("SHAPE-CROSSED", what, level="warning"))
    if not window.cells.any():
        what = "It lies between the centres of pixels and marks none."
        notes.append(Problem("SHAPE-SMALL", what, level="warning"))
    return tuple(notes)


def _clipped(shape: Raster, size: Size) -> tuple[Window, Notes]:
    rows, cols = shape.cells.shape
    left, top = np.clip(shape.left, 0, size[0]), np.clip(shape.top, 0, size[1])
    right, bottom = min(shape.left + cols, size[0]), min(shape.top + rows, size[1])
    kept = shape.cells[
        top - shape.top : max(bottom, top) - shape.top,
        left - shape.left : max(right, left) - shape.left,
    ]
    window = Window(kept, int(left), int(top))
    lost = np.count_nonzero(shape.cells) - np.count_nonzero(kept)
    if not lost:
        return window, ()
    if not kept.any():
        what = f"It lies outside the image, which has {size[0]} x {size[1]} pixels."
        raise DataError(Problem("SHAPE-OUTSIDE", what, fix="Is it of another image?"))
    what = f"{lost} marked pixels lie beyond the image and were left out."
    return window, (Problem("SHAPE-CLIPPED", what, level="warning"),)
