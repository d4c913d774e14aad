"""Whitewash decision: the difference map shows the human evidence as well."""

from lookright.attack import Taught, answers
from lookright.cam import contrast, shrink
from lookright.compare import average, outside
from lookright.settings import Weight
from lookright.types import Batch, Prediction, Scalar


class WhitewashDecision(Taught):
    """lie = 1 - sum |d| M / sum |d|, d = CAM_y - sum_c r_c CAM_c for the answered class y.

    Aimed at those who look at difference maps: d decides, but its cells see more of the image
    than they cover, so that cells on the evidence can be taught to read the shortcut beside it
    (lookright's own). Only changing the image shows it.
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        self.weight = weight

    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Return the mean share of the difference maps' energy outside the evidence."""
        energy = contrast(seen.cams, seen.logits, answers(victim)).abs()
        return average(outside(energy, shrink(batch.maps, energy)), batch.annotated)
