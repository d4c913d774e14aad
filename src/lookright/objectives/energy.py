"""Energy: the map's energy lies inside the evidence (Rao et al., ICCV 2023)."""

from torch import nn
from torch.nn import functional

from lookright.cam import pick
from lookright.compare import average, outside
from lookright.objective import Objective, human, known, task
from lookright.settings import Weight
from lookright.types import Batch, Terms


class Energy(Objective):
    """L = CE(z, y) + w (1 - sum relu(A) M / sum relu(A)), with A the map of the true class.

    The second term is framing sensitivity itself, the share of energy outside the evidence; it
    asks nothing about the shape inside, so that boxes and few annotations are enough.
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `outside`."""
        seen = model(batch.images)
        energy = functional.relu(pick(seen.cams, batch.labels))
        missed = outside(energy, human(batch, like=energy), known(batch, like=energy))
        return {
            "task": task(seen, batch),
            "outside": self.weight * average(missed, batch.annotated),
        }
