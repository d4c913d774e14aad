"""Right against looking right: one dot per seed, every name where it covers nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from lookright.report import svg
from lookright.report.svg import Axis, Element
from lookright.report.words import short


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
) -> Markup:
    """Draw one point per seed, and each objective's name beside the mean of its points.

    `front` marks the objectives that no other one beats in both directions; `diagonal` draws the
    line on which both are equal.
    """
    width, height, left, bottom = 440, 330, 46, 44
    xs = [x for cloud in clouds for x, _ in cloud.points]
    ys = [y for cloud in clouds for _, y in cloud.points]
    horizontal = svg.spanning(xs, left, width - 20, whole=True)
    vertical = svg.spanning(ys, height - bottom, 26, whole=True)
    parts: list[Element] = []
    for value in vertical.ticks(5):
        parts.append(svg.line(left, vertical(value), width - 20, vertical(value)))
        parts.append(svg.words(left - 7, vertical(value) + 4, svg.label(value), anchor="end"))
    for value in horizontal.ticks(5):
        x = horizontal(value)
        parts.append(svg.words(x, height - bottom + 17, svg.label(value), anchor="middle"))
    parts.append(svg.words(width - 20, height - 8, f"{across} →", "axis", "end"))
    parts.append(svg.words(2, 12, f"↑ {upwards}", "axis"))
    parts += _front(clouds, horizontal, vertical) if marks == "front" else []
    if marks == "diagonal":
        parts.append(svg.line(horizontal(0), vertical(0), horizontal(1), vertical(1), "chance"))
    for cloud in clouds:
        parts += [
            svg.dot(horizontal(x), vertical(y), f"{cloud.kind} fill", cloud.name, 5)
            for x, y in cloud.points
        ]
    if marks == "front":
        on = ", ".join(cloud.name for cloud in front(clouds))
        description = f"{description}. On the Pareto front: {on or 'none'}"
    return svg.drawing(width, height, description, [*parts, *_names(clouds, horizontal, vertical)])


def _front(clouds: Sequence[Cloud], horizontal: Axis, vertical: Axis) -> list[Element]:
    """Ring the means on the front and join them by the stairs below which everything is beaten."""
    corners = [(horizontal(x), vertical(y)) for x, y in (cloud.middle for cloud in front(clouds))]
    stairs = [(horizontal.start, corners[0][1])] if corners else []
    for (x, y), after in zip(corners, [*corners[1:], None], strict=True):
        stairs += [(x, y), (x, after[1] if after else vertical.start)]
    rings = [svg.ring(x, y, 9, "front") for x, y in corners]
    return [svg.path(stairs, "front"), *rings] if corners else []


def _names(clouds: Sequence[Cloud], horizontal: Axis, vertical: Axis) -> list[Element]:
    """Write each name beside its points, where it covers neither points nor another name."""
    taken = [
        Box(horizontal(x) - 6, vertical(y) - 6, horizontal(x) + 6, vertical(y) + 6)
        for cloud in clouds
        for x, y in cloud.points
    ]
    parts = []
    for cloud in clouds:
        if cloud.points:
            box, anchor = _free(cloud, horizontal, vertical, taken)
            taken.append(box)
            x = box.left if anchor == "start" else box.right
            name = short(cloud.name, 24)
            parts.append(svg.words(x, box.bottom - 3, name, f"{cloud.kind} mark", anchor))
    return parts


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: "Box") -> bool:
        """Tell whether the two share any point."""
        beside = self.right < other.left or other.right < self.left
        return not (beside or self.bottom < other.top or other.bottom < self.top)


def _free(cloud: Cloud, horizontal: Axis, vertical: Axis, taken: Sequence[Box]) -> tuple[Box, str]:
    """Return the nearest free place for a name; the nearest one of all if there is none."""
    width, places = 7.1 * len(short(cloud.name, 24)), []
    y = vertical(cloud.middle[1])
    left = min(horizontal(each) for each, _ in cloud.points) - 10
    right = max(horizontal(each) for each, _ in cloud.points) + 10
    for down in (0, -15, 15, -30, 30, -45, 45):
        row = y + down
        places.append((Box(right, row - 9, right + width, row + 7), "start"))
        places.append((Box(left - width, row - 9, left, row + 7), "end"))
    room = Box(horizontal.start, vertical.end - 12, horizontal.end + 16, vertical.start)
    inside = [
        (box, anchor)
        for box, anchor in places
        if box.left >= room.left and box.right <= room.right and box.top >= room.top
        and box.bottom <= room.bottom
    ]  # fmt: skip
    free = [place for place in inside if not any(place[0].covers(other) for other in taken)]
    return (free or inside or places)[0]
