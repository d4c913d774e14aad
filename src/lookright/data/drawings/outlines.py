"""The outlines of a mask, along the edges of its pixels: drawn again, they give the same mask."""

import numpy as np

from lookright.data.drawings.shapes import Cells, Vertices

_STEPS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])  # right, down, left, up


def outlines(cells: Cells) -> tuple[list[Vertices], list[Vertices]]:
    """Return the outlines of what is marked and of the holes in it, corners only.

    Areas that touch at a corner only are two areas.

    >>> areas, holes = outlines(np.array([[True, True]]))
    >>> areas[0].tolist(), holes
    ([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]], [])
    """
    starts, ways = _edges(cells)
    areas: list[Vertices] = []
    holes: list[Vertices] = []
    for ring in _rings(_next(starts, ways, cells.shape[1] + 1)):
        corners = starts[ring][ways[ring] != ways[np.roll(ring, 1)]].astype(np.float64)
        x, y = corners.T
        turned = float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        (areas if turned > 0 else holes).append(corners)
    return areas, holes


def _edges(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Return where each edge starts (x, y), and its way with the marked pixel on its right."""
    framed = np.pad(cells, 1).astype(np.int8)
    down, right = np.diff(framed, axis=0)[:, 1:-1], np.diff(framed, axis=1)[1:-1]
    found = [
        (np.argwhere(down > 0)[:, ::-1], 0),
        (np.argwhere(right < 0)[:, ::-1], 1),
        (np.argwhere(down < 0)[:, ::-1] + [1, 0], 2),
        (np.argwhere(right > 0)[:, ::-1] + [0, 1], 3),
    ]
    starts = np.concatenate([each for each, _ in found])
    ways = np.concatenate([np.full(len(each), way) for each, way in found])
    order = np.argsort(starts[:, 1] * (cells.shape[1] + 1) + starts[:, 0], kind="stable")
    return starts[order], ways[order]


def _next(starts: np.ndarray, ways: np.ndarray, width: int) -> list[int]:
    """Say which edge follows each one; where two could, the one to the right."""
    here = starts @ [1, width]
    there = (starts + _STEPS[ways]) @ [1, width]
    first = np.searchsorted(here, there)
    second = np.minimum(first + 1, len(here) - 1)
    turns = (here[second] == there) & (ways[second] == (ways + 1) % 4)
    return np.where(turns, second, first).tolist()


def _rings(following: list[int]) -> list[np.ndarray]:
    rings: list[np.ndarray] = []
    seen = bytearray(len(following))
    for start in range(len(following)):
        ring: list[int] = []
        at = start
        while not seen[at]:
            seen[at] = 1
            ring.append(at)
            at = following[at]
        if ring:
            rings.append(np.array(ring))
    return rings
