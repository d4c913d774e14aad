"""Does it look right? Class maps against human evidence on the same grid, one value per image.

Evidence is in [0, 1]. An image without evidence, whether nobody was asked (NaN) or nothing was
marked (all zero), has no agreement: its value is NaN.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.ndimage import distance_transform_edt

from lookright.metrics.parts import (
    SILENT,
    Maps,
    Regions,
    Values,
    alike,
    in_parts,
    marked,
    rescaled,
    varied,
    where,
)

Energy = Literal["relu", "abs", "square", "rescaled"]


def framing_sensitivity(
    maps: Maps, evidence: Maps, energy: Energy = "relu", weights: Maps | None = None
) -> Values:
    """Return the share of a map's energy outside the evidence, in [0, 1]; see `chance`.

    sum E (1 - M) / sum E; undefined when the map has no energy. `weights`, not negative, say how
    much each cell counts; all count alike without.
    """

    def share(maps: Maps, evidence: Maps, weights: Maps) -> Values:
        """Return the share of a part that lies outside."""
        strength = weights * ENERGIES[energy](maps)
        total = strength.sum((1, 2))
        outside = np.einsum("nrc,nrc->n", strength, 1 - evidence)
        return where((total >= SILENT) & marked(evidence), outside / np.maximum(total, SILENT))

    return in_parts(share, maps, evidence, alike(maps) if weights is None else weights)


def energy_pointing(
    maps: Maps, evidence: Maps, energy: Energy = "relu", weights: Maps | None = None
) -> Values:
    """Return the share of a map's energy inside the evidence: 1 - framing sensitivity.

    Wang et al., "Score-CAM", CVPRW 2020; with masks the relevance mass accuracy of Arras et al.,
    "CLEVR-XAI", Information Fusion 2022. Chance is the area share.
    """
    return 1 - framing_sensitivity(maps, evidence, energy, weights)


def chance(evidence: Maps) -> Values:
    """Return the framing sensitivity of a uniform map: the share of the area outside."""

    def share(_: Maps, evidence: Maps) -> Values:
        """Return the area outside of a part."""
        return where(marked(evidence), 1 - evidence.mean((1, 2)))

    return in_parts(share, evidence, evidence)


def pointing_game(maps: Maps, evidence: Maps, tolerance: float = 0) -> Values:
    """Return whether the strongest cell lies where evidence > 0.5: 1 or 0.

    Ties give the share of the strongest cells that hit, so that a flat map scores the area share.
    `tolerance` is how many cells (Euclidean) beside the evidence still hit. Chance is the area
    share of the evidence. Undefined when no cell of the evidence exceeds 0.5.
    """

    def hit(maps: Maps, evidence: Maps) -> Values:
        """Tell for a part whether the strongest cell is inside."""
        inside = evidence > 0.5
        strongest = maps == maps.max((1, 2), keepdims=True)
        hits = (strongest & _widened(inside, tolerance)).sum((1, 2))
        count = strongest.sum((1, 2))
        return where(inside.any((1, 2)) & (count > 0), hits / np.maximum(count, 1))

    return in_parts(hit, maps, evidence)


def iou(maps: Maps, evidence: Maps, threshold: float = 0.5) -> Values:
    """Return intersection over union of the rescaled map >= threshold and evidence > 0.5.

    A flat map cannot be rescaled and evidence that never exceeds 0.5 has no region: undefined.
    """

    def overlap(maps: Maps, evidence: Maps) -> Values:
        """Return intersection over union of a part."""
        found, inside = rescaled(maps) >= threshold, evidence > 0.5
        union = (found | inside).sum((1, 2))
        defined = np.logical_and(inside.any((1, 2)), varied(maps))
        return where(defined, (found & inside).sum((1, 2)) / np.maximum(union, 1))

    return in_parts(overlap, maps, evidence)


ENERGIES: dict[Energy, Callable[[Maps], Maps]] = {
    "relu": lambda maps: np.maximum(maps, 0),
    "abs": np.abs,
    "square": np.square,
    "rescaled": rescaled,
}


def _widened(inside: Regions, tolerance: float) -> Regions:
    if not tolerance:
        return inside
    near = [np.asarray(distance_transform_edt(~each)) <= tolerance for each in inside]
    return np.array(near).reshape(inside.shape)
