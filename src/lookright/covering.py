"""What a classifier says of images while parts of them are covered."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lookright.types import Images, Labels, Logits, Values

Score = Literal["margin", "logit", "probability"]
Blank = Literal["black", "mean", "blurred"]
Table = Float[Tensor, "images covers"]

# From the numbers of images and of covers to how much of each pixel stays, in [0, 1].
Covers = Callable[[Tensor, Tensor], Tensor]

WIDTH = 1 / 16  # of the image's side: the standard deviation of the blur
TOGETHER = 128  # images that the classifier sees at a time


def score(model: nn.Module, images: Images, classes: Labels, kind: Score = "margin") -> Values:
    """Score one class per image: its margin log p/(1-p), its logit, or its probability p.

    The margin is what decides: unlike the logit it does not move with what is added to the logits
    of all classes alike, which is how a classifier can be made to paint any map (passive fooling).
    """
    logits = model(images).logits.float()
    if kind == "logit":
        return logits.gather(1, classes[:, None])[:, 0]
    lead = margin(logits, classes)
    return lead.sigmoid() if kind == "probability" else lead


def margin(logits: Logits, classes: Labels) -> Values:
    """Return the logit of a class minus the log-sum-exp of the others: log p/(1-p).

    >>> margin(torch.tensor([[3.0, 1.0]]), torch.tensor([0])).tolist()
    [2.0]
    """
    own = functional.one_hot(classes, logits.shape[1]).bool()
    return logits[own] - logits.masked_fill(own, -torch.inf).logsumexp(1)


def blank(images: Images, kind: Blank) -> Images:
    """Return images without their content: black, each one's mean colour, or heavily blurred.

    The blur is Gaussian with a standard deviation of a sixteenth of the side; edges are repeated.

    >>> blank(torch.tensor([[[[0.0, 1.0]]]]), "mean").tolist()
    [[[[0.5, 0.5]]]]
    """
    if kind == "black":
        return torch.zeros_like(images)
    if kind == "mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    return _blurred(_blurred(images).transpose(2, 3)).transpose(2, 3)


def cover(
    model: nn.Module,
    images: Images,
    classes: Labels,
    covers: Covers,
    count: int,
    fill: Images,
    kind: Score = "margin",
) -> Table:
    """Score every image under each of `count` covers: the image where it stays, else the fill.

    The scores carry no gradient.
    """
    pairs = torch.arange(len(images) * count, device=images.device)
    found = []
    for part in pairs.split(TOGETHER):
        image, number = part // count, part % count
        with torch.no_grad():
            stays = covers(image, number)[:, None].to(images.dtype)
            mixed = fill[image] + stays * (images[image] - fill[image])
            found.append(score(model, mixed, classes[image], kind))
    return torch.cat(found).view(len(images), count)


def _blurred(images: Images) -> Images:
    """Blur along the rows."""
    deviation = max(1.0, WIDTH * max(images.shape[2:]))
    reach = round(3 * deviation)
    steps = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(steps**2) / (2 * deviation**2))
    lines = images.reshape(-1, 1, images.shape[3])
    padded = functional.pad(lines, (reach, reach), mode="replicate")
    return functional.conv1d(padded, (kernel / kernel.sum())[None, None]).view(images.shape)
