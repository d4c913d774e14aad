"""Suppress outside: right for the right reasons, on class maps (Schramowski et al., 2020)."""

from torch import nn

from lookright.cam import pick, rescale
from lookright.compare import average, over_cells
from lookright.objective import Objective, human, known, task
from lookright.settings import Weight
from lookright.types import Batch, Terms


class SuppressOutside(Objective):
    """L = CE(z, y) + w mean(((1 - M) mm(A))^2), with A the map of the true class.

    The mean is over cells and annotated images, so that the weight does not depend on the grid: no
    mask, no penalty.
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `outside`."""
        seen = model(batch.images)
        cells = known(batch, like=seen.cams)
        maps = rescale(pick(seen.cams, batch.labels), cells)
        strayed = over_cells(((1 - human(batch, like=maps)) * maps).square(), cells)
        return {
            "task": task(seen, batch),
            "outside": self.weight * average(strayed, batch.annotated),
        }
