"""Areas between outlines become pixels: those whose centre lies inside, by the even-odd rule.

The work is linear in the crossings of edges with rows of pixels, and in the area of the bounding
box. An edge belongs to what is on its right and below it, so that of two areas that share an edge
each pixel is in exactly one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from lookright.data.drawings.shapes import Cells, Vertices

MOST_CROSSINGS = 200_000_000  # of edges with rows: seconds
_AT_ONCE = 2_000_000
Coordinates = Float[np.ndarray, " edges"]


@dataclass(frozen=True, eq=False)
class Window:
    """Marked pixels in a part of an image."""

    cells: Cells
    left: int
    top: int
    ambiguous: bool = False  # an outline goes round some pixel twice: other rules fill it


class TooLarge(ValueError):
    """There are more crossings than `MOST_CROSSINGS`."""


def fill(outlines: Sequence[Vertices], width: int, height: int) -> Window:
    """Mark the pixels of an image whose centre lies within an odd number of outlines.

    >>> square = np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 2.0], [1.0, 2.0]])
    >>> window = fill([square], 4, 4)
    >>> window.left, window.top, window.cells.tolist()
    (1, 1, [[True, True]])
    """
    together = np.concatenate(outlines)
    left, top, right, bottom = bounds(together, width, height)
    turns = np.zeros((bottom - top, right - left + 1), np.int16)
    for rows, cols, directions in _crossings(_edges(outlines), top, bottom):
        place = (rows - top) * turns.shape[1] + np.clip(cols, left, right) - left
        np.add.at(turns.reshape(-1), place, directions)
    winding = np.cumsum(turns[:, :-1], axis=1, dtype=np.int16)
    cells = (winding & 1).astype(bool)
    ambiguous = len(outlines) == 1 and bool(((winding != 0) & ~cells).any())
    return Window(cells, left, top, ambiguous)


def bounds(points: Vertices, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the pixels that a shape can touch; may be empty."""
    size = (width, height)
    first = np.clip(np.floor(points.min(0)), 0, size).astype(int)
    last = np.clip(np.ceil(points.max(0)), first, size).astype(int)
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges from their upper to their lower end, so that both ways round give the same pixels."""

    x: Coordinates
    y: Coordinates
    dx: Coordinates
    dy: Coordinates
    directions: np.ndarray  # 1 down, -1 up


def _edges(outlines: Sequence[Vertices]) -> _Edges:
    starts = np.concatenate(outlines)
    ends = np.concatenate([np.roll(outline, -1, axis=0) for outline in outlines])
    down: Bool[np.ndarray, " edges"] = starts[:, 1] <= ends[:, 1]
    upper = np.where(down[:, None], starts, ends)
    x, y = upper.T
    dx, dy = (np.where(down[:, None], ends, starts) - upper).T
    return _Edges(x, y, dx, dy, np.where(down, 1, -1).astype(np.int16))


def _crossings(
    edges: _Edges, top: int, bottom: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield rows, first columns on the right, and directions of crossings, some at a time."""
    first = np.clip(np.ceil(edges.y - 0.5), top, bottom).astype(np.int64)
    last = np.clip(np.ceil(edges.y + edges.dy - 0.5), top, bottom).astype(np.int64)
    for chosen, rows in spans(first, last):
        # Multiplied before it is divided: a crossing through the centre of a pixel is then exact.
        drop = (rows + 0.5 - edges.y[chosen]) * edges.dx[chosen]
        across = edges.x[chosen] + drop / edges.dy[chosen]
        yield rows, np.ceil(across - 0.5).astype(np.int64), edges.directions[chosen]


def spans(first: np.ndarray, last: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, some at a time, every number from first to before last, with the index of its span.

    Raises TooLarge before anything is yielded.
    """
    counts = np.maximum(last - first, 0)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    if total > MOST_CROSSINGS:
        raise TooLarge(f"{total} crossings with rows of pixels; {MOST_CROSSINGS} are allowed")
    cuts = np.searchsorted(ends, np.arange(_AT_ONCE, total + _AT_ONCE, _AT_ONCE), side="left")
    begin = 0
    for end in np.minimum(cuts + 1, len(counts)):
        part = np.arange(begin, end)[counts[begin:end] > 0]
        if len(part):
            chosen = np.repeat(part, counts[part])
            before = np.repeat(np.cumsum(counts[part]) - counts[part], counts[part])
            yield chosen, first[chosen] + np.arange(len(chosen)) - before
        begin = max(begin, int(end))
