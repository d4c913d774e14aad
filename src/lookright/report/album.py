"""The images behind the numbers, opened once; a report is written without them if need be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lookright.data import open_source
from lookright.data.source import Source
from lookright.errors import LookrightError
from lookright.pictures import (
    Grid,
    Picture,
    Scale,
    data_uri,
    jpeg,
    limits,
    outlined,
    overlay,
    photograph,
)
from lookright.report.privacy import without_folders

SIDE = 184  # pixels of a tile


@dataclass(frozen=True)
class Tile:
    """One small picture with what it is, in words for the eye and for the ear."""

    uri: str
    title: str
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """The colour scale that several pictures share."""

    scale: Scale
    ends: tuple[float, float]
    above: bool  # some maps are stronger than the end
    of: str = ""  # whose maps, where there are several models
    kind: str = ""  # the model's colour

    @property
    def low(self) -> str:
        """Write the lower end."""
        return self._end(self.ends[0], "≤\u202f" if self.scale == "difference" else "")

    @property
    def high(self) -> str:
        """Write the upper end."""
        return self._end(self.ends[1], "≥\u202f")

    def _end(self, value: float, beyond: str) -> str:
        return (beyond if self.above else "") + written(f"{value:.2g}")


@dataclass(frozen=True)
class Album:
    """Finds an image and its human map by id."""

    settings: Mapping[str, Any]
    base: Path

    @cached_property
    def source(self) -> Source | str:
        """The data set, or the reason why it cannot be opened any more."""
        try:
            return open_source(self.settings, self.base)
        except (LookrightError, OSError) as error:
            return without_folders(str(error).splitlines()[0])

    @property
    def reason(self) -> str:
        """Why there are no pictures; empty when there are."""
        return self.source if isinstance(self.source, str) else ""

    @cached_property
    def _rows(self) -> dict[str, int]:
        if isinstance(self.source, str):
            return {}
        return {name: row for row, name in enumerate(self.source.rows["id"].to_list())}

    @cached_property
    def _seen(self) -> dict[str, tuple[Picture, Grid | None] | None]:
        return {}

    def find(self, name: str) -> tuple[Picture, Grid | None] | None:
        """Return the image, small, and the human map; None when it cannot be read."""
        if name not in self._seen:
            self._seen[name] = self._read(name)
        return self._seen[name]

    def _read(self, name: str) -> tuple[Picture, Grid | None] | None:
        if isinstance(self.source, str) or name not in self._rows:
            return None
        try:
            sample = self.source.sample(self._rows[name])
        except (LookrightError, OSError):
            return None
        return photograph(sample.image, SIDE), sample.map

    def image(self, name: str) -> Tile:
        """Show the image, with the human map as a line where there is one."""
        found = self.find(name)
        if found is None:
            return Tile(_blank(), "image", f"{name}: the image is not available", "not available")
        picture, human = found
        asked = "" if human is not None else "no human map"
        return Tile(data_uri(jpeg(outlined(picture, human))), "image", f"{name}: image", asked)

    def map(self, name: str, grid: Grid, title: str, bar: Bar) -> Tile:
        """Show a class map over the image in the colours of `bar`, with the map's own reach."""
        found = self.find(name) or (np.full((SIDE, SIDE, 3), 128, np.uint8), None)
        drawn = outlined(overlay(found[0], grid, bar.scale, bar.ends), found[1])
        note = _reach(grid, bar.scale)
        return Tile(data_uri(jpeg(drawn)), title, f"{name}: {title}, {note}", note)


def shared(maps: Sequence[Sequence[Grid]], scale: Scale, of: str = "", kind: str = "") -> Bar:
    """Lay one colour scale under the maps of several images: maps[i] are those of image i.

    It ends at the median over images of each one's strongest value: the end of the strongest map
    would leave all others without colour. What is stronger has the colour of the end.
    """
    reaches = [max((limits(grid, scale)[1] for grid in each), default=0.0) for each in maps]
    end = float(np.median(reaches)) if reaches else 1.0
    above = any(reach > end for reach in reaches)
    return Bar(scale, (-end if scale == "difference" else 0.0, end), above, of, kind)


def _reach(grid: Grid, scale: Scale) -> str:
    """Write the lowest and highest value of a map, without what is not drawn."""
    finite = grid[np.isfinite(grid)]
    if not finite.size:
        return "n/a"
    low, high = float(finite.min()), float(finite.max())
    return written(f"{low:.2g} to {high:.2g}" if scale == "difference" else f"up to {high:.2g}")


def written(numbers: str) -> str:
    """Give numbers their proper minus."""
    return numbers.replace("-", "−")


def _blank() -> str:
    return data_uri(jpeg(np.full((8, 8, 3), 128, np.uint8)))
