"""Shapes drawn on one size of a picture, brought to another."""

import numpy as np

from lookright.data.drawings.shapes import Box, Ellipse, Point, Polygon, Raster, Shape, Stroke


def rescaled(shape: Shape, across: float, down: float) -> Shape:
    """Stretch a shape by two nearly equal factors; a raster keeps each pixel's nearest one.

    >>> rescaled(Point(1.0, 2.0), 2.0, 2.0)
    Point(x=2.0, y=4.0, radius=0.0)
    """
    both, mean = np.array([across, down]), float(np.sqrt(across * down))
    match shape:
        case Polygon(outlines):
            return Polygon(tuple(outline * both for outline in outlines))
        case Box(left, top, right, bottom, angle):
            return Box(left * across, top * down, right * across, bottom * down, angle)
        case Ellipse(x, y, radius_x, radius_y, angle):
            return Ellipse(x * across, y * down, radius_x * mean, radius_y * mean, angle)
        case Point(x, y, radius):
            return Point(x * across, y * down, radius * mean)
        case Stroke(line, width):
            return Stroke(line * both, width * mean)
        case Raster():
            return _resampled(shape, across, down)


def _resampled(shape: Raster, across: float, down: float) -> Raster:
    rows, top = _nearest(shape.top, shape.cells.shape[0], down)
    cols, left = _nearest(shape.left, shape.cells.shape[1], across)
    return Raster(shape.cells[np.ix_(rows, cols)], left, top)


def _nearest(start: int, count: int, factor: float) -> tuple[np.ndarray, int]:
    """Return, for each new pixel whose centre lies in old ones, the index of the old one."""
    first = int(np.ceil(start * factor - 0.5))
    last = int(np.ceil((start + count) * factor - 0.5))
    old = np.floor((np.arange(first, last) + 0.5) / factor).astype(np.int64) - start
    return np.clip(old, 0, count - 1), first
