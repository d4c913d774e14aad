"""Which epoch is kept: the measures of the validation split, and which of two epochs is better."""

from collections.abc import Mapping, Sequence
from math import inf, isnan
from typing import Any

import numpy as np

from lookright.errors import ConfigError, Problem
from lookright.inference import Looks
from lookright.metrics import agreement, classification
from lookright.names import suggestion

# 1: more is better, -1: less is better
MEASURES = {
    "auroc": 1,
    "average_precision": 1,
    "accuracy": 1,
    "balanced_accuracy": 1,
    "loss": -1,
    "framing_sensitivity": -1,
}


def require_measure(name: str) -> None:
    """Raise ConfigError for a measure that validation does not have."""
    if name not in MEASURES:
        what = f"Validation has no measure {name!r}."
        fix = suggestion(name, MEASURES)
        raise ConfigError(Problem("SELECT", what, "training.select", fix))


def measure(looks: Looks) -> dict[str, float | None]:
    """Measure a validation pass; None where a measure is undefined (one class, no maps)."""
    chances = looks.probabilities
    loss = -np.log(np.maximum(chances[np.arange(len(chances)), looks.labels], 1e-300)).mean()
    maps = looks.cams[np.arange(len(chances)), looks.predicted]
    framing = agreement.framing_sensitivity(maps, looks.evidence, weights=looks.known)
    values = {
        "auroc": classification.auroc(looks.labels, chances),
        "average_precision": classification.average_precision(looks.labels, chances),
        "accuracy": classification.accuracy(looks.labels, chances),
        "balanced_accuracy": classification.balanced_accuracy(looks.labels, chances),
        "loss": float(loss),
        "framing_sensitivity": float(np.nanmean(framing)) if (~np.isnan(framing)).any() else np.nan,
    }
    return {name: None if isnan(value) else float(value) for name, value in values.items()}


def best(history: Sequence[Mapping[str, Any]], select: str) -> int:
    """Return the index of the best epoch; of equals the later, so undefined picks the last."""
    sign = MEASURES[select]
    values = [record["val"][select] for record in history]
    scores = [-inf if value is None else sign * value for value in values]
    return max(range(len(scores)), key=lambda epoch: (scores[epoch], epoch))
