"""Intervals and tests, over seeds and over images; numbers only, no networks.

What is over seeds is here by name; what is over images has a module each: `delong` (two or more
AUROCs on the same images), `bootstrap` (any average or AUROC, over images or patients), `mcnemar`
(accuracies), `crossed` (seeds and images at once), `welch` (published tables).
"""

from lookright.stats.seeds import (
    COLUMNS,
    FEWEST,
    LEVEL,
    Paired,
    compare,
    holm,
    interval,
    paired,
    seed_warning,
    spread,
    wilcoxon,
)
from lookright.stats.units import covariance

__all__ = [
    "COLUMNS",
    "FEWEST",
    "LEVEL",
    "Paired",
    "compare",
    "covariance",
    "holm",
    "interval",
    "paired",
    "seed_warning",
    "spread",
    "wilcoxon",
]
