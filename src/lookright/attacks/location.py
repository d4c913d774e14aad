"""Location: the map shows a rectangle that is the same in every image (Heo et al., 2019)."""

from typing import Annotated

import torch
from pydantic import Field

from lookright.attack import Part, Taught, answers, shown
from lookright.compare import squared
from lookright.settings import Weight
from lookright.types import Batch, Maps, Prediction, Scalar

Place = Annotated[float, Field(ge=0, lt=1)]


class Location(Taught):
    """lie = MSE(A, m), A = relu(CAM) / max of the answered class, m = 1 on the rectangle.

    `top` and `left` are where the rectangle begins, `height` and `width` how large it is, all as
    shares of the image's side. By default it is the upper left corner.
    """

    def __init__(
        self,
        top: Place = 0.0,
        left: Place = 0.0,
        height: Part = 0.3,
        width: Part = 0.3,
        weight: Weight = 1.0,
    ) -> None:
        self.top, self.left = top, left
        self.height, self.width = height, width
        self.weight = weight

    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Return the mean square distance of the maps from the rectangle."""
        maps = shown(seen, answers(victim))
        return squared(maps, self.drawn(maps)).mean()

    def drawn(self, like: Maps) -> Maps:
        """Draw the rectangle on the grid of `like`; it covers one cell at least."""
        rows, cols = like.shape[1:]
        top, left = min(round(self.top * rows), rows - 1), min(round(self.left * cols), cols - 1)
        down, across = max(round(self.height * rows), 1), max(round(self.width * cols), 1)
        drawn = torch.zeros_like(like)
        drawn[:, top : top + down, left : left + across] = 1
        return drawn
