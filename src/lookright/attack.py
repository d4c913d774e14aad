"""What a passive fooling attack promises: other maps, the same answers (Heo et al., NeurIPS 2019).

An attack is made by somebody who can change a trained model, not its images: explanations are to
point elsewhere while what the model says stays what it was. An audit mounts attacks to learn how
much its maps can be made to lie.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from lookright.cam import lift, pick
from lookright.types import Batch, HeadWeight, Labels, Maps, Prediction, Scalar

Look = Callable[[Tensor], Prediction]  # from images to what the victim says and shows
Part = Annotated[float, Field(gt=0, le=1)]


class Taught(ABC):
    """An attack that is learnt: the fooled copy follows a lie and keeps the victim's answers.

    Hyperparameters are constructor arguments; `weight` is how much the lie counts beside the
    divergence from the victim's probabilities.
    """

    weight: float

    @abstractmethod
    def lie(self, seen: Prediction, victim: Prediction, batch: Batch) -> Scalar:
        """Say how far the copy's maps still are from the lie: what is made small."""


class Constructed(ABC):
    """An attack that is calculated: new rows for the linear head, everything else untouched."""

    @abstractmethod
    def head(self, look: Look, weight: HeadWeight, batches: Iterable[Batch]) -> HeadWeight:
        """Return the weights of the fooled head, from those of the victim and some images."""


Attack = Taught | Constructed


def answers(prediction: Prediction) -> Labels:
    """Return the class that each image is taken for: the one whose map people are shown."""
    return prediction.logits.argmax(1)


def shown(prediction: Prediction, classes: Labels) -> Maps:
    """Return A = relu(CAM) / max, the map as it is shown; a map without energy stays empty."""
    return lift(functional.relu(pick(prediction.cams, classes)))
