"""How one map lies on its image, in a few numbers that doubts can be told from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from PIL import Image
from scipy.ndimage import gaussian_filter, label

from lookright.data.sample import Evidence, Pixels

SIDE = 64  # image and map are compared at this size
_BLUR = 6.0  # of SIDE: what is brighter than its surroundings of this width stands out
_EMPTY = 4 / 255  # this near to black or white, and joined to the border, there is no body

Small = Float32[np.ndarray, "side side"]


@dataclass(frozen=True)
class Alignment:
    """What a map has to do with its image.

    `stands_out` is the correlation of the map with what is brighter than its surroundings; and
    for the map `mirrored`, `overturned` and `transposed` likewise (NaN: not a square).
    """

    outside: float  # share of the map's mass on black or white that is joined to the border
    right: int  # pixels that the marked part reaches from the left
    bottom: int
    cornered: bool  # all of it is about the first pixel
    stands_out: float
    mirrored: float
    overturned: float
    transposed: float


def align(pixels: Pixels, drawn: Evidence) -> Alignment:
    """Compare an image with a map of the same size that is not empty."""
    top = 65535 if pixels.dtype == np.uint16 else 255
    grey = _small(pixels.mean(2, dtype=np.float32) / top)
    mass = _small(drawn)
    ground = _ground(grey)
    local = grey - gaussian_filter(grey, _BLUR)
    is_square = drawn.shape[0] == drawn.shape[1]
    bottom, right = (int(np.flatnonzero(drawn.any(axis))[-1]) + 1 for axis in (1, 0))
    return Alignment(
        float(mass[ground].sum() / mass.sum()),
        right,
        bottom,
        _is_cornered(drawn, right, bottom),
        _correlation(local, mass),
        _correlation(local, mass[:, ::-1]),
        _correlation(local, mass[::-1]),
        _correlation(local, mass.T) if is_square else float("nan"),
    )


def _small(values: Float32[np.ndarray, "height width"]) -> Small:
    return np.asarray(Image.fromarray(values).resize((SIDE, SIDE), Image.Resampling.BOX))


def _ground(grey: Small) -> np.ndarray:
    """Find what is black, or white, from the border on."""
    ground = np.zeros(grey.shape, bool)
    for empty in (grey <= _EMPTY, grey >= 1 - _EMPTY):
        parts = np.asarray(label(empty)[0])  # type: ignore[index]
        border = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
        ground |= np.isin(parts, np.unique(border[border > 0]))
    return ground


def _is_cornered(drawn: Evidence, right: int, bottom: int) -> bool:
    """Say whether a mask is the first pixels only, or a soft map has its one peak there."""
    if max(right, bottom) <= 2:
        return True
    soft = ((drawn > 0) & (drawn < drawn.max())).mean() > 0.5 * (drawn > 0).mean()
    row, col = np.unravel_index(int(drawn.argmax()), drawn.shape)
    narrow = (drawn >= drawn.max() / 2).mean() < 0.05
    return bool(soft and narrow and max(row, col) <= 1)


def _correlation(one: Small, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / scale) if scale > 0 else 0.0
