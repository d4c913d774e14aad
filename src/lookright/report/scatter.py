"""Right against looking right: one dot per seed, every name where it covers nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from lookright.report import svg
from lookright.report.labels import Box, Cluster, names
from lookright.report.svg import Axis, Element

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 440, 330, 46, 20, 26, 44
NARROWEST = 0.2  # of shares on an axis, so that chance does not look like a mountain


@dataclass(frozen=True)
class Cloud:
    """One objective's seeds as points."""

    name: str
    points: tuple[tuple[float, float], ...]
    kind: str

    @property
    def middle(self) -> tuple[float, float]:
        """The mean of its points."""
        xs, ys = zip(*self.points, strict=True)
        return sum(xs) / len(xs), sum(ys) / len(ys)


def front(clouds: Sequence[Cloud]) -> list[Cloud]:
    """Return the Pareto front from left to right, judged by the means over seeds.

    On it are those that no other one equals or beats in both directions, with one strictly better.
    """
    known = [cloud for cloud in clouds if cloud.points]
    best = [
        cloud for cloud in known if not any(_beats(other.middle, cloud.middle) for other in known)
    ]
    return sorted(best, key=lambda cloud: cloud.middle)


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]


def scatter(
    clouds: Sequence[Cloud],
    description: str,
    across: str,
    upwards: str,
    marks: Literal["front", "diagonal"] = "front",
    guessing: float = math.nan,
) -> Markup:
    """Draw one point per seed, and each objective's name beside its points.

    `front` marks the objectives that no other one beats in both directions; `diagonal` draws the
    line on which both are equal. `guessing` is the height of something that knows nothing, drawn
    where it is in view.
    """
    horizontal, vertical = _axes(clouds, joint=marks == "diagonal")
    parts = [*_frame(horizontal, vertical, across, upwards)]
    if vertical.low <= guessing <= vertical.high:
        parts.append(_level(horizontal, vertical(guessing)))
    if marks == "front":
        parts += _front(clouds, horizontal, vertical)
        on = ", ".join(cloud.name for cloud in front(clouds))
        description = f"{description}. On the Pareto front: {on or 'none'}"
    else:
        parts.append(_diagonal(horizontal, vertical))
    written, leaders = _names(clouds, horizontal, vertical)
    parts += [*leaders, *_dots(clouds, horizontal, vertical), *written]
    return svg.drawing(WIDTH, HEIGHT, description, parts)


def _axes(clouds: Sequence[Cloud], joint: bool) -> tuple[Axis, Axis]:
    """Fit the axes to the points; `joint`: the same values on both, for the line of equality."""
    xs = [x for cloud in clouds for x, _ in cloud.points]
    ys = [y for cloud in clouds for _, y in cloud.points]
    xs, ys = ([*xs, *ys], [*xs, *ys]) if joint else (xs, ys)
    return (
        svg.around_shares(xs, LEFT, WIDTH - RIGHT, NARROWEST),
        svg.around_shares(ys, HEIGHT - BOTTOM, TOP, NARROWEST),
    )


def _frame(horizontal: Axis, vertical: Axis, across: str, upwards: str) -> list[Element]:
    parts = []
    for value in vertical.ticks(5):
        parts.append(svg.line(LEFT, vertical(value), WIDTH - RIGHT, vertical(value)))
        parts.append(svg.words(LEFT - 7, vertical(value) + 4, svg.label(value), anchor="end"))
    for value in horizontal.ticks(5):
        x = horizontal(value)
        parts.append(svg.words(x, HEIGHT - BOTTOM + 17, svg.label(value), anchor="middle"))
    parts.append(svg.words(WIDTH - RIGHT, HEIGHT - 8, f"{across} →", "axis", "end"))
    return [*parts, svg.words(2, 12, f"↑ {upwards}", "axis")]


def _level(horizontal: Axis, y: float) -> Element:
    return svg.line(horizontal.start, y, horizontal.end, y, "chance")


def _diagonal(horizontal: Axis, vertical: Axis) -> Element:
    low, high = horizontal.low, horizontal.high
    return svg.line(horizontal(low), vertical(low), horizontal(high), vertical(high), "chance")


def _front(clouds: Sequence[Cloud], horizontal: Axis, vertical: Axis) -> list[Element]:
    """Ring the means on the front and join them by the stairs below which everything is beaten."""
    corners = [(horizontal(x), vertical(y)) for x, y in (cloud.middle for cloud in front(clouds))]
    stairs = [(horizontal.start, corners[0][1])] if corners else []
    for (x, y), after in zip(corners, [*corners[1:], None], strict=True):
        stairs += [(x, y), (x, after[1] if after else vertical.start)]
    rings = [svg.ring(x, y, 9, "front") for x, y in corners]
    return [svg.path(stairs, "front"), *rings] if corners else []


def _dots(clouds: Sequence[Cloud], horizontal: Axis, vertical: Axis) -> list[Element]:
    return [
        svg.dot(horizontal(x), vertical(y), f"{cloud.kind} fill", cloud.name, 5)
        for cloud in clouds
        for x, y in cloud.points
    ]


def _names(
    clouds: Sequence[Cloud], horizontal: Axis, vertical: Axis
) -> tuple[list[Element], list[Element]]:
    pixels = [tuple((horizontal(x), vertical(y)) for x, y in cloud.points) for cloud in clouds]
    clusters = [Cluster(each.name, each.kind, at) for each, at in zip(clouds, pixels, strict=True)]
    room = Box(horizontal.start, vertical.end - 12, horizontal.end + 16, vertical.start)
    return names(clusters, room)
