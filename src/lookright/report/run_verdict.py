"""Is it right, does it look right, is it true, is it robust: a few careful words on one run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

import polars as pl

from lookright.report import truth
from lookright.report.glossary import measure
from lookright.report.splits import judged
from lookright.report.truth import Values
from lookright.report.words import number, percent, signed

NEAR = 0.05  # an AUROC this close to 0.5, or a share this close to chance, is called close to it
CONSTANT = 0.98  # share of one answer from which a classifier is called constant


@dataclass(frozen=True)
class Figure:
    """One number of a card, large, with what it is."""

    split: str
    value: str
    what: str


@dataclass(frozen=True)
class Card:
    """One of the questions, its numbers and the answer in words."""

    question: str
    figures: tuple[Figure, ...]
    sentences: tuple[str, ...]


def cards(results: pl.DataFrame, predictions: pl.DataFrame) -> list[Card]:
    """Answer the questions on every split that judges."""
    whole = results.filter(pl.col("by") == "all")
    value = truth.lookup(whole)
    splits = judged(whole["split"].unique(maintain_order=True).to_list() or ["test"])
    shares = {split: _most_common(predictions, split) for split in splits}
    counts = {split: len(predictions.filter(pl.col("split") == split)) for split in splits}
    return [
        Card(
            "Is it right?",
            tuple(Figure(split, *_performance(value, split)) for split in splits),
            tuple(_right(value, split, shares[split], counts[split]) for split in splits),
        ),
        Card(
            "Does it look right?",
            tuple(
                Figure(split, percent(value(split, "framing_sensitivity")), "of the map outside")
                for split in splits
            ),
            tuple(_looks(value, split, counts[split]) for split in splits),
        ),
        *_truth(value, splits, predictions),
        Card(
            "Is it robust?",
            tuple(
                Figure(split, percent(value(split, "flip_rate")), "answers flip when turned")
                for split in splits
            ),
            tuple(_robust(value, split, predictions) for split in splits),
        ),
    ]


def _truth(value: Values, splits: Sequence[str], predictions: pl.DataFrame) -> list[Card]:
    verdicts = truth.judged(predictions, splits)
    if not truth.known(verdicts):
        return []
    figures = [Figure(split, *_gap(value, split)) for split in splits]
    sentences = [truth.told(value, split, verdicts[split]) for split in splits]
    return [Card("Does the map tell the truth?", tuple(figures), tuple(sentences))]


def _gap(value: Values, split: str) -> tuple[str, str]:
    gap = value(split, "gap")
    if isfinite(gap):
        return signed(gap, 2), "map minus effect, outside"
    shown, deciding = value(split, "framing_sensitivity"), value(split, "framing_decision")
    return signed(shown - deciding, 2), "map minus decision, outside"


def _performance(value: Values, split: str) -> tuple[str, str]:
    if isfinite(value(split, "auroc")):
        return number(value(split, "auroc")), "AUROC"
    return percent(value(split, "accuracy")), "accuracy"


def _right(value: Values, split: str, common: tuple[str, float], images: int) -> str:
    if not images:
        return f"On {split} there are no images, so nothing can be said."
    auroc, accuracy = value(split, "auroc"), value(split, "accuracy")
    said = [f"On {split} ({images:,} images) it is right on {percent(accuracy)}"]
    said.append(f"; always answering {common[0]} would be right on {percent(common[1])}.")
    if isnan(auroc):
        said.append(" AUROC is undefined there: it needs images of every class.")
    elif auroc < 0.5 - NEAR:
        said.append(f" AUROC {number(auroc)} is below guessing: what it learned points backwards.")
    elif auroc < 0.5 + NEAR:
        said.append(f" AUROC {number(auroc)} is no better than guessing.")
    else:
        said.append(f" AUROC {number(auroc)}, where guessing is 0.5.")
    return "".join(said)


def _looks(value: Values, split: str, images: int) -> str:
    framing, chance = value(split, "framing_sensitivity"), value(split, "framing_chance")
    if isnan(framing):
        reason = "no image has a human map" if images else "there are no images"
        return f"On {split} this cannot be said: {reason}, or every map is without energy."
    said = f"On {split}, {percent(framing)} of the predicted class's map lies outside the evidence"
    if isfinite(chance):
        said += f"; a map that knows nothing would put {percent(chance)} there. "
        said += _against_chance(framing, chance)
    else:
        said += "."
    decision = value(split, "framing_decision")
    if isfinite(decision):
        said += f" Of what separates the classes, {percent(decision)} lies outside"
        gap = decision - framing
        said += ": more than the map admits." if gap > 2 * NEAR else "."
    return said


def _against_chance(framing: float, chance: float) -> str:
    if framing > chance + NEAR:
        return "It looks past the evidence more than chance would."
    if framing > chance - NEAR:
        return "That is close to chance: the map does not know the evidence."
    if framing > chance / 2:
        return "It looks at the evidence more than chance would."
    return "It looks at the evidence far more than chance would."


def _robust(value: Values, split: str, predictions: pl.DataFrame) -> str:
    rate, control = value(split, "flip_rate"), value(split, "flip_rate_control")
    if isnan(rate):
        return f"On {split} the flip rate is undefined."
    said = f"On {split}, turning the image slightly changes {percent(rate)} of the answers"
    if isfinite(control):
        said += f" ({percent(control)} on crops without the empty corners)"
        said += ": the corners explain part of it." if control < rate / 2 - 0.005 else "."
    else:
        said += "."
    answers = predictions.filter(pl.col("split") == split)["predicted"].value_counts()
    counts = answers["count"].to_list()
    if counts and max(counts) > CONSTANT * sum(counts):
        said += " It gives nearly always the same answer, and such a classifier cannot flip."
    return said


def _most_common(predictions: pl.DataFrame, split: str) -> tuple[str, float]:
    labels = predictions.filter(pl.col("split") == split)["label"]
    if not len(labels):
        return "", float("nan")
    counts = labels.value_counts().sort(["count", "label"], descending=[True, False])
    return str(counts["label"][0]), counts["count"][0] / len(labels)


def touched(evaluations: Mapping[str, int]) -> Iterator[str]:
    """Say how often each test was measured, where that was more than once."""
    for split, count in evaluations.items():
        if split.startswith("test") and count > 1:
            yield f"{split} was measured {count} times: what was chosen by it is no longer a test."


def remarks(results: pl.DataFrame) -> Iterator[str]:
    """Say which measures of the judged splits are undefined for some images."""
    whole = results.filter(pl.col("by") == "all", pl.col("undefined") > 0)
    for split in judged(results["split"].unique(maintain_order=True).to_list()):
        for name in ("framing_sensitivity", "auroc"):
            row = whole.filter(pl.col("split") == split, pl.col("measure") == name)
            if len(row):
                missing, total = row["undefined"][0], row["count"][0] + row["undefined"][0]
                title = measure(name).title
                yield f"On {split}, {title} is undefined for {missing} of {total} images."
