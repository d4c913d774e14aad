"""Occlusion: what covering a window takes from the decision (Zeiler and Fergus, ECCV 2014)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from lookright.covering import Blank, Score, blank, cover, score
from lookright.errors import ConfigError, Problem
from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps

Part = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class Occlusion(Explainer):
    """Mean over the windows that cover a pixel of s(x) - s(x with the window filled).

    s is the margin log p/(1-p) of the class. `window` and `stride` are shares of the side; the
    last window of a row ends at the edge of the image.
    """

    window: Part = 0.25
    stride: Part = 0.125
    fill: Blank = "mean"
    score: Score = "margin"

    def __post_init__(self) -> None:
        if self.stride > self.window:
            what = f"A stride of {self.stride} steps over what a window of {self.window} covers."
            raise ConfigError(Problem("CONFIG-VALUE", what, "occlusion.stride", "Take a smaller."))

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Cover one window after the other."""
        stays = self._windows(images)
        whole = score(model, images, classes, self.score)
        fill = blank(images, self.fill)
        places = len(stays)
        left = cover(model, images, classes, lambda _, at: stays[at], places, fill, self.score)
        covered = (~stays).to(images.dtype)
        lost = torch.einsum("nw,whv->nhv", whole[:, None] - left, covered)
        return lost / covered.sum(0)

    def _windows(self, images: Images) -> Tensor:
        """Flag what stays of the image, for every place of the window."""
        rows, cols = (self._spans(side, images) for side in images.shape[2:])
        covered = rows[:, None, :, None] & cols[None, :, None, :]
        return ~covered.flatten(0, 1)

    def _spans(self, side: int, images: Images) -> Tensor:
        """Flag the pixels of one side that each place of the window covers."""
        window, stride = (max(1, round(share * side)) for share in (self.window, self.stride))
        places = -(-(side - window) // stride) + 1
        starts = torch.arange(places, device=images.device)[:, None] * stride
        pixels = torch.arange(side, device=images.device)
        return (pixels >= starts) & (pixels < starts + window)
