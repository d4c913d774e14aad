"""Does it look right? Regions of a map against regions people marked, one value per image.

A region of evidence is where it exceeds 0.5. Maps are stretched to [0, 1] and cut at the 256
levels j / 256, all of which one histogram per image answers. Undefined for a flat map and for
evidence without a region.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lookright.metrics.parts import (
    Counts,
    Flags,
    Maps,
    Regions,
    Values,
    cells,
    finite,
    in_parts,
    rescaled,
    varied,
    where,
)

LEVELS = 256

Histogram = Float[np.ndarray, "images levels"]
Curve = Float[np.ndarray, "images thresholds"]


class Found(NamedTuple):
    """How many cells reach each level: all of them, and those inside the evidence."""

    everywhere: Histogram
    inside: Histogram


def iou_curve(maps: Maps, evidence: Maps) -> Curve:
    """Return intersection over union with the evidence at the thresholds 1/256 to 255/256."""

    def overlap(maps: Maps, evidence: Maps) -> Curve:
        """Return the curve of a part."""
        return where(_comparable(maps, evidence), _overlap(_found(maps, evidence)))

    return in_parts(overlap, maps, evidence)


def iou_mean(maps: Maps, evidence: Maps) -> Values:
    """Return the mean of `iou_curve`: no threshold to choose.

    Marking everything scores the area share.
    """
    return in_parts(lambda *both: iou_curve(*both).mean(1), maps, evidence)


def iou_otsu(maps: Maps, evidence: Maps) -> Values:
    """Return the IoU at the threshold that Otsu's method finds for each map by itself.

    Otsu, IEEE SMC 1979: of the 255 thresholds the (first) one that parts the levels of the map
    into two classes with the largest variance between them.
    """

    def overlap(maps: Maps, evidence: Maps) -> Values:
        """Return the overlap of a part at its own thresholds."""
        found = _found(maps, evidence)
        split = _otsu(found.everywhere)[:, None]
        values = np.take_along_axis(_overlap(found), split, 1)[:, 0]
        return where(_comparable(maps, evidence), values)

    return in_parts(overlap, maps, evidence)


def tuned_threshold(maps: Maps, evidence: Maps) -> float:
    """Return the threshold, out of 1/256 to 255/256, with the best mean IoU over these images.

    Choose it on validation images; `agreement.iou` with it then measures others. NaN if no image
    has an IoU.
    """
    curve = iou_curve(maps, evidence)
    defined = curve[~np.isnan(curve).any(1)]
    return float((defined.mean(0).argmax() + 1) / LEVELS) if len(defined) else np.nan


def pixel_precision(maps: Maps, evidence: Maps) -> Values:
    """Return the average precision of an image's cells over the 256 levels.

    Chance is the area share of the evidence.
    """

    def precision(maps: Maps, evidence: Maps) -> Values:
        """Return the average precision of a part."""
        return where(_comparable(maps, evidence), _average_precision(_found(maps, evidence)))

    return in_parts(precision, maps, evidence)


def pxap(maps: Maps, evidence: Maps) -> float:
    """Return the average precision of the cells of all images together (PxAP).

    Choe et al., "Evaluating weakly supervised object localization methods right", CVPR 2020, eq.
    4, over 256 levels instead of their 1000. Chance is the mean area share. Images without a
    value in `pixel_precision` do not enter; none at all: NaN.
    """

    def counted(maps: Maps, evidence: Maps) -> Float[np.ndarray, "images two levels"]:
        """Count the cells of a part, level by level."""
        return where(_comparable(maps, evidence), np.stack(_found(maps, evidence), 1))

    everywhere, inside = np.nansum(in_parts(counted, maps, evidence), 0)
    return float(_average_precision(Found(everywhere[None], inside[None]))[0])


def relevance_rank(maps: Maps, evidence: Maps) -> Values:
    """Return the share of the K strongest cells inside the evidence, K being its number of cells.

    Arras et al., "CLEVR-XAI", Information Fusion 2022. Of equal cells at the border the expected
    share counts, so that a flat map scores the area share, which is chance.
    """

    def rank(maps: Maps, evidence: Maps) -> Values:
        """Rank the cells of a part, as many as its evidence has."""
        inside = evidence > 0.5
        return _strongest(maps, inside, inside.sum((1, 2)))

    return in_parts(rank, maps, evidence)


def top_share(maps: Maps, evidence: Maps, count: int) -> Values:
    """Return the share of the `count` strongest cells inside the evidence; ties as above."""

    def rank(maps: Maps, evidence: Maps) -> Values:
        """Rank `count` cells of a part."""
        return _strongest(maps, evidence > 0.5, np.full(len(maps), count))

    return in_parts(rank, maps, evidence)


def _found(maps: Maps, evidence: Maps) -> Found:
    """Count with one histogram per image, of levels inside and outside."""
    levels = np.minimum((rescaled(maps) * LEVELS).astype(int), LEVELS - 1)
    images = np.arange(len(maps))[:, None, None]
    which = (2 * images + (evidence > 0.5)) * LEVELS + levels
    counts = np.bincount(which.ravel(), minlength=2 * len(maps) * LEVELS)
    reaching = _from_above(counts.reshape(len(maps), 2, LEVELS)).astype(float)
    return Found(reaching.sum(1), reaching[:, 1])


def _overlap(found: Found) -> Curve:
    union = found.everywhere + found.inside[:, :1] - found.inside
    return (found.inside / np.maximum(union, 1))[:, 1:]


def _otsu(reaching: Histogram) -> Counts:
    """Find the best split of each histogram: k, where levels up to k are the lower class."""
    counts = reaching - np.pad(reaching[:, 1:], ((0, 0), (0, 1)))
    moments = _from_above(counts * np.arange(LEVELS))
    whole, high = reaching[:, :1], reaching[:, 1:]
    between = (moments[:, 1:] * whole - moments[:, :1] * high) ** 2
    return (between / np.maximum(high * (whole - high), 1)).argmax(1)


def _average_precision(found: Found) -> Values:
    """Weigh the precision at each level by the recall that the level adds."""
    recalled = found.inside / np.maximum(found.inside[:, :1], 1)
    added = recalled - np.pad(recalled[:, 1:], ((0, 0), (0, 1)))
    defined = found.inside[:, 0] > 0
    return where(defined, (added * found.inside / np.maximum(found.everywhere, 1)).sum(1))


def _strongest(maps: Maps, inside: Regions, counts: Counts) -> Values:
    """Return the expected share of the `counts` strongest cells that lie inside."""
    strength, inside = cells(maps), cells(inside)
    counts = np.clip(counts, 1, strength.shape[1])[:, None]
    weakest = np.take_along_axis(np.sort(strength, 1), strength.shape[1] - counts, 1)
    above, tied = strength > weakest, strength == weakest
    open_places = counts[:, 0] - above.sum(1)
    share = (tied & inside).sum(1) / np.maximum(tied.sum(1), 1)
    hits = (above & inside).sum(1) + open_places * share
    return where((inside.sum(1) > 0) & finite(maps), hits / counts[:, 0])


def _comparable(maps: Maps, evidence: Maps) -> Flags:
    return varied(maps) & (evidence.max((1, 2)) > 0.5)


def _from_above(counts: np.ndarray) -> np.ndarray:
    return np.cumsum(counts[..., ::-1], -1)[..., ::-1]
