"""Do the probabilities mean what they say? In float64, per image or by bins of confidence.

Confidence is the probability of the likeliest class, which is the answer.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Labels = Int[np.ndarray, " images"]
Probabilities = Float[np.ndarray, "images classes"]
Values = Float[np.ndarray, " images"]
Binned = Float[np.ndarray, " bins"]

BINS = 15


class Reliability(NamedTuple):
    """What is behind a reliability diagram, one row per bin; NaN in bins without images."""

    low: Binned  # confidence above this ...
    high: Binned  # ... and up to this
    images: Int[np.ndarray, " bins"]
    confidence: Binned  # mean
    accuracy: Binned


def reliability(labels: Labels, probabilities: Probabilities, bins: int = BINS) -> Reliability:
    """Compare confidence and accuracy in bins of equal width, closed above."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(which, minlength=bins)
    sums = (np.bincount(which, each, bins) for each in (confidence, right))
    means = (np.where(count, each / np.maximum(count, 1), np.nan) for each in sums)
    edges = np.arange(bins + 1) / bins
    return Reliability(edges[:-1], edges[1:], count, *means)


def calibration_error(labels: Labels, probabilities: Probabilities, bins: int = BINS) -> float:
    """Return the expected calibration error: |accuracy - confidence|, weighted by bin.

    Guo et al., ICML 2017; no image: NaN.
    """
    if not len(labels):
        return np.nan
    found = reliability(labels, probabilities, bins)
    gaps = np.abs(found.accuracy - found.confidence)
    return float(np.nansum(gaps * found.images) / len(labels))


def brier(labels: Labels, probabilities: Probabilities) -> Values:
    """Return the squared distance to the truth, summed over classes, per image: 0 to 2.

    Brier, 1950. Chance, with all classes alike, is 1 - 1 / classes.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return ((probabilities - truth) ** 2).sum(1)


def surprise(labels: Labels, probabilities: Probabilities) -> Values:
    """Return the negative log likelihood of the label in nats, per image: 0 to infinity.

    Chance, with all classes alike, is log(classes).
    """
    with np.errstate(divide="ignore"):
        return -np.log(probabilities[np.arange(len(labels)), labels])
