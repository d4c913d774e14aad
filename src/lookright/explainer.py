"""What every explainer promises: one map per image, and a model that is left as it was."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import ClassVar

import torch
from torch import nn

from lookright.errors import Problem
from lookright.metrics.agreement import Energy
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps


class Explainer(ABC):
    """A way to say where a classifier looks: from images and one class each to one map each.

    Settings are constructor arguments. A map is high where the image speaks for the class; it has
    any number of rows and cols and any scale. Nothing about the model is changed: modes, gradients
    and hooks are what they were, whatever the explainer needs in between.

    All are used alike:

    >>> from lookright.explainers import build
    >>> model = Classifier(trunk=nn.Conv2d(3, 8, 3), head=nn.Linear(8, 2))
    >>> images, classes = torch.rand(2, 3, 16, 16), torch.tensor([0, 1])
    >>> build("cam")(model, images, classes).shape
    torch.Size([2, 14, 14])
    """

    # What counts as energy when its maps are held against human evidence.
    energy: ClassVar[Energy] = "relu"
    # Modules of the extra `explain` that it needs.
    needs: ClassVar[tuple[str, ...]] = ()

    def __call__(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Draw the maps of the given classes; they carry no gradient."""
        # Gradients cannot be had of inference tensors, so images are copied outside that mode.
        with untouched(model), torch.inference_mode(False), torch.enable_grad():
            return self.explain(model, images.detach().clone(), classes.clone()).detach().float()

    @abstractmethod
    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Draw the maps; the model is in eval mode and its parameters are frozen."""


def missing(name: str, kind: type[Explainer]) -> list[Problem]:
    """Say which modules an explainer lacks, and how to get them."""
    return [
        Problem(
            "EXTRA",
            f"{name} needs {module}, which is not installed.",
            fix='Run `pip install "lookright[explain]"`.',
        )
        for module in kind.needs
        if find_spec(module) is None
    ]


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Freeze a model in eval mode, and put modes, gradients and what needs them back afterwards."""
    modes = {module: module.training for module in model.modules()}
    # A library may clear gradients that a training loop still holds.
    learning = {each: (each.requires_grad, each.grad) for each in model.parameters()}
    model.eval().requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for each, (needed, gradient) in learning.items():
            each.requires_grad_(needed)
            each.grad = gradient
