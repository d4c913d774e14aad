"""Is the decision robust? How a small rotation changes what the model says, image by image.

A constant classifier never flips: read flip rates beside the accuracy, and split by whether the
unturned image was classified rightly.
"""

import numpy as np
from jaxtyping import Float, Int

Classes = Int[np.ndarray, " images"]
TurnedClasses = Int[np.ndarray, "images angles"]
Values = Float[np.ndarray, " images"]
Turned = Float[np.ndarray, "images angles"]


def flips(base: Classes, turned: TurnedClasses) -> Turned:
    """Return 1 where the predicted class of the turned image is not the unturned one's, else 0."""
    return (turned != base[:, None]).astype(float)


def flip_rate(flipped: Turned) -> Values:
    """Return the share of angles at which the class flips, per image."""
    return flipped.mean(1)


def any_angle(flipped: Turned) -> Values:
    """Return 1 for an image whose class flips at one angle at least, else 0."""
    return flipped.max(1)


def changes(base: Values, turned: Turned) -> Turned:
    """Return |dp|: how far the probability of the unturned image's class moves, per angle."""
    return np.abs(turned - base[:, None])
