"""Classifier: a trunk, average pooling and a linear head, so that every logit has its map."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lookright.cam import class_maps, wide
from lookright.errors import ConfigError, Problem
from lookright.types import Images, Prediction

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Classifier(nn.Module):
    """Images in [0, 1] to a `Prediction`: logits, the features they pool, and all class maps.

    `trunk` maps normalised images (batch, 3, height, width) to features (batch, channels, rows,
    cols); `head` is linear. Logits are `head(mean over cells of features)`, so a class map is a
    logit before pooling (Zhou et al., CVPR 2016). Grey images are repeated to three colours,
    which equals summing the first layer's weights over its inputs.

    Raises ConfigError for a head that is not linear, and for one with a single logit: minus the
    true map is then its false map, and every method that compares the two is vacuous.

    >>> from torch import nn, rand
    >>> model = Classifier(trunk=nn.Conv2d(3, 8, 3), head=nn.Linear(8, 2))
    >>> model(rand(4, 3, 16, 16)).cams.shape
    torch.Size([4, 2, 14, 14])
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        trunk: nn.Module,
        head: nn.Module,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = _linear(head)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: Images) -> Prediction:
        """Look once; the class maps are computed when they are first asked for."""
        features = self.trunk((images - self.mean) / self.std)
        if features.ndim != 4:
            raise ConfigError(_not_spatial(features))
        if features.shape[1] != self.head.in_features:
            raise ConfigError(_other_features(features, self.head))
        logits = self.head(features.mean((2, 3)))
        return Prediction(logits, features, partial(class_maps, features, self.head.weight))


class Trunk(nn.Module):
    """The part of a timm network in front of the pooling, with what must move there too.

    `tail` holds the layers that some networks place between pooling and head (ConvNeXt a norm,
    MobileNetV3 a 1x1 convolution). Applied in front of the pooling, they leave pool and linear
    behind, and the class maps add up to the logits.
    """

    def __init__(self, net: nn.Module, tail: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.tail = tail

    def forward(self, images: Tensor) -> Tensor:
        """Return what the head pools: (batch, channels, rows, cols)."""
        return self.tail(self.net.forward_features(images))  # pyright: ignore[reportCallIssue]


def wrap(
    net: nn.Module, mean: Sequence[float] = (0, 0, 0), std: Sequence[float] = (1, 1, 1)
) -> Classifier:
    """Turn a network of your own into a Classifier, without changing what it computes.

    It needs timm's two methods: `forward_features(images)`, which returns exactly what is pooled,
    and `get_classifier()`, which returns the linear head. For anything else build
    `Classifier(trunk, head)` yourself. By default images reach the network as they are.

    Raises ConfigError when the maps do not add up to the network's own logits.

    >>> class Net(nn.Sequential):
    ...     def forward_features(self, images):
    ...         return self[0](images)
    ...
    ...     def get_classifier(self):
    ...         return self[-1]
    >>> net = Net(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    >>> wrap(net)(torch.rand(1, 3, 16, 16)).cams.shape
    torch.Size([1, 2, 14, 14])
    """
    missing = [name for name in ("forward_features", "get_classifier") if not hasattr(net, name)]
    if missing:
        raise ConfigError(_no_split(net, missing))
    head: Any = net.get_classifier()  # pyright: ignore[reportCallIssue]
    model = Classifier(Trunk(net, nn.Identity()), head, mean, std)
    # timm's networks say what they take, and some take nothing else.
    size = (getattr(net, "pretrained_cfg", None) or {}).get("input_size", (3, 64, 64))
    device = next(net.parameters()).device
    probe = torch.rand(2, *size, generator=torch.Generator().manual_seed(0)).to(device)
    certificate = certify(model, probe, net)
    if not certificate.holds:
        raise ConfigError(Problem("CAM-IDENTITY", certificate.sentence))
    return model


@dataclass(frozen=True)
class Certificate:
    """Whether class maps add up to logits: mean of CAM + bias = logit.

    >>> Certificate(gap=2e-7, holds=True).sentence
    'The class maps add up to the logits (largest relative gap 2.0e-07).'
    """

    gap: float  # the largest difference, relative to the largest logit
    holds: bool

    @property
    def sentence(self) -> str:
        """Say it plainly."""
        if self.holds:
            return f"The class maps add up to the logits (largest relative gap {self.gap:.1e})."
        return (
            f"The class maps do not add up to the logits (relative gap {self.gap:.1e}): something "
            "stands between the features and the linear head, such as a norm, an activation or "
            "another pooling, so these maps would not show what decides. Give the trunk that "
            "ends exactly where average pooling begins."
        )


def certify(model: Classifier, probe: Images, net: nn.Module | None = None) -> Certificate:
    """Check the identity on a probe batch, in eval mode; the model is left as it was.

    With `net`, the network that was wrapped, its own logits for the normalised probe are the
    reference; otherwise the Classifier's.

    >>> model = Classifier(trunk=nn.Conv2d(3, 8, 3), head=nn.Linear(8, 2))
    >>> certify(model, torch.rand(2, 3, 16, 16)).holds
    True
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    with torch.no_grad():
        seen = model(probe)
        logits = seen.logits if net is None else net((probe - model.mean) / model.std)
        added = seen.cams.mean((2, 3)) + wide(model.head.bias)
    for module, mode in modes.items():
        module.training = mode
    gap = float((added - logits).abs().max() / logits.abs().max().clamp(min=1e-12))
    return Certificate(gap, holds=gap < 1e-4)


def _linear(head: nn.Module) -> nn.Linear:
    """Return the head, or refuse what has no class maps or none that can be compared."""
    if not isinstance(head, nn.Linear):
        what = f"The head is a {type(head).__name__}; this release explains pool + linear heads."
        fix = "Use a network whose last layer is nn.Linear on average-pooled features."
        raise ConfigError(Problem("HEAD", what, fix=fix))
    if head.out_features < 2:
        what = (
            "The head has one logit. Its false-class map is minus its true-class map, so "
            "Difference equals CYBORG, Per-class is twice it and Contrast compares nothing."
        )
        raise ConfigError(Problem("ONE-LOGIT", what, fix="Use two logits and softmax."))
    return head


def _not_spatial(features: Tensor) -> Problem:
    what = f"The trunk returned shape {tuple(features.shape)}, not (batch, channels, rows, cols)."
    fix = "Networks with token sequences (vision transformers) are not supported yet."
    return Problem("NOT-SPATIAL", what, fix=fix)


def _other_features(features: Tensor, head: nn.Linear) -> Problem:
    what = f"The trunk returned {features.shape[1]} channels and the head takes {head.in_features}."
    fix = "Layers between pooling and head have no class maps; give the trunk that the head reads."
    return Problem("HEAD", what, fix=fix)


def _no_split(net: nn.Module, missing: list[str]) -> Problem:
    what = f"{type(net).__name__} has no {' and no '.join(missing)}."
    return Problem("NO-SPLIT", what, fix="Build Classifier(trunk, head) from its two parts.")
