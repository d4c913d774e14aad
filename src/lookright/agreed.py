"""How far the class maps of the looked-at images agree with human evidence: one row per image."""

from functools import partial

import numpy as np
import torch

from lookright.cam import contrast, enlarge, rival
from lookright.inference import Looks
from lookright.metrics import agreement as measures
from lookright.metrics import regions, saliency
from lookright.metrics.parts import Maps, Measure, Values, known_alone

Columns = dict[str, Values]  # one row per image


def class_maps(seen: Looks) -> dict[str, np.ndarray]:
    """Return the raw maps that people look at: of the true class, against it, and their gap."""
    logits, labels = torch.from_numpy(seen.logits), torch.from_numpy(seen.labels)
    cams = torch.from_numpy(seen.cams)
    true = seen.cams[np.arange(len(labels)), seen.labels]
    false = rival(cams, logits, labels).numpy()
    return {"true": true, "false": false, "difference": true - false, "human": seen.evidence}


def agreement(seen: Looks, maps: dict[str, np.ndarray], threshold: float) -> Columns:
    """Compare maps with human evidence: energies on the grid of cams, places on that of images.

    People have looked where their map exceeds 0.5. The maps are those of the predicted class, if
    the name of the measure does not say otherwise. What is unknown counts in neither map.
    """
    chosen = seen.cams[np.arange(len(seen.cams)), seen.predicted]
    large = enlarge(torch.from_numpy(chosen), seen.maps.shape[1:]).numpy()
    energies = _energies(chosen, maps["true"], seen)
    placed = _regions(large, seen.maps, threshold)
    return energies | placed | _likeness(chosen, seen) | _looked(large, seen.maps)


def _energies(chosen: Maps, true: Maps, seen: Looks) -> Columns:
    guess = torch.from_numpy(seen.predicted)
    deciding = contrast(torch.from_numpy(seen.cams), torch.from_numpy(seen.logits), guess).numpy()
    framing = measures.framing_sensitivity(chosen, seen.evidence, weights=seen.known)
    return {
        "framing_sensitivity": framing,
        "framing_sensitivity_true": measures.framing_sensitivity(
            true, seen.evidence, weights=seen.known
        ),
        "framing_decision": measures.framing_sensitivity(
            deciding, seen.evidence, "abs", seen.known
        ),
        "framing_chance": measures.framing_sensitivity(seen.known, seen.evidence),
        "energy_pointing": 1 - framing,
    }


def _regions(large: Maps, human: Maps, threshold: float) -> Columns:
    found: dict[str, Measure] = {
        "pointing_game": measures.pointing_game,
        "iou": partial(measures.iou, threshold=threshold),
        "iou_otsu": regions.iou_otsu,
        "iou_mean": regions.iou_mean,
        "relevance_rank": regions.relevance_rank,
    }
    return {name: known_alone(measure, large, human) for name, measure in found.items()}


def _likeness(chosen: Maps, seen: Looks) -> Columns:
    ours, theirs = chosen * seen.known, seen.evidence * seen.known
    return {
        "cc": saliency.correlation(chosen, seen.evidence, seen.known),
        "sim": saliency.similarity(ours, theirs),
        "kl": saliency.divergence(ours, theirs),
    }


def _looked(large: Maps, human: Maps) -> Columns:
    found: dict[str, Measure] = {
        "nss": lambda maps, human: saliency.nss(maps, human > 0.5),
        "auc_judd": lambda maps, human: saliency.auc_judd(maps, human > 0.5),
    }
    return {name: known_alone(measure, large, human) for name, measure in found.items()}
