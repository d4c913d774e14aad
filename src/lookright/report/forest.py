"""Differences to the first objective with their intervals, one row each: a forest plot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lookright.report import svg
from lookright.report.glossary import Measure
from lookright.report.svg import Axis, Element
from lookright.report.words import probability, short, signed

ROW, WIDTH = 26, 480
NAMES, NUMBERS = 140, 132  # pixels left and right of the plot


@dataclass(frozen=True)
class Difference:
    """One objective minus the first, over the common seeds; NaN: no interval, or no p."""

    name: str
    value: float
    low: float
    high: float
    p: float  # paired t, adjusted over the objectives
    kind: str


def forest(rows: Sequence[Difference], split: str, measure: Measure) -> Markup:
    """Draw one row per objective around the line of no difference."""
    known = [each for row in rows for each in (row.value, row.low, row.high, 0.0)]
    axis = svg.spanning(known, NAMES, WIDTH - NUMBERS)
    bottom = 8 + ROW * len(rows)
    parts: list[Element] = []
    for value in axis.ticks(4):
        parts.append(svg.line(axis(value), 8, axis(value), bottom))
        parts.append(svg.words(axis(value), bottom + 15, svg.label(value), anchor="middle"))
    parts.append(svg.line(axis(0), 2, axis(0), bottom, "zero"))
    for index, row in enumerate(rows):
        parts += _row(row, axis, 8 + ROW * (index + 0.5))
    parts += _direction(measure, bottom + 31)
    said = "; ".join(f"{row.name} {_said(row)}" for row in rows)
    return svg.drawing(
        WIDTH, bottom + 36, f"Difference of {measure.title} on {split}: {said}", parts
    )


def _row(row: Difference, axis: Axis, y: float) -> list[Element]:
    parts = [svg.words(NAMES - 12, y + 4, short(row.name, 20), "name", "end")]
    if math.isfinite(row.low):
        parts.append(svg.line(axis(row.low), y, axis(row.high), y, f"{row.kind} reach"))
        parts += [svg.line(axis(end), y - 4, axis(end), y + 4, f"{row.kind} reach")
                  for end in (row.low, row.high)]  # fmt: skip
    if math.isfinite(row.value):
        parts.append(svg.dot(axis(row.value), y, f"{row.kind} fill", f"{row.name} {_said(row)}", 5))
    left = WIDTH - NUMBERS + 14
    parts.append(svg.words(left, y + 4, signed(row.value), "name"))
    if math.isfinite(row.p):
        parts.append(svg.words(left + 52, y + 4, f"p {probability(row.p)}", "tick"))
    return parts


def _direction(measure: Measure, y: float) -> list[Element]:
    """Say on which side an objective is better than the first."""
    left, right = NAMES, WIDTH - NUMBERS
    if measure.better == "higher":
        return [svg.words(right, y, "better →", "axis", "end")]
    if measure.better == "lower":
        return [svg.words(left, y, "← better", "axis")]
    return []


def _said(row: Difference) -> str:
    said = signed(row.value)
    if math.isfinite(row.low):
        said += f" ({signed(row.low)} to {signed(row.high)})"
    return said
