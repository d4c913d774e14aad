"""What a round pen leaves: pixels whose centre is near a line, and those that it runs through."""

import numpy as np
from jaxtyping import Float

from lookright.data.drawings.scanline import Window, bounds, spans
from lookright.data.drawings.shapes import Vertices

Ends = Float[np.ndarray, "segments 2"]
Intervals = tuple[np.ndarray, np.ndarray]  # from and to, for each row of each segment

_FARTHEST = 1e9  # pixels: a pen that covers any picture, and whose square is still a number


def draw(line: Vertices, width: float, columns: int, rows: int) -> Window:
    """Mark the pixels of an image whose centre is within half a width of a line.

    However thin the pen, a line that is more across than down leaves a pixel in every column that
    it passes, and a line that is more down than across one in every row. Raises TooLarge.

    >>> draw(np.array([[0.5, 0.5], [2.5, 0.5]]), 1.0, 4, 4).cells.tolist()
    [[True, True, True]]
    """
    reach = min(width / 2, _FARTHEST)
    frame = np.concatenate([line - reach, line + reach, np.floor(line), np.floor(line) + 1])
    left, top, right, bottom = bounds(frame, columns, rows)
    changes = np.zeros((bottom - top, right - left + 1), np.int32)
    starts, ends = (line[:-1], line[1:]) if len(line) > 1 else (line, line)
    _add_bands(changes, starts, ends, reach, (left, top, right, bottom))
    cells = np.cumsum(changes[:, :-1], axis=1) > 0
    _add_thin(cells, starts, ends, (left, top, right, bottom))
    return Window(cells, left, top)


def _add_bands(
    changes: np.ndarray, starts: Ends, ends: Ends, reach: float, frame: tuple[int, int, int, int]
) -> None:
    """Add one where a row enters the band about a segment, and take it away where it leaves."""
    left, top, right, bottom = frame
    high, low = np.minimum(starts[:, 1], ends[:, 1]), np.maximum(starts[:, 1], ends[:, 1])
    first = np.clip(np.ceil(high - reach - 0.5), top, bottom).astype(np.int64)
    last = np.clip(np.floor(low + reach - 0.5) + 1, top, bottom).astype(np.int64)
    for chosen, rows in spans(first, last):
        start, end = _across(starts[chosen], ends[chosen], reach, rows + 0.5)
        first_column = np.clip(np.ceil(start - 0.5), left, right).astype(np.int64)
        last_column = np.clip(np.floor(end - 0.5) + 1, left, right).astype(np.int64)
        there = last_column > first_column
        place = (rows[there] - top) * changes.shape[1] - left
        np.add.at(changes.reshape(-1), place + first_column[there], 1)
        np.add.at(changes.reshape(-1), place + last_column[there], -1)


def _across(starts: Ends, ends: Ends, reach: float, heights: np.ndarray) -> Intervals:
    """Cut bands at given heights: a disc about each end, and the turned rectangle between them."""
    along = ends - starts
    length = np.hypot(along[:, 0], along[:, 1])
    normal = along[:, ::-1] * [-1, 1] * (reach / np.where(length > 0, length, 1))[:, None]
    corners = [starts + normal, ends + normal, ends - normal, starts - normal]
    low, high = np.full(len(heights), np.inf), np.full(len(heights), -np.inf)
    for centre in (starts, ends):
        away = reach**2 - (heights - centre[:, 1]) ** 2
        half = np.where(away >= 0, np.sqrt(np.maximum(away, 0)), -np.inf)
        low, high = np.minimum(low, centre[:, 0] - half), np.maximum(high, centre[:, 0] + half)
    for number in range(4):
        one, other = corners[number], corners[(number + 1) % 4]
        drop = other[:, 1] - one[:, 1]
        share = (heights - one[:, 1]) / np.where(drop == 0, np.inf, drop)
        crosses = (drop != 0) & (share >= 0) & (share <= 1)
        place = one[:, 0] + share * (other[:, 0] - one[:, 0])
        low = np.where(crosses, np.minimum(low, place), low)
        high = np.where(crosses, np.maximum(high, place), high)
    return low, high


def _add_thin(
    cells: np.ndarray, starts: Ends, ends: Ends, frame: tuple[int, int, int, int]
) -> None:
    """Mark the pixel that a segment runs through in each step of its longer axis."""
    steep = np.abs(ends[:, 1] - starts[:, 1]) > np.abs(ends[:, 0] - starts[:, 0])
    for axis, which in ((0, ~steep), (1, steep)):
        _add_steps(cells, starts[which], ends[which], axis, frame)


def _add_steps(
    cells: np.ndarray, starts: Ends, ends: Ends, axis: int, frame: tuple[int, int, int, int]
) -> None:
    backwards = starts[:, axis] > ends[:, axis]
    begin = np.where(backwards[:, None], ends, starts)
    along = np.where(backwards[:, None], starts, ends) - begin
    stop = begin[:, axis] + along[:, axis]
    inside = (frame[axis], frame[axis + 2])
    first = np.clip(np.floor(begin[:, axis]), *inside).astype(np.int64)
    last = np.clip(np.floor(stop) + 1, *inside).astype(np.int64)
    for chosen, steps in spans(first, last):
        span = along[chosen, axis]
        share = (steps + 0.5 - begin[chosen, axis]) / np.where(span > 0, span, np.inf)
        across = begin[chosen, 1 - axis] + np.clip(share, 0, 1) * along[chosen, 1 - axis]
        other = np.floor(across).astype(np.int64)
        there = (other >= frame[1 - axis]) & (other < frame[3 - axis])
        pair = (other[there], steps[there]) if axis == 1 else (steps[there], other[there])
        cells[pair[1] - frame[1], pair[0] - frame[0]] = True
