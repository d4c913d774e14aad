"""How measures are called, written and understood on the page."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MISSING = "n/a"


@dataclass(frozen=True)
class Measure:
    """What a column of numbers is."""

    title: str
    better: Literal["higher", "lower", ""] = ""
    meaning: str = ""


MEASURES = {
    "auroc": Measure(
        "AUROC", "higher", "How well the probabilities rank the classes; 0.5 is guessing."
    ),
    "accuracy": Measure("accuracy", "higher", "Share of images that get the right class."),
    "balanced_accuracy": Measure(
        "balanced accuracy", "higher", "Accuracy per class, then the mean over classes."
    ),
    "average_precision": Measure(
        "average precision", "higher", "Area under precision against recall."
    ),
    "ece": Measure(
        "calibration error", "lower", "How far stated probabilities are from what happens."
    ),
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
    "worst_group_accuracy": Measure("worst group's accuracy", "higher"),
}
PER_ANGLE = re.compile(r"(flip|control|dp)_-?\d+(\.\d+)?")


def measure(name: str) -> Measure:
    """Say what a measure is called and which direction is better, also for an unknown one."""
    return MEASURES.get(name, Measure(name.replace("_", " ")))


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with a fixed count of decimals; undefined is n/a, never 0."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """Write a difference with its sign."""
    written = number(value, digits)
    return written if written == MISSING or written.startswith("−") else f"+{written}"


def percent(value: float | None) -> str:
    """Write a share as a percentage that does not claim more than two digits."""
    if value is None or not math.isfinite(value):
        return MISSING
    rounded = f"{100 * value:.0f}"
    if rounded in ("0", "100") and value not in (0, 1):
        rounded = f"{100 * value:.1f}"
    return f"{rounded}\u00a0%"


def probability(p: float | None) -> str:
    """Write a p value."""
    if p is None or not math.isfinite(p):
        return MISSING
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def listed(words: Sequence[str]) -> str:
    """Join words as prose does: a, b and c."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentence(words: str) -> str:
    """Make a remark a sentence: a capital in front, a full stop behind; nothing stays nothing."""
    return f"{words[0].upper()}{words[1:].removesuffix('.')}." if words else ""


def short(words: str, most: int = 34) -> str:
    """Leave out the middle of a long name, so that it stays on its line."""
    half = (most - 1) // 2
    return words if len(words) <= most else f"{words[:half]}…{words[-half:]}"
