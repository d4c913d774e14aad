"""One batch, several processes: each looks at its share, all see what all have seen.

The loss is then that of the whole batch in every process, for every method, also where an average
is weighted or only some images are annotated. Averaged over processes (by DDP) the gradients are
those of one process; only batch-norm statistics stay those of a share.
"""

from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from lookright.cam import wide
from lookright.types import Batch, Images, Prediction


def joined(batch: Batch) -> Batch:
    """Put the shares of all processes together, in the order of the whole batch."""
    total = torch.tensor(len(batch.labels), device=batch.labels.device)
    distributed.all_reduce(total)
    there = {name: each for name, each in vars(batch).items() if each is not None}
    return replace(batch, **{name: _together(each, int(total)) for name, each in there.items()})


class Joined(nn.Module):
    """A model that looks at the own share of a whole batch and predicts what all have seen."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Images) -> Prediction:
        """Take the images of all processes; every process must make the same calls."""
        seen = self.model(_own(images))
        logits, features = (_gather(each, len(images)) for each in (seen.logits, seen.features))
        return Prediction(logits, features, lambda: _gather(seen.cams, len(images)))


class _Gathered(torch.autograd.Function):
    """Collect the shares of a batch; the gradient of a share is the sum over all processes."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, total: int) -> Tensor:
        """Return the rows of all processes."""
        return _together(own, total)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the own rows."""
        summed = gradients[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(summed)
        return _own(summed), None


def _gather(own: Tensor, total: int) -> Tensor:
    return cast(Tensor, _Gathered.apply(wide(own), total))  # not all backends know bfloat16


def _own(rows: Tensor) -> Tensor:
    return rows[distributed.get_rank() :: distributed.get_world_size()]


def _together(own: Tensor, total: int) -> Tensor:
    """Interleave the rows of all processes: process r holds the rows r, r + count, r + 2 count."""
    count = distributed.get_world_size()
    # Shares differ by one row at most; what fills them up ends behind the last row.
    lacking = -(-total // count) - len(own)
    filled = functional.pad(own, [0, 0] * (own.ndim - 1) + [0, lacking]).contiguous()
    parts = [torch.empty_like(filled) for _ in range(count)]
    distributed.all_gather(parts, filled)
    return torch.stack(parts, 1).flatten(0, 1)[:total]
