"""Right against looking right: one dot per seed, every name where it covers nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

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


def scatter(clouds: Sequence[Cloud], description: str, across: str, upwards: str) -> Markup:
    """Draw one point per seed, and each objective's name beside the mean of its points."""
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
    for cloud in clouds:
        parts += [
            svg.dot(horizontal(x), vertical(y), f"{cloud.kind} fill", cloud.name, 5)
            for x, y in cloud.points
        ]
    return svg.drawing(width, height, description, [*parts, *_names(clouds, horizontal, vertical)])


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
    y = _middle(cloud, vertical)
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


def _middle(cloud: Cloud, vertical: Axis) -> float:
    return vertical(sum(y for _, y in cloud.points) / len(cloud.points))
