"""How far the class maps of the looked-at images agree with human evidence: one row per image."""

import numpy as np
import torch

from lookright.cam import contrast, enlarge, rival
from lookright.inference import Looks
from lookright.metrics import agreement as measures
from lookright.metrics import regions, saliency


def class_maps(seen: Looks) -> dict[str, np.ndarray]:
    """Return the raw maps that people look at: of the true class, against it, and their gap."""
    logits, labels = torch.from_numpy(seen.logits), torch.from_numpy(seen.labels)
    cams = torch.from_numpy(seen.cams)
    true = seen.cams[np.arange(len(labels)), seen.labels]
    false = rival(cams, logits, labels).numpy()
    return {"true": true, "false": false, "difference": true - false, "human": seen.evidence}


def agreement(seen: Looks, maps: dict[str, np.ndarray], threshold: float) -> dict[str, np.ndarray]:
    """Compare maps with human evidence: energies on the grid of cams, places on that of images.

    People have looked where their map exceeds 0.5. The maps are those of the predicted class, if
    the name of the measure does not say otherwise.
    """
    chosen = seen.cams[np.arange(len(seen.cams)), seen.predicted]
    guess = torch.from_numpy(seen.predicted)
    deciding = contrast(torch.from_numpy(seen.cams), torch.from_numpy(seen.logits), guess).numpy()
    large = enlarge(torch.from_numpy(chosen), seen.maps.shape[1:]).numpy()
    framing = measures.framing_sensitivity(chosen, seen.evidence)
    return {
        "framing_sensitivity": framing,
        "framing_sensitivity_true": measures.framing_sensitivity(maps["true"], seen.evidence),
        "framing_decision": measures.framing_sensitivity(deciding, seen.evidence, "abs"),
        "framing_chance": measures.chance(seen.evidence),
        "energy_pointing": 1 - framing,
        "pointing_game": measures.pointing_game(large, seen.maps),
        "iou": measures.iou(large, seen.maps, threshold),
        "iou_otsu": regions.iou_otsu(large, seen.maps),
        "iou_mean": regions.iou_mean(large, seen.maps),
        "relevance_rank": regions.relevance_rank(large, seen.maps),
        "cc": saliency.correlation(chosen, seen.evidence),
        "sim": saliency.similarity(chosen, seen.evidence),
        "kl": saliency.divergence(chosen, seen.evidence),
        "nss": saliency.nss(large, seen.maps > 0.5),
        "auc_judd": saliency.auc_judd(large, seen.maps > 0.5),
    }
