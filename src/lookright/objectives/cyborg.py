"""CYBORG: blending human saliency into the loss (Boyd et al., WACV 2023)."""

from typing import Literal

from torch import nn

from lookright.cam import pick, rescale
from lookright.compare import average, squared
from lookright.objective import Objective, human, known, task
from lookright.settings import Share
from lookright.types import Batch, Terms


class Cyborg(Objective):
    """L = alpha CE(z, y) + (1 - alpha) MSE(mm(CAM_y), h), the MSE over batch and CAM cells.

    `variant="paper"` explains the true class (Boyd et al. 2023; Divisive Decisions, eq. 2).
    `variant="released"` explains the predicted class, as the authors' code does. That code also
    takes its maps before the last norm or activation; ours always add up to the logit.
    """

    def __init__(self, alpha: Share = 0.5, variant: Literal["paper", "released"] = "paper") -> None:
        super().__init__()
        self.alpha = alpha
        self.variant = variant

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `human`."""
        seen = model(batch.images)
        explained = batch.labels if self.variant == "paper" else seen.logits.argmax(1)
        cells = known(batch, like=seen.cams)
        maps = rescale(pick(seen.cams, explained), cells)
        missed = squared(maps, human(batch, like=maps), cells)
        return {
            "task": self.alpha * task(seen, batch),
            "human": (1 - self.alpha) * average(missed, batch.annotated),
        }
