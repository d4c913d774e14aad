"""From what a table counts in to the image: pixels, shares, and places on a screen."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from lookright.data.gaze.headers import ON_SCREEN, SHOWN
from lookright.errors import ConfigError, Problem

Size = tuple[int, int]  # width, height
_FIX_SCREEN = (
    "Say placed=[left, top, width, height] of the image on the screen, or give the columns "
    f"{', '.join((*SHOWN, *ON_SCREEN))}."
)


@dataclass(frozen=True)
class Frame:
    """What x and y count in; (0, 0) is the upper left corner of the first pixel.

    `size` is that of the image, or of the screen, in the pixels that the table counts in; it may
    be left out for pixels of the image as it is. `placed` says where the whole image lay on the
    screen. Where it was zoomed and moved, the table says so row by row.
    """

    of: Literal["image", "screen"] = "image"
    unit: Literal["pixels", "normalised"] = "pixels"
    size: Size | None = None
    placed: tuple[float, float, float, float] | None = None  # left, top, width, height


@dataclass(frozen=True)
class Placed:
    """Rows on the image: x, y and what was shown count in `extent`, sigmas in `grid`.

    Each of these is the size of the image in those units; None: its own pixels.
    """

    rows: pl.DataFrame
    extent: Size | None
    grid: Size | None


def place(rows: pl.DataFrame, frame: Frame) -> Placed:
    """Move x, y, sigma_x and sigma_y from a frame to the image.

    Places on the screen where no image was are null.
    """
    if frame.of == "image":
        shares = frame.unit == "normalised"
        return Placed(rows, (1, 1) if shares else frame.size, frame.size)
    rows = _pixels_of_screen(rows, frame)
    if set(SHOWN + ON_SCREEN) <= set(rows.columns):
        return Placed(_unzoomed(rows), None, None)
    if frame.placed is None:
        what = "Nothing says where on the screen the image was."
        raise ConfigError(Problem("GAZE-PLACED", what, "placed", _FIX_SCREEN))
    return Placed(_shares(rows, frame.placed), (1, 1), (1, 1))


def _pixels_of_screen(rows: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    if frame.unit == "pixels":
        return rows
    if frame.size is None:
        fix = "Say width and height of the screen in pixels."
        what = "Shares of a screen need its size."
        raise ConfigError(Problem("GAZE-PLACED", what, "width, height", fix))
    width, height = frame.size
    return rows.with_columns(pl.col("x") * width, pl.col("y") * height)


def _shares(rows: pl.DataFrame, placed: tuple[float, float, float, float]) -> pl.DataFrame:
    left, top, width, height = placed
    if width <= 0 or height <= 0:
        what = f"The image is {width:g} x {height:g} pixels on the screen."
        raise ConfigError(Problem("GAZE-PLACED", what, "placed", "Give its width and height."))
    return rows.with_columns(
        (pl.col("x") - left) / width,
        (pl.col("y") - top) / height,
        pl.col("sigma_x") / width,
        pl.col("sigma_y") / height,
    )


def _unzoomed(rows: pl.DataFrame) -> pl.DataFrame:
    """Undo zoom and shift: the shown part of the image filled a rectangle of the screen."""
    changes: list[pl.Expr] = []
    for name, low, high in (("x", "left", "right"), ("y", "top", "bottom")):
        start, end = pl.col(f"screen_{low}"), pl.col(f"screen_{high}")
        zoom = (pl.col(high) - pl.col(low)) / (end - start)  # pixels of the image per screen pixel
        there = (zoom > 0) & zoom.is_finite() & pl.col(name).is_between(start, end)
        place = pl.col(low) + (pl.col(name) - start) * zoom
        changes.append(pl.when(there).then(place).otherwise(None).alias(name))
        changes.append((pl.col(f"sigma_{name}") * zoom).alias(f"sigma_{name}"))
    return rows.with_columns(changes)
