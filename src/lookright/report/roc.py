"""ROC curves with bands: over images for one run, over seeds for a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
import polars as pl
from markupsafe import Markup

from lookright import stats
from lookright.report import svg
from lookright.report.svg import Axis, Element
from lookright.report.words import number

GRID = np.linspace(0, 1, 201)  # false-positive rates at which curves are read
Z = 1.959964  # standard normal, 97.5 %
SIDE, LEFT, RIGHT, TOP, BOTTOM = 360, 40, 12, 22, 40
RUN_BAND = (
    "Band: pointwise 95 % interval (Wilson) of the true-positive rate over the positive images, "
    "at a given false-positive rate."
)
BENCH_BAND = (
    "Lines: mean true-positive rate over seeds at every false-positive rate (vertical averaging). "
    "Band: its 95 % interval over seeds, by Student's t; none below three seeds."
)
FEW = 2  # bands that can be told apart in one picture


@dataclass(frozen=True)
class Curve:
    """True-positive rates on GRID with their band (NaN: none), and the area below."""

    name: str
    rates: np.ndarray
    low: np.ndarray
    high: np.ndarray
    area: float
    kind: str = "c1"

    @property
    def banded(self) -> bool:
        """Does it have a band anywhere?"""
        return bool(np.isfinite(self.low).any())


def of_run(rows: pl.DataFrame, classes: Sequence[str], name: str = "") -> Curve | None:
    """Read the curve of one run from its predictions on one split; None where there is none.

    Two classes: that of the second one, with a band. More: the mean over classes, each against the
    rest, whose area is the macro AUROC; no band. A class without images leaves no curve.
    """
    each = _by_class(rows, classes)
    if not each:
        return None
    rates = np.mean([_rates(positive, scores) for positive, scores in each], axis=0)
    area = float(np.mean([_area(positive, scores) for positive, scores in each]))
    none = np.full_like(GRID, nan)
    low, high = wilson(rates, int(each[0][0].sum())) if len(classes) == 2 else (none, none)
    return Curve(name, rates, low, high, area)


def over_seeds(curves: Sequence[Curve], name: str, kind: str) -> Curve | None:
    """Average the curves of several trainings at every false-positive rate."""
    if not curves:
        return None
    rates = np.stack([curve.rates for curve in curves])
    bands = np.array([stats.interval(column.tolist()) for column in rates.T]).clip(0, 1)
    area = float(np.mean([curve.area for curve in curves]))
    return Curve(name, rates.mean(0), bands[:, 0], bands[:, 1], area, kind)


def wilson(shares: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % score interval of shares out of `count` (Wilson, 1927)."""
    middle = (shares + Z**2 / (2 * count)) / (1 + Z**2 / count)
    spread = shares * (1 - shares) / count + Z**2 / (4 * count**2)
    half = Z * np.sqrt(spread) / (1 + Z**2 / count)
    return middle - half, middle + half


def rates_at(positive: np.ndarray, scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the true-positive rates at false-positive rates; ties give a slope, not a step."""
    false, true = _corners(positive, scores)
    left = np.searchsorted(false, wanted, side="right") - 1
    right = np.minimum(left + 1, len(false) - 1)
    width = false[right] - false[left]
    share = np.divide(wanted - false[left], width, out=np.zeros_like(wanted), where=width > 0)
    return true[left] + share * (true[right] - true[left])


def chart(curves: Sequence[Curve], split: str) -> Markup:
    """Draw curves over the diagonal of guessing, later ones above; bands when they are few."""
    across, upwards = Axis(0, 1, LEFT, SIDE - RIGHT), Axis(0, 1, SIDE - BOTTOM, TOP)
    parts = _frame(across, upwards)
    banded = curves if len(curves) <= FEW else []
    parts += [band for curve in banded if (band := _band(curve, across, upwards)) is not None]
    for curve in curves:
        points = [(0.0, 0.0), *zip(GRID, curve.rates, strict=True)]
        drawn = [(across(float(x)), upwards(float(y))) for x, y in points]
        parts.append(svg.path(drawn, f"{curve.kind} line"))
    areas = ", ".join(f"{curve.name} AUROC {number(curve.area)}".strip() for curve in curves)
    return svg.drawing(SIDE, SIDE, f"ROC on {split}: {areas}", parts)


def _by_class(rows: pl.DataFrame, classes: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pair who is of a class with how probable it was held, for each class that is ranked."""
    labels = rows["label"].to_numpy()
    named = [name for name in classes if f"p_{name}" in rows.columns]
    ranked = named[1:] if len(named) == 2 else named
    pairs = [(labels == name, rows[f"p_{name}"].to_numpy().astype(float)) for name in ranked]
    whole = all(positive.any() and not positive.all() for positive, _ in pairs)
    known = all(np.isfinite(scores).all() for _, scores in pairs)
    return pairs if whole and known else []


def _corners(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the false- and true-positive rates at every threshold, from none to all."""
    falling = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[falling], append=-np.inf))
    true = np.cumsum(positive[falling])[ends]
    false = ends + 1 - true
    return np.append(0, false / (~positive).sum()), np.append(0, true / positive.sum())


def _rates(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return rates_at(positive, scores, GRID)


def _area(positive: np.ndarray, scores: np.ndarray) -> float:
    false, true = _corners(positive, scores)
    return float(np.sum(np.diff(false) * (true[1:] + true[:-1])) / 2)


def _band(curve: Curve, across: Axis, upwards: Axis) -> Element | None:
    known = np.isfinite(curve.low)
    if not known.any():
        return None
    low, high = curve.low[known], curve.high[known]
    there = [*zip(GRID[known], high, strict=True)]
    back = [*zip(GRID[known], low, strict=True)][::-1]
    points = [(across(float(x)), upwards(float(y))) for x, y in (*there, *back) if isfinite(y)]
    return svg.region(points, f"{curve.kind} band")


def _frame(across: Axis, upwards: Axis) -> list[Element]:
    parts = []
    for value in (0, 0.25, 0.5, 0.75, 1):
        y, x = upwards(value), across(value)
        parts += [svg.line(LEFT, y, SIDE - RIGHT, y), svg.line(x, TOP, x, SIDE - BOTTOM)]
        parts.append(svg.words(LEFT - 6, y + 4, svg.label(value), anchor="end"))
        parts.append(svg.words(x, SIDE - BOTTOM + 16, svg.label(value), anchor="middle"))
    parts.append(svg.line(across(0), upwards(0), across(1), upwards(1), "chance"))
    parts.append(svg.words(2, 11, "↑ true-positive rate", "axis"))
    parts.append(svg.words(SIDE - RIGHT, SIDE - 6, "false-positive rate →", "axis", "end"))
    return parts
