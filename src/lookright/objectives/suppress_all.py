"""Suppress all: nothing outside the evidence may speak for any class (lookright's own)."""

from torch import nn

from lookright.compare import average
from lookright.objective import Objective, human, known, task
from lookright.settings import Weight
from lookright.types import Batch, Terms


class SuppressAll(Objective):
    """L = CE(z, y) + w mean over classes and cells of (1 - M) CAM_c^2.

    The maps keep their scale: what is suppressed is missing from the logits. So the weight is not
    free of scale either, and depends on the network and its logits.
    """

    def __init__(self, weight: Weight = 0.1) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `outside`."""
        seen = model(batch.images)
        cells, beyond = known(batch, like=seen.cams), 1 - human(batch, like=seen.cams)
        beyond = beyond if cells is None else beyond * cells
        spoken = (beyond[:, None] * seen.cams.square()).mean((1, 2, 3))
        return {
            "task": task(seen, batch),
            "outside": self.weight * average(spoken, batch.annotated),
        }
