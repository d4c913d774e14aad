"""Does it look right? Class maps against human evidence on the same grid, one value per image.

Evidence is in [0, 1]. An image without evidence, whether nobody was asked (NaN) or nothing was
marked (all zero), has no agreement: its value is NaN.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

Maps = Float[np.ndarray, "images rows cols"]
Regions = Bool[np.ndarray, "images rows cols"]
Flags = Bool[np.ndarray, " images"]
Values = Float[np.ndarray, " images"]
Energy = Literal["relu", "abs", "square", "rescaled"]

SILENT = 1e-7  # a map with less energy than this says nothing
FLAT = 1e-6  # as in cam.py: a range below this share of the magnitude is rounding
CELLS = 2**21  # cells handled at a time, so that memory does not grow with the images


def framing_sensitivity(maps: Maps, evidence: Maps, energy: Energy = "relu") -> Values:
    """Return the share of a map's energy outside the evidence, in [0, 1]; see `chance`.

    sum E (1 - M) / sum E; undefined when the map has no energy.
    """

    def share(maps: Maps, evidence: Maps) -> Values:
        strength = ENERGIES[energy](maps)
        total = strength.sum((1, 2))
        outside = np.einsum("nrc,nrc->n", strength, 1 - evidence)
        return _where((total >= SILENT) & _marked(evidence), outside / np.maximum(total, SILENT))

    return _in_parts(share, maps, evidence)


def energy_pointing(maps: Maps, evidence: Maps, energy: Energy = "relu") -> Values:
    """Return the share of a map's energy inside the evidence: 1 - framing sensitivity."""
    return 1 - framing_sensitivity(maps, evidence, energy)


def chance(evidence: Maps) -> Values:
    """Return the framing sensitivity of a uniform map: the share of the area outside."""

    def share(_: Maps, evidence: Maps) -> Values:
        return _where(_marked(evidence), 1 - evidence.mean((1, 2)))

    return _in_parts(share, evidence, evidence)


def pointing_game(maps: Maps, evidence: Maps, tolerance: float = 0) -> Values:
    """Return whether the strongest cell lies where evidence > 0.5: 1 or 0.

    Ties give the share of the strongest cells that hit, so that a flat map scores the area share.
    `tolerance` is how many cells (Euclidean) beside the evidence still hit. Chance is the area
    share of the evidence. Undefined when no cell of the evidence exceeds 0.5.
    """

    def hit(maps: Maps, evidence: Maps) -> Values:
        inside = evidence > 0.5
        strongest = maps == maps.max((1, 2), keepdims=True)
        hits = (strongest & _widened(inside, tolerance)).sum((1, 2))
        count = strongest.sum((1, 2))
        return _where(inside.any((1, 2)) & (count > 0), hits / np.maximum(count, 1))

    return _in_parts(hit, maps, evidence)


def iou(maps: Maps, evidence: Maps, threshold: float = 0.5) -> Values:
    """Return intersection over union of the rescaled map >= threshold and evidence > 0.5.

    A flat map cannot be rescaled and evidence that never exceeds 0.5 has no region: undefined.
    """

    def overlap(maps: Maps, evidence: Maps) -> Values:
        scaled, inside = _rescaled(maps), evidence > 0.5
        found = scaled >= threshold
        union = (found | inside).sum((1, 2))
        defined = np.logical_and(inside.any((1, 2)), scaled.any((1, 2)))
        return _where(defined, (found & inside).sum((1, 2)) / np.maximum(union, 1))

    return _in_parts(overlap, maps, evidence)


def _rescaled(maps: Maps) -> Maps:
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    flat = ~(high - low > FLAT * np.maximum(abs(high), abs(low)))
    return np.where(flat, 0, (maps - low) / np.where(flat, 1, high - low))


ENERGIES: dict[Energy, Callable[[Maps], Maps]] = {
    "relu": lambda maps: np.maximum(maps, 0),
    "abs": np.abs,
    "square": np.square,
    "rescaled": _rescaled,
}


def _marked(evidence: Maps) -> Flags:
    return evidence.sum((1, 2)) > 0


def _widened(inside: Regions, tolerance: float) -> Regions:
    if not tolerance:
        return inside
    near = [np.asarray(distance_transform_edt(~each)) <= tolerance for each in inside]
    return np.stack(near)


def _where(defined: Flags, values: Values) -> Values:
    return np.where(defined, values, np.nan)


def _in_parts(measure: Callable[[Maps, Maps], Values], maps: Maps, evidence: Maps) -> Values:
    # Only one part at a time is lifted to float64: a copy of all maps could be gigabytes.
    assert maps.shape == evidence.shape, f"{maps.shape} maps, {evidence.shape} evidence"
    step = max(1, CELLS // max(1, maps[:1].size))
    parts = [
        measure(
            maps[start : start + step].astype(float), evidence[start : start + step].astype(float)
        )
        for start in range(0, len(maps), step)
    ]
    return np.concatenate([np.empty(0), *parts])
