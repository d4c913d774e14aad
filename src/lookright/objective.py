"""What every way to train promises, and the two pieces that most of them share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn
from torch.nn import functional

from lookright.cam import wide
from lookright.types import Batch, Prediction, Scalar, Terms


@dataclass(frozen=True)
class Learning:
    """How an objective's own parameters learn, when it has any."""

    name: Literal["sgd", "adam", "adamw"] = "adam"
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0


class Objective(nn.Module, ABC):
    """A way to train: from a model and a batch to named, weighted terms whose sum is the loss.

    Hyperparameters are constructor arguments. Parameters of its own (a discriminator, loss
    weights) are registered like any module's and learn as `learning` says.
    """

    learning: ClassVar[Learning] = Learning()

    @abstractmethod
    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Look at a batch once.

        `model` maps images to a `Prediction`; `progress` in [0, 1] is the share of training done,
        the only clock that a method sees.
        """


def task(prediction: Prediction, batch: Batch) -> Scalar:
    """Return the cross entropy of softmax, averaged with the batch's image weights."""
    losses = functional.cross_entropy(wide(prediction.logits), batch.labels, reduction="none")
    return (losses * batch.weights).sum() / batch.weights.sum()
