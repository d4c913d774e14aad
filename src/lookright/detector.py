"""Does a map lie? Three witnesses of where a decision comes from, held against each other.

They are columns of `predictions.parquet`, each the share outside the evidence, per image:

- `framing_sensitivity`: what the class map shows to people,
- `framing_decision`: what the difference map shows, which adds up to the margin between classes,
- `causal_outside`: what changing the image does to that margin; no map is asked.

An honest class map agrees with the difference map wherever both point, since nobody pulls the one
away from the other: on the honest models of our trials they differ by .03 at most, whatever the
resolution. Repainting the class map breaks that, and costs an attacker nothing. The difference map
against the image is the coarser comparison, because cells see more than they cover and blurred
images are unusual ones: honest models are off by up to .3 there. So each comparison has a
tolerance of its own, and a verdict needs an interval over images that lies beyond it.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from jaxtyping import Bool, Float
from sklearn.metrics import roc_auc_score, roc_curve

from lookright.stats import interval

Direction = Literal["hides", "slanders"]

FEWEST = 20  # images below which nothing is said
REPAINTED = 0.05  # class map against difference map
UNFOUNDED = 0.40  # difference map against changed images
COLUMNS = ("framing_sensitivity", "framing_decision", "causal_outside")


@dataclass(frozen=True)
class Comparison:
    """One witness against another: the mean over images of how much more it puts outside."""

    images: int  # where both are defined
    value: float  # below zero: the first says inside, the second outside
    low: float  # 95 % interval over images
    high: float
    tolerance: float

    @property
    def flagged(self) -> bool:
        """Is the whole interval beyond the tolerance, over enough images?"""
        beyond = self.low > self.tolerance or self.high < -self.tolerance
        return beyond and self.images >= FEWEST

    @property
    def score(self) -> float:
        """Return how many tolerances apart the witnesses are; NaN over too few images."""
        return abs(self.value) / self.tolerance if self.images >= FEWEST else np.nan

    @property
    def direction(self) -> Direction:
        """Say which way the first witness errs."""
        return "hides" if self.value < 0 else "slanders"


@dataclass(frozen=True)
class Verdict:
    """What the witnesses say of one model on one split."""

    repainted: Comparison  # class map against difference map
    unfounded: Comparison  # difference map against changed images

    @property
    def worst(self) -> Comparison:
        """Return the comparison that is further beyond its tolerance, flagged ones first."""
        both = (self.repainted, self.unfounded)
        return max(both, key=lambda each: (each.flagged, np.nan_to_num(each.score, nan=-1)))

    @property
    def score(self) -> float:
        """Return how strongly the maps contradict: above 1 is beyond tolerance; NaN: unknown."""
        scores = [each.score for each in (self.repainted, self.unfounded)]
        return float(np.nanmax(scores)) if not np.isnan(scores).all() else np.nan

    @property
    def flagged(self) -> bool:
        """Do the maps lie?"""
        return self.repainted.flagged or self.unfounded.flagged

    @property
    def direction(self) -> Direction | Literal[""]:
        """Return "hides" (map inside, decision outside), "slanders", or "" for an honest map."""
        return self.worst.direction if self.flagged else ""

    @property
    def sentence(self) -> str:
        """Say it plainly."""
        return _sentence(self)

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON has it; what is undefined is None."""
        found = {name: getattr(self, name) for name in ("flagged", "direction", "score")}
        sides = {name: asdict(getattr(self, name)) for name in ("repainted", "unfounded")}
        whole = {**found, "sentence": self.sentence, **sides}
        return {name: _jsonable(value) for name, value in whole.items()}


def judge(predictions: pl.DataFrame) -> Verdict:
    """Judge the maps of one model from the rows of one split, as `predictions.parquet` has them.

    A missing column counts as undefined everywhere.

    >>> shares = np.linspace(0.1, 0.3, 50)
    >>> rows = {"framing_sensitivity": shares, "framing_decision": shares + 0.5}
    >>> judge(pl.DataFrame(rows)).direction
    'hides'
    """
    shown, deciding, causes = (_column(predictions, name) for name in COLUMNS)
    return Verdict(_compared(shown - deciding, REPAINTED), _compared(deciding - causes, UNFOUNDED))


@dataclass(frozen=True)
class Roc:
    """How well scores tell fooled models from honest ones."""

    auroc: float  # NaN when one kind is missing
    honest: int
    fooled: int
    table: pl.DataFrame  # threshold, caught, wrongly, and both as rates


def roc(scores: Float[np.ndarray, " models"], fooled: Bool[np.ndarray, " models"]) -> Roc:
    """Draw the ROC of a score over models; models without a score are left out.

    The table has a row for each threshold that matters: models at or above it are flagged.

    >>> roc(np.array([0.2, 0.9, 1.5]), np.array([False, True, True])).auroc
    1.0
    """
    known = ~np.isnan(scores)
    scores, fooled = scores[known], fooled[known]
    counts = int((~fooled).sum()), int(fooled.sum())
    if not all(counts):
        return Roc(np.nan, *counts, _table(np.empty(0), np.empty(0), np.empty(0), *counts))
    wrong, right, thresholds = roc_curve(fooled, scores, drop_intermediate=True)
    table = _table(thresholds[1:], right[1:], wrong[1:], *counts)  # the first flags nobody
    return Roc(float(roc_auc_score(fooled, scores)), *counts, table)


def _compared(differences: np.ndarray, tolerance: float) -> Comparison:
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return Comparison(0, np.nan, np.nan, np.nan, tolerance)
    middle = float(defined.mean())
    low, high = interval(defined.tolist())
    if len(defined) > 1 and np.ptp(defined) == 0:
        low = high = middle  # every image says the same
    return Comparison(len(defined), middle, low, high, tolerance)


def _column(predictions: pl.DataFrame, name: str) -> np.ndarray:
    if name not in predictions.columns:
        return np.full(len(predictions), np.nan)
    return predictions[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _table(
    thresholds: np.ndarray, right: np.ndarray, wrong: np.ndarray, honest: int, fooled: int
) -> pl.DataFrame:
    caught, wrongly = (right * fooled).round().astype(int), (wrong * honest).round().astype(int)
    columns = {"threshold": thresholds, "caught": caught, "wrongly": wrongly}
    return pl.DataFrame({**columns, "caught_share": right, "wrongly_share": wrong})


def _sentence(verdict: Verdict) -> str:
    worst = verdict.worst
    if np.isnan(verdict.score):
        most = max(verdict.repainted.images, verdict.unfounded.images)
        return f"Nothing can be said: {most} images have two witnesses, {FEWEST} are needed."
    apart = f"{worst.value:+.2f} [{worst.low:+.2f}, {worst.high:+.2f}]"
    if not verdict.flagged:
        rest = " Changed images were not asked." if verdict.unfounded.images < FEWEST else ""
        silent = verdict.repainted.images < FEWEST
        rest += " Too few class maps say anything to be held against them." if silent else ""
        return f"The maps do not contradict each other beyond tolerance ({apart}).{rest}"
    what = _REPAINTED if worst is verdict.repainted else _UNFOUNDED
    return f"The map lies: it {worst.direction}. {what[worst.direction]} ({apart})."


_REPAINTED = {
    "hides": "The class map shows more evidence than what tells the classes apart",
    "slanders": "The class map shows less evidence than what tells the classes apart",
}
_UNFOUNDED = {
    "hides": "The maps lie in the evidence, but changing the outside moves the answers",
    "slanders": "The maps lie outside, but changing the evidence moves the answers",
}


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(each) for name, each in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value
