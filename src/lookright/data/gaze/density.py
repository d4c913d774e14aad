"""A few looks become a map: the sum of a Gaussian for each of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.sparse import csr_array

from lookright.data.gaze.coordinates import Size
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem

Border = Literal["cut", "renormalised", "reflected"]
Scale = Literal["max", "sum", "none"]
CUT = 4.0  # sigmas: what lies further away is nothing, as in scipy
_TOGETHER = 4096  # looks that are added in one product: memory stays flat

Looks = Float[np.ndarray, " looks"]
Spans = Float[np.ndarray, "looks low_high"]
Kernels = Float32[np.ndarray, "different pixels"]


@dataclass(frozen=True, eq=False)
class Points:
    """Where somebody looked, in pixels of the map to be made, and how much each look counts."""

    x: Looks
    y: Looks
    weight: Looks
    sigma_x: Looks
    sigma_y: Looks
    across: Spans | None = None  # left and right end of what was on the screen
    down: Spans | None = None  # its top and bottom

    def only(self, kept: Bool[np.ndarray, " looks"]) -> "Points":
        """Keep the looks that are flagged."""
        given = {name: values for name, values in vars(self).items() if values is not None}
        return replace(self, **{name: values[kept] for name, values in given.items()})


def density(points: Points, size: Size, border: Border = "cut", scale: Scale = "max") -> Evidence:
    """Add up the Gaussians of all looks on a grid of `size` (width, height).

    A look counts for the pixel that it lies in: its Gaussian is taken at the distances of pixels
    from that one, ends after 4 sigma, and sums to the look's weight over an endless plane, so
    that the map equals scipy's gaussian_filter of weights at pixels, to float32. At the border it
    is `cut` (what falls outside is lost; scipy's `constant`), `reflected` back (scipy's
    `reflect`) or `renormalised` (each look keeps its whole weight). What was not on the screen
    gets nothing. Looks off the map are not for this function. The map is divided by its maximum
    or its sum, where it has any. Raises DataError for sigmas that are 0 or larger than the map.
    """
    _require_sigmas(points, size)
    width, height = size
    total = np.zeros((height, width), dtype=np.float32)
    largest = float(np.abs(points.weight).max(initial=0)) or 1.0  # weights may exceed float32
    for start in range(0, len(points.x), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        across, column = _kernels(points.x, points.sigma_x, points.across, part, width, border)
        down, row = _kernels(points.y, points.sigma_y, points.down, part, height, border)
        weight = (points.weight[part] / largest).astype(np.float32)
        # Looks in one row of pixels share one Gaussian downwards: two small products are enough.
        joint = csr_array((weight, (row, column)), shape=(len(down), len(across)))
        total += down.T @ (joint @ across)
    return _scaled(total, scale, largest)


def _require_sigmas(points: Points, size: Size) -> None:
    for name, sigmas, side in zip("xy", (points.sigma_x, points.sigma_y), size, strict=True):
        if len(sigmas) and not (sigmas.min() > 0 and sigmas.max() <= side):
            worst = sigmas.min() if not sigmas.min() > 0 else sigmas.max()
            what = f"A Gaussian of sigma_{name} = {worst:g} pixels on {side} pixels."
            fix = "Give a sigma above 0 that is no larger than the image, in the right unit."
            raise DataError(Problem("GAZE-SIGMA", what, "sigma", fix))


def _kernels(
    places: Looks, sigmas: Looks, spans: Spans | None, part: slice, length: int, border: Border
) -> tuple[Kernels, Int[np.ndarray, " part"]]:
    """Return the different Gaussians along one axis, and which of them belongs to which look."""
    whole = np.broadcast_to([0.0, length], (len(places), 2)) if spans is None else spans
    wanted = np.column_stack([np.floor(places[part]), sigmas[part], np.rint(whole[part])])
    different, which = np.unique(wanted, axis=0, return_inverse=True)
    centre, sigma, low, high = (column[:, None] for column in different.T)
    reach = np.floor(CUT * sigma + 0.5)
    pixels = np.arange(length)
    found = _gauss(pixels - centre, sigma, reach)
    if border == "reflected":
        for image in _mirrored(pixels, reach, length):
            found += _gauss(image - centre, sigma, reach)
    found *= (pixels >= low) & (pixels < high)
    inside = found.sum(1, keepdims=True) if border == "renormalised" else _sums(sigma[:, 0])
    return (found / np.where(inside > 0, inside, 1)).astype(np.float32), which.reshape(-1)


def _gauss(distance: np.ndarray, sigma: np.ndarray, reach: np.ndarray) -> np.ndarray:
    exponent = -0.5 * (distance / sigma) ** 2
    return np.exp(exponent, out=np.zeros_like(exponent), where=np.abs(distance) <= reach)


def _mirrored(pixels: np.ndarray, reach: np.ndarray, length: int) -> Iterator[np.ndarray]:
    """Yield where the border's mirrors show each pixel, as far as the widest Gaussian reaches."""
    turns = int((reach.max(initial=0) + length) // (2 * length))
    for turn in range(-turns, turns + 2):
        for image in (2 * length * turn - 1 - pixels, 2 * length * turn + pixels):
            beyond = max(-image.max(), image.min() - length + 1)
            if 0 < beyond <= reach.max():
                yield image


def _sums(sigmas: Looks) -> np.ndarray:
    """Return what a Gaussian sums to over all pixels of an endless row."""
    different, which = np.unique(sigmas, return_inverse=True)
    sums = [np.exp(-0.5 * (np.arange(-r, r + 1) / s) ** 2).sum() for s, r in _reaches(different)]
    return np.array(sums)[which.reshape(-1), None]


def _reaches(sigmas: Looks) -> list[tuple[float, float]]:
    return [(sigma, np.floor(CUT * sigma + 0.5)) for sigma in sigmas]


def _scaled(total: Evidence, scale: Scale, unit: float) -> Evidence:
    divisor = {"max": float(total.max()), "sum": float(total.sum()), "none": 1 / unit}[scale]
    return total / np.float32(divisor) if divisor > 0 else total
