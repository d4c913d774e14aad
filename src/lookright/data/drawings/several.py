"""One human map from several people's, of one image."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from lookright.data.drawings.shapes import Cells
from lookright.data.sample import Evidence

Rule = Literal["mean", "union", "majority", "intersection", "weight"]
RULES: tuple[Rule, ...] = ("mean", "union", "majority", "intersection", "weight")


def combine(maps: Sequence[Evidence], rule: Rule = "mean") -> Evidence:
    """Combine maps of one image.

    mean: how many saw it; union: anybody did; intersection: all did; majority: more than half
    did, by maps cut at one half; weight: the mean weighted by each reader's agreement with the
    others, see `agreement`.

    >>> one, other = np.ones((1, 2), np.float32), np.eye(1, 2, dtype=np.float32)
    >>> combine([one, other]).tolist(), combine([one, other], "intersection").tolist()
    ([[1.0, 0.5]], [[1.0, 0.0]])
    """
    stack = np.stack(maps)
    return _combined(stack, np.ones(stack.shape, bool), rule)


def combine_known(
    maps: Sequence[Evidence], unknown: Sequence[Cells | None], rule: Rule
) -> tuple[Evidence, Cells | None]:
    """Combine maps, each where its reader knew; unknown is left where nobody did."""
    if all(each is None for each in unknown):
        return combine(maps, rule), None
    stack = np.stack(maps)
    blank = np.zeros(stack.shape[1:], bool)
    known = ~np.stack([blank if each is None else each for each in unknown])
    nobody = np.asarray(~known.any(0))
    return _combined(stack, known, rule), nobody if nobody.any() else None


def agreement(maps: Sequence[Evidence]) -> Float[np.ndarray, " readers"]:
    """Return each reader's mean Dice with the others: 2 sum min(a, b) / (sum a + sum b).

    Two empty maps agree perfectly.
    """
    flat = np.stack(maps).reshape(len(maps), -1).astype(np.float64)
    both = np.stack([np.minimum(one, flat).sum(1) for one in flat])
    mass = flat.sum(1)[:, None] + flat.sum(1)
    dice = np.where(mass > 0, 2 * both / np.where(mass > 0, mass, 1), 1.0)
    return (dice.sum(1) - 1) / max(1, len(maps) - 1)


def _combined(stack: np.ndarray, known: np.ndarray, rule: Rule) -> Evidence:
    if rule == "union":
        return np.where(known, stack, 0).max(0).astype(np.float32)
    if rule == "intersection":
        least = np.where(known, stack, np.inf).min(0)
        return np.where(np.isfinite(least), least, 0).astype(np.float32)
    if rule == "majority":
        return (_mean(stack >= 0.5, known) > 0.5).astype(np.float32)
    if rule == "weight" and (weights := agreement(list(stack))).any():
        return _mean(stack, known * weights[:, None, None])
    return _mean(stack, known)


def _mean(stack: np.ndarray, weights: np.ndarray) -> Evidence:
    total = weights.sum(0)
    mean = (stack * weights).sum(0) / np.where(total > 0, total, 1)
    return np.clip(mean, 0, 1).astype(np.float32)
