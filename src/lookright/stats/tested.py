"""What an interval or a test found, and normal theory, which most of them end in."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from lookright.stats.seeds import LEVEL

NO_VARIANCE = "no variance: each class needs two images (or patients)"


@dataclass(frozen=True)
class Tested:
    """An estimate, its interval and its test; NaN where there is none, and `note` says why."""

    estimate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    statistic: float = np.nan  # z or t
    p: float = np.nan
    note: str = ""


def quantile(level: float = LEVEL) -> float:
    """Return how many standard errors an interval reaches: 1.96 for 0.95."""
    return float(ndtri((1 + level) / 2))


def by_normal(estimate: float, variance: float, level: float = LEVEL) -> Tested:
    """Test an estimate against zero with its variance; without a variance there is no test.

    >>> round(by_normal(1.96, 1.0).p, 3)
    0.05
    """
    if np.isnan(variance):
        return Tested(estimate, note=NO_VARIANCE)
    if not variance > 0:
        return Tested(estimate, note="no image makes a difference: no interval and no test")
    error = variance**0.5
    half, z = quantile(level) * error, estimate / error
    p = float(2 * ndtr(-abs(z)))
    return Tested(estimate, estimate - half, estimate + half, z, p)
