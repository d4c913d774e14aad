"""Does it look right? Maps against soft human maps and against gaze, one value per image.

Human maps are not negative. Fixations are how often each cell was looked at: counts, or flags.
An image without them, whether nobody was asked (NaN) or nothing was marked, has no value: NaN.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.ndimage import gaussian_filter

from lookright.metrics.agreement import ENERGIES, Energy
from lookright.metrics.parts import (
    SILENT,
    Fixations,
    Flags,
    Maps,
    Measure,
    Regions,
    Values,
    alike,
    cells,
    finite,
    in_parts,
    marked,
    summed,
    varied,
    where,
)

EPS = 2.0**-52  # what the MIT saliency benchmark adds to probabilities

Readings = Shaped[np.ndarray, "readers images rows cols"]
Baseline = Float[np.ndarray, "*images rows cols"]
Table = Shaped[np.ndarray, "images cells"]


def correlation(maps: Maps, human: Maps, weights: Maps | None = None) -> Values:
    """Return Pearson's correlation over cells (CC), in [-1, 1]; chance is 0.

    CC(x, ax + b) = 1 for a > 0. `weights`, not negative, say how much each cell counts; all count
    alike without. Undefined where a map is flat.
    """

    def pearson(maps: Maps, human: Maps, weights: Maps) -> Values:
        """Return the correlation of a part."""
        ours, theirs = _centred(maps, weights), _centred(human, weights)
        size = np.sqrt(_dot(ours, ours) * _dot(theirs, theirs))
        defined = varied(maps) & varied(human) & (size > 0)
        return where(defined, _dot(ours, theirs) / np.where(defined, size, 1))

    return in_parts(pearson, maps, human, alike(maps) if weights is None else weights)


def similarity(maps: Maps, human: Maps, energy: Energy = "relu") -> Values:
    """Return the histogram intersection (SIM), sum min(P, Q), in [0, 1]; SIM(x, x) = 1.

    P is the map's energy and Q the human map, each divided by its sum. Chance is the value of a
    uniform map. Undefined where the map has no energy.
    """

    def shared(maps: Maps, human: Maps) -> Values:
        """Return the similarity of a part."""
        strength = ENERGIES[energy](maps)
        return where(
            _speaks(strength, human), np.minimum(_share(strength), _share(human)).sum((1, 2))
        )

    return in_parts(shared, maps, human)


def divergence(maps: Maps, human: Maps, energy: Energy = "relu", eps: float = EPS) -> Values:
    """Return KL = sum Q log(eps + Q / (P + eps)) in nats, from 0 up; KL(x, x) = 0.

    P is the map's energy and Q the human map, each divided by its sum: what the map misses costs
    most, about log(1 / eps) = 36 with the MIT benchmark's eps. Chance is the value of a uniform
    map. Undefined where the map has no energy.
    """

    def missed(maps: Maps, human: Maps) -> Values:
        """Return the divergence of a part."""
        strength = ENERGIES[energy](maps)
        wanted = _share(human)
        surprise = np.log(eps + wanted / (_share(strength) + eps))
        return where(_speaks(strength, human), _dot(wanted, surprise))

    return in_parts(missed, maps, human)


def nss(maps: Maps, fixations: Fixations, ddof: int = 0) -> Values:
    """Return the normalised scanpath saliency: the mean of the standardised map where people look.

    Peters et al., Vision Research 2005; chance is 0. A cell weighs as often as it was looked at.
    The standard deviation divides by cells - `ddof`: 0 as in pysaliency, 1 as in the MIT code.
    Undefined where the map is flat.
    """

    def standing(maps: Maps, fixations: Fixations) -> Values:
        """Return how far above the mean a part was looked at."""
        looks = fixations.sum((1, 2))
        defined = varied(maps) & (looks > 0)
        seen = _dot(maps, fixations) / np.where(defined, looks, 1)
        deviation = np.where(defined, maps.std((1, 2), ddof=ddof), 1)
        return where(defined, (seen - maps.mean((1, 2))) / deviation)

    return in_parts(standing, maps, fixations)


def auc_judd(maps: Maps, fixations: Fixations) -> Values:
    """Return how often a cell people looked at outranks one they did not; ties count half.

    Judd et al., ICCV 2009, without its jitter: the area under the ROC curve of the map, cells
    looked at against all others; how often does not matter. Chance is 0.5. Undefined where no
    cell or every cell was looked at.
    """

    def outranks(maps: Maps, fixations: Fixations) -> Values:
        """Return the area under the curve of a part."""
        ranked = np.sort(_sortable(maps, fixations > 0), 1)
        seen = ranked & 1
        defined = finite(maps) & finite(fixations)
        return where(defined, _area(ranked >> 1, seen, 1 - seen))

    return in_parts(outranks, maps, fixations)


def shuffled_auc(maps: Maps, fixations: Fixations) -> Values:
    """Return how often a cell people looked at outranks one they look at in other images.

    Zhang et al., Journal of Vision 2008, without sampling: the negatives are all fixations of all
    other images given here, so that a map of the centre scores about the chance of 0.5. Cells
    weigh as often as they were looked at.
    """
    total = summed(fixations)
    kept = total > 0
    if not kept.any():
        return np.full(len(maps), np.nan)

    def outranks(maps: Maps, fixations: Fixations) -> Values:
        """Return the shuffled area under the curve of a part."""
        # Sums run over the whole part: what is missing in one image must not reach the next.
        own = np.nan_to_num(fixations[:, kept])
        return where(finite(fixations), _outranking(maps[:, kept], own, total[kept] - own))

    return in_parts(outranks, maps, fixations)


def information_gain(
    maps: Maps, human: Fixations, baseline: Baseline, energy: Energy = "relu", eps: float = EPS
) -> Values:
    """Return how many bits per fixation the map knows more than the baseline; chance is 0.

    Kuemmerer et al., PNAS 2015: sum Q (log2(P + eps) - log2(B + eps)), with P the map's energy, B
    the baseline (one map, or one per image; often the mean human map of other images) and Q the
    fixations or the soft human map, each divided by its sum. Undefined where the map or the
    baseline has no energy.
    """

    def gained(maps: Maps, human: Fixations, baseline: Maps) -> Values:
        """Return the bits that a part gains."""
        strength = ENERGIES[energy](maps)
        bits = np.log2(_share(strength) + eps) - np.log2(_share(baseline) + eps)
        defined = _speaks(strength, human) & (baseline.sum((1, 2)) >= SILENT)
        return where(defined, _dot(_share(human), bits))

    return in_parts(gained, maps, human, np.broadcast_to(baseline, maps.shape))


def similarity_chance(human: Maps) -> Values:
    """Return what a uniform map scores in `similarity`."""
    return in_parts(lambda human: similarity(np.ones_like(human), human), human)


def divergence_chance(human: Maps, eps: float = EPS) -> Values:
    """Return what a uniform map scores in `divergence`: log(cells) minus the human entropy."""
    return in_parts(lambda human: divergence(np.ones_like(human), human, eps=eps), human)


def reader_ceiling(measure: Measure, readings: Readings, blur: float = 0) -> Values:
    """Return how well the other readers' mean map predicts one reader, averaged over readers.

    What no map can be asked to exceed by much. `measure` is any of (maps, human); `blur` is the
    Gaussian (in cells) that makes a map of the others' fixations. A reader's map of NaN: not
    asked. Undefined where fewer than two readers were asked.
    """
    asked = np.isfinite(readings.sum((2, 3)))
    total = np.nansum(readings, 0)
    scores = np.full(asked.shape, np.nan)
    for reader, (own, there) in enumerate(zip(readings, asked, strict=True)):
        several = there & (asked.sum(0) > 1)
        others = (total[several] - own[several]) / (asked.sum(0)[several] - 1)[:, None, None]
        smooth = gaussian_filter(others, (0, blur, blur)) if blur else others
        scores[reader, several] = measure(smooth, own[several])
    defined = ~np.isnan(scores)
    return where(defined.sum(0) > 0, np.nansum(scores, 0) / np.maximum(defined.sum(0), 1))


def _outranking(scores: Table, hits: Table, misses: Table) -> Values:
    """Compare every hit with every miss of an image: how often it is higher, ties counting half.

    `hits` and `misses` are weights.
    """
    order = np.argsort(scores, 1)
    scores, hits, misses = (np.take_along_axis(each, order, 1) for each in (scores, hits, misses))
    return where(finite(scores), _area(scores, hits, misses))


def _area(ranked: Table, hits: Table, misses: Table) -> Values:
    """Return the area under the ROC curve of rising scores, runs of equal ones taken together."""
    last = np.ones(ranked.shape, dtype=bool)  # of its run
    last[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
    ends = np.flatnonzero(last)
    hit, missed = (np.diff(np.cumsum(each)[ends], prepend=0) for each in (hits, misses))
    below = np.cumsum(missed) - missed / 2  # also those of the images before
    runs = np.cumsum(last.sum(1)) - last.sum(1)
    positives, negatives = hits.sum(1), misses.sum(1)
    won = np.add.reduceat(hit * below, runs) - (np.cumsum(negatives) - negatives) * positives
    pairs = positives * negatives
    return where(pairs > 0, won / np.where(pairs > 0, pairs, 1))


def _sortable(maps: Maps, flags: Regions) -> Int[np.ndarray, "images cells"]:
    """Write value and flag into one integer that sorts by value, the flag in its last bit.

    Sorting these is several times as fast as sorting and following an order. The last of the 53
    bits of a value makes room: numbers that differ there only are equal.
    """
    bits = (maps + 0.0).view(np.int64)  # adding zero, for -0.0 is 0.0
    rising = bits ^ ((bits >> 63) & np.iinfo(np.int64).max)
    return cells((rising & ~1) | flags)


def _speaks(strength: Maps, human: Fixations) -> Flags:
    return (strength.sum((1, 2)) >= SILENT) & marked(human)


def _share(maps: Fixations) -> Maps:
    total = maps.sum((1, 2), keepdims=True)
    return maps / np.where(total > 0, total, 1)


def _centred(maps: Maps, weights: Maps) -> Maps:
    """Take the weighted mean off, and weigh what is left: products of two are weighted once."""
    total = weights.sum((1, 2), keepdims=True)
    mean = (weights * maps).sum((1, 2), keepdims=True) / np.where(total > 0, total, 1)
    return np.sqrt(weights) * (maps - mean)


def _dot(maps: Fixations, others: Fixations) -> Values:
    return np.einsum("nrc,nrc->n", maps, others)
