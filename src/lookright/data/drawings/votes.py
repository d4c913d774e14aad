"""What the mean of several people's masks still tells of their agreement."""

from dataclasses import dataclass

import numpy as np

from lookright.data.sample import Evidence

_ROUNDING = 1 / 128  # of a vote's share: what 8 bits and their reader may lose
_SMOOTHED = 0.02  # share of pixels between votes, at edges, that resizing leaves


@dataclass(frozen=True)
class Votes:
    """What the pairs of annotators of one image have in common."""

    readers: int
    shared: float  # mass on which two agree, averaged over all pairs
    mass: float  # of an average annotator

    @property
    def dice(self) -> float:
        """The Dice of all pairs together: shared mass over average mass."""
        return self.shared / self.mass


def count_votes(drawn: Evidence, readers: int) -> Votes | None:
    """Read the votes out of the mean of some people's masks; None where it is no such mean.

    With c of k people at a pixel, c (c - 1) of the k (k - 1) ordered pairs agree there: the mean
    of masks keeps what their pairwise Dice needs.
    """
    votes = drawn * np.float64(readers)
    whole = np.round(votes)
    between = np.abs(votes - whole) > readers * _ROUNDING
    if readers < 2 or not whole.any() or between.mean() > _SMOOTHED * (drawn > 0).mean():
        return None
    shared = float((whole * (whole - 1)).sum()) / (readers * (readers - 1))
    return Votes(readers, shared, float(whole.sum()) / readers)
