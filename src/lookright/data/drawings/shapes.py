"""The shapes that people draw, in pixels of the upright image.

The upper left corner of the picture is (0, 0) and the centre of its first pixel is (0.5, 0.5): a
box from 0 to its width covers it exactly. What a tool counts otherwise, its importer translates.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

Vertices = Float[np.ndarray, "_ 2"]  # x, y; every outline has its own number of them
Cells = Bool[np.ndarray, "rows cols"]


@dataclass(frozen=True, eq=False)
class Polygon:
    """An area between closed outlines; what lies within an even number of them is a hole."""

    outlines: tuple[Vertices, ...]


@dataclass(frozen=True)
class Box:
    """A rectangle, turned clockwise about its centre."""

    left: float
    top: float
    right: float
    bottom: float
    angle: float = 0.0  # degrees


@dataclass(frozen=True)
class Ellipse:
    """An ellipse, turned clockwise about its centre."""

    x: float
    y: float
    radius_x: float
    radius_y: float
    angle: float = 0.0  # degrees


@dataclass(frozen=True)
class Point:
    """A disc about a place that somebody pointed at."""

    x: float
    y: float
    radius: float = 0.0  # 0: the one pixel that it lies in


@dataclass(frozen=True, eq=False)
class Stroke:
    """What a round pen leaves along a line; a pen of one pixel leaves no gaps."""

    line: Vertices
    width: float = 1.0


@dataclass(frozen=True, eq=False)
class Raster:
    """Pixels that are marked, whose first one lies at `left`, `top`."""

    cells: Cells
    left: int = 0
    top: int = 0


Shape = Polygon | Box | Ellipse | Point | Stroke | Raster
