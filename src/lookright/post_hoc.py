"""pytorch-grad-cam on a Classifier: plain logits, the features it pools, and no trace left."""

from importlib import import_module

import torch
from torch import nn

from lookright.model import Classifier
from lookright.torchvision_repair import repair
from lookright.types import Images, Labels, Logits, Maps


class Answers(nn.Module):
    """A classifier that returns its logits alone."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Images) -> Logits:
        """Look once."""
        return self.model(images).logits


def drawn(method: str, model: Classifier, images: Images, classes: Labels) -> Maps:
    """Draw with one of the library's methods, by its class name, at the features that are pooled.

    Its pictures are on the image grid, stretched to [0, 1].
    """
    repair()
    library = import_module("pytorch_grad_cam")
    target = import_module("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget
    artist = getattr(library, method)(Answers(model), [model.trunk])
    try:
        # The parameters are frozen: gradients reach the features through the images.
        picture = artist(images.requires_grad_(), [target(each) for each in classes.tolist()])
    finally:
        # Not its `with`, which swallows errors.
        artist.activations_and_grads.release()
    return torch.from_numpy(picture).to(images.device)
