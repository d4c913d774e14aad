"""Marks become a human map, by one rule whatever tool they were drawn with.

A pixel is inside a shape when its centre is; outlines follow the even-odd rule. Whole marks are
read from first to last: of two that say `evidence` the stronger counts, and `not_evidence` and
`unknown` replace what lies below them.
"""

from dataclasses import dataclass, replace

import numpy as np

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.drawn import Size
from lookright.data.drawings.rasterise import rasterise
from lookright.data.drawings.rescaled import rescaled
from lookright.data.drawings.shapes import Cells
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem


@dataclass(frozen=True, eq=False)
class Rendered:
    """What somebody drew, on the grid of the image."""

    map: Evidence  # in [0, 1]
    unknown: Cells | None  # pixels that should teach nothing; None: there are none
    notes: tuple[Problem, ...] = ()  # warnings


def render(drawing: Drawing, size: Size) -> Rendered:
    """Draw all marks on an image of this width and height, to which the drawing is scaled.

    Raises DataError with every mark that cannot be drawn.

    >>> from lookright.data.drawings.shapes import Box
    >>> drawing = Drawing("a.png", (4, 2), (Mark(Box(1, 0, 3, 1)),))
    >>> render(drawing, (4, 2)).map.tolist()
    [[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    factors = _factors(drawing, size)
    drawn = np.zeros(size[::-1], np.float32)
    unknown = np.full(size[::-1], drawing.ground == "unknown")
    problems: list[Problem] = []
    for number, mark in enumerate(drawing.marks, start=1):
        where = f"{drawing.where or drawing.image}, mark {number}"
        where += f" ({mark.label})" if mark.label else ""
        try:
            notes = _paint(mark, size, factors, drawn, unknown)
        except DataError as error:
            notes = error.problems
        problems += [replace(each, where=where) for each in notes]
    errors = [each for each in problems if each.level == "error"]
    if errors:
        raise DataError(*errors)
    return Rendered(drawn, unknown if unknown.any() else None, tuple(problems))


def _factors(drawing: Drawing, size: Size) -> tuple[float, float]:
    if drawing.size is None or drawing.size == size:
        return 1.0, 1.0
    return size[0] / drawing.size[0], size[1] / drawing.size[1]


def _paint(
    mark: Mark, size: Size, factors: tuple[float, float], drawn: Evidence, unknown: Cells
) -> tuple[Problem, ...]:
    if not 0 <= mark.weight <= 1:
        what = f"Its weight is {mark.weight:g}; allowed is 0 to 1."
        raise DataError(Problem("SHAPE-WEIGHT", what))
    shape = mark.shape if factors == (1, 1) else rescaled(mark.shape, *factors)
    window, notes = rasterise(shape, size)
    height, width = window.cells.shape
    area = np.s_[window.top : window.top + height, window.left : window.left + width]
    if mark.role == "evidence":
        below = np.where(unknown[area], 0, drawn[area])
        level = np.float32(mark.weight)
        drawn[area] = np.where(window.cells, np.maximum(below, level), drawn[area])
    else:
        drawn[area][window.cells] = 0
    unknown[area][window.cells] = mark.role == "unknown"
    return notes
