"""Gradient: how much each pixel could move the decision (Simonyan et al., ICLR 2014 workshop)."""

from dataclasses import dataclass

import torch

from lookright.covering import Score, score
from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps


@dataclass(frozen=True)
class Gradient(Explainer):
    """max over colours of |ds/dx|, with s the margin log p/(1-p) of the class."""

    score: Score = "margin"

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Look once, and back."""
        images.requires_grad_()
        total = score(model, images, classes, self.score).sum()
        (slope,) = torch.autograd.grad(total, images)
        return slope.abs().amax(1)
