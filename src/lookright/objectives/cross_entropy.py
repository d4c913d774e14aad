"""Plain training: the right answer, from wherever."""

from torch import nn

from lookright.objective import Objective, task
from lookright.types import Batch, Terms


class CrossEntropy(Objective):
    """L = CE(z, y). Looks at no map; the baseline of every comparison."""

    uses_maps = False

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the one term `task`."""
        return {"task": task(model(batch.images), batch)}
