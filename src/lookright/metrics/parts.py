"""Go through many maps a part at a time, and say which of them can be measured at all."""

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
CELLS = 2**18  # cells handled at a time, so that memory does not grow with the images


def in_parts(measure: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """Measure a few images at a time, and put their rows below each other.

    Every array has one map per image, on one grid; floats arrive in float64, others as they are.
    """
    first = arrays[0]
    shapes = [each.shape for each in arrays]
    assert len(set(shapes)) == 1, f"maps on different grids: {shapes}"
    step = max(1, CELLS // max(1, first[:1].size))
    starts = range(0, max(1, len(first)), step)
    return np.concatenate(
        [measure(*(_lifted(each[start : start + step]) for each in arrays)) for start in starts]
    )


def summed(maps: Fixations) -> Float[np.ndarray, "rows cols"]:
    """Add all maps up; those of NaN, of images that nobody was asked about, count as nothing."""
    total = np.zeros(maps.shape[1:])
    for start in range(0, len(maps), 64):
        total += np.nansum(maps[start : start + 64], 0, dtype=float)
    return total


def where(defined: Flags, values: np.ndarray) -> np.ndarray:
    """Keep the values (or rows of values) of the images that have one; the others are NaN."""
    return np.where(defined.reshape(-1, *[1] * (values.ndim - 1)), values, np.nan)


def marked(evidence: Maps) -> Flags:
    """Flag the images on which somebody marked something."""
    return evidence.sum((1, 2)) > 0


def varied(maps: Maps) -> Flags:
    """Flag the maps that are no constant; NaN and infinity are no maps."""
    low, high = maps.min((1, 2)), maps.max((1, 2))
    spread = np.isfinite(low) & np.isfinite(high)
    return spread & (high - low > FLAT * np.maximum(abs(high), abs(low)))


def rescaled(maps: Maps) -> Maps:
    """Stretch each map to [0, 1]; one without a range becomes zero."""
    flat = ~varied(maps)[:, None, None]
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return np.where(flat, 0, (maps - low) / np.where(flat, 1, high - low))


def _lifted(maps: np.ndarray) -> np.ndarray:
    # Only one part at a time is lifted to float64: a copy of all maps could be gigabytes.
    return maps.astype(np.float64) if np.issubdtype(maps.dtype, np.floating) else maps
