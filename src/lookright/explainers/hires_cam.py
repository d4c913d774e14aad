"""HiResCAM: the gradient of the logit times the features (Draelos and Carin, 2020)."""

from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.post_hoc import drawn
from lookright.types import Images, Labels, Maps


class HiresCam(Explainer):
    """relu(sum_k g_k * F_k), stretched to [0, 1] on the image grid; by pytorch-grad-cam.

    On a pool + linear head this is the positive part of `cam`.
    """

    needs = ("pytorch_grad_cam",)

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Ask the library."""
        return drawn("HiResCAM", model, images, classes)
