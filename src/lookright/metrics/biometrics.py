"""Is it right? Error rates of presentation attack detection (ISO/IEC 30107-3).

A score is the probability of an attack; an image is called an attack when its score reaches the
threshold. Chance is a straight line: APCER + BPCER = 1, so ACER and EER are 0.5. Without attacks,
or without bona fide images, what needs them is NaN. Choose thresholds on validation images.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

Flags = Bool[np.ndarray, " images"]
Scores = Float[np.ndarray, " images"]
Rates = Float[np.ndarray, " thresholds"]


def apcer(attack: Flags, scores: Scores, threshold: float = 0.5) -> float:
    """Return the share of attacks that are called bona fide (attack presentation error)."""
    return _share(scores[attack] < threshold)


def bpcer(attack: Flags, scores: Scores, threshold: float = 0.5) -> float:
    """Return the share of bona fide images that are called an attack."""
    return _share(scores[~attack] >= threshold)


def acer(attack: Flags, scores: Scores, threshold: float = 0.5) -> float:
    """Return the mean of APCER and BPCER."""
    return (apcer(attack, scores, threshold) + bpcer(attack, scores, threshold)) / 2


def apcer_by_type(
    attack: Flags, scores: Scores, types: Sequence[str], threshold: float = 0.5
) -> dict[str, float]:
    """Return the APCER of each type of attack; `types` names that of every image.

    The standard reports the worst: `max(apcer_by_type(...).values())`.
    """
    named = np.asarray(types, dtype=str)
    return {
        str(name): apcer(attack & (named == name), scores, threshold)
        for name in np.unique(named[attack])
    }


def eer(attack: Flags, scores: Scores) -> float:
    """Return the error rate where APCER and BPCER are equal.

    Between two thresholds the rates move along the straight line of the ROC curve.
    """
    if attack.all() or not attack.any():
        return np.nan
    _, missed, refused = error_rates(attack, scores)
    # The gap rises from -1 to 1: the line between the points beside zero crosses it.
    gap = missed - refused
    after = int(np.argmax(gap >= 0))
    share = gap[after] / (gap[after] - gap[after - 1])
    return float(missed[after] + share * (missed[after - 1] - missed[after]))


def threshold_at_bpcer(attack: Flags, scores: Scores, most: float) -> float:
    """Return the lowest threshold, out of the scores, at which BPCER is at most `most`.

    Infinity where none of them is high enough. APCER with it is the APCER at that BPCER.
    """
    thresholds, _, refused = error_rates(attack, scores)
    return float(thresholds[np.argmax(refused <= most)]) if not attack.all() else np.nan


def threshold_at_apcer(attack: Flags, scores: Scores, most: float) -> float:
    """Return the highest threshold, out of the scores, at which APCER is at most `most`."""
    thresholds, missed, _ = error_rates(attack, scores)
    return float(thresholds[missed <= most][-1]) if attack.any() else np.nan


def error_rates(attack: Flags, scores: Scores) -> tuple[Rates, Rates, Rates]:
    """Return all thresholds that matter, rising to infinity, with APCER and BPCER at each."""
    thresholds = np.append(np.unique(scores), np.inf)
    attacks, others = np.sort(scores[attack]), np.sort(scores[~attack])
    missed = np.searchsorted(attacks, thresholds) / max(1, len(attacks))
    refused = 1 - np.searchsorted(others, thresholds) / max(1, len(others))
    return thresholds, missed, refused


def _share(wrong: Flags) -> float:
    return float(wrong.mean()) if len(wrong) else np.nan
