"""What if the test set had been drawn again? BCa intervals over images or patients.

Units are drawn with replacement within strata of the classes. The interval is bias-corrected and
accelerated (Efron, JASA 1987); the acceleration comes from the influence of each unit, which for
means and AUROCs is the jackknife in closed form. Draws are those of `seed`: the same every time.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri

from lookright.stats.estimate import Estimate, Replicates, Weights
from lookright.stats.seeds import LEVEL
from lookright.stats.tested import Tested
from lookright.stats.units import Units

MOST, LEAST = 2000, 1000  # resamples: the usual number, and below which tails are too coarse
WORK = 400_000_000  # passes times images that one call may take: a second or two
CELLS = 2**21  # weights held at a time, so that memory does not grow with the resamples
ENOUGH = 0.95  # of the resamples must define the score


def affordable(estimate: Estimate) -> int:
    """Say how many resamples end in seconds: 2000, fewer for many images, 0 below a thousand."""
    count = min(MOST, WORK // max(1, estimate.images * estimate.cost))
    return count if count >= LEAST else 0


def replicates(estimate: Estimate, units: Units, resamples: int, seed: int = 0) -> Replicates:
    """Return the scores on test sets that were drawn again, (scores, resamples)."""
    parts = [estimate.again(weights) for weights in drawn(units, resamples, seed)]
    return np.concatenate([np.empty((len(estimate.values), 0)), *parts], axis=1)


def intervals(
    estimate: Estimate, units: Units, resamples: int = MOST, seed: int = 0, level: float = LEVEL
) -> list[Tested]:
    """Return the BCa interval of every score.

    >>> from lookright.stats import estimate, units
    >>> hits = estimate.mean(np.arange(20.0)[None] % 4)
    >>> (found,) = intervals(hits, units.each_image(np.zeros(20, dtype=int)))
    >>> found.low < 1.5 < found.high
    True
    """
    again = replicates(estimate, units, resamples, seed)
    moved = estimate.moved(units)
    return [bca(*each, level) for each in zip(estimate.values.tolist(), again, moved, strict=True)]


def bca(
    value: float,
    again: Float[np.ndarray, " resamples"],
    moved: Float[np.ndarray, " units"],
    level: float = LEVEL,
) -> Tested:
    """Return the BCa interval of a score from its resamples and its centred influences."""
    kept = again[np.isfinite(again)]
    # Beyond the 12th decimal is rounding: a score that all resamples share must look like it.
    kept, value_of = np.round(kept, 12), round(value, 12) if np.isfinite(value) else np.nan
    if np.isnan(value_of):
        return Tested(value, note="undefined")
    if len(kept) < ENOUGH * len(again) or not len(kept):
        return Tested(value, note="undefined in too many resamples: no bootstrap interval")
    if np.ptp(kept) == 0:
        return Tested(value, note="all resamples agree: no bootstrap interval")
    bias = float(ndtri(((kept < value_of).mean() + (kept <= value_of).mean()) / 2))
    if np.isinf(bias):
        return Tested(value, note="beyond all its resamples: no bootstrap interval")
    low, high = np.quantile(kept, _tails(bias, _acceleration(moved), level)).tolist()
    return Tested(value, low, high)


def drawn(units: Units, resamples: int, seed: int = 0) -> Iterator[Weights]:
    """Yield how often each image is drawn, for a few resamples at a time."""
    random = np.random.default_rng(seed)
    step = max(1, CELLS // max(1, len(units.of)))
    for start in range(0, resamples, step):
        weights = _draw(units, min(step, resamples - start), random)
        yield weights if len(weights) == len(units.of) else weights[units.of]


def _draw(units: Units, resamples: int, random: np.random.Generator) -> Weights:
    weights = np.zeros((len(units.strata), resamples))
    for stratum in np.unique(units.strata):
        inside = np.flatnonzero(units.strata == stratum)
        chosen = random.integers(0, len(inside), (resamples, len(inside)))
        places = chosen * resamples + np.arange(resamples)[:, None]
        counts = np.bincount(places.ravel(), minlength=len(inside) * resamples)
        weights[inside] = counts.reshape(len(inside), resamples)
    return weights


def _acceleration(moved: Float[np.ndarray, " units"]) -> float:
    squares = (moved**2).sum()
    return float((moved**3).sum() / (6 * squares**1.5)) if squares > 0 else 0.0


def _tails(bias: float, acceleration: float, level: float) -> Float[np.ndarray, " 2"]:
    reached = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    return ndtr(bias + reached / (1 - acceleration * reached))
