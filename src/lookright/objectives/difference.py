"""Difference Salience: what tells the classes apart is where people look (Divisive Decisions)."""

from torch import nn

from lookright.cam import Reference, contrast, rescale
from lookright.compare import average, squared
from lookright.objective import Objective, human, known, require_rivals, task
from lookright.settings import Weight
from lookright.types import Batch, Terms


class Difference(Objective):
    """L = alpha CE(z, y) + beta MSE(h, mm(t - f)), weights 0.5 and 0.5 (paper).

    t is the map of the true class, f that of the false one: subtracted first, then normalised.
    With more than two classes (ours) f is the mix of the others that `reference` names: see
    `lookright.cam.rivals`.
    """

    def __init__(
        self, alpha: Weight = 0.5, beta: Weight = 0.5, reference: Reference = "softmax"
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.reference: Reference = reference

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `human`."""
        seen = model(batch.images)
        require_rivals(self, seen)
        cells = known(batch, like=seen.cams)
        maps = rescale(contrast(seen.cams, seen.logits, batch.labels, self.reference), cells)
        missed = squared(maps, human(batch, like=maps), cells)
        return {
            "task": self.alpha * task(seen, batch),
            "human": self.beta * average(missed, batch.annotated),
        }
