"""Masks as lengths of runs: the two forms of COCO, and starts with lengths.

The decoder of pycocotools is not used: it trusts its input, and reads and writes beyond its memory
where that is damaged. Tests hold this one against it.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from lookright.data.drawings.shapes import Cells, Raster
from lookright.errors import DataError, Problem

MOST_PIXELS = 89_000_000  # of one mask, as of an image
_LONGEST = 7  # characters of one number: 34 bits and a sign

Counts = Int64[np.ndarray, "runs"]


def counts_of_text(text: str) -> Counts:
    """Read the compressed counts of COCO: six bits a character, differences from the third on.

    >>> counts_of_text("52203").tolist()
    [5, 2, 2, 2, 5]
    """
    codes = np.frombuffer(text.encode("utf-8", "backslashreplace"), np.uint8).astype(np.int64) - 48
    if not len(codes):
        return codes
    ends = np.flatnonzero((codes & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise DataError(Problem("MASK-RLE", "The counts are damaged or cut off."))
    lengths = ends - starts + 1
    if lengths.max() > _LONGEST:
        raise DataError(Problem("MASK-RLE", "A count is too large for any picture."))
    places = np.arange(len(codes)) - np.repeat(starts, lengths)
    counts = np.add.reduceat((codes & 31) << (5 * places), starts)
    counts -= np.where(codes[ends] & 16, 1 << (5 * lengths), 0)
    counts[1::2], counts[2::2] = np.cumsum(counts[1::2]), np.cumsum(counts[2::2])
    return counts


def text_of_counts(counts: Counts) -> str:
    """Compress counts as COCO does.

    >>> text_of_counts(np.array([5, 2, 2, 2, 5]))
    '52203'
    """
    differences = counts.copy()
    differences[3:] -= counts[1:-2]
    return "".join(map(_text_of, differences.tolist()))


def _text_of(value: int) -> str:
    text = ""
    while True:
        low, value = value & 31, value >> 5
        last = value == (-1 if low & 16 else 0)
        text += chr(48 + (low if last else low | 32))
        if last:
            return text


def counts_of(lines: Cells) -> Counts:
    """Return the lengths of runs along the rows of `lines`; the first is unmarked, may be 0."""
    flat = lines.ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=False)).astype(np.int64)
    return np.diff(edges, prepend=0, append=len(flat))


def from_counts(counts: Counts, size: tuple[int, int]) -> Raster:
    """Mark every second run, the first one not; counted down the columns, from left to right.

    `size` is (width, height). Raises DataError where the runs do not fill it exactly.
    """
    _require_area(size)
    if len(counts) and (counts.min() < 0 or counts.max() > MOST_PIXELS):
        raise DataError(Problem("MASK-RLE", "There is a run of a length that cannot be."))
    total = int(counts.sum())
    if total != size[0] * size[1]:
        what = f"The runs hold {total} pixels; {size[0]} x {size[1]} are {size[0] * size[1]}."
        raise DataError(Problem("MASK-SIZE", what, fix="It may belong to another image."))
    ends = np.cumsum(counts)
    return from_runs(ends[0:-1:2], counts[1::2], size)


def from_runs(
    starts: Counts, lengths: Counts, size: tuple[int, int], by_rows: bool = False
) -> Raster:
    """Mark runs of pixels that lie in order, counted down the columns or along the rows."""
    _require_area(size)
    kept = lengths > 0
    starts, lengths = starts[kept], lengths[kept]
    if not len(starts):
        return Raster(np.zeros((0, 0), bool))
    side = size[0] if by_rows else size[1]
    first, last = int(starts[0]) // side, int(starts[-1] + lengths[-1] - 1) // side
    edges = np.stack([starts, starts + lengths], 1).ravel() - first * side
    within = np.diff(edges, prepend=0, append=(last + 1 - first) * side)
    flags = np.arange(len(within)) % 2 == 1
    lines = np.repeat(flags, within).reshape(-1, side)
    return cropped(lines, 0, first) if by_rows else cropped(lines.T, first, 0)


def cropped(cells: Cells, left: int = 0, top: int = 0) -> Raster:
    """Keep the box around what is marked."""
    rows, cols = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    if not len(rows):
        return Raster(np.zeros((0, 0), bool))
    inner = cells[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return Raster(np.ascontiguousarray(inner), left + int(cols[0]), top + int(rows[0]))


def whole_numbers(given: object) -> Counts:
    """Take a list or an array of JSON for whole numbers; raises DataError for anything else."""
    if isinstance(given, Sequence) and not isinstance(given, str) and not len(given):
        return np.zeros(0, np.int64)
    try:
        found = np.asarray(given)
        if found.ndim == 1 and found.dtype.kind in "iu":
            return found.astype(np.int64)
    except (ValueError, TypeError, OverflowError):
        pass
    raise DataError(Problem("MASK-RLE", "The runs are no list of whole numbers."))


def _require_area(size: tuple[int, int]) -> None:
    width, height = size
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        what = f"A mask of {width} x {height} pixels; from 1 to {MOST_PIXELS} are read."
        raise DataError(Problem("MASK-LARGE", what))
