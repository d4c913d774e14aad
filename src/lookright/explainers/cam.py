"""CAM: the class map itself, a logit before pooling (Zhou et al., CVPR 2016)."""

from lookright.cam import pick
from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps


class ClassMap(Explainer):
    """CAM_c(q) = sum_k W[c,k] F[k](q): what most objectives here guide, and what can be painted."""

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Pick the map of each class."""
        return pick(model(images).cams, classes)
