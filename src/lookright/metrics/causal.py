"""What the decision rests on, asked by changing the image: functions of logits, no class map.

Undefined is NaN: an image that an intervention does not apply to has NaN logits, and whatever is
made of them is NaN too.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp, softmax

Classes = Int[np.ndarray, " images"]
Logits = Float[np.ndarray, "images classes"]
Values = Float[np.ndarray, " images"]

LEAST = 1e-6  # of log odds: below it neither side moved the decision


def drop(before: Logits, after: Logits) -> Values:
    """Return by how much the predicted class's probability falls, in [-1, 1]; a rise is negative.

    The class is the one predicted before the change.
    """
    images, chosen = np.arange(len(before)), before.argmax(1)
    return (_probabilities(before) - _probabilities(after))[images, chosen]


def changed(before: Logits, after: Logits) -> Values:
    """Return 1 where another class is predicted after the change, else 0."""
    moved = (before.argmax(1) != after.argmax(1)).astype(float)
    return np.where(np.isnan(after).any(1), np.nan, moved)


def outside_share(before: Logits, no_inside: Logits, no_outside: Logits) -> Values:
    """Return how much of the decision rests on the outside, in [0, 1]: e_out / (e_out + e_in).

    e is |change of the predicted class's log odds| when one side is occluded. NaN where both
    together are below 1e-6: nothing moved the decision.
    """
    chosen = before.argmax(1)
    base = log_odds(before, chosen)
    without_inside = np.abs(log_odds(no_inside, chosen) - base)
    without_outside = np.abs(log_odds(no_outside, chosen) - base)
    moved = without_inside + without_outside
    return without_outside / np.where(moved < LEAST, np.nan, moved)


def log_odds(logits: Logits, classes: Classes) -> Values:
    """Return log p / (1 - p) of one class per image, in float64.

    With two classes this is the difference of the logits.

    >>> log_odds(np.array([[3.0, 1.0]]), np.array([0])).tolist()
    [2.0]
    """
    wide = logits.astype(np.float64)
    images = np.arange(len(wide))
    own = wide[images, classes]
    wide[images, classes] = -np.inf
    return own - logsumexp(wide, axis=1)


def _probabilities(logits: Logits) -> Float[np.ndarray, "images classes"]:
    return softmax(logits.astype(np.float64), axis=1)
