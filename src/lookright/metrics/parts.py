"""Go through many maps a part at a time, and say which of them can be measured at all."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

Maps = Float[np.ndarray, "images rows cols"]
Regions = Bool[np.ndarray, "images rows cols"]
Fixations = Shaped[np.ndarray, "images rows cols"]  # how often each cell was looked at
Flags = Bool[np.ndarray, " images"]
Counts = Int[np.ndarray, " images"]
Values = Float[np.ndarray, " images"]
Measure = Callable[[Maps, Maps], Values]

SILENT = 1e-7  # a map with less energy than this says nothing
FLAT = 1e-6  # as in cam.py: a range below this share of the magnitude is rounding
CELLS = 2**16  # cells handled at a time: memory stays flat, and in the processor's cache


def in_parts(measure: Callable[..., np.ndarray], *arrays: np.ndarray, times: int = 1) -> np.ndarray:
    """Measure a few images at a time, and put their rows below each other.

    Every array has one row per image, and maps are on one grid. Floats arrive in float64, others
    as they are. `times` is how much larger parts are than usual, where calls cost more than cells.
    """
    first = arrays[0]
    assert len({len(each) for each in arrays}) == 1, "every array has one row per image"
    grids = {each.shape for each in arrays if each.ndim == first.ndim}
    assert len(grids) == 1, f"maps on different grids: {grids}"
    step = max(1, times * CELLS // max(1, first[:1].size))
    starts = range(0, max(1, len(first)), step)
    return np.concatenate(
        [measure(*(_lifted(each[start : start + step]) for each in arrays)) for start in starts]
    )


def alike(maps: Maps) -> Maps:
    """Weigh every cell by one, in no memory."""
    return np.broadcast_to(np.ones(1), maps.shape)


def known_alone(measure: Measure, maps: Maps, human: Maps) -> Values:
    """Measure images whose human map is NaN in places by their other cells alone.

    For measures that do not ask where a cell lies: the others are laid in a row.
    """
    values = measure(maps, human)
    for image in np.flatnonzero(in_parts(_partly, human)):
        there = ~np.isnan(human[image])
        values[image] = measure(maps[image][there][None, None], human[image][there][None, None])[0]
    return values


def _partly(human: Maps) -> Flags:
    missing = np.isnan(human).sum((1, 2))
    return (missing > 0) & (missing < human[0].size)


def summed(maps: Fixations) -> Float[np.ndarray, "rows cols"]:
    """Add all maps up; those of NaN, of images that nobody was asked about, count as nothing."""
    total = np.zeros(maps.shape[1:])
    for start in range(0, len(maps), 64):
        total += np.nansum(maps[start : start + 64], 0, dtype=float)
    return total


def where(defined: Flags, values: np.ndarray) -> np.ndarray:
    """Keep the values (or rows of values) of the images that have one; the others are NaN."""
    return np.where(defined.reshape(-1, *[1] * (values.ndim - 1)), values, np.nan)


def marked(evidence: Fixations) -> Flags:
    """Flag the images on which somebody marked something."""
    return evidence.sum((1, 2)) > 0


def finite(maps: Shaped[np.ndarray, "images *cells"]) -> Flags:
    """Flag the maps without NaN and infinity, which spoil sums."""
    return np.isfinite(cells(maps).sum(1))


def cells(maps: np.ndarray) -> Shaped[np.ndarray, "images cells"]:
    """Lay the rows of each map behind each other."""
    return maps.reshape(len(maps), math.prod(maps.shape[1:]))  # not -1: there may be no image


def varied(maps: Maps) -> Flags:
    """Flag the maps that are no constant; NaN and infinity are no maps."""
    low, high = maps.min((1, 2)), maps.max((1, 2))
    return finite(maps) & (high - low > FLAT * np.maximum(abs(high), abs(low)))


def rescaled(maps: Maps) -> Maps:
    """Stretch each map to [0, 1]; one without a range becomes zero."""
    flat = ~varied(maps)[:, None, None]
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return np.where(flat, 0, (maps - low) / np.where(flat, 1, high - low))


def _lifted(maps: np.ndarray) -> np.ndarray:
    # Only one part at a time is lifted to float64: a copy of all maps could be gigabytes.
    return maps.astype(np.float64) if np.issubdtype(maps.dtype, np.floating) else maps
