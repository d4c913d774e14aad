"""Per-class Salience: the false classes look where people did not (Divisive Decisions)."""

import torch
from torch import nn
from torch.nn import functional

from lookright.cam import pick, rescale
from lookright.compare import average, squared
from lookright.objective import Objective, human, known, require_rivals, task
from lookright.settings import Weight
from lookright.types import Batch, Cams, Labels, Maps, Terms, Values


class PerClass(Objective):
    """L = alpha CE(z, y) + beta MSE(h, mm(t)) + gamma MSE(1 - h, mm(f)), each 0.3 (paper).

    t is the map of the true class, f that of the false one. With more than two classes (ours) the
    last term is the mean over the false classes.
    """

    def __init__(self, alpha: Weight = 0.3, beta: Weight = 0.3, gamma: Weight = 0.3) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task`, `human` (true class) and `complement` (false classes)."""
        seen = model(batch.images)
        require_rivals(self, seen)
        cells = known(batch, like=seen.cams)
        cams = _rescale_each(seen.cams, cells)
        maps = human(batch, like=cams)
        missed = squared(pick(cams, batch.labels), maps, cells)
        strayed = _miss_of_others(cams, 1 - maps, batch.labels, cells)
        return {
            "task": self.alpha * task(seen, batch),
            "human": self.beta * average(missed, batch.annotated),
            "complement": self.gamma * average(strayed, batch.annotated),
        }


def _rescale_each(cams: Cams, cells: Maps | None) -> Cams:
    each = None if cells is None else cells.repeat_interleave(cams.shape[1], 0)
    return rescale(cams.flatten(0, 1), each).unflatten(0, cams.shape[:2])


def _miss_of_others(cams: Cams, targets: Maps, labels: Labels, cells: Maps | None) -> Values:
    strayed = (cams - targets[:, None]).square()
    missed = (strayed if cells is None else strayed * cells[:, None]).mean((2, 3))
    own = functional.one_hot(labels, cams.shape[1]).bool()
    return torch.where(own, 0, missed).sum(1) / (cams.shape[1] - 1)
