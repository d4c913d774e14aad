"""The pictures of a check's page, read again as far as they can be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from lookright.data.checks.check import Checked
from lookright.data.checks.finding import Finding
from lookright.data.checks.overlay import contoured, heated, small, uri
from lookright.data.checks.replay import Look, Scanpath
from lookright.data.images.decode import content, decode
from lookright.data.images.decoded import Decoded
from lookright.data.maps import read_map
from lookright.data.paths import forbidden, locate
from lookright.data.sample import Evidence, Pixels, Unknown
from lookright.errors import DataError

CARDS = 12  # of each kind of finding
_TWINS = 4  # pictures on one card
_LOOK = 24  # images to look at, whatever was found


@dataclass(frozen=True)
class _Read:
    """An image and what is known of it, as far as they can be read."""

    pixels: Pixels
    evidence: Evidence | None
    unknown: Unknown | None


@dataclass(frozen=True)
class Thumbnail:
    """A small picture for the page."""

    id: str
    about: str  # label, split and group
    source: str  # a data URI; "" where there is no picture


@dataclass(frozen=True)
class Panel:
    """One picture of a strip; `looks` lie on it and are played back."""

    title: str
    source: str  # a data URI
    size: tuple[int, int]
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True)
class Strip:
    """One image from left to right: as it is, its map, both, and how somebody looked at it."""

    id: str
    about: str
    panels: tuple[Panel, ...]


class Shelf:
    """Pictures of rows, each made once."""

    def __init__(self, checked: Checked, scanpaths: Mapping[int, Scanpath]) -> None:
        self._checked = checked
        self._scanpaths = scanpaths
        self._made: dict[int, Thumbnail] = {}

    def cards(self, code: str) -> list[tuple[Finding, list[Thumbnail]]]:
        """Return the first findings of a kind with their pictures."""
        found = [each for each in self._checked.findings if each.problem.code == code]
        return [(each, self._thumbnails(self._telling(each.rows))) for each in found[:CARDS]]

    def _telling(self, indices: tuple[int, ...]) -> list[int]:
        """Choose a few rows: the first of every split and label before second ones."""
        if self._checked.rows is None:
            return []
        part = self._checked.rows[list(indices)].select("split", "label")
        ranks = part.select(pl.int_range(pl.len()).over("split", "label")).to_series()
        return [indices[place] for place in ranks.arg_sort()[:_TWINS]]

    def look(self) -> list[Strip]:
        """Return some rows of every split and class, drawn by a fixed seed."""
        rows = self._checked.rows
        if rows is None:
            return []
        kinds = rows.with_row_index("_index").group_by("split", "label", maintain_order=True)
        lists = [part["_index"].sample(fraction=1, shuffle=True, seed=0) for _, part in kinds]
        each = max(1, _LOOK // max(1, len(lists)))
        chosen = [int(index) for part in lists for index in part[:each]]
        strips = (self._strip(index) for index in chosen[:_LOOK])
        return [strip for strip in strips if strip.panels]

    def _strip(self, index: int) -> Strip:
        assert self._checked.rows is not None
        row = self._checked.rows.row(index, named=True)
        read = _read(self._checked, row)
        panels = () if read is None else _panels(read, self._scanpaths.get(index))
        return Strip(row["id"], _about(row), panels)

    def _thumbnails(self, indices: Sequence[int]) -> list[Thumbnail]:
        return [self._thumbnail(index) for index in indices]

    def _thumbnail(self, index: int) -> Thumbnail:
        if index not in self._made:
            self._made[index] = _thumbnail(self._checked, index)
        return self._made[index]


def _panels(read: _Read, scanpath: Scanpath | None) -> tuple[Panel, ...]:
    pixels, evidence = read.pixels, read.evidence
    plain = small(pixels)
    pictures = [("image", plain)]
    if evidence is not None and evidence.any():
        title = "map" if read.unknown is None else "map (grey: unknown)"
        drawn = heated(evidence, plain.size, read.unknown)
        pictures += [(title, drawn), ("outline", contoured(pixels, evidence, read.unknown))]
    panels = [Panel(title, uri(picture), picture.size) for title, picture in pictures]
    if scanpath is not None:
        image = (pixels.shape[1], pixels.shape[0])
        looks = tuple(scanpath.looks(image, plain.size))
        words = f"gaze of {scanpath.observer or 'one person'}"
        words += f", {scanpath.others} more" if scanpath.others else ""
        panels.append(Panel(words, panels[0].source, plain.size, looks))
    return tuple(panels)


def _about(row: Mapping[str, Any]) -> str:
    return " · ".join(row[name] for name in ("label", "split", "group") if row.get(name))


def _thumbnail(checked: Checked, index: int) -> Thumbnail:
    assert checked.rows is not None  # a finding has rows only where there are any
    row = checked.rows.row(index, named=True)
    read = _read(checked, row)
    source = "" if read is None else uri(contoured(read.pixels, read.evidence, read.unknown))
    return Thumbnail(row["id"], _about(row), source)


def _read(checked: Checked, row: Mapping[str, Any]) -> _Read | None:
    """Read an image and its maps again; None without an image."""
    assert checked.table is not None
    image, root = row["image"], checked.table.root
    lenient = replace(checked.reading.of_row(row), min_side=1, bits="auto")
    if not _is_inside(image, root):
        return None
    try:
        decoded = decode(content(root / image, image), lenient, image)
    except DataError:
        return None
    evidence = _map(checked, row["mask"], decoded)
    unknown = _map(checked, row.get("unknown") or "", decoded)
    return _Read(decoded.pixels, evidence, None if unknown is None else unknown >= 0.5)


def _map(checked: Checked, path: str, image: Decoded) -> Evidence | None:
    """Read a map of an image, if there is one; the card says what may be wrong with it."""
    assert checked.table is not None
    root = checked.table.root
    if not path or not _is_inside(path, root):
        return None
    try:
        return read_map(content(root / path, path), checked.reading, image, path).map
    except DataError:
        return None


def _is_inside(path: str, root: Path) -> bool:
    paths = pl.Series([path])
    return not forbidden(paths) and path in locate(paths, root).sizes
