"""A table of gaze becomes the maps of its images, each rendered when it is needed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.gaze import doubts
from lookright.data.gaze.coordinates import Size, place
from lookright.data.gaze.density import Border, Points, density
from lookright.data.gaze.headers import SHOWN
from lookright.data.gaze.making import Making
from lookright.data.gaze.table import PEOPLE, Gaze, dropped, read_gaze
from lookright.data.gaze.window import within
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem

FEW = 10  # looks at one image: fewer cannot say that its frame is wrong
Detect = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Looks:
    """Where people looked on the images, ready to become maps.

    `rows` has image, observer, x, y, weight, sigma_x, sigma_y and perhaps the part that was shown;
    the sizes are as in `coordinates.Placed`. `asked` also lists who left no look at an image.
    """

    rows: pl.DataFrame
    asked: pl.DataFrame
    extent: Size | None
    grid: Size | None
    notes: tuple[Problem, ...]


def find_looks(path: Path, making: Making, detect: Detect | None = None) -> Looks:
    """Read a table and bring it to its images; `detect` makes fixations of raw samples.

    Raises DataError where it counts in another frame than the settings say.
    """
    gaze = read_gaze(path, making.columns, making.seconds)
    rows = detect(gaze.rows) if detect else gaze.rows
    rows, late = within(rows, making.window, path.name)
    rows = rows.with_columns(weight=making.weights(rows))
    placed = place(making.spread(rows), making.coordinates)
    kept, off = _on_image(placed.rows, placed.extent, making, path.name)
    shown = placed.extent or _reach(kept)
    asked_twice = [*doubts.units(rows, path.name), *doubts.drift(kept, shown, path.name)]
    notes = (*gaze.notes, *late, *off, *asked_twice, *_nowhere(gaze, kept, path.name))
    return Looks(kept, gaze.asked, placed.extent, placed.grid, notes)


def draw(looks: Looks, making: Making, where: str) -> Iterator[DrawnMap]:
    """Yield a map for each image, of everybody or of each observer."""
    by = ["image"] if making.pool else PEOPLE
    asked = looks.asked.select(by).unique(maintain_order=True)
    rows = looks.rows.sort(by, maintain_order=True)
    sizes = rows.group_by(by, maintain_order=True).len()
    starts = sizes.with_columns(start=pl.col("len").cum_sum() - pl.col("len"))
    for person in asked.join(starts, on=by, how="left", maintain_order="left").to_dicts():
        own = rows.slice(person["start"] or 0, person["len"] or 0)
        place = f"{where}: {person['image']}"
        yield DrawnMap(
            person["image"],
            None,
            partial(render, own, looks.extent, looks.grid, making.border),
            _key(own, looks, making),
            person.get("observer", ""),
            where=place,
            doubts=partial(off_image, own, looks.extent, making.most_outside, place),
        )


def render(
    rows: pl.DataFrame, extent: Size | None, grid: Size | None, border: Border, size: Size
) -> Evidence:
    """Make the map of some rows on an image of a size; no rows: nothing but zeros.

    Looks off the image are left out. Raises DataError for a sigma of 0 or larger than the image.
    """
    points = to_points(rows, extent or size, grid or size, size)
    return density(points.only(~doubts.outside(points.x, points.y, size)), size, border)


def off_image(
    rows: pl.DataFrame, extent: Size | None, most: float, where: str, size: Size
) -> tuple[Problem, ...]:
    """Count the looks off an image once its size is known, if x and y count in its own pixels.

    Raises DataError where they are more than a share of at least ten looks.
    """
    if extent:
        return ()  # `find_looks` has done it
    x, y = (rows[name].to_numpy() for name in "xy")
    off = int(doubts.outside(x, y, size).sum())
    found = doubts.frame(x, y, size, most, where) if len(x) >= FEW else []
    if errors := [each for each in found if each.level == "error"]:
        raise DataError(*errors)
    return (*found, *([dropped(off, "off the image", where)] if off else []))


def to_points(rows: pl.DataFrame, extent: Size, grid: Size, size: Size) -> Points:
    """Scale looks from the sizes that they count in to a map of another size."""
    (wide, high), (across, down) = (np.divide(size, other, dtype=float) for other in (extent, grid))
    x, y, weight, sigma_x, sigma_y = (
        rows[name].to_numpy().astype(float) for name in ("x", "y", "weight", "sigma_x", "sigma_y")
    )
    spans = (None, None)
    if set(SHOWN) <= set(rows.columns):
        left, top, right, bottom = (rows[side].to_numpy() for side in SHOWN)
        spans = np.column_stack([left, right]) * wide, np.column_stack([top, bottom]) * high
    return Points(x * wide, y * high, weight, sigma_x * across, sigma_y * down, *spans)


def _on_image(
    rows: pl.DataFrame, extent: Size | None, making: Making, where: str
) -> tuple[pl.DataFrame, list[Problem]]:
    """Leave out looks off the image, where that is known before the image is."""
    elsewhere = rows["x"].is_null() | rows["y"].is_null()  # on the screen, beside the image
    x, y = (rows[name].to_numpy() for name in "xy")
    reached = np.asarray((x < 0) | (y < 0)) if extent is None else doubts.outside(x, y, extent)
    off = elsewhere.to_numpy() | reached
    size = extent or _reach(rows)
    images = rows["image"].n_unique() if extent else 1
    found = doubts.frame(x, y, size, making.most_outside, where, images)
    errors = [each for each in found if each.level == "error"]
    if errors:
        raise DataError(*errors)
    kept = rows.filter(~pl.Series(off))
    notes = [dropped(int(off.sum()), "off the image", where)] if off.any() else []
    return kept, [*(found if extent else []), *notes]


def _reach(rows: pl.DataFrame) -> Size:
    """Return a size that all looks fit on, for images whose own sizes are not known yet."""
    x, y = (float(rows[name].max() or 0) for name in "xy")  # type: ignore[arg-type]
    return max(1, int(x) + 1), max(1, int(y) + 1)


def _nowhere(gaze: Gaze, kept: pl.DataFrame, where: str) -> list[Problem]:
    lost = gaze.asked.join(kept.select(PEOPLE).unique(), on=PEOPLE, how="anti")
    if not len(lost):
        return []
    first = ", ".join(repr(each) for each in lost["image"].unique(maintain_order=True)[:3])
    what = f"{len(lost):,} times somebody was asked and no look is left: {first}, ..."
    fix = "Their maps are empty; data.empty_mask says what that means."
    return [Problem("GAZE-NOWHERE", what, where, fix, level="warning")]


def _key(rows: pl.DataFrame, looks: Looks, making: Making) -> str:
    digest = blake2b(repr((looks.extent, looks.grid, making.border)).encode(), digest_size=16)
    for name in ("x", "y", "weight", "sigma_x", "sigma_y", *SHOWN):
        if name in rows.columns:
            digest.update(np.ascontiguousarray(rows[name].to_numpy(), dtype=float).data)
    return digest.hexdigest()
