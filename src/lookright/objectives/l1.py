"""L1: the class map equals the human map, cell by cell (Shen et al., HAICS, 2021)."""

from torch import nn

from lookright.cam import pick, rescale
from lookright.compare import average, over_cells
from lookright.objective import Objective, human, known, task
from lookright.settings import Weight
from lookright.types import Batch, Terms


class L1(Objective):
    """L = CE(z, y) + w mean |mm(CAM_y) - M|, over cells and annotated images.

    Unlike a squared distance it does not forgive many small differences; unlike `energy` it asks
    for all of the evidence and suffers when boxes stand in for masks (Rao et al., ICCV 2023).
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, model: nn.Module, batch: Batch, progress: float) -> Terms:
        """Return the terms `task` and `human`."""
        seen = model(batch.images)
        cells = known(batch, like=seen.cams)
        maps = rescale(pick(seen.cams, batch.labels), cells)
        missed = over_cells((maps - human(batch, like=maps)).abs(), cells)
        return {
            "task": task(seen, batch),
            "human": self.weight * average(missed, batch.annotated),
        }
