"""How maps are made of gaze: every setting, and what follows from some of them together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import radians, tan
from pathlib import Path
from typing import Any, Literal

import polars as pl

from lookright.data.gaze.coordinates import Frame
from lookright.data.gaze.density import Border
from lookright.data.gaze.doubts import MOST_OUTSIDE
from lookright.data.gaze.headers import DEGREES
from lookright.data.gaze.recipes import RECIPES, Named
from lookright.data.gaze.window import Window
from lookright.errors import ConfigError, Problem

Weighting = Literal["count", "duration", "log_duration"]
_FIX_DEGREE = (
    "Say degree (pixels per degree), or give the columns degree_x and degree_y, or say "
    "frame=screen with width (pixels), screen_width and distance (both in the same unit)."
)


@dataclass(frozen=True)
class Making:
    """The settings of maps made of gaze; `lookright list formats fixations` explains them."""

    columns: Mapping[str, str] = field(default_factory=dict)
    time_unit: Literal["ms", "s"] = "ms"
    frame: Literal["image", "screen"] = "image"
    unit: Literal["pixels", "normalised"] = "pixels"
    width: int | None = None
    height: int | None = None
    placed: tuple[float, float, float, float] | None = None
    sigma: float | None = None
    sigma_y: float | None = None
    lengths: Literal["pixels", "degrees"] = "pixels"
    degree: float | None = None
    screen_width: float | None = None
    distance: float | None = None
    weight: Weighting = "duration"
    border: Border = "cut"
    pool: bool = True
    since: float | None = None
    until: float | None = None
    mentions: str | None = None
    most_outside: float = MOST_OUTSIDE

    @property
    def seconds(self) -> bool:
        """Whether the table counts in seconds."""
        return self.time_unit == "s"

    @property
    def coordinates(self) -> Frame:
        """What x and y count in."""
        size = (self.width, self.height) if self.width and self.height else None
        return Frame(self.frame, self.unit, size, self.placed)

    @property
    def window(self) -> Window:
        """When looks count."""
        factor = 1000 if self.seconds else 1
        since, until = (
            None if each is None else each * factor for each in (self.since, self.until)
        )
        mentions = Path(self.mentions) if self.mentions else None
        return Window(since, until, mentions, self.seconds)

    def weights(self, rows: pl.DataFrame) -> pl.Series:
        """Return how much each look counts: once, its milliseconds, or ln(1 + milliseconds)."""
        if self.weight == "count":
            return pl.repeat(1.0, len(rows), eager=True, dtype=pl.Float64)
        if "duration" not in rows.columns:
            what = "The table does not say how long each look was."
            fix = "Name the column (columns.duration=HEADER), or say weight=count."
            raise ConfigError(Problem("GAZE-TIMES", what, "weight", fix))
        length = rows["duration"]
        return length if self.weight == "duration" else length.log1p()

    def lengthened(self, length: float, rows: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Return a length across and down in pixels of the frame, for every row."""
        if self.lengths == "degrees" and set(DEGREES) <= set(rows.columns):
            return rows["degree_x"] * length, rows["degree_y"] * length
        pixels = length * (self._pixels_per_degree() if self.lengths == "degrees" else 1.0)
        same = pl.repeat(pixels, len(rows), eager=True, dtype=pl.Float64)
        return same, same

    def spread(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add the columns sigma_x and sigma_y, in pixels of the frame."""
        assert self.sigma is not None
        across, _ = self.lengthened(self.sigma, rows)
        _, down = self.lengthened(self.sigma_y or self.sigma, rows)
        return rows.with_columns(sigma_x=across, sigma_y=down)

    def _pixels_per_degree(self) -> float:
        if self.degree:
            return self.degree
        if self.frame == "screen" and self.width and self.screen_width and self.distance:
            return pixels_per_degree(self.width, self.screen_width, self.distance)
        what = "Nothing says how many pixels a degree of visual angle is."
        raise ConfigError(Problem("GAZE-DEGREE", what, "degree", _FIX_DEGREE))


def pixels_per_degree(pixels: int, width: float, distance: float) -> float:
    """Return how many pixels one degree is at the middle of a screen.

    `width` is that of the screen and `distance` how far the eye is, in the same unit.

    >>> round(pixels_per_degree(1920, 52.0, 60.0), 1)
    38.7
    """
    return pixels / width * 2 * distance * tan(radians(0.5))


def making(recipe: Named | None, given: Mapping[str, Any]) -> Making:
    """Fill a recipe up with what is given (None: is not); raises ConfigError without a sigma."""
    known = dict(RECIPES[recipe]) if recipe else {}
    said = {name: value for name, value in given.items() if value is not None}
    columns = {**known.get("columns", {}), **said.get("columns", {})}
    made = Making(**{**known, **said, "columns": columns})
    problems = []
    if made.sigma is None:
        fix = "Say sigma=PIXELS, or sigma=1 lengths=degrees, or a recipe."
        problems.append(Problem("GAZE-SIGMA", "Nothing says how wide a look is.", "sigma", fix))
    if (made.width is None) != (made.height is None):
        problems.append(Problem("GAZE-SIZE", "Width and height go together.", "width, height"))
    if problems:
        raise ConfigError(*problems)
    return made
