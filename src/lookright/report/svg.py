"""The few pieces that charts are drawn from; text is escaped by the XML library, not by us."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup


@dataclass(frozen=True)
class Axis:
    """A straight line from values to pixels."""

    low: float
    high: float
    start: float  # where `low` is, in pixels
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int = 5) -> list[float]:
        """Return at most about `most` round numbers on the axis."""
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def spanning(values: Sequence[float], start: float, end: float) -> Axis:
    """Lay an axis around the finite values.

    Values without any width, or none at all, still get an axis.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return Axis(low - room, high + room, start, end)


def around_shares(values: Sequence[float], start: float, end: float, least: float) -> Axis:
    """Lay an axis around shares: at least `least` wide, and not past 0 and 1 where no value is."""
    axis = spanning(values, start, end)
    wanting = max(0.0, least - (axis.high - axis.low)) / 2
    low, high = axis.low - wanting, axis.high + wanting
    if all(0 <= value <= 1 for value in values if math.isfinite(value)):
        low, high = max(0.0, min(low, 1 - least)), min(1.0, max(high, least))
    return Axis(low, high, start, end)


def element(
    tag: str, *children: Element | None, text: str = "", **attributes: str | float
) -> Element:
    """Make an SVG element; `class_` and `stroke_width` become class and stroke-width."""
    named = {key.rstrip("_").replace("_", "-"): f"{value}" for key, value in attributes.items()}
    made = Element(tag, named)
    made.text = text or None
    made.extend([child for child in children if child is not None])
    return made


def words(x: float, y: float, text: str, kind: str = "tick", anchor: str = "start") -> Element:
    """Write text at a point."""
    return element("text", text=text, x=x, y=y, class_=kind, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> Element:
    """Draw a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def dot(x: float, y: float, kind: str, title: str, radius: float = 4) -> Element:
    """Draw a point that says what it is when pointed at."""
    return element("circle", element("title", text=title), cx=x, cy=y, r=radius, class_=kind)


def ring(x: float, y: float, radius: float, kind: str) -> Element:
    """Draw a circle around a point."""
    return element("circle", cx=x, cy=y, r=radius, class_=kind, fill="none")


def path(points: Sequence[tuple[float, float]], kind: str) -> Element:
    """Join points by a line."""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return element("polyline", points=joined, class_=kind, fill="none")


def region(points: Sequence[tuple[float, float]], kind: str) -> Element:
    """Fill what lies within a closed line."""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return element("polygon", points=joined, class_=kind)


def box(x: float, y: float, width: float, height: float, kind: str, title: str) -> Element:
    """Fill a rectangle that says what it is when pointed at."""
    named = element("title", text=title)
    return element("rect", named, x=x, y=y, width=width, height=height, class_=kind)


def drawing(width: float, height: float, description: str, parts: Sequence[Element]) -> Markup:
    """Close a chart: an SVG that scales with the page and says in words what it shows."""
    chart = element(
        "svg",
        element("title", text=description),
        *parts,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=description,
        class_="chart",
        style=f"max-width:{1.25 * width:g}px",
    )
    return Markup(ElementTree.tostring(chart, encoding="unicode", short_empty_elements=False))


def label(value: float) -> str:
    """Write a tick as short as it can be."""
    written = f"{value:.4g}".replace("-", "−")
    return written.replace("0.", ".", 1) if abs(value) < 1 else written
