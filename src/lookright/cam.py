"""Class activation maps as pure, differentiable functions of tensors.

A CAM is a logit before pooling: `mean(class_maps(F, W)[c]) + b[c] = logit[c]`. All arithmetic is
in float32 at least, also under half-precision autocast.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from lookright.types import Cams, Features, HeadWeight, ImageMaps, Labels, Logits, Maps

Reference = Literal["softmax", "runner_up", "mean"]

# A map whose range is below this share of its own magnitude is constant up to float32 rounding.
FLAT = 1e-6


def class_maps(features: Features, weight: HeadWeight) -> Cams:
    """Compute the map of every class at once (Zhou et al., CVPR 2016).

    CAM_c(q) = sum_k W[c,k] F[k](q), so that its mean over q plus the bias is the logit of c.

    >>> features, weight = torch.rand(1, 8, 4, 4), torch.rand(2, 8)
    >>> logits = features.mean((2, 3)) @ weight.T
    >>> torch.allclose(class_maps(features, weight).mean((2, 3)), logits)
    True
    """
    with torch.autocast(features.device.type, enabled=False):
        return torch.einsum("bkhw,ck->bchw", wide(features), wide(weight))


def pick(cams: Cams, classes: Labels) -> Maps:
    """Keep one map per image: the one of the given class.

    >>> cams = torch.tensor([[[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]])
    >>> pick(cams, torch.tensor([0, 1])).tolist()
    [[[1.0]], [[4.0]]]
    """
    return cams[torch.arange(len(cams), device=cams.device), classes]


def rescale(maps: Maps, known: Maps | None = None) -> Maps:
    """Stretch each map to [0, 1]; a constant map becomes zero, with a zero gradient.

    Cells of which nothing is `known` have no say, and become zero.

    mm(A) = (A - min A) / (max A - min A), per image; unchanged by A -> a A + b with a > 0.

    >>> rescale(torch.tensor([[[2.0, 4.0, 3.0]], [[5.0, 5.0, 5.0]]])).tolist()
    [[[0.0, 1.0, 0.5]], [[0.0, 0.0, 0.0]]]
    """
    maps = wide(maps)
    if known is not None:
        # What is not known stands between the ends, so that it moves neither nor shares a gradient.
        maps = _filled(maps, known > 0)
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    flat = high - low <= FLAT * torch.maximum(high.abs(), low.abs())
    # Dividing by 1 where the map is flat keeps the gradient of the other branch finite.
    span = torch.where(flat, 1, high - low)
    stretched = torch.where(flat, 0, (maps - low) / span)
    return stretched if known is None else torch.where(known > 0, stretched, 0)


def _filled(maps: Maps, known: Tensor) -> Maps:
    held = maps.detach()
    low = held.masked_fill(~known, torch.inf).amin((1, 2), keepdim=True)
    high = held.masked_fill(~known, -torch.inf).amax((1, 2), keepdim=True)
    return torch.where(known, maps, torch.where(low <= high, (low + high) / 2, 0))


def lift(maps: Maps) -> Maps:
    """Divide each map by its largest cell, so that it peaks at one; an empty map stays empty."""
    peak = maps.amax((1, 2), keepdim=True)
    return maps / torch.where(peak > 0, peak, 1)


def shrink(maps: ImageMaps, like: Tensor) -> Maps:
    """Average human maps over the cells of a class map's grid, so that thin strokes survive.

    `like` is any tensor whose last two axes are the wanted rows and cols.

    >>> shrink(torch.eye(4)[None], like=torch.zeros(2, 2)).tolist()
    [[[0.5, 0.0], [0.0, 0.5]]]
    """
    grid = (like.shape[-2], like.shape[-1])
    return functional.adaptive_avg_pool2d(wide(maps)[:, None], grid)[:, 0]


def enlarge(maps: Maps, size: tuple[int, int]) -> ImageMaps:
    """Interpolate class maps to the image grid (bilinear, pixel centres), for people to look at."""
    scaled = functional.interpolate(maps[:, None], size, mode="bilinear", align_corners=False)
    return scaled[:, 0]


def contrast(cams: Cams, logits: Logits, labels: Labels, reference: Reference = "softmax") -> Maps:
    """Subtract what speaks against the label from what speaks for it: CAM_y - sum_c r_c CAM_c.

    With two classes this is t - f of Difference Salience (Divisive Decisions, eq. 1), before
    normalisation. For more classes `reference` says what r is: see `rivals`.

    >>> cams, logits = torch.tensor([[[[3.0]], [[1.0]]]]), torch.tensor([[3.0, 1.0]])
    >>> contrast(cams, logits, torch.tensor([0])).tolist()
    [[[2.0]]]
    """
    return pick(cams, labels) - rival(cams, logits, labels, reference)


def rival(cams: Cams, logits: Logits, labels: Labels, reference: Reference = "softmax") -> Maps:
    """Mix the maps of the other classes into the one false map, f = sum_c r_c CAM_c."""
    shares = rivals(logits, labels, reference)
    # Not einsum: autocast would run it in half precision.
    return (shares[:, :, None, None] * cams).sum(1)


def rivals(logits: Logits, labels: Labels, reference: Reference) -> Logits:
    """Weigh the classes other than the label; each row sums to one and carries no gradient.

    softmax: p_c / (1 - p_y); runner_up: all on the largest other logit; mean: all alike.
    """
    own = functional.one_hot(labels, logits.shape[1]).bool()
    others = wide(logits.detach()).masked_fill(own, -torch.inf)
    if reference == "softmax":
        return others.softmax(1)
    if reference == "runner_up":
        return functional.one_hot(others.argmax(1), logits.shape[1]).to(others.dtype)
    return (~own).to(others.dtype) / (logits.shape[1] - 1)


def wide(tensor: Tensor) -> Tensor:
    """Lift half precision to float32; float32 and float64 stay as they are."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
