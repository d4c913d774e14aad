"""Random: a map drawn without looking, so that every measure has its chance level beside it."""

import zlib

import torch
from torch import Tensor

from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps

CELLS = 7


class Random(Explainer):
    """Uniform numbers on a grid of 7 x 7 cells, drawn from the pixels of the image alone.

    It knows neither the model nor the class: with random weights it stays the same.
    """

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Draw a map for each image."""
        return torch.stack([_drawn(image) for image in images]).to(images)


def _drawn(image: Tensor) -> Tensor:
    pixels = (image * 255).round().to(torch.uint8).contiguous().cpu().numpy()
    chance = torch.Generator().manual_seed(zlib.crc32(pixels.tobytes()))
    return torch.rand(CELLS, CELLS, generator=chance)
