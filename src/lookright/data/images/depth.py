"""Values deeper than 8 bits become brightness by a rule, never by their own extremes."""

import numpy as np

from lookright.data.images.window import sixteen, windowed
from lookright.data.reading import Reading
from lookright.errors import DataError, Problem

_DEPTHS = (8, 10, 12, 16)


def brightness(
    values: np.ndarray, reading: Reading, declared: int | None, where: str
) -> tuple[np.ndarray, int]:
    """Return the values as uint16 where 65535 is white, and their significant bits.

    An image with a window of its own is shown through it. Without one, whole numbers are
    stretched from 0 to the depth that `reading.bits` says, and floats from 0 to 1. Raises
    DataError for values that do not fit, and for NaN and infinity unless they are to be zero.
    """
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "f":
        values = _finite(values, reading, where)
    if reading.window is not None:
        return _through_window(values, *reading.window), 16
    if values.dtype.kind == "f":
        return _unit(values, where), 16
    return _stretched(values, reading, declared, where)


def _through_window(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    if values.dtype.itemsize > 2:
        return sixteen(windowed(values, centre, width))
    levels = np.iinfo(values.dtype)
    every = np.arange(levels.min, levels.max + 1)
    table = sixteen(windowed(every.astype(np.float64), centre, width))
    return np.roll(table, levels.min)[values.view(f"u{values.dtype.itemsize}")]


def _finite(values: np.ndarray, reading: Reading, where: str) -> np.ndarray:
    if np.isfinite(values).all():
        return values
    if reading.nan == "zero":
        return np.nan_to_num(values, nan=0, posinf=0, neginf=0)
    what, fix = "There are NaN or infinite values.", "To read them as 0, set data.nan=zero."
    raise DataError(Problem("IMG-NAN", what, where, fix))


def _unit(values: np.ndarray, where: str) -> np.ndarray:
    if values.min() < 0 or values.max() > 1:
        what = f"Float values from {values.min():g} to {values.max():g}; allowed is 0 to 1."
        fix = "Give the image a window (window_centre, window_width), or store 8 or 16 bits."
        raise DataError(Problem("IMG-FLOAT", what, where, fix))
    return sixteen(values)


def _stretched(
    values: np.ndarray, reading: Reading, declared: int | None, where: str
) -> tuple[np.ndarray, int]:
    """Stretch the significant bits to 16, so that white is 65535."""
    largest = int(values.max())
    if largest > 65535 or values.min() < 0:
        what = f"Values from {values.min()} to {largest} do not fit 16 bits."
        fix = "Give the image a window: the columns window_centre and window_width."
        raise DataError(Problem("IMG-BITS", what, where, fix))
    needed = max(1, largest.bit_length())
    if reading.bits == "auto":
        floor = max(needed, declared or 0)
        depth = next(each for each in _DEPTHS if each >= min(floor, 16))
    else:
        depth = reading.bits
    if needed > depth:
        what = f"The value {largest} needs {needed} bits; data.bits says {depth}."
        raise DataError(Problem("IMG-BITS", what, where, "Declare more bits."))
    # a table: floats would take 8 times the memory
    table = sixteen(np.minimum(np.arange(2**16) / (2**depth - 1), 1))
    return table[values], depth
