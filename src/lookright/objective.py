"""What every way to train promises, and the two pieces that most of them share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookright.cam import shrink, wide
from lookright.errors import ConfigError, Problem
from lookright.types import Batch, Maps, Prediction, Scalar, Terms


@dataclass(frozen=True)
class Learning:
    """How an objective's own parameters learn, when it has any.

    >>> from lookright import Adversarial
    >>> Adversarial.learning
    Learning(name='adam', lr=0.0001, betas=(0.5, 0.999), weight_decay=0.0)
    """

    name: Literal["sgd", "adam", "adamw"] = "adam"
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0


class Objective(nn.Module, ABC):
    """A way to train: from a model and a batch to named, weighted terms whose sum is the loss.

    Hyperparameters are constructor arguments. Parameters of its own (a discriminator, loss
    weights) are registered like any module's and learn as `learning` says.

    All are used alike:

    >>> from lookright import Batch, Classifier, Cyborg
    >>> model = Classifier(trunk=nn.Conv2d(3, 8, 3), head=nn.Linear(8, 2))
    >>> images, maps = torch.rand(2, 3, 16, 16), torch.rand(2, 16, 16)
    >>> asked = torch.tensor([True, False])
    >>> batch = Batch(images, torch.tensor([0, 1]), maps, asked, weights=torch.ones(2))
    >>> terms = Cyborg()(model, batch, progress=0.0)
    >>> sum(terms.values()).backward()
    >>> bool(model.head.weight.grad.any())
    True
    """

    learning: ClassVar[Learning] = Learning()
    # False: the method never looks at human maps, nor at who was asked for one.
    uses_maps: ClassVar[bool] = True
    # Terms that teach only the objective's own parameters: no part of how good the model is.
    own_terms: ClassVar[frozenset[str]] = frozenset()
    # What the last forward has to show but nobody learns from; detached.
    log: Mapping[str, Scalar] = MappingProxyType({})

    @abstractmethod
    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Look at a batch once.

        `model` maps images to a `Prediction`; `progress` in [0, 1] is the share of training done,
        the only clock that a method sees.
        """


def task(prediction: Prediction, batch: Batch) -> Scalar:
    """Return the cross entropy of softmax, averaged with the batch's image weights.

    >>> from torch import rand, tensor, zeros
    >>> asked, labels = tensor([False, False]), tensor([0, 1])
    >>> batch = Batch(rand(2, 3, 8, 8), labels, zeros(2, 8, 8), asked, tensor([1.0, 0.0]))
    >>> unsure = Prediction(zeros(2, 2), zeros(2, 4, 1, 1), explain=lambda: zeros(2, 2, 1, 1))
    >>> round(float(task(unsure, batch)), 3)
    0.693
    """
    losses = functional.cross_entropy(wide(prediction.logits), batch.labels, reduction="none")
    total = batch.weights.sum()
    return (losses * batch.weights).sum() / torch.where(total > 0, total, 1)


def human(batch: Batch, like: Tensor) -> Maps:
    """Bring the human maps to the grid of `like`; zero for images that nobody was asked about.

    A cell that is known in part has the mean of that part.
    """
    if batch.unknown is None:
        return torch.where(batch.annotated[:, None, None], shrink(batch.maps, like), 0)
    share = shrink(1 - batch.unknown, like)
    drawn = shrink(torch.where(batch.unknown < 1, batch.maps, 0), like)
    mean = (drawn / torch.where(share > 0, share, 1)).clamp(max=1)
    return torch.where(batch.annotated[:, None, None] & (share > 0), mean, 0)


def known(batch: Batch, like: Tensor) -> Maps | None:
    """Weigh the cells of the grid of `like` by how much of each is known; None: all are alike.

    The weights of an image have mean one, so that a mean over weighted cells is one over what is
    known. All are zero where nothing is.
    """
    if batch.unknown is None:
        return None
    share = shrink(1 - batch.unknown, like)
    mean = share.mean((1, 2), keepdim=True)
    return share / torch.where(mean > 0, mean, 1)


def require_rivals(method: Objective, prediction: Prediction) -> None:
    """Refuse a head with one logit: its false map is minus its true one, and the method is vacuous.

    Difference and per-class maps would be the baseline's, and the contrast term always zero.
    """
    if prediction.logits.shape[1] < 2:
        name = type(method).__name__
        what = f"{name} compares the maps of two classes or more, and this head has one logit."
        raise ConfigError(Problem("ONE-LOGIT", what, fix="Give the head one logit per class."))
