"""The images behind the numbers, opened once; a report is written without them if need be."""

from collections.abc import Mapping
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

    def map(self, name: str, grid: Grid, title: str, scale: Scale = "evidence") -> Tile:
        """Show a class map over the image, with the ends of its own colour scale."""
        found = self.find(name) or (np.full((SIDE, SIDE, 3), 128, np.uint8), None)
        drawn = outlined(overlay(found[0], grid, scale), found[1])
        low, high = limits(grid, scale)
        note = f"{low:.2g} … {high:.2g}" if np.isfinite(grid).any() else "n/a"
        return Tile(data_uri(jpeg(drawn)), title, f"{name}: {title}", note.replace("-", "−"))


def _blank() -> str:
    return data_uri(jpeg(np.full((8, 8, 3), 128, np.uint8)))
