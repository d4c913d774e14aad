"""Bars around zero, grouped: what several changes of the image do to several classifiers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lookright.report import svg
from lookright.report.svg import Axis, Element
from lookright.report.words import short, signed

THICK, GAP, HEAD, NAMES, WIDTH = 9, 9, 22, 158, 480
ROOM = 48  # pixels for the number beside a single bar


@dataclass(frozen=True)
class Bar:
    """One value, with its interval over seeds where there is one (NaN: none)."""

    name: str
    value: float
    kind: str
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Group:
    """The bars of one change; a `title` begins a new block of groups."""

    name: str
    bars: tuple[Bar, ...]
    title: str = ""


def bars(groups: Sequence[Group], description: str) -> Markup:
    """Draw the groups below each other; bars without a value say so."""
    known = [end for group in groups for bar in group.bars for end in _ends(bar)]
    axis = svg.spanning([0.0, *known], NAMES + ROOM, WIDTH - ROOM)
    thick = max(THICK, 16 // max(1, *(len(group.bars) for group in groups), 1))
    places, y = [], 6.0
    for group in groups:
        y += HEAD if group.title else 0
        places.append(y)
        y += thick * len(group.bars) + GAP
    parts = _frame(axis, y)
    for group, place in zip(groups, places, strict=True):
        parts += _group(group, axis, place, thick)
    said = "; ".join(_said(group) for group in groups)
    return svg.drawing(WIDTH, y + 22, f"{description}: {said}", parts)


def _frame(axis: Axis, bottom: float) -> list[Element]:
    parts = []
    for value in axis.ticks(5):
        parts.append(svg.line(axis(value), 4, axis(value), bottom))
        parts.append(svg.words(axis(value), bottom + 14, svg.label(value), anchor="middle"))
    return [*parts, svg.line(axis(0), 0, axis(0), bottom, "zero")]


def _group(group: Group, axis: Axis, y: float, thick: float) -> list[Element]:
    middle = y + thick * len(group.bars) / 2
    parts = [svg.words(NAMES - 10, middle + 4, short(group.name, 26), "name", "end")]
    if group.title:
        parts.append(svg.words(0, y - 6, group.title, "title"))
    for index, bar in enumerate(group.bars):
        parts += _bar(bar, axis, y + thick * index, thick, alone=len(group.bars) == 1)
    return parts


def _bar(bar: Bar, axis: Axis, y: float, thick: float, alone: bool) -> list[Element]:
    middle = y + thick / 2
    if not math.isfinite(bar.value):
        return [svg.words(axis(0) + 5, middle + 4, "n/a")] if alone else []
    left, right = sorted((axis(0), axis(bar.value)))
    said = f"{bar.name} {signed(bar.value)}".strip()
    box = svg.box(left, y + 0.5, max(right - left, 1.0), thick - 1, f"{bar.kind} bar", said)
    parts = [box]
    if math.isfinite(bar.low):
        parts.append(svg.line(axis(bar.low), middle, axis(bar.high), middle, "whisker"))
    if alone:
        anchor, place = ("start", right + 5) if bar.value >= 0 else ("end", left - 5)
        parts.append(svg.words(place, middle + 4, signed(bar.value), "name", anchor))
    return parts


def _ends(bar: Bar) -> tuple[float, float, float]:
    return bar.value, bar.low, bar.high


def _said(group: Group) -> str:
    values = ", ".join(f"{bar.name} {signed(bar.value)}".strip() for bar in group.bars)
    return f"{group.name} {values}"
