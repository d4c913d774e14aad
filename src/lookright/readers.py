"""How well people predict each other's gaze: what no map can be asked to exceed by much."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import polars as pl
from jaxtyping import Float

from lookright.data.drawings.drawn import Size
from lookright.data.gaze.density import Points, density
from lookright.data.gaze.doubts import outside
from lookright.data.gaze.drawing import Looks, to_points
from lookright.data.gaze.making import Making
from lookright.errors import DataError, Problem
from lookright.metrics.agreement import iou
from lookright.metrics.saliency import auc_judd, correlation, nss

SIDE = 96  # cells along the longer side: gaze is smooth, and ranking costs by the cell
MEASURES = ("cc", "nss", "auc_judd", "iou")

Readings = Float[np.ndarray, "readers rows cols"]


def readers_ceiling(
    looks: Looks,
    making: Making,
    sizes: Mapping[str, Size] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Predict each reader's gaze from the map of all others, and from another image's map.

    One row for each image that at least two people looked at: how many they were, then for each
    measure the mean over them, and beside it (`other_...`) what the map of the next image gives:
    how far people look at the same places whatever is there. CC and IoU (of the map stretched to
    [0, 1] at least one half, and the reader's own map above one half) compare with the reader's
    own map, NSS and AUC-Judd with the reader's fixations. `sizes` are those of the images, where
    the settings do not say them; maps are made on a grid of at most 96 cells a side. Raises
    DataError when no image has two readers.
    """
    read = list(_read(looks, making, sizes or {}, progress))
    if not read:
        what = "No image was looked at by two people: there is nobody to agree with."
        fix = "Name the column of people: columns.observer=HEADER."
        raise DataError(Problem("GAZE-READERS", what, fix=fix))
    rows = []
    for index, (image, maps, seen) in enumerate(read):
        another = read[(index + 1) % len(read)][1].sum(0) if len(read) > 1 else None
        rows.append({"image": image, "readers": len(maps), **_scores(maps, seen, another)})
    return pl.DataFrame(rows, infer_schema_length=None)


def grid_of(size: Size, side: int = SIDE) -> Size:
    """Return the width and height of a small grid of the same shape."""
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def counted(points: Points, grid: Size) -> Float[np.ndarray, "rows cols"]:
    """Count the looks in every cell; those off the grid are nowhere."""
    found = np.zeros((grid[1], grid[0]))
    kept = points.only(~outside(points.x, points.y, grid))
    np.add.at(found, (kept.y.astype(int), kept.x.astype(int)), 1.0)
    return found


def _read(
    looks: Looks,
    making: Making,
    sizes: Mapping[str, Size],
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[str, Readings, Readings]]:
    """Yield each image's maps and counts, one of each for every reader who looked at it."""
    images = looks.rows.partition_by("image", as_dict=True, maintain_order=True)
    for done, ((image,), rows) in enumerate(images.items(), start=1):
        if rows["observer"].n_unique() > 1:
            size = sizes.get(str(image)) or _size(looks, making)
            yield str(image), *_readings(rows, looks, making, size)
        if progress:
            progress(done, len(images))


def _size(looks: Looks, making: Making) -> Size:
    size = making.coordinates.size if making.frame == "image" else None
    if size is None:
        what, fix = "Nothing says how large the images are.", "Give --images, or width and height."
        raise DataError(Problem("GAZE-SIZE", what, fix=fix))
    return size


def _readings(
    rows: pl.DataFrame, looks: Looks, making: Making, size: Size
) -> tuple[Readings, Readings]:
    grid = grid_of(size)
    own = [
        to_points(part, looks.extent or size, looks.grid or size, grid)
        for part in rows.partition_by("observer", maintain_order=True)
    ]
    on = [each.only(~outside(each.x, each.y, grid)) for each in own]
    maps = [density(each, grid, making.border, "none") for each in on]
    return np.stack(maps).astype(float), np.stack([counted(each, grid) for each in on])


def _scores(maps: Readings, seen: Readings, another: np.ndarray | None) -> dict[str, float]:
    peaks = maps.max((1, 2), keepdims=True)
    own = maps / np.where(peaks > 0, peaks, 1)
    found = dict(zip(MEASURES, _against(maps.sum(0) - maps, own, seen), strict=True))
    others = [np.nan] * len(MEASURES)
    if another is not None and another.shape == maps.shape[1:]:
        others = _against(np.broadcast_to(another, maps.shape).copy(), own, seen)
    return found | {f"other_{name}": value for name, value in zip(MEASURES, others, strict=True)}


def _against(maps: Readings, own: Readings, seen: Readings) -> list[float]:
    values = correlation(maps, own), nss(maps, seen), auc_judd(maps, seen), iou(maps, own)
    return [float(np.nanmean(each)) if not np.isnan(each).all() else np.nan for each in values]
