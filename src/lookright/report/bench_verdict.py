"""Did the map move, and did the decision move with it: what a bench says of each objective."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan

import polars as pl

from lookright.report.splits import farthest, judged
from lookright.report.words import listed, number, percent

MOVED = 0.1  # a share of energy that changes by less is not called moved
FOLLOWED = 0.4  # the decision follows the map when it moves by this share of the map's way
CAUSED = 0.05  # a change of causal_outside that is called one: it never spans the whole scale
BETTER = 0.03  # a change of AUROC or accuracy that is called one
COST = 0.02  # the same at home
GUESSING = 0.55  # an AUROC up to here is called no better than guessing


@dataclass(frozen=True)
class Change:
    """How one measure goes from the baseline to another objective, over the common seeds."""

    before: float
    after: float
    difference: float  # mean over the common seeds; NaN: unknown
    agree: bool  # every seed moves the same way

    def fell(self, least: float) -> bool:
        """Tell whether it fell by at least this much, for every seed."""
        return self.agree and self.difference <= -least

    def rose(self, least: float) -> bool:
        """Tell whether it rose by at least this much, for every seed."""
        return self.agree and self.difference >= least


@dataclass(frozen=True)
class Judgement:
    """What can be said of one objective against the first."""

    label: str
    tag: str
    tone: str  # good, warn, or plain
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The bench in words."""

    lead: str
    split: str  # where it is judged
    judgements: tuple[Judgement, ...]


TAGS = {
    "both": ("map and decision moved", "good"),
    "lie": ("a map that lies", "warn"),
    "claimed": ("the maps moved, the causes did not", "warn"),
    "unrewarded": ("looks righter, is not righter", "plain"),
    "ahead": ("the map moved further than the decision", "plain"),
    "little": ("the map moved a little, the decision hardly", "plain"),
    "unseen": ("the map moved; the decision cannot be seen", "plain"),
    "better": ("better answers, same map", "plain"),
    "decision": ("the decision moved, the class map did not", "plain"),
    "worse": ("worse answers", "warn"),
    "strayed": ("map and decision left the evidence", "warn"),
    "slander": ("a map that slanders", "warn"),
    "off": ("the map left the evidence; the decision cannot be seen", "warn"),
    "none": ("no clear change", "plain"),
}
MEANING = {
    "both": "The map moved onto the evidence, the decision moved with it, and the classes are "
    "told apart better.",
    "lie": "The map moved onto the evidence, but what decides did not, and the classes are told "
    "apart no better: the map shows a reason that is not the reason.",
    "claimed": "Both maps moved onto the evidence, but changing the image outside changes the "
    "answer as much as before: the decision is still made there.",
    "unrewarded": "Map and decision moved onto the evidence, but the classes are told apart no "
    "better: better saliency does not imply better generalisation.",
    "ahead": "The classes are told apart better, but most of what decides stayed where it was: "
    "the map promises more than it should.",
    "little": "The map moved some way onto the evidence, the decision less, and the classes are "
    "told apart no better.",
    "unseen": "The map moved onto the evidence; without the decision's own share it cannot be "
    "said whether it tells the truth.",
    "better": "The classes are told apart better although the map stayed where it was.",
    "decision": "What separates the classes moved onto the evidence; the class map alone does "
    "not show it.",
    "worse": "The classes are told apart less well.",
    "strayed": "Map and decision moved off the evidence.",
    "slander": "The map moved off the evidence, but what decides did not: the map shows a reason "
    "that is not the reason.",
    "off": "The map moved off the evidence; without the decision's own share it cannot be said "
    "whether it tells the truth.",
    "none": "Neither the map nor the answers changed clearly.",
}


def verdict(results: pl.DataFrame, labels: Sequence[str], seeds: int, folds: int = 0) -> Verdict:
    """Judge every objective against the first, on the split where the first does worst.

    `results` holds one value per seed: with folds, the mean over them.
    """
    whole = results.filter(pl.col("by") == "all")
    splits = whole["split"].unique(maintain_order=True).to_list() or ["test"]
    main = main_measure(whole)
    scores = {split: _mean(_values(whole, split, main, labels[0])) for split in splits}
    split = farthest(splits, scores)
    home = judged(splits)[0]
    kinds = {label: _kind(whole, split, main, labels[0], label) for label in labels[1:]}
    found = tuple(
        Judgement(
            label,
            *TAGS[kind],
            tuple(_sentences(whole, (home, split), main, labels[0], label, kind)),
        )
        for label, kind in kinds.items()
    )
    where = f"{split} (mean over {folds} folds)" if folds else split
    said = [_lead(kinds, labels[0], where), _guessed(whole, split, main, labels)]
    said.append("One seed each: this may be chance." if kinds and seeds == 1 else "")
    return Verdict(" ".join(filter(None, said)), split, found)


def main_measure(whole: pl.DataFrame) -> str:
    """Return AUROC, which no threshold can fool, or accuracy where AUROC is undefined."""
    auroc = whole.filter(pl.col("measure") == "auroc")["value"].fill_nan(None).drop_nulls()
    return "auroc" if len(auroc) else "accuracy"


def change(whole: pl.DataFrame, split: str, measure: str, first: str, label: str) -> Change:
    """Compare a measure on the seeds that both objectives have."""
    before, after = (_values(whole, split, measure, name) for name in (first, label))
    pairs = [after[seed] - before[seed] for seed in after if seed in before]
    agree = bool(pairs) and (all(p > 0 for p in pairs) or all(p < 0 for p in pairs))
    mean = sum(pairs) / len(pairs) if pairs else float("nan")
    return Change(_mean(before), _mean(after), mean, agree)


def _kind(whole: pl.DataFrame, split: str, main: str, first: str, label: str) -> str:
    shown = change(whole, split, "framing_sensitivity", first, label)
    decides = change(whole, split, "framing_decision", first, label)
    causes = change(whole, split, "causal_outside", first, label)
    right = change(whole, split, main, first, label)
    # Ranking less backwards is not telling apart.
    better = right.rose(BETTER) and not (main == "auroc" and right.after <= 0.5)
    if not shown.fell(MOVED) and right.fell(BETTER):
        return "worse"
    if shown.rose(MOVED):
        return _stray(shown, decides)
    if not shown.fell(MOVED):
        if better:
            return "better"
        return "decision" if decides.fell(MOVED) else "none"
    if isnan(decides.difference):
        return "unseen"
    if decides.fell(MOVED) and decides.difference <= FOLLOWED * shown.difference:
        if better:
            return "both"
        return "unrewarded" if isnan(causes.difference) or causes.fell(CAUSED) else "claimed"
    if better:
        return "ahead"
    return "lie" if decides.after - shown.after >= MOVED else "little"


def _stray(shown: Change, decides: Change) -> str:
    if isnan(decides.difference):
        return "off"
    return "strayed" if decides.difference >= FOLLOWED * shown.difference else "slander"


def _sentences(
    whole: pl.DataFrame, splits: tuple[str, str], main: str, first: str, label: str, kind: str
) -> list[str]:
    home, split = splits
    shown = change(whole, split, "framing_sensitivity", first, label)
    decides = change(whole, split, "framing_decision", first, label)
    causes = change(whole, split, "causal_outside", first, label)
    right = change(whole, split, main, first, label)
    said = [MEANING[kind]]
    moves = [
        f"{percent(each.before)} → {percent(each.after)} of the {what}"
        for what, each in (
            ("map", shown),
            ("decision by its map", decides),
            ("changes of the answer", causes),
        )
        if isfinite(each.before) and isfinite(each.after)
    ]
    if moves:
        said.append(f"Outside the evidence on {split}: {listed(moves)}.")
    said.append(_rightness(whole, split, main, first, label))
    if main == "auroc" and right.after < 0.6 and isfinite(right.after):
        said.append("That is still close to guessing, or below it.")
    cost = change(whole, home, main, first, label)
    if home != split and isfinite(cost.difference):
        said.append(_at_home(cost, home, main))
    return said


def _rightness(whole: pl.DataFrame, split: str, main: str, first: str, label: str) -> str:
    right = change(whole, split, main, first, label)
    accuracy = change(whole, split, "accuracy", first, label)
    said = f"Accuracy {percent(accuracy.before)} → {percent(accuracy.after)}"
    if main == "auroc":
        said += f", AUROC {number(right.before)} → {number(right.after)}"
    torn = not right.agree and abs(right.difference) > COST / 2
    return f"{said}{'; the seeds disagree about the direction.' if torn else '.'}"


def _at_home(cost: Change, home: str, main: str) -> str:
    name = "AUROC" if main == "auroc" else "accuracy"
    moved = f"{name} {number(cost.before)} → {number(cost.after)}"
    if cost.fell(COST):
        return f"It costs at home: on {home}, {moved}."
    return f"On {home}, {moved}."


def _guessed(whole: pl.DataFrame, split: str, main: str, labels: Sequence[str]) -> str:
    """Say when nobody ranks the classes: then no difference between them is worth much."""
    means = [_mean(_values(whole, split, main, label)) for label in labels]
    known = [mean for mean in means if isfinite(mean)]
    if main != "auroc" or not known or max(known) > GUESSING:
        return ""
    low, high = number(min(known), 2), number(max(known), 2)
    reach = f"is {low}" if low == high else f"lies between {low} and {high}"
    return f"Nobody is better than guessing there: AUROC {reach}."


def _lead(kinds: dict[str, str], first: str, where: str) -> str:
    if not kinds:
        return f"Only {first} was trained: there is nothing to compare it with."
    parts = []
    for wanted, words in _LEADS.items():
        names = [label for label, kind in kinds.items() if kind == wanted]
        if names:
            parts.append(f"{listed(names)} {words[len(names) > 1]}")
    said = "; ".join(parts) or f"no objective changed clearly against {first}"
    return f"Against {first}, on {where}: {said}."


_LEADS = {
    "both": ("moved the map and the decision",) * 2,
    "lie": ("moved the map but not the decision",) * 2,
    "claimed": ("moved the maps but not what changes the answer",) * 2,
    "unrewarded": ("looks righter but answers no better", "look righter but answer no better"),
    "ahead": ("moved the map further than the decision",) * 2,
    "little": ("moved the map a little and the decision hardly",) * 2,
    "unseen": ("moved the map",) * 2,
    "better": ("answers better with the same map", "answer better with the same map"),
    "decision": ("moved the decision but not the class map",) * 2,
    "worse": ("answers worse", "answer worse"),
    "slander": ("moved the map, but not the decision, off the evidence",) * 2,
    "strayed": ("moved map and decision off the evidence",) * 2,
    "off": ("moved the map off the evidence",) * 2,
    "none": ("changed nothing clearly",) * 2,
}


def _values(whole: pl.DataFrame, split: str, measure: str, label: str) -> dict[int, float]:
    """Return the defined values by seed."""
    rows = whole.filter(
        pl.col("split") == split, pl.col("measure") == measure, pl.col("objective") == label
    )
    pairs = zip(rows["seed"].to_list(), rows["value"].to_list(), strict=True)
    return {seed: value for seed, value in pairs if value is not None and isfinite(value)}


def _mean(values: dict[int, float]) -> float:
    return sum(values.values()) / len(values) if values else float("nan")
