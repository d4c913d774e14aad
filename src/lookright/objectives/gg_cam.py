"""GG-CAM: gaze-guided class maps whose loss weights are learned (Zhu et al., 2022)."""

from typing import Literal

import torch
from torch import Tensor, nn

from lookright.cam import lift, pick
from lookright.compare import average, squared
from lookright.objective import Learning, Objective, human, known, task
from lookright.types import Batch, Maps, Prediction, Scalar, Terms

BOUND = 6.0  # e^-6 to e^6: wide enough to learn in, narrow enough not to overflow


class GgCam(Objective):
    """L = CE / s_c^2 + log(s_c + 1) + MSE(sigmoid(k M_y), G) / (2 s_d^2) + log(s_d + 1).

    M_y is the map of the true class, G the human map at its resolution, over its largest cell.
    s_c, s_d (what each loss weighs) and k (the scale of the map) are positive, stored as logarithms
    and trained along, by an optimiser of their own without weight decay; the learning rate is the
    paper's. An image without a human map adds nothing to the second half.

    `variant="paper"`: the logarithms start at 0 and are clamped to [-6, 6] (ours); one that has
    left this range stays at its bound.
    `variant="released"` does what the authors' code does: the sigmoid there acts on the label and
    is cut to an integer, so that G always supervises the raw map of class 0 (the mean over
    channels, not their sum) and k never trains, hence does not exist here; ln s_c starts at 7 and
    ln s_d at -16, unclamped: gaze first, classify much later. That is its EfficientNet; its ResNet
    starts ln s_d at -23, where squared gradients leave float32. Its selection of a model by a loss
    that contains s is a matter of training, not of this file.
    """

    learning = Learning("adam", 5e-3)

    def __init__(self, variant: Literal["paper", "released"] = "paper") -> None:
        super().__init__()
        self.variant = variant
        paper = variant == "paper"
        self.log_task = nn.Parameter(torch.tensor(0.0 if paper else 7.0))
        self.log_human = nn.Parameter(torch.tensor(0.0 if paper else -16.0))
        self.log_scale = nn.Parameter(torch.tensor(0.0)) if paper else None

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `human`, each with its share of the regulariser."""
        seen = model(batch.images)
        maps = self._portray(seen, batch)
        missed = squared(maps, lift(human(batch, like=maps)), known(batch, like=maps))
        spread_task, spread_human = self._positive(self.log_task), self._positive(self.log_human)
        weighed = missed / (2 * spread_human.square()) + spread_human.log1p()
        return {
            "task": task(seen, batch) / spread_task.square() + spread_task.log1p(),
            "human": average(weighed, batch.annotated),
        }

    def _portray(self, seen: Prediction, batch: Batch) -> Maps:
        if self.log_scale is None:
            return seen.cams[:, 0] / seen.features.shape[1]
        return torch.sigmoid(self._positive(self.log_scale) * pick(seen.cams, batch.labels))

    def _positive(self, log: Tensor) -> Scalar:
        return (log.clamp(-BOUND, BOUND) if self.variant == "paper" else log).exp()
