"""From settings to torch's optimisers."""

from collections.abc import Iterable

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from lookright.configuration import Optimiser
from lookright.objective import Learning


def optimiser(parameters: Iterable[nn.Parameter], how: Optimiser | Learning) -> Optimizer:
    """Make the optimiser that settings describe; SGD reads `momentum`, the Adams `betas`."""
    if how.name == "sgd":
        momentum = how.momentum if isinstance(how, Optimiser) else 0.9
        return SGD(parameters, how.lr, momentum, weight_decay=how.weight_decay)
    kind = {"adam": Adam, "adamw": AdamW}[how.name]
    return kind(parameters, how.lr, how.betas, weight_decay=how.weight_decay)
