"""Decision energy: what decides must come from the evidence (lookright's own)."""

from torch import nn

from lookright.cam import Reference, contrast
from lookright.compare import average, outside
from lookright.objective import Objective, human, known, require_rivals, task
from lookright.settings import Weight
from lookright.types import Batch, Terms


class DecisionEnergy(Objective):
    """L = CE(z, y) + w (1 - sum |d| M / sum |d|), with d = CAM_y - sum_c r_c CAM_c.

    The mean of d plus the difference of biases is the logit margin, so unlike a stretched map of
    one class, d cannot be repainted while the decision stays where it was. `reference` says what
    the other classes weigh: see `lookright.cam.rivals`.
    """

    def __init__(self, weight: Weight = 1.0, reference: Reference = "softmax") -> None:
        super().__init__()
        self.weight = weight
        self.reference: Reference = reference

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `outside`."""
        seen = model(batch.images)
        require_rivals(self, seen)
        deciding = contrast(seen.cams, seen.logits, batch.labels, self.reference).abs()
        cells = known(batch, like=deciding)
        missed = outside(deciding, human(batch, like=deciding), cells)
        return {
            "task": task(seen, batch),
            "outside": self.weight * average(missed, batch.annotated),
        }
