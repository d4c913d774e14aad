"""A small critic that tells class maps from human maps, and how it can be held still."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from lookright.cam import wide

CHANNELS = (64, 128, 256)
WHOLE = 14  # up to so many rows and cols one verdict covers the whole map


class Discriminator(nn.Module):
    """Three 3x3 convolutions with spectral norm and leaky ReLU; no batch norm, no leak of images.

    A map of up to 14 x 14 cells gets one logit, a larger one a logit per patch: positive for what
    looks drawn by a person.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        pairs = pairwise((inputs, *CHANNELS))
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(*pair, 3, padding=1)) for pair in pairs)
        self.head = spectral_norm(nn.Conv2d(CHANNELS[-1], 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Judge maps of shape (batch, inputs, rows, cols): logits of shape (batch, patches)."""
        large = max(maps.shape[-2:]) > WHOLE
        with torch.autocast(maps.device.type, enabled=False):
            hidden = wide(maps)
            for layer in self.layers:
                hidden = functional.leaky_relu(layer(hidden), 0.2)
                hidden = functional.avg_pool2d(hidden, 2) if large else hidden
            verdicts = self.head(hidden).flatten(1)
        return verdicts if large else verdicts.mean(1, keepdim=True)


def judge_held(discriminator: Discriminator, maps: Tensor) -> Tensor:
    """Judge maps by a discriminator held still: gradient reaches the maps, not its parameters."""
    held = {name: value.detach() for name, value in discriminator.named_parameters()}
    return functional_call(discriminator, held, (maps,))
