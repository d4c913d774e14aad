"""Eigen-CAM: the first principal component of the features (Muhammad and Yeasin, IJCNN 2020)."""

from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.post_hoc import drawn
from lookright.types import Images, Labels, Maps


class EigenCam(Explainer):
    """Positive part of the projection, stretched to [0, 1] on the image grid; by pytorch-grad-cam.

    It knows no class.
    """

    needs = ("pytorch_grad_cam",)

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Ask the library."""
        return drawn("EigenCAM", model, images, classes)
