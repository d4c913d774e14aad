"""Scores of several runs on the same images, ready for every kind of interval.

A score knows its value, how far each image moves it (its derivative by the image's weight, which
is what DeLong's method, patients and the acceleration of the bootstrap need), and its value on
images that are drawn again. Means over seeds and differences are sums of such scores.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array, identity

from lookright.stats.units import Units, covariance

Flags = Bool[np.ndarray, " images"]
PerImage = Float[np.ndarray, " images"]
Values = Float[np.ndarray, "parts images"]
Weights = Float[np.ndarray, "images resamples"]  # how often each image was drawn
Replicates = Float[np.ndarray, "scores resamples"]


@dataclass(frozen=True)
class Estimate:
    """One or more scores on the same images, each a weighted sum of parts; NaN is undefined."""

    parts: Float[np.ndarray, " parts"]  # such as the AUROC of each run
    influence: Float[np.ndarray, "parts images"]
    defined: Int[np.ndarray, " parts"]  # how many images define each part
    drawn: Callable[[Weights], Float[np.ndarray, "parts resamples"]]
    cost: int  # passes over the images that one resample takes, about
    sums: csr_array  # (scores, parts)

    @property
    def values(self) -> Float[np.ndarray, " scores"]:
        """The scores."""
        return self.sums @ self.parts

    @property
    def counts(self) -> Int[np.ndarray, " scores"]:
        """How many images define each score: the fewest of its parts."""
        terms = np.split(self.defined[self.sums.indices], self.sums.indptr[1:-1])
        return np.array([term.min(initial=self.images) for term in terms], dtype=int)

    @property
    def images(self) -> int:
        """How many images there are."""
        return self.influence.shape[1]

    def again(self, weights: Weights) -> Replicates:
        """Return the scores on images that were drawn so often."""
        return self.sums @ self.drawn(weights)

    def combined(self, matrix: Float[np.ndarray, "combined scores"]) -> "Estimate":
        """Return sums of scores, such as means over seeds and differences of methods."""
        return replace(self, sums=csr_array(matrix) @ self.sums)

    def moved(self, units: Units) -> Float[np.ndarray, "scores units"]:
        """Return how far each unit moves each score, less the mean of its stratum."""
        return self.sums @ units.centred(self.influence)

    def covariance(self, units: Units) -> Float[np.ndarray, "scores scores"]:
        """Return the covariance of the scores over draws of units.

        What rounding leaves of a difference between equal runs is set to zero.
        """
        parts = covariance(self.influence, units)
        found = self.sums @ (self.sums @ parts).T
        scale = abs(self.sums) @ (abs(self.sums) @ np.sqrt(np.outer(*2 * [np.diag(parts)]))).T
        return np.where(abs(found) <= 1e-12 * scale, 0.0, found)


def ranking(positive: Flags, scores: Values) -> Estimate:
    """Estimate one AUROC per run: how often a positive outranks a negative, ties counting half."""
    influence, values = np.empty(scores.shape), np.empty(len(scores))
    share = 1 / np.where(positive, max(positive.sum(), 1), max((~positive).sum(), 1))
    for place, row in enumerate(scores):
        placed = placements(positive, row)
        values[place] = placed[positive].mean() if positive.any() else np.nan
        influence[place] = (placed - values[place]) * share
    orders = cache(lambda: [_order(row[positive], row[~positive]) for row in scores])

    def drawn(weights: Weights) -> Float[np.ndarray, "parts resamples"]:
        """Return every AUROC as if positions were drawn so often."""
        up, down = weights[positive], weights[~positive]
        won = np.stack([_won(up, down, order) for order in orders()])
        return _ratio(won, up.sum(0) * down.sum(0))

    counts = np.full(len(scores), len(positive))
    return Estimate(values, influence, counts, drawn, 4 * len(scores), _each(len(scores)))


def mean(values: Values) -> Estimate:
    """Estimate one mean per row, over the images where it is defined (not NaN)."""
    missing = np.isnan(values)
    filled, counted = np.where(missing, 0, values), (~missing).sum(1)
    means = _ratio(filled.sum(1), counted)
    influence = filled - means[:, None]
    influence[missing] = 0
    influence /= np.maximum(counted, 1)[:, None]
    kept = (~missing).astype(float) if missing.any() else np.ones((1, values.shape[1]))
    return Estimate(
        means,
        np.where(np.isnan(means)[:, None], np.nan, influence) if not counted.all() else influence,
        counted,
        lambda weights: _ratio(filled @ weights, kept @ weights),
        4 + len(values) // 8,
        _each(len(values)),
    )


def average(estimates: Sequence[Estimate]) -> Estimate:
    """Average the same scores over several estimates, such as one for each class."""
    first = estimates[0]
    if len(estimates) == 1:
        return first
    return replace(
        first,
        parts=np.mean([each.parts for each in estimates], 0),
        influence=np.mean([each.influence for each in estimates], 0),
        defined=np.min([each.defined for each in estimates], 0),
        drawn=lambda weights: np.mean([each.drawn(weights) for each in estimates], 0),
        cost=sum(each.cost for each in estimates),
    )


def placements(positive: Flags, scores: PerImage) -> PerImage:
    """Return the share of the other class that each image stands rightly to, ties counting half.

    For a positive: of negatives below it. For a negative: of positives above it. The mean over
    either class is the AUROC. Counting in a sorted list gives the mid-ranks of Sun & Xu (2014)
    without a loop over pairs. NaN when a class or a score is missing.
    """
    found = np.full(len(scores), np.nan)
    up, down = scores[positive], scores[~positive]
    if len(up) and len(down) and not np.isnan(scores).any():
        found[positive] = _below(up, down)
        found[~positive] = 1 - _below(down, up)
    return found


def _each(count: int) -> csr_array:
    return csr_array(identity(count))


def _below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    order, ranked = np.argsort(values), np.sort(others)
    rising, found = values[order], np.empty(len(values))  # in order, the search stays in cache
    left, right = np.searchsorted(ranked, rising), np.searchsorted(ranked, rising, "right")
    found[order] = (left + right) / (2 * len(others))
    return found


def _order(up: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort the negatives; find where among them each positive would stand, before and after."""
    order = np.argsort(down, kind="stable")
    return order, np.searchsorted(down[order], up), np.searchsorted(down[order], up, "right")


def _won(up: np.ndarray, down: np.ndarray, order: tuple[np.ndarray, ...]) -> np.ndarray:
    """Count the drawn pairs in which the positive stands above, ties counting half."""
    rising, left, right = order
    total = np.zeros((len(down) + 1, down.shape[1]))
    np.cumsum(down[rising], axis=0, out=total[1:])
    return np.einsum("ib,ib->b", up, total[left] + total[right]) / 2


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    wide = np.broadcast_to(counts, sums.shape)
    return np.divide(sums, wide, out=np.full(sums.shape, np.nan), where=wide > 0)
