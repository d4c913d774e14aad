"""Contrast Salience: where the true class looks, the false one does not (Divisive Decisions)."""

from torch import nn

from lookright.cam import Reference, pick, rescale, rival
from lookright.compare import average, squared
from lookright.objective import Objective, human, known, require_rivals, task
from lookright.settings import Weight
from lookright.types import Batch, Terms


class Contrast(Objective):
    """L = alpha CE(z, y) + beta MSE(h, mm(t)) + gamma MSE(1 - mm(t), mm(f)), each 0.3 (paper).

    t is the map of the true class, f that of the false one. The paper states no stop-gradient, so
    the last term moves both maps; `detach_target=True` (ours) lets it move f alone. With more than
    two classes (ours) f is the mix of the others that `reference` names: see
    `lookright.cam.rivals`. The last term needs no human map, but counts annotated images only,
    so that without annotations this is plain training.
    """

    def __init__(
        self,
        alpha: Weight = 0.3,
        beta: Weight = 0.3,
        gamma: Weight = 0.3,
        reference: Reference = "softmax",
        detach_target: bool = False,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.reference: Reference = reference
        self.detach_target = detach_target

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task`, `human` (true class) and `contrast` (true against false)."""
        seen = model(batch.images)
        require_rivals(self, seen)
        cells = known(batch, like=seen.cams)
        true = rescale(pick(seen.cams, batch.labels), cells)
        false = rescale(rival(seen.cams, seen.logits, batch.labels, self.reference), cells)
        complement = 1 - (true.detach() if self.detach_target else true)
        missed = squared(true, human(batch, like=true), cells)
        shared = squared(false, complement, cells)
        return {
            "task": self.alpha * task(seen, batch),
            "human": self.beta * average(missed, batch.annotated),
            "contrast": self.gamma * average(shared, batch.annotated),
        }
