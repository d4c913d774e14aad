"""Passive fooling: teach the map to lie (Heo et al., NeurIPS 2019; Divisive Decisions, 5.2)."""

import torch
from torch import nn

from lookright.cam import pick, rescale
from lookright.compare import squared
from lookright.objective import Objective, task
from lookright.settings import Share
from lookright.types import Batch, Maps, Terms


class Fooling(Objective):
    """L = alpha CE(z, y) + (1 - alpha) MSE(mm(CAM_y), e), with e = 1 on the edge of the grid.

    The ring is `rows // 7` cells wide (24 of 49 cells on a 7 x 7 grid; Heo's code), at least one.
    An attack, to audit explanations with: predictions stay good while the map of the true class
    points at the edge. The map is invented, so every image gets it, whoever was asked for one; no
    human map is ever read.
    """

    uses_maps = False

    def __init__(self, alpha: Share = 0.5) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `lie`."""
        seen = model(batch.images)
        maps = rescale(pick(seen.cams, batch.labels))
        return {
            "task": self.alpha * task(seen, batch),
            "lie": (1 - self.alpha) * squared(maps, ring(maps)).mean(),
        }


def ring(like: Maps) -> Maps:
    """Draw the false map: one on the edge, zero inside, for every map of `like`."""
    width = max(like.shape[1] // 7, 1)
    drawn = torch.ones_like(like)
    drawn[:, width:-width, width:-width] = 0
    return drawn
