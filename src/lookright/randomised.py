"""The same network with weights that know nothing (Adebayo et al., NeurIPS 2018).

Weights are shuffled within each tensor, so that every layer keeps its scale whatever its kind.
"""

from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from lookright.model import Classifier
from lookright.types import Images

Part = Literal["head", "all"]


def randomised(model: Classifier, part: Part, seed: int, images: Images) -> Classifier:
    """Copy a classifier with the weights of its head, or all of them, shuffled.

    Averages that normalisation layers keep would belong to the old weights: they are taken anew
    from `images`. The copy is in eval mode; the model is left as it was.

    >>> from torch import nn
    >>> model = Classifier(trunk=nn.Conv2d(3, 8, 3), head=nn.Linear(8, 2))
    >>> other = randomised(model, "head", seed=0, images=torch.rand(2, 3, 8, 8))
    >>> torch.equal(other.trunk.weight, model.trunk.weight)
    True
    >>> torch.equal(other.head.weight, model.head.weight)
    False
    """
    chance = torch.Generator().manual_seed(seed)
    copy = deepcopy(model)
    with torch.no_grad():
        for each in (copy.head if part == "head" else copy).parameters():
            each.copy_(_shuffled(each, chance))
        if part == "all":
            _settle(copy, images)
    return copy.eval()


def _shuffled(weights: Tensor, chance: torch.Generator) -> Tensor:
    order = torch.randperm(weights.numel(), generator=chance).to(weights.device)
    return weights.flatten()[order].view_as(weights)


def _settle(model: Classifier, images: Images) -> None:
    """Let batch norms average over the images, as they would have in training."""
    norms = [each for each in model.modules() if isinstance(each, _BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average
    model.eval()
    for norm in norms:
        norm.train()
    model(images)
