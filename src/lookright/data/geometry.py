"""Image and human map move as one: a stack of channels that is cut, turned and resized together.

The map is a channel of the stack, so it cannot drift from its image. Randomness is stateless:
what happens to an image is decided by (seed, epoch, index) alone, in any process and any order.
"""

from math import cos, radians, sin
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from lookright.configuration import Augmentation
from lookright.data.warp import Warp, draw_warp, is_asked, shrinkage
from lookright.torchvision_repair import repair
from lookright.types import Images

repair()
from torchvision.transforms import v2  # noqa: E402
from torchvision.transforms.v2.functional import (  # noqa: E402
    center_crop,
    horizontal_flip,
    resize,
    resized_crop,
    rotate,
)

# One or three colours, then the human map, then perhaps what is unknown: see `colour_channels`.
Stack = Float[Tensor, "channels height width"]
Square = Float[Tensor, "channels side side"]
Fill = Literal["zero", "edge", "reflect"]
BILINEAR = v2.InterpolationMode.BILINEAR


def square(stack: Stack, size: int) -> Square:
    """Resize to size x size with antialiasing, so that thin strokes fade and do not vanish."""
    return resize(stack, [size, size], interpolation=BILINEAR, antialias=True)


def colour_channels(stack: Tensor) -> int:
    """Count the colours of a stack of 2 to 5 channels: an odd number of them has unknown pixels."""
    return 1 if stack.shape[-3] < 4 else 3


def augment(stack: Stack, settings: Augmentation, *key: int) -> Stack:
    """Crop, flip, turn and warp image and map together; brighten the image alone.

    `key` is (seed, epoch, index): the same key gives the same result everywhere.
    """
    draw = np.random.default_rng(key)
    if settings.crop < 1:
        stack = _cropped(stack, settings.crop, draw)
    if draw.random() < settings.flip:
        stack = horizontal_flip(stack)
    angle = draw.uniform(-settings.rotate, settings.rotate) if settings.rotate else 0.0
    if is_asked(settings):
        height, width = stack.shape[1:]
        stack = warped(stack, draw_warp(settings, width, height, angle, draw))
    elif settings.rotate:
        stack = rotate(stack, angle, interpolation=BILINEAR)
    return _shaded(stack, settings, draw)


def warped(stack: Stack, warp: Warp) -> Stack:
    """Sample all channels where the warp says, once; what was outside the picture is zero.

    Where it shrinks, each pixel is the mean of several samples: a stroke of one pixel stays.
    """
    height, width = stack.shape[1:]
    finer = shrinkage(warp.sources(width, height))
    places = torch.from_numpy(warp.sources(width, height, finer)).to(stack.dtype)
    grid = places * 2 / torch.tensor([width, height]) - 1
    sampled = functional.grid_sample(stack[None], grid[None], align_corners=False)
    return functional.avg_pool2d(sampled, finer)[0]


def _cropped(stack: Stack, smallest: float, draw: np.random.Generator) -> Stack:
    """Keep a random part of at least this share of the area, with its own aspect of 3:4 to 4:3."""
    height, width = stack.shape[1:]
    area = draw.uniform(smallest, 1)
    stretch = np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3)))
    rows = min(height, round(height * (area / stretch) ** 0.5))
    cols = min(width, round(width * (area * stretch) ** 0.5))
    top, left = draw.integers(height - rows + 1), draw.integers(width - cols + 1)
    whole = [height, width]
    return resized_crop(
        stack, int(top), int(left), rows, cols, whole, interpolation=BILINEAR, antialias=True
    )


def _shaded(stack: Stack, settings: Augmentation, draw: np.random.Generator) -> Stack:
    """Change brightness (a factor) and contrast (around the mean) of the colours alone."""
    if not settings.brightness and not settings.contrast:
        return stack
    bright = draw.uniform(1 - settings.brightness, 1 + settings.brightness)
    strong = draw.uniform(1 - settings.contrast, 1 + settings.contrast)
    image, drawn = stack.tensor_split([colour_channels(stack)])
    image = ((image - image.mean()) * strong + image.mean()) * bright
    return torch.cat([image.clamp(0, 1), drawn])


def turn(images: Images, angle: float, fill: Fill = "zero") -> Images:
    """Rotate counter-clockwise by degrees around the centre; corners are filled as `fill` says."""
    if fill == "zero":
        return rotate(images, angle, interpolation=BILINEAR)
    height, width = images.shape[-2:]
    # Half the side on each edge is more than any rotated corner can reach.
    margin = (width // 2, width // 2, height // 2, height // 2)
    padded = functional.pad(images, margin, mode={"edge": "replicate", "reflect": "reflect"}[fill])
    return center_crop(rotate(padded, angle, interpolation=BILINEAR), [height, width])


def inscribed(images: Images, angle: float) -> Images:
    """Cut the largest centred square that a rotation by `angle` leaves full, and enlarge it.

    The side shrinks by 1 / (|cos| + |sin|). The control for `turn`: no black corners to read.
    """
    size = images.shape[-1]
    turned = radians(angle)
    shrunk = (size - 1) / (abs(cos(turned)) + abs(sin(turned)))
    # Distances count from centre to centre of pixels: half a pixel beyond the outermost centres
    # a turned image already fades. An equal number is cut from both ends.
    side = int(shrunk + 1e-6) + 1
    side -= (size - side) % 2
    cut = center_crop(images, [side, side])
    return resize(cut, [size, size], interpolation=BILINEAR, antialias=True)
