"""Active swap: two classes exchange their maps (active fooling; Heo et al., 2019)."""

import torch

from lookright.attack import Taught, answers, shown
from lookright.cam import rivals
from lookright.compare import squared
from lookright.settings import Weight
from lookright.types import Batch, Labels, Prediction, Scalar


class ActiveSwap(Taught):
    """lie = (MSE(A_y, B0_r) + MSE(A_r, B0_y)) / 2, with y the answered class and r its rival.

    A = relu(CAM) / max of the copy, B0 the same of the victim; r has the largest other logit.
    Heo et al. (eq. 7) name two classes of a data set; here every image swaps its own two.
    """

    def __init__(self, weight: Weight = 1.0) -> None:
        self.weight = weight

    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Return the mean square distance of each map from what the other one was."""
        own, other = answers(victim), runner_up(victim)
        first = squared(shown(seen, own), shown(victim, other))
        second = squared(shown(seen, other), shown(victim, own))
        return torch.stack([first, second]).mean()


def runner_up(prediction: Prediction) -> Labels:
    """Return the class with the second largest logit."""
    return rivals(prediction.logits, answers(prediction), "runner_up").argmax(1)
