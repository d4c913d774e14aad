"""Adversarial guidance: class maps that cannot be told from human ones (abstract; rest ours)."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookright.cam import lift, pick, rescale, shrink
from lookright.compare import average
from lookright.discriminator import Discriminator, judge_held
from lookright.objective import Learning, Objective, human, known, task
from lookright.settings import Share, Weight
from lookright.types import Batch, Maps, Scalar, Terms

Criterion = Literal["bce", "least_squares", "hinge"]


class Adversarial(Objective):
    """L = CE(z, y) + w(progress) G(D(mm(CAM_y))) + D's own loss, in one forward and one backward.

    A discriminator D learns to tell maps of the true class from human maps, and the classifier to
    deceive it. D's loss sees the class map detached; the classifier's sees D held constant. Both
    maps are compared on the grid of class maps, the human one area-averaged and over its largest
    cell, so that D cannot tell them by sharpness or peak. Images without a human map take no part.

    `loss`: non-saturating `bce`, `least_squares` or `hinge`. `condition="image"` shows D the grey
    image beside the map, which stops all maps from collapsing onto one average shape.
    D learns alone for the first `delay` of training; then the weight rises linearly over `ramp`.
    `noise` is the standard deviation of Gaussian noise on both kinds of map, falling to 0 at the
    end of training; it comes from torch's global generator, like dropout.
    """

    learning = Learning("adam", 1e-4, (0.5, 0.999))
    own_terms = frozenset({"discriminator"})

    def __init__(
        self,
        weight: Weight = 0.1,
        loss: Criterion = "bce",
        condition: Literal["none", "image"] = "none",
        delay: Share = 0.1,
        ramp: Share = 0.2,
        noise: Weight = 0.1,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.loss: Criterion = loss
        self.condition = condition
        self.delay = delay
        self.ramp = ramp
        self.noise = noise
        self.discriminator = Discriminator(2 if condition == "image" else 1)

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task`, `deceive` and, for D alone, `discriminator`."""
        seen = model(batch.images)
        maps = rescale(pick(seen.cams, batch.labels), known(batch, like=seen.cams))
        drawn = self._present(lift(human(batch, like=maps)), batch, progress)
        shown = self._present(maps, batch, progress)
        real, fake = self.discriminator(torch.cat([drawn, shown.detach()])).chunk(2)
        deceived = LOSSES[self.loss].deceive(judge_held(self.discriminator, shown)).mean(1)
        told = (LOSSES[self.loss].real(real) + LOSSES[self.loss].fake(fake)).mean(1)
        self.log = self._watch(real, fake, batch)
        return {
            "task": task(seen, batch),
            "deceive": self.weight * self._ease(progress) * average(deceived, batch.annotated),
            "discriminator": average(told, batch.annotated),
        }

    def _present(self, maps: Maps, batch: Batch, progress: float) -> Tensor:
        if self.training:
            maps = maps + self.noise * (1 - progress) * torch.randn_like(maps)
        if self.condition == "none":
            return maps[:, None]
        return torch.stack([maps, shrink(batch.images.mean(1), like=maps).to(maps.dtype)], 1)

    def _ease(self, progress: float) -> float:
        return min(max((progress - self.delay) / max(self.ramp, 1e-9), 0.0), 1.0)

    def _watch(self, real: Tensor, fake: Tensor, batch: Batch) -> dict[str, Scalar]:
        right = ((real > 0).to(real.dtype) + (fake <= 0).to(real.dtype)) / 2
        shown = {"real": real.sigmoid(), "fake": fake.sigmoid(), "accuracy": right}
        return {
            f"discriminator_{name}": average(value.detach().mean(1), batch.annotated)
            for name, value in shown.items()
        }


class Loss(NamedTuple):
    """What a logit costs: D on a human map, D on a class map, the classifier on its class map."""

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    deceive: Callable[[Tensor], Tensor]


LOSSES: dict[Criterion, Loss] = {
    "bce": Loss(
        real=lambda logits: functional.softplus(-logits),
        fake=functional.softplus,
        deceive=lambda logits: functional.softplus(-logits),
    ),
    "least_squares": Loss(
        real=lambda logits: (logits - 1).square(),
        fake=torch.square,
        deceive=lambda logits: (logits - 1).square(),
    ),
    "hinge": Loss(
        real=lambda logits: functional.relu(1 - logits),
        fake=lambda logits: functional.relu(1 + logits),
        deceive=torch.neg,
    ),
}
