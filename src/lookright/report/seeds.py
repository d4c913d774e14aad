"""Charts of a bench: every seed is a dot, so that nobody has to trust a mean."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lookright.report import svg
from lookright.report.svg import Axis, Element
from lookright.report.words import number, short

ROW = 26
NAMES = 148  # pixels for the objectives' names
STRIP = 420


@dataclass(frozen=True)
class Strip:
    """One objective's values over seeds, their mean and its 95 % interval (NaN: none)."""

    name: str
    values: dict[int, float]
    mean: float
    low: float
    high: float
    kind: str


def strips(
    rows: Sequence[Strip], description: str, chance: float = math.nan, signed: bool = False
) -> Markup:
    """Draw one row per objective: seeds as dots, the mean as a bar, the interval as a line.

    `chance` is the level of something that knows nothing, as a dashed line. Unless the values are
    `signed` they are shares, and no interval is drawn past 0 and 1.
    """
    known = [value for row in rows for value in (*row.values.values(), row.low, row.high, chance)]
    axis = svg.spanning(known if signed else _kept(known), NAMES, STRIP - 14)
    height = ROW * len(rows) + 34
    parts: list[Element] = []
    for value in axis.ticks(5):
        parts.append(svg.line(axis(value), 8, axis(value), height - 24))
        parts.append(svg.words(axis(value), height - 9, svg.label(value), anchor="middle"))
    if math.isfinite(chance):
        parts.append(svg.line(axis(chance), 2, axis(chance), height - 24, "chance"))
    for index, row in enumerate(rows):
        parts += _strip(row, axis, 8 + ROW * (index + 0.5))
    return svg.drawing(STRIP, height, description, parts)


def _strip(row: Strip, axis: Axis, y: float) -> list[Element]:
    parts = [svg.words(NAMES - 12, y + 4, short(row.name, 22), "name", "end")]
    if math.isfinite(row.low):
        low, high = max(row.low, axis.low), min(row.high, axis.high)
        parts.append(svg.line(axis(low), y, axis(high), y, f"{row.kind} interval"))
    if math.isfinite(row.mean):
        parts.append(svg.line(axis(row.mean), y - 8, axis(row.mean), y + 8, f"{row.kind} mean"))
    else:
        parts.append(svg.words(NAMES, y + 4, "n/a", "tick"))
    for seed, value in row.values.items():
        if math.isfinite(value):
            title = f"{row.name}, seed {seed}: {number(value)}"
            parts.append(svg.dot(axis(value), y, f"{row.kind} fill", title))
    return parts


def _kept(values: Sequence[float]) -> list[float]:
    """Keep intervals of shares from running past 0 and 1."""
    finite = [value for value in values if math.isfinite(value)]
    return [min(max(value, -0.02), 1.02) for value in finite]
