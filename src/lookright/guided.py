"""Model and objective as one module, so that guidance is part of the forward pass.

Gradient averaging over processes, mixed precision and compilation then see one network, and the
training loop knows neither the method nor the architecture.
"""

from torch import Tensor, nn

from lookright.joined import Joined, joined
from lookright.objective import Objective
from lookright.types import Batch, Terms


class Guided(nn.Module):
    """From the tensors of a batch to the terms of the loss.

    With several `processes` each gives its share of the batch and gets the terms of the whole.
    """

    def __init__(self, model: nn.Module, objective: Objective, processes: int = 1) -> None:
        super().__init__()
        self.model = model
        self.objective = objective
        self.processes = processes

    def forward(
        self,
        images: Tensor,
        labels: Tensor,
        maps: Tensor,
        annotated: Tensor,
        weights: Tensor,
        unknown: Tensor | None,
        progress: float,
    ) -> Terms:
        """Take a `Batch` field by field: wrappers convert and move tensors, not dataclasses."""
        batch = Batch(images, labels, maps, annotated, weights, unknown)
        if self.processes > 1:
            return self.objective(Joined(self.model), joined(batch), progress)
        return self.objective(self.model, batch, progress)
