"""Charts of something over something: measures over epochs, flips over angles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lookright.report import svg
from lookright.report.svg import Axis, Element

WIDTH, HEIGHT = 340, 208
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 14, 42


@dataclass(frozen=True)
class Series:
    """One line of a chart; `kind` is its class in the style sheet, such as "c0" or "c1 thin"."""

    name: str
    points: tuple[tuple[float, float], ...]
    kind: str = "c1"


def chart(
    series: Sequence[Series], description: str, across: str, ticks: Sequence[float] | None = None
) -> Markup:
    """Draw lines over a common axis; undefined points leave a gap."""
    xs = [x for each in series for x, _ in each.points] or [0.0]
    ys = [y for each in series for _, y in each.points]
    width = (max(xs) - min(xs)) or 1
    horizontal = Axis(min(xs), min(xs) + width, LEFT, WIDTH - RIGHT)
    vertical = svg.spanning([*ys, *([0.0] if ticks else [])], HEIGHT - BOTTOM, TOP)
    parts = [*_frame(horizontal, vertical, across, ticks)]
    for each in series:
        parts += _drawn(each, horizontal, vertical)
    return svg.drawing(WIDTH, HEIGHT, description, parts)


def from_zero(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Put what is certain between angles of both signs: an image that is not turned stays as it is.

    >>> from_zero([(-5.0, 0.1), (5.0, 0.2)])
    ((-5.0, 0.1), (0.0, 0.0), (5.0, 0.2))
    """
    angles = [x for x, _ in points]
    both = bool(angles) and min(angles) < 0 < max(angles) and 0.0 not in angles
    return tuple(sorted([*points, (0.0, 0.0)])) if both else tuple(points)


def _drawn(series: Series, horizontal: Axis, vertical: Axis) -> list[Element]:
    marks = [
        svg.dot(
            horizontal(x), vertical(y), f"{series.kind} fill", f"{series.name} {x:g}: {y:.3f}", 2.5
        )
        for x, y in series.points
        if math.isfinite(y) and ("thin" not in series.kind)
    ]
    lines = [
        svg.path([(horizontal(x), vertical(y)) for x, y in run], f"{series.kind} line")
        for run in _unbroken(series.points)
    ]
    return [*lines, *(marks if len(marks) <= 40 else [])]


def _unbroken(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if math.isfinite(y):
            runs[-1].append((x, y))
        else:
            runs.append([])
    return [run for run in runs if len(run) > 1]


def _frame(
    horizontal: Axis, vertical: Axis, across: str, ticks: Sequence[float] | None
) -> list[Element]:
    parts = []
    for value in vertical.ticks(4):
        y = vertical(value)
        parts.append(svg.line(LEFT, y, WIDTH - RIGHT, y))
        parts.append(svg.words(LEFT - 6, y + 3.5, svg.label(value), anchor="end"))
    wanted = ticks or [value for value in horizontal.ticks(6) if value == round(value)]
    for value in wanted:
        parts.append(svg.words(horizontal(value), HEIGHT - 24, svg.label(value), anchor="middle"))
    parts.append(svg.words(WIDTH - RIGHT, HEIGHT - 6, across, "axis", "end"))
    return parts
