"""What several witnesses say of the same share, below each other on one line from 0 to 1."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lookright.report import svg
from lookright.report.svg import Axis, Element
from lookright.report.words import percent, short

ROW, NAMES, WIDTH = 22, 132, 440


@dataclass(frozen=True)
class Witness:
    """One share and who says so; `kind` is its colour."""

    name: str
    share: float
    kind: str


def lanes(title: str, witnesses: Sequence[Witness], judge: str, description: str) -> Markup:
    """Draw a dot per witness and, through all of them, the line where the `judge` stands."""
    axis = Axis(0, 1, NAMES, WIDTH - 56)
    bottom = 6 + ROW * len(witnesses)
    parts: list[Element] = []
    for value in (0, 0.25, 0.5, 0.75, 1):
        parts.append(svg.line(axis(value), 6, axis(value), bottom))
        parts.append(svg.words(axis(value), bottom + 15, svg.label(value), anchor="middle"))
    parts.append(svg.words(NAMES, bottom + 32, "← inside", "axis"))
    parts.append(svg.words(WIDTH - 56, bottom + 32, "outside →", "axis", "end"))
    stands = next((each.share for each in witnesses if each.name == judge), math.nan)
    if math.isfinite(stands):
        parts.append(svg.line(axis(stands), 0, axis(stands), bottom, "zero"))
    for index, each in enumerate(witnesses):
        parts += _lane(each, axis, 6 + ROW * (index + 0.5), stands)
    said = ", ".join(f"{each.name} {percent(each.share)}" for each in witnesses)
    return svg.drawing(WIDTH, bottom + 38, f"{description}, {title}: {said}", parts)


def _lane(witness: Witness, axis: Axis, y: float, stands: float) -> list[Element]:
    share, parts = witness.share, [svg.words(NAMES - 12, y + 4, short(witness.name), "name", "end")]
    if not math.isfinite(share):
        return [*parts, svg.words(NAMES + 6, y + 4, "n/a")]
    if math.isfinite(stands):
        parts.append(svg.line(axis(stands), y, axis(share), y, f"{witness.kind} reach"))
    title = f"{witness.name}: {percent(share)} outside"
    parts.append(svg.dot(axis(share), y, f"{witness.kind} fill", title, 5.5))
    return [*parts, svg.words(WIDTH - 46, y + 4, percent(share), "name")]
