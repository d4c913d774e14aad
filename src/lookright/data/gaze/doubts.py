"""Signs that a table of gaze is not what it seems: frames, axes, units, drift."""

import numpy as np
import polars as pl

from lookright.data.checks.finding import Level
from lookright.data.gaze.coordinates import Size
from lookright.errors import Problem

ENOUGH = 100  # looks, before shares and spreads of all of them say anything
MOST_OUTSIDE = 0.2  # share of looks off the image
_LOPSIDED = 1.15  # from this aspect on, gaze is wider where the image is
_MOVED = 0.03  # of the image's side: an offset that nobody's taste explains
_SURE = 4.0  # standard errors


def outside(x: np.ndarray, y: np.ndarray, size: Size) -> np.ndarray:
    """Flag the looks that are not on an image of this size; NaN is nowhere."""
    return ~((x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1]))


def frame(
    x: np.ndarray,
    y: np.ndarray,
    size: Size,
    most: float = MOST_OUTSIDE,
    where: str = "",
    images: int = 1,
) -> list[Problem]:
    """Doubt what x and y count in: too many looks off the image, axes swapped, or a corner only.

    Gaze in one corner of one image may be right; in the same corner of ten it is an error.
    """
    if not len(x):
        return []
    share = float(outside(x, y, size).mean())
    swapped = float(outside(y, x, size).mean())
    if share > most:
        return [_off_image(share, swapped, x, y, size, where)]
    if len(x) < ENOUGH:
        return []
    if share > 0.02 and swapped < share / 5:
        return [_swapped(f"{share:.0%} of the looks lie off the image", swapped, where)]
    kept = ~outside(x, y, size)
    corner = _corner(x[kept], y[kept], size, where, "error" if images >= 10 else "warning")
    return [*_spread(x[kept], y[kept], size, where), *corner]


def units(rows: pl.DataFrame, where: str) -> list[Problem]:
    """Doubt that durations are milliseconds."""
    if "duration" not in rows.columns or len(rows) < ENOUGH:
        return []
    typical = float(rows["duration"].median() or 0)  # type: ignore[arg-type]
    if 10 <= typical <= 5000:
        return []
    what = f"Half of the looks are shorter than {typical:g} ms; 200 to 400 ms is usual."
    fix = "Say time_unit=s where the table counts in seconds." if typical < 10 else ""
    return [Problem("GAZE-UNIT", what, where, fix, level="warning")]


def drift(rows: pl.DataFrame, size: Size, where: str = "") -> list[Problem]:
    """Find observers whose gaze lies off that of all others on the same images, by a like amount.

    For each image, the observer's mean place minus the median of everybody's; the median of these
    over images is the offset, and its standard error follows from the quartiles. The first and
    the last third of an observer's images, in the order of the table, tell whether it grew.
    `rows` has image, observer, x and y; `size` is what x and y count in.
    """
    means = rows.group_by("image", "observer", maintain_order=True).agg(pl.col("x", "y").mean())
    offsets = [
        (pl.col(axis) - pl.col(axis).median().over("image")) / float(side)
        for axis, side in zip("xy", size, strict=True)
    ]
    apart = means.filter(pl.len().over("image") > 1).select("observer", *offsets)
    problems = []
    for (observer,), part in apart.group_by("observer", maintain_order=True):
        problems += _moved(str(observer), part.select("x", "y").to_numpy(), size, where)
    return problems


def _off_image(
    share: float, swapped: float, x: np.ndarray, y: np.ndarray, size: Size, where: str
) -> Problem:
    what = f"{share:.0%} of {len(x):,} looks lie off the {size[0]} x {size[1]} image."
    reach = f"x reaches {np.nanmax(x):g} and y {np.nanmax(y):g}" if np.isfinite(x).any() else ""
    fix = f"Do they count in another frame? {reach}: say width and height, or frame=screen."
    if swapped < share / 5:
        fix = f"With x and y swapped it is {swapped:.0%}: exchange columns.x and columns.y."
    elif np.nanmax(x, initial=0) <= 1.5 and np.nanmax(y, initial=0) <= 1.5:
        fix = "They look like shares of the image: say unit=normalised."
    return Problem("GAZE-FRAME", what, where, fix)


def _swapped(what: str, swapped: float, where: str) -> Problem:
    fix = f"With x and y swapped it is {swapped:.0%}: exchange columns.x and columns.y."
    return Problem("GAZE-SWAPPED", f"{what}.", where, fix)


def _spread(x: np.ndarray, y: np.ndarray, size: Size, where: str) -> list[Problem]:
    """Doubt gaze that spreads along the short side of the image; needs a clear long side."""
    aspect = size[0] / size[1]
    if max(aspect, 1 / aspect) < _LOPSIDED or len(x) < ENOUGH or not (x.std() and y.std()):
        return []
    along = np.log(x.std() / y.std()) / np.log(aspect)  # about 1; swapped axes: about -1
    if along > -0.5 or max(x) >= size[1] or max(y) >= size[0]:
        return []
    what = f"Gaze spreads {x.std():.0f} wide and {y.std():.0f} high on {size[0]} x {size[1]}."
    fix = "Are x and y swapped? If not, leave this be."
    return [Problem("GAZE-SWAPPED", what, where, fix, level="warning")]


def _corner(x: np.ndarray, y: np.ndarray, size: Size, where: str, level: Level) -> list[Problem]:
    if not len(x) or max(x.max() / size[0], y.max() / size[1]) > 0.6:
        return []
    what = f"Nobody looked beyond x = {x.max():g} and y = {y.max():g} of {size[0]} x {size[1]}."
    fix = "Do they count in a smaller frame? Say its width and height, and sigma in its pixels."
    return [Problem("GAZE-FRAME", what, where, fix, level=level)]


def _moved(observer: str, offsets: np.ndarray, size: Size, where: str) -> list[Problem]:
    """Say that the gaze of one observer is off, if it is, and by how much."""
    problems = []
    third = len(offsets) // 3
    cases = [("lies", offsets)]
    if third >= 10:
        cases.append(("moves", np.subtract(offsets[-third:], offsets[:third])))
    for verb, values in cases:
        if len(values) < 10:
            continue
        middle = np.median(values, 0)
        low, high = np.quantile(values, (0.25, 0.75), axis=0)
        error = (high - low) / 1.349 * 1.2533 / np.sqrt(len(values))  # of a median
        if not ((np.abs(middle) > _MOVED) & (np.abs(middle) > _SURE * error)).any():
            continue
        by = " and ".join(
            f"{share * side:+.0f} {axis}"
            for share, side, axis in zip(middle, size, "xy", strict=True)
        )
        start = "off the others'" if verb == "lies" else "from the first images to the last"
        what = f"The gaze of observer {observer!r} {verb} by {by} {start} ({len(values)} images)."
        fix = "Was the tracker calibrated, and did it stay so?"
        problems.append(Problem("GAZE-DRIFT", what, where, fix, level="warning"))
    return problems
