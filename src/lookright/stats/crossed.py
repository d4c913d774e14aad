"""Other seeds and other images at once: would a new training on a new test set show it too?

An interval over seeds takes the test set as given, one over images the trained networks. Every
seed is evaluated on the same images, as readers on the same cases are, and radiology has solved
that: Obuchowski & Rockette (1995), with the degrees of freedom of Hillis (2007).
"""

import numpy as np
from jaxtyping import Float

from lookright.stats.seeds import FEWEST, LEVEL, seed_warning
from lookright.stats.tested import NO_VARIANCE, Tested
from lookright.stats.welch import by_t


def over_both(
    values: Float[np.ndarray, " seeds"],
    covariance: Float[np.ndarray, "seeds seeds"],
    level: float = LEVEL,
) -> Tested:
    """Return the mean over seeds with its interval over seeds and images together.

    `values` has a score, or a difference to the baseline, for each seed; `covariance` is that
    over images. What seeds share over images adds to their spread, s^2 / n + max(cov, 0), and
    cannot be averaged away by more seeds. Below three seeds: NaN.
    """
    count, middle = len(values), float(np.mean(values)) if len(values) else np.nan
    if count < FEWEST:
        return Tested(middle, note=seed_warning(count))
    if not np.isfinite(covariance).all():
        return Tested(middle, note=NO_VARIANCE)
    seeds = float(np.var(values, ddof=1)) / count
    shared = (covariance.sum() - np.trace(covariance)) / (count * (count - 1))
    both = seeds + max(float(shared), 0.0)
    freedom = both**2 / (seeds**2 / (count - 1)) if seeds > 0 else np.inf
    return by_t(middle, both, min(freedom, 1e6), level)
