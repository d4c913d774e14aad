"""Two classifiers on the same images: which errs where the other does not (McNemar, 1947)."""

import numpy as np
from jaxtyping import Bool
from scipy.special import bdtr

from lookright.stats.tested import Tested

Flags = Bool[np.ndarray, " images"]


def exact(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of the images that only one classifier got right.

    >>> exact(5, 15)
    0.04138946533203125
    """
    unlike = only_first + only_second
    if not unlike:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), unlike, 0.5)))


def compare(first_right: Flags, second_right: Flags) -> Tested:
    """Test whether two classifiers are equally often right: the difference, first minus second.

    The statistic is the number of images on which they differ. No image: NaN.
    """
    if not len(first_right):
        return Tested(note="no image")
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    gain = (only_first - only_second) / len(first_right)
    unlike = only_first + only_second
    return Tested(gain, statistic=float(unlike), p=exact(only_first, only_second))
