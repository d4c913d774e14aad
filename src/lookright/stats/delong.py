"""Two or more AUROCs on the same images (DeLong, DeLong & Clarke-Pearson, Biometrics 1988).

The covariance is that of the placements (the share of the other class that an image stands
rightly to), for positives and for negatives; placements come from mid-ranks, so that ties count
half and a hundred thousand images take milliseconds. Everything is float64.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit, logit

from lookright.stats.estimate import ranking
from lookright.stats.seeds import LEVEL
from lookright.stats.tested import Tested, by_normal, quantile
from lookright.stats.units import each_image

STEPS = 60  # halvings of [0, 1]: below the spacing of float64


@dataclass(frozen=True)
class Areas:
    """AUROCs of several runs on the same images, with the covariance of their errors."""

    values: Float[np.ndarray, " runs"]
    covariance: Float[np.ndarray, "runs runs"]  # NaN when a class has fewer than two images
    positives: int
    negatives: int


def areas(positive: Bool[np.ndarray, " images"], scores: Float[np.ndarray, "runs images"]) -> Areas:
    """Return the AUROC of each row of scores; a class without images gives NaN.

    >>> areas(np.array([False, False, True, True]), np.array([[0.1, 0.4, 0.4, 0.8]])).values
    array([0.875])
    """
    found = ranking(positive, scores)
    spread = found.covariance(each_image(positive.astype(int)))
    if positive.all() or not positive.any():
        spread = np.full_like(spread, np.nan)
    return Areas(found.values, spread, int(positive.sum()), int((~positive).sum()))


def difference(areas: Areas, first: int, second: int, level: float = LEVEL) -> Tested:
    """Test whether one run ranks better than another on the same images: first minus second."""
    spread, pair = areas.covariance, [first, second]
    variance = spread[pair, pair].sum() - 2 * spread[first, second]
    # Two equal rankings differ by rounding only, which is no evidence of anything.
    tiny = 1e-12 * np.nan_to_num(spread[pair, pair]).sum()
    variance = 0.0 if variance <= tiny else float(variance)
    return by_normal(float(areas.values[first] - areas.values[second]), variance, level)


def interval(areas: Areas, run: int, level: float = LEVEL) -> Tested:
    """Return an AUROC with its interval: on the logit scale, so that it stays within [0, 1].

    At 0 and 1 the placements have no spread and the logit no end: see `at_the_end`.
    """
    found, spread = float(areas.values[run]), float(areas.covariance[run, run])
    return within_bounds(found, spread, areas.positives, areas.negatives, level)


def within_bounds(
    auroc: float, variance: float, positives: int, negatives: int, level: float = LEVEL
) -> Tested:
    """Return the logit interval of an AUROC whose variance is known, however it was found."""
    if auroc in (0, 1) and positives and negatives:
        return at_the_end(auroc, positives, negatives, level)
    plain = replace(by_normal(auroc, variance, level), statistic=np.nan, p=np.nan)
    if np.isnan(plain.low):
        return plain
    half = quantile(level) * variance**0.5 / (auroc * (1 - auroc))
    low, high = expit(logit(auroc) - half), expit(logit(auroc) + half)
    return replace(plain, low=float(low), high=float(high))


def at_the_end(auroc: float, positives: int, negatives: int, level: float = LEVEL) -> Tested:
    """Return the interval of an AUROC of exactly 0 or 1, where one end is sure.

    The other end is the area from which that many positives and negatives would just not show a
    faultless ranking: (1 - a)^2 = z^2 V(a), with the variance V of Hanley & McNeil (1982) as
    Newcombe made it symmetric (Statistics in Medicine 2006, method 5).
    """
    reach, low, high = quantile(level), 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        is_far = (1 - middle) ** 2 > reach**2 * _variance(middle, positives, negatives)
        low, high = (middle, high) if is_far else (low, middle)
    ends = (low, 1.0) if auroc == 1 else (0.0, 1 - low)
    return Tested(auroc, *ends, note=f"AUROC is exactly {auroc:g}: Newcombe's interval")


def _variance(area: float, positives: int, negatives: int) -> float:
    half = (positives + negatives) / 2 - 1
    more = half * (1 - area) / (2 - area) + half * area / (1 + area)
    return area * (1 - area) * (1 + more) / (positives * negatives)
