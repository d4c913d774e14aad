"""Means of two tables that share no seeds, such as ours and a published one (Welch, 1947)."""

from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from lookright.stats.seeds import LEVEL
from lookright.stats.tested import Tested


@dataclass(frozen=True)
class Published:
    """What a table says: mean, standard deviation (n - 1) and how many trainings."""

    mean: float
    std: float
    count: int


def compare(first: Published, second: Published, level: float = LEVEL) -> Tested:
    """Test the difference of two independent means, first minus second, with its interval.

    >>> round(compare(Published(0.88, 0.01, 10), Published(0.87, 0.02, 10)).p, 3)
    0.18
    """
    gain = first.mean - second.mean
    if min(first.count, second.count) < 2:
        return Tested(gain, note="one training: no interval and no p value")
    parts = [each.std**2 / each.count for each in (first, second)]
    if not sum(parts) > 0:
        return Tested(gain, note="no spread: no interval and no p value")
    weights = [
        part**2 / (each.count - 1) for part, each in zip(parts, (first, second), strict=True)
    ]
    return by_t(gain, sum(parts), sum(parts) ** 2 / sum(weights), level)


def by_t(estimate: float, variance: float, freedom: float, level: float = LEVEL) -> Tested:
    """Test an estimate against zero by Student's t with so many degrees of freedom."""
    if not variance > 0:
        return Tested(estimate, note="no spread: no interval and no test")
    error = variance**0.5
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    p = float(2 * stdtr(freedom, -abs(estimate) / error))
    return Tested(estimate, estimate - half, estimate + half, estimate / error, p)
