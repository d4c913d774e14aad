"""Model and objective as one module, so that guidance is part of the forward pass.

Gradient averaging over processes, mixed precision and compilation then see one network, and the
training loop knows neither the method nor the architecture.
"""

from torch import Tensor, nn

from lookright.objective import Objective
from lookright.types import Batch, Terms


class Guided(nn.Module):
    """From the tensors of a batch to the terms of the loss."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(
        self,
        images: Tensor,
        labels: Tensor,
        maps: Tensor,
        annotated: Tensor,
        weights: Tensor,
        progress: float,
    ) -> Terms:
        """Take a `Batch` field by field: wrappers convert and move tensors, not dataclasses."""
        batch = Batch(images, labels, maps, annotated, weights)
        return self.objective(self.model, batch, progress)
