"""Difference: what tells the class from its rivals (Divisive Decisions, eq. 1)."""

from dataclasses import dataclass
from typing import ClassVar

from lookright.cam import Reference, contrast
from lookright.explainer import Explainer
from lookright.metrics.agreement import Energy
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps


@dataclass(frozen=True)
class Difference(Explainer):
    """CAM_c - sum_j r_j CAM_j over the other classes j, weighed as `reference` says.

    What is added to every class map alike cancels. Its energy is its magnitude: what speaks
    against the class decides as much as what speaks for it.
    """

    reference: Reference = "softmax"

    energy: ClassVar[Energy] = "abs"

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Subtract the rivals' maps."""
        seen = model(images)
        return contrast(seen.cams, seen.logits, classes, self.reference)
