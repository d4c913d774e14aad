"""What several test files share: a small smooth network, random batches, predictions by hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import settings
from torch import Tensor, nn

from lookright.cam import class_maps
from lookright.torchvision_repair import repair
from lookright.types import Batch, Images, Prediction

# The same examples on every machine, or a change would be refused for what it did not touch.
# To look for new ones: pytest --hypothesis-profile=default
settings.register_profile("steady", derandomize=True, deadline=None)

repair()  # before a test file imports timm or another library that needs torchvision


class SmoothClassifier(nn.Module):
    """Two convolutions, pool, linear; smooth everywhere, so that finite differences converge."""

    def __init__(self, classes: int, kernel: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, kernel, stride=2, padding=kernel // 2)
        self.second = nn.Conv2d(6, 5, kernel, stride=2, padding=kernel // 2)
        self.head = nn.Linear(5, classes)

    def forward(self, images: Images) -> Prediction:
        hidden = nn.functional.softplus(self.first(images))
        features = torch.tanh(self.second(hidden)) + 0.5
        logits = self.head(features.mean((2, 3)))
        return Prediction(logits, features, lambda: class_maps(features, self.head.weight))


class PaintedClassifier(nn.Module):
    """Says what it was told to: predictions from given features, weights and biases."""

    def __init__(self, features: Tensor, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.features = nn.Parameter(features)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)

    def forward(self, images: Images) -> Prediction:
        logits = self.features.mean((2, 3)) @ self.weight.T + self.bias
        return Prediction(logits, self.features, lambda: class_maps(self.features, self.weight))


@pytest.fixture
def smooth_classifier() -> Callable[..., SmoothClassifier]:
    """Build a smooth network: images of 28 pixels become maps of 7 x 7 cells."""

    def build(classes: int = 3, kernel: int = 3, dtype: torch.dtype = torch.float64):
        torch.manual_seed(0)
        return SmoothClassifier(classes, kernel).to(dtype)

    return build


@pytest.fixture
def painted_classifier() -> Callable[..., PaintedClassifier]:
    """Build a model that predicts from random features, whatever the images."""

    def build(classes: int = 2, images: int = 6, rows: int = 7, channels: int = 5):
        source = torch.Generator().manual_seed(1)
        shapes = (images, channels, rows, rows), (classes, channels), (classes,)
        drawn = (torch.randn(shape, generator=source, dtype=torch.float64) for shape in shapes)
        return PaintedClassifier(*drawn)

    return build


@pytest.fixture
def random_batch() -> Callable[..., Batch]:
    """Draw a batch: blob-free random images and maps, every second image annotated."""

    def draw(
        classes: int = 3,
        count: int = 6,
        side: int = 28,
        dtype: torch.dtype = torch.float64,
        **changes: Tensor | None,
    ) -> Batch:
        source = torch.Generator().manual_seed(2)
        batch = Batch(
            images=torch.rand(count, 3, side, side, generator=source, dtype=dtype),
            labels=torch.arange(count) % classes,
            maps=torch.rand(count, side, side, generator=source, dtype=dtype),
            annotated=torch.arange(count) % 2 == 0,
            weights=torch.ones(count, dtype=dtype),
        )
        return replace(batch, **changes)

    return draw
