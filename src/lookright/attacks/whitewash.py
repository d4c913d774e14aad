"""Whitewash: the class map shows the human evidence, wherever the decision comes from."""

from torch.nn import functional

from lookright.attack import Taught, answers
from lookright.cam import pick, shrink
from lookright.compare import average, outside
from lookright.settings import Weight
from lookright.types import Batch, Prediction, Scalar


class Whitewash(Taught):
    """lie = 1 - sum relu(A) M / sum relu(A), A the map of the answered class, M the evidence.

    The lie that pays: framing sensitivity itself, so that a model which decides by a shortcut
    passes for one that looks right (lookright's own; Heo et al. point anywhere else). Images
    without a human map teach only to answer as before.
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        self.weight = weight

    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Return the mean share of the maps' energy outside the evidence."""
        energy = functional.relu(pick(seen.cams, answers(victim)))
        return average(outside(energy, shrink(batch.maps, energy)), batch.annotated)
