"""What every measure is called, which direction is better, and what it means."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """What a column of numbers is."""

    title: str
    better: Literal["higher", "lower", ""] = ""
    meaning: str = ""
    signed: bool = False  # no share: it may be below 0


@dataclass(frozen=True)
class Change:
    """One way to change an image, and whether it takes the evidence away."""

    title: str
    takes: bool  # a classifier that uses the evidence must fall
    meaning: str


RIGHT = {
    "auroc": Measure(
        "AUROC", "higher", "How well the probabilities rank the classes; 0.5 is guessing."
    ),
    "average_precision": Measure(
        "average precision", "higher", "Area under precision against recall."
    ),
    "accuracy": Measure("accuracy", "higher", "Share of images that get the right class."),
    "balanced_accuracy": Measure(
        "balanced accuracy", "higher", "Accuracy per class, then the mean over classes."
    ),
    "worst_group_accuracy": Measure(
        "worst group's accuracy", "higher", "The lowest accuracy of any group."
    ),
    "worst_group_auroc": Measure("worst group's AUROC", "higher", "The lowest AUROC of any group."),
    "ece": Measure(
        "calibration error", "lower", "How far stated probabilities are from what happens."
    ),
    "apcer": Measure("APCER", "lower", "Share of attacks that are taken for genuine."),
    "bpcer": Measure("BPCER", "lower", "Share of genuine presentations that are refused."),
    "acer": Measure("ACER", "lower", "Mean of APCER and BPCER."),
    "eer": Measure("EER", "lower", "The error where both kinds of error are equally frequent."),
}
LOOKS = {
    "framing_sensitivity": Measure(
        "framing sensitivity",
        "lower",
        "Share of the predicted class's map that lies outside the human evidence. "
        "A map that knows nothing scores the chance level: the area outside.",
    ),
    "framing_sensitivity_true": Measure(
        "framing sensitivity, true class", "lower", "The same for the map of the true class."
    ),
    "framing_decision": Measure(
        "decision outside",
        "lower",
        "Share of what separates the predicted class from its rivals (the difference map, both "
        "signs) that lies outside the evidence. A class map can be repainted; this decides.",
    ),
    "framing_chance": Measure("chance level", "", "The area share outside the human evidence."),
    "energy_pointing": Measure(
        "energy inside", "higher", "Share of the map inside the evidence: 1 - framing sensitivity."
    ),
    "pointing_game": Measure(
        "pointing game", "higher", "Share of images whose map peaks inside the evidence."
    ),
    "iou": Measure("IoU", "higher", "Overlap of the thresholded map with the evidence."),
    "iou_otsu": Measure("IoU, Otsu", "higher", "The same at the threshold that Otsu's rule finds."),
    "iou_mean": Measure("IoU, mean", "higher", "The same as the mean over thresholds."),
    "relevance_rank": Measure(
        "relevance rank",
        "higher",
        "As many strongest cells as the evidence has cells: the share of them inside.",
    ),
    "cc": Measure("correlation", "higher", "Pearson's r of map and human map; 0 is chance."),
    "sim": Measure("similarity", "higher", "Overlap of map and human map, each summing to 1."),
    "kl": Measure("KL", "lower", "Divergence of the map from the human map, each summing to 1."),
    "nss": Measure("NSS", "higher", "Height of the map, in deviations, where people looked."),
    "auc_judd": Measure(
        "AUC-Judd", "higher", "How well the map tells looked-at cells from others; 0.5 is chance."
    ),
}
TRUE = {
    "causal_outside": Measure(
        "effect of the outside",
        "lower",
        "What blurring the surroundings away does to the decision, as a share of what blurring "
        "the surroundings and blurring the evidence do. No map is asked.",
    ),
    "gap": Measure(
        "gap of the map",
        "",
        "Framing sensitivity minus the effect of the outside. Near 0: the map tells the truth. "
        "Below: it points inside while the decision comes from outside. Above: the reverse.",
        signed=True,
    ),
    "gap_decision": Measure(
        "gap of the decision map",
        "",
        "The same for the difference map (decision outside).",
        signed=True,
    ),
}
ROBUST = {
    "flip_rate": Measure(
        "flip rate",
        "lower",
        "Share of small rotations that change the predicted class, over images and angles.",
    ),
    "flip_rate_any": Measure(
        "flips at any angle", "lower", "Share of images that flip at one angle or more."
    ),
    "flip_rate_control": Measure(
        "flip rate, no corners",
        "lower",
        "The same on crops that show none of the corners that rotating leaves empty.",
    ),
    "flip_rate_right": Measure("flip rate where right", "lower"),
    "flip_rate_wrong": Measure("flip rate where wrong", ""),
    "mean_dp": Measure("change of probability", "lower", "Mean absolute change under rotation."),
}
MEASURES = {**RIGHT, **LOOKS, **TRUE, **ROBUST}

CHANGES = {
    "occlude_inside": Change("evidence blurred away", True, "a heavy blur over the evidence"),
    "background_only": Change("surroundings only", True, "the evidence in the image's mean grey"),
    "occlude_outside": Change(
        "surroundings blurred away", False, "a heavy blur over everything but the evidence"
    ),
    "foreground_only": Change(
        "evidence only", False, "everything but the evidence in the image's mean grey"
    ),
    "background_swap": Change(
        "other surroundings", False, "the evidence on the surroundings of another image"
    ),
    "border_paint": Change("frame painted", False, "a grey frame around the image"),
    "text_marker": Change("letter stamped", False, "a letter stamped into a corner"),
}
EFFECTS = {
    "auroc_change": "change of AUROC",
    "auroc": "AUROC",
    "accuracy": "accuracy",
    "drop": "drop of p",
    "changed": "answers changed",
    "area": "area touched",
}
PER_ANGLE = re.compile(r"(flip|control|dp)_-?\d+(\.\d+)?")
PER_CHANGE = re.compile(f"({'|'.join(EFFECTS)})_({'|'.join(CHANGES)})")


def measure(name: str) -> Measure:
    """Say what a measure is called and which direction is better, also for an unknown one."""
    found = PER_CHANGE.fullmatch(name)
    if found:
        return Measure(f"{EFFECTS[found[1]]}, {CHANGES[found[2]].title}")
    return MEASURES.get(name, Measure(name.replace("_", " ")))


def explained(names: Iterable[str]) -> list[Measure]:
    """List the measures among these that have something to explain, and each change once."""
    found = set(names)
    entries = [entry for name, entry in MEASURES.items() if name in found and entry.meaning]
    shaken = {match[2] for name in found if (match := PER_CHANGE.fullmatch(name))}
    changes = [
        Measure(change.title, "", f"The image with {change.meaning}.")
        for name, change in CHANGES.items()
        if name in shaken
    ]
    return [*entries, *changes]
