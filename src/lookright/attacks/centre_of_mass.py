"""Centre of mass: the map's centre moves away from where it was (Heo et al., 2019)."""

import torch
from jaxtyping import Float
from torch import Tensor

from lookright.attack import Taught, answers, shown
from lookright.settings import Weight
from lookright.types import Batch, Maps, Prediction, Scalar


class CentreOfMass(Taught):
    """lie = -|C(A) - C(A0)|_1, with C the centre of mass of the map and A0 the victim's map.

    A = relu(CAM) / max of the answered class; places are shares of the grid's side, so that the
    lie is at least -2 (Heo et al., eq. 6). Maps without energy have no centre and do not count.
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        self.weight = weight

    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Return minus the mean distance between the centres."""
        classes = answers(victim)
        now, before = shown(seen, classes), shown(victim, classes)
        spoken = (now.sum((1, 2)) > 0) & (before.sum((1, 2)) > 0)
        apart = centre(now) - centre(before)
        # Not abs: its slope at zero is zero, and the copy begins as the victim, without a way out.
        moved = torch.where(apart >= 0, apart, -apart).sum(1)
        return -torch.where(spoken, moved, 0).mean()


def centre(maps: Maps) -> Float[Tensor, "batch 2"]:
    """Return the centre of mass of each map, down and across, in [0, 1]; 0 for an empty map."""
    total = maps.sum((1, 2))
    shares = maps / torch.where(total > 0, total, 1)[:, None, None]
    down, across = (_places(length, like=maps) for length in maps.shape[1:])
    return torch.stack([shares.sum(2) @ down, shares.sum(1) @ across], 1)


def _places(length: int, like: Tensor) -> Tensor:
    return torch.linspace(0, 1, length, dtype=like.dtype, device=like.device)
