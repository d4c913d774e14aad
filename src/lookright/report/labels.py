"""Names beside dots: each where it covers neither dots nor another name."""

from collections.abc import Sequence
from dataclasses import dataclass

from lookright.report import svg
from lookright.report.svg import Element
from lookright.report.words import short

LETTER = 7.1  # pixels that a letter takes at most
LONGEST = 24  # letters of a name
FAR = 12  # pixels up or down from which a line leads back to the dots
STEPS = (0, -15, 15, -30, 30, -45, 45, -60, 60, -80, 80, -100, 100, -120, 120)


@dataclass(frozen=True)
class Cluster:
    """Dots that share a name and a colour, in pixels."""

    name: str
    kind: str
    dots: tuple[tuple[float, float], ...]

    @property
    def height(self) -> float:
        """The mean of the dots' y."""
        return sum(y for _, y in self.dots) / len(self.dots)


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

    def within(self, other: "Box") -> bool:
        """Tell whether all of it lies in the other one."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


def names(clusters: Sequence[Cluster], room: Box) -> tuple[list[Element], list[Element]]:
    """Write each name as near to its dots as it can be; return the words, and lines for far ones.

    The lines lead from a name to its nearest dot, and belong below the dots. Words stay in `room`.
    """
    known = [cluster for cluster in clusters if cluster.dots]
    taken = [Box(x - 6, y - 6, x + 6, y + 6) for cluster in known for x, y in cluster.dots]
    written: list[Element] = []
    leaders: list[Element] = []
    for cluster in known:
        box, anchor = _free(cluster, room, taken)
        taken.append(box)
        written.append(_name(cluster, box, anchor))
        leaders += _leader(cluster, box)
    return written, leaders


def _name(cluster: Cluster, box: Box, anchor: str) -> Element:
    x = box.left if anchor == "start" else box.right
    kind = f"{cluster.kind} mark"
    return svg.words(x, box.bottom - 3, short(cluster.name, LONGEST), kind, anchor)


def _leader(cluster: Cluster, box: Box) -> list[Element]:
    middle, edges = (box.top + box.bottom) / 2, (box.left + 4, box.right - 4)
    if abs(middle - cluster.height) <= FAR:
        return []
    _, x, y = min((abs(_nearest(x, edges) - x) + abs(y - middle), x, y) for x, y in cluster.dots)
    rim = box.top if y < box.top else box.bottom
    return [svg.line(_nearest(x, edges), rim, x, y, f"{cluster.kind} leader")]


def _nearest(x: float, edges: tuple[float, float]) -> float:
    """Return the point of a name's width that is nearest to x."""
    return min(max(x, edges[0]), edges[1])


def _free(cluster: Cluster, room: Box, taken: Sequence[Box]) -> tuple[Box, str]:
    """Return the nearest free place for a name; the nearest one of all if there is none."""
    places = _places(cluster)
    inside = [place for place in places if place[0].within(room)]
    free = [place for place in inside if not any(place[0].covers(other) for other in taken)]
    return (free or inside or places)[0]


def _places(cluster: Cluster) -> list[tuple[Box, str]]:
    """List where a name could stand: right and left of its dots, level first, then farther."""
    width = LETTER * len(short(cluster.name, LONGEST))
    left, right = min(x for x, _ in cluster.dots) - 10, max(x for x, _ in cluster.dots) + 10
    places = []
    for down in STEPS:
        top, bottom = cluster.height + down - 9, cluster.height + down + 7
        places.append((Box(right, top, right + width, bottom), "start"))
        places.append((Box(left - width, top, left, bottom), "end"))
    return places
