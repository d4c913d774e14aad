"""Scores of several runs on the same images, ready for every kind of interval.

A score knows its value, how far each image moves it (its derivative by the image's weight, which
is what DeLong's method, patients and the acceleration of the bootstrap need), and its value on
images that are drawn again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float

Flags = Bool[np.ndarray, " images"]
PerImage = Float[np.ndarray, " images"]
Values = Float[np.ndarray, "scores images"]
Weights = Float[np.ndarray, "images resamples"]  # how often each image was drawn
Replicates = Float[np.ndarray, "scores resamples"]


@dataclass(frozen=True)
class Estimate:
    """One or more scores on the same images; NaN where a score is undefined."""

    values: Float[np.ndarray, " scores"]
    influence: Float[np.ndarray, "scores images"]
    again: Callable[[Weights], Replicates]
    cost: int  # passes over the images that one resample takes, about

    def combined(self, matrix: Float[np.ndarray, "combined scores"]) -> "Estimate":
        """Return sums of scores, such as means over seeds and differences of methods."""
        return Estimate(
            _times(matrix, self.values),
            _times(matrix, self.influence),
            lambda weights: _times(matrix, self.again(weights)),
            self.cost,
        )


def ranking(positive: Flags, scores: Values) -> Estimate:
    """Estimate one AUROC per run: how often a positive outranks a negative, ties counting half."""
    placed = [placements(positive, row) for row in scores]
    values = np.array([row[positive].mean() if positive.any() else np.nan for row in placed])
    share = 1 / np.where(positive, max(positive.sum(), 1), max((~positive).sum(), 1))
    influence = (np.stack(placed) - values[:, None]) * share
    orders = cache(lambda: [_order(row[positive], row[~positive]) for row in scores])

    def again(weights: Weights) -> Replicates:
        up, down = weights[positive], weights[~positive]
        pairs = up.sum(0) * down.sum(0)
        won = np.stack([_won(up, down, order) for order in orders()])
        return np.divide(won, pairs, out=np.full_like(won, np.nan), where=pairs > 0)

    return Estimate(values, influence, again, 4 * len(scores))


def mean(values: Values) -> Estimate:
    """Estimate one mean per row, over the images where it is defined (not NaN)."""
    defined = ~np.isnan(values)
    filled, counted = np.where(defined, values, 0), defined.sum(1, keepdims=True)
    means = _ratio(filled.sum(1, keepdims=True), counted)
    influence = np.where(defined, values - means, 0) / np.maximum(counted, 1)
    kept = np.ones((1, len(defined.T))) if defined.all() else defined.astype(float)
    return Estimate(
        means[:, 0],
        np.where(np.isnan(means), np.nan, influence),
        lambda weights: _ratio(filled @ weights, kept @ weights),
        4 + len(values) // 8,
    )


def average(estimates: Sequence[Estimate]) -> Estimate:
    """Average the same scores over several estimates, such as one for each class."""
    return Estimate(
        np.mean([each.values for each in estimates], 0),
        np.mean([each.influence for each in estimates], 0),
        lambda weights: np.mean([each.again(weights) for each in estimates], 0),
        sum(each.cost for each in estimates),
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


def _below(values: Float[np.ndarray, " _"], others: Float[np.ndarray, " _"]) -> np.ndarray:
    ranked = np.sort(others)
    left, right = np.searchsorted(ranked, values), np.searchsorted(ranked, values, "right")
    return (left + right) / (2 * len(others))


def _order(up: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort the negatives; find where among them each positive would stand, before and after."""
    order = np.argsort(down, kind="stable")
    return order, np.searchsorted(down[order], up), np.searchsorted(down[order], up, "right")


def _won(up: Weights, down: Weights, order: tuple[np.ndarray, ...]) -> np.ndarray:
    """Count the drawn pairs in which the positive stands above, ties counting half."""
    rising, left, right = order
    total = np.zeros((len(down) + 1, down.shape[1]))
    np.cumsum(down[rising], axis=0, out=total[1:])
    return np.einsum("ib,ib->b", up, total[left] + total[right]) / 2


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    wide = np.broadcast_to(counts, sums.shape)
    return np.divide(sums, wide, out=np.full(sums.shape, np.nan), where=wide > 0)


def _times(matrix: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Multiply, so that an undefined score spoils only the sums that it enters."""
    spoilt = (matrix != 0) @ np.isnan(scores).astype(float) > 0
    return np.where(spoilt, np.nan, matrix @ np.nan_to_num(scores))
