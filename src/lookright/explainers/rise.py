"""RISE: random masks, each weighed by what it leaves of the probability (Petsiuk et al., 2018)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from lookright.covering import blank, cover
from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.settings import Count
from lookright.types import Images, Labels, Maps


@dataclass(frozen=True)
class Rise(Explainer):
    """S(q) = sum_i p_c(x * M_i) M_i(q) / (N p): Petsiuk et al., BMVC 2018, eq. 6.

    Each mask is a grid of `cells` x `cells` that keeps a cell with probability p = `kept`,
    enlarged smoothly and shifted by part of a cell. The same masks are used for every image.
    """

    masks: Count = 500
    cells: Count = 7
    kept: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Look through every mask."""
        masks = self._draw((images.shape[2], images.shape[3])).to(images)
        fill = blank(images, "black")
        left = cover(
            model, images, classes, lambda _, at: masks[at], len(masks), fill, "probability"
        )
        return torch.einsum("nm,mhw->nhw", left, masks) / (len(masks) * self.kept)

    def _draw(self, size: tuple[int, int]) -> Tensor:
        """Draw the masks of one image size."""
        chance = torch.Generator().manual_seed(0)
        cell = [-(-side // self.cells) for side in size]
        grids = torch.rand(self.masks, 1, self.cells + 1, self.cells + 1, generator=chance)
        whole = ((self.cells + 1) * cell[0], (self.cells + 1) * cell[1])
        smooth = functional.interpolate(
            (grids < self.kept).float(), whole, mode="bilinear", align_corners=False
        )[:, 0]
        shifts = torch.rand(self.masks, 2, generator=chance) * torch.tensor(cell)
        return torch.stack(
            [
                mask[top : top + size[0], left : left + size[1]]
                for mask, (top, left) in zip(smooth, shifts.long().tolist(), strict=True)
            ]
        )
