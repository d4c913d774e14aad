"""Is it right? Scores of probabilities against labels, in float64.

With two classes the ranking scores are those of class 1; above two they are the mean over all
classes, each against the rest. Whatever needs a class that no image has is NaN.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.metrics import average_precision_score, roc_auc_score

Labels = Int[np.ndarray, " images"]
Probabilities = Float[np.ndarray, "images classes"]
Scores = Float[np.ndarray, " images"]
Flags = Bool[np.ndarray, " images"]


def auroc(labels: Labels, probabilities: Probabilities) -> float:
    """Return the area under the ROC curve, in [0, 1]; chance is 0.5."""
    return _ranking(auroc_of, labels, probabilities)


def average_precision(labels: Labels, probabilities: Probabilities) -> float:
    """Return the average precision, in [0, 1]; chance is the share of positives."""
    return _ranking(average_precision_of, labels, probabilities)


def auroc_of(positive: Flags, scores: Scores) -> float:
    """Return how often a positive outranks a negative, ties counting half; one class: NaN."""
    return float(roc_auc_score(positive, scores)) if _both(positive) else np.nan


def average_precision_of(positive: Flags, scores: Scores) -> float:
    """Return the precision averaged over the steps of recall; one class: NaN."""
    return float(average_precision_score(positive, scores)) if _both(positive) else np.nan


def accuracy(labels: Labels, probabilities: Probabilities) -> float:
    """Return the share of images whose likeliest class is the label; no image: NaN."""
    return float((probabilities.argmax(1) == labels).mean()) if len(labels) else np.nan


def balanced_accuracy(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean over all classes of the share of their images that are right."""
    right = probabilities.argmax(1) == labels
    classes = range(probabilities.shape[1])
    if any(not (labels == each).any() for each in classes):
        return np.nan
    return float(np.mean([right[labels == each].mean() for each in classes]))


def _ranking(
    score: Callable[[Flags, Scores], float], labels: Labels, probabilities: Probabilities
) -> float:
    classes = probabilities.shape[1]
    asked = [1] if classes == 2 else range(classes)
    return float(np.mean([score(labels == each, probabilities[:, each]) for each in asked]))


def _both(positive: Flags) -> bool:
    return bool(positive.any() and not positive.all())
