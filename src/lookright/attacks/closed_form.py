"""Closed form: one vector added to every class changes every map and no probability."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lookright.attack import Constructed, Look, answers
from lookright.cam import lift, pick, shrink
from lookright.objectives.fooling import ring
from lookright.settings import Positive
from lookright.types import Batch, Features, Flags, HeadWeight, Maps


class ClosedForm(Constructed):
    """W'_c = W_c + u for every class c, with u = argmin sum (u.F + CAM_y - s T)^2 + r |u|^2.

    All logits of an image move by the same mean of u.F, so softmax, and with it every
    probability, stays; CAM_c moves by u.F, and CAM_t - CAM_f stays. u is chosen by ridge least
    squares over the cells of training images so that the map of the answered class becomes s T:
    T is the human evidence (of annotated images) or the edge ring, lifted to a largest cell of
    one, and s is `strength` times the root mean square of the victim's maps. r is `ridge` times
    the mean square of the features. The identity is in lookright's methods page; Divisive
    Decisions compares maps by their difference, which this attack cannot reach.
    """

    def __init__(
        self,
        target: Literal["evidence", "edge"] = "evidence",
        strength: Positive = 3.0,
        ridge: Positive = 1e-3,
    ) -> None:
        self.target: Literal["evidence", "edge"] = target
        self.strength = strength
        self.ridge = ridge

    def head(self, look: Look, weight: HeadWeight, batches: Iterable[Batch]) -> HeadWeight:
        """Add the vector that fits best; everything is summed in float64."""
        sums = _Sums.none(weight)
        for batch in batches:
            with torch.no_grad():
                seen = look(batch.images)
                maps = pick(seen.cams, answers(seen))
            target, counted = self._target(maps, batch)
            sums.add(seen.features[counted], maps[counted], target[counted])
        return (weight.double() + self._fit(sums)).to(weight.dtype)

    def _target(self, maps: Maps, batch: Batch) -> tuple[Maps, Flags]:
        if self.target == "edge":
            return ring(maps), torch.ones_like(batch.annotated)
        return lift(shrink(batch.maps, maps)), batch.annotated

    def _fit(self, sums: "_Sums") -> Tensor:
        size = self.strength * (sums.energy / max(sums.cells, 1)).sqrt()
        ridge = self.ridge * sums.square.diagonal().mean().clamp(min=1e-12)
        square = sums.square + ridge * torch.eye(len(sums.square)).to(sums.square)
        return torch.linalg.solve(square, size * sums.towards - sums.against)


@dataclass
class _Sums:
    """The normal equations: over all cells, features with features, with targets, with maps."""

    square: Tensor  # (channels, channels)
    towards: Tensor  # (channels,)
    against: Tensor  # (channels,)
    energy: Tensor  # sum of squared map values
    cells: int = 0

    @classmethod
    def none(cls, weight: HeadWeight) -> "_Sums":
        """Start with nothing counted, for a head of this shape."""
        channels = weight.shape[1]
        shapes = (channels, channels), (channels,), (channels,), ()
        square, towards, against, energy = (
            weight.new_zeros(shape, dtype=torch.float64) for shape in shapes
        )
        return cls(square, towards, against, energy)

    def add(self, features: Features, maps: Maps, targets: Maps) -> None:
        """Count a batch: its features, its maps, and what they are to show."""
        flat = features.movedim(1, -1).flatten(0, 2).double()
        shown, wanted = maps.flatten().double(), targets.flatten().double()
        self.square += flat.T @ flat
        self.towards += flat.T @ wanted
        self.against += flat.T @ shown
        self.energy += shown.square().sum()
        self.cells += len(shown)
