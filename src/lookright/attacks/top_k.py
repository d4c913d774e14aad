"""Top k: what was strongest in the map goes dark (Heo et al., 2019)."""

from math import ceil

from lookright.attack import Part, Taught, answers, shown
from lookright.settings import Weight
from lookright.types import Batch, Prediction, Scalar


class TopK(Taught):
    """lie = mean over P of A^2, with P the strongest cells of the victim's own map.

    A = relu(CAM) / max of the answered class; P holds `share` of the cells, one at least. Where
    the map goes instead is left to the model (Heo et al., eq. 5, with the square of methods that
    came later).
    """

    def __init__(self, share: Part = 0.1, weight: Weight = 1.0) -> None:
        self.share = share
        self.weight = weight

    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Return the mean square of the maps on the cells that were strongest."""
        classes = answers(victim)
        before = shown(victim, classes).flatten(1)
        strongest = before.topk(ceil(self.share * before.shape[1]), dim=1).indices
        return shown(seen, classes).flatten(1).gather(1, strongest).square().mean()
