"""Grad-CAM: channels weighed by the mean gradient of the logit (Selvaraju et al., ICCV 2017)."""

from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.post_hoc import drawn
from lookright.types import Images, Labels, Maps


class GradCam(Explainer):
    """relu(sum_k mean(g_k) F_k), stretched to [0, 1] on the image grid; by pytorch-grad-cam.

    On a pool + linear head this is the positive part of `cam`.
    """

    needs = ("pytorch_grad_cam",)

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Ask the library."""
        return drawn("GradCAM", model, images, classes)
