"""Integrated gradients: the decision shared out over pixels (Sundararajan et al., ICML 2017)."""

from dataclasses import dataclass
from functools import partial

from lookright.covering import TOGETHER, Blank, Score, blank, score
from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.settings import Count
from lookright.types import Images, Labels, Maps


@dataclass(frozen=True)
class IntegratedGradients(Explainer):
    """(x - x') * mean over the way from x' to x of ds/dx, summed over colours; by captum.

    s is the margin log p/(1-p) of the class, x' the image without its content. The map adds up to
    s(x) - s(x').
    """

    steps: Count = 32
    start: Blank = "black"
    score: Score = "margin"

    needs = ("captum",)

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Walk from the blank image to the image."""
        from captum.attr import IntegratedGradients as Captum

        found = Captum(partial(score, model, kind=self.score)).attribute(
            images,
            blank(images, self.start),
            additional_forward_args=(classes,),
            n_steps=self.steps,
            internal_batch_size=max(TOGETHER, len(images)),
        )
        return found.sum(1)
