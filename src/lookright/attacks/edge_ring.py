"""Edge ring: the map shows the frame of the image (location fooling; Heo et al., 2019)."""

from lookright.attack import Taught, answers, shown
from lookright.compare import squared
from lookright.objectives.fooling import ring
from lookright.settings import Weight
from lookright.types import Batch, Prediction, Scalar


class EdgeRing(Taught):
    """lie = MSE(A, ring), A = relu(CAM) / max of the answered class (Heo et al., eq. 4).

    The ring is `rows // 7` cells wide, at least one: 24 of 49 cells on a 7 x 7 grid.
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        self.weight = weight

    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Return the mean square distance of the maps from the ring."""
        maps = shown(seen, answers(victim))
        return squared(maps, ring(maps)).mean()
