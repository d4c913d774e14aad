"""Grad-CAM++: channels weighed by how few places carry them (Chattopadhay et al., WACV 2018)."""

import torch

from lookright.cam import wide
from lookright.explainer import Explainer
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps


class GradCamPlusPlus(Explainer):
    """relu(sum_k w_k F_k), w_k = sum_q a_k(q) relu(g_k(q)), a = g^2 / (2 g^2 + g^3 sum_q F_k).

    g is the gradient of the logit with respect to the features, here W[c,k] / cells: the paper's
    equations 17 to 19 with Y = exp(logit), whose common factor is left out. Libraries add a
    constant to the denominator, which for small gradients outweighs it; here there is none.
    """

    def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
        """Weigh the channels in closed form."""
        features = wide(model(images).features)
        slope = wide(model.head.weight)[classes] / features[0, 0].numel()
        rarity = 1 / (2 + slope * features.sum((2, 3)))
        # Only channels that speak for the class count, so that a denominator of 0 cannot matter.
        weight = torch.where(slope > 0, rarity * slope * features[0, 0].numel(), 0)
        return torch.einsum("nk,nkrc->nrc", weight, features).relu()
