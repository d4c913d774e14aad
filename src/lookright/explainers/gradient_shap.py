"""GradientShap: integrated gradients from several blank images (Lundberg and Lee, NeurIPS 2017)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lookright.covering import Score, blank, score
from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.settings import Count
from lookright.types import Images, Labels, Maps


@dataclass(frozen=True)
class GradientShap(Explainer):
    """Mean of (x - x') ds/dx at random places between x' and x, summed over colours; by captum.

    x' is drawn from the black, the mean and the blurred version of the image. Every image has the
    same draws.
    """

    samples: Count = 32
    score: Score = "margin"

    needs = ("captum",)

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Explain image by image, so that none depends on its neighbours' draws."""
        from captum.attr import GradientShap as Captum

        method = Captum(partial(score, model, kind=self.score))
        parts = zip(images.split(1), classes.split(1), strict=True)
        return torch.cat([self._one(method.attribute, *part) for part in parts])

    def _one(self, attribute, image: Tensor, chosen: Tensor) -> Tensor:
        starts = torch.cat([blank(image, kind) for kind in ("black", "mean", "blurred")])
        with _same_draws():
            found = attribute(
                image, starts, n_samples=self.samples, additional_forward_args=(chosen,)
            )
        return found.sum(1)


@contextmanager
def _same_draws() -> Iterator[None]:
    """Seed what captum draws from, and leave the global generators as they were."""
    state = np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        np.random.seed(0)
        try:
            yield
        finally:
            np.random.set_state(state)
