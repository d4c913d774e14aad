"""Fewer maps, worse maps: what a data set would be if its annotators had done less.

For asking what annotation is worth. Only training images lose or change their maps; what is
measured stays true. Everything is decided by (seed, row): the images annotated at 10 % are among
those at 25 %, and a row's map is spoilt alike in every run.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from jaxtyping import Bool
from scipy.ndimage import distance_transform_edt, gaussian_filter

from lookright.configuration import Annotation
from lookright.data.sample import Evidence

Region = Bool[np.ndarray, "height width"]
WAVE = 0.05  # of the side: how far apart an unsteady hand's wobbles are


def asked(rows: pl.DataFrame, annotation: Annotation) -> pl.Series:
    """Say which rows keep their map: all but a part of the training rows that have one.

    The part is the same share of each class, rounded, but at least one image in all.
    """
    candidates = (pl.col("split") == "train") & pl.col("annotated")
    places = rows.select(candidates).to_series().arg_true().to_numpy()
    chance = np.random.default_rng([annotation.seed, 0]).random(len(rows))[places]
    labels = rows["label"].to_numpy()[places]
    # Ranked within the class as a share of it, so that any first part is balanced.
    rank = np.empty(len(places))
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        rank[own[np.argsort(chance[own])]] = (np.arange(len(own)) + 0.5) / len(own)
    wanted = max(1, round(annotation.share * len(places))) if annotation.share else 0
    kept = rows["annotated"].to_numpy().copy()
    kept[places] = False
    kept[places[np.argsort(rank, kind="stable")[:wanted]]] = True
    return pl.Series("annotated", kept)


def spoil(
    drawn: Evidence, annotation: Annotation, row: int, another: Callable[[], Evidence]
) -> Evidence:
    """Return the map of a row as a careless annotator would have left it.

    `another` gives the map of another image, on the grid of this one. An empty map stays empty.
    """
    random = np.random.default_rng([annotation.seed, 1, row])
    if not (drawn > 0).any() or annotation.corruption == "none":
        return drawn
    if annotation.corruption in ("misplaced", "swapped"):
        if random.random() >= annotation.amount:
            return drawn
        return another() if annotation.corruption == "swapped" else _misplaced(drawn, random)
    return SPOILING[annotation.corruption](drawn, annotation.amount, random)


def _shifted(drawn: Evidence, amount: float, random: np.random.Generator) -> Evidence:
    """Move it by `amount` of the side, in any direction; what leaves the image is lost."""
    angle = random.uniform(0, 2 * np.pi)
    height, width = drawn.shape
    down, right = round(amount * height * np.sin(angle)), round(amount * width * np.cos(angle))
    moved = np.zeros_like(drawn)
    moved[_onto(down, height), _onto(right, width)] = drawn[
        _onto(-down, height), _onto(-right, width)
    ]
    return moved


def _onto(step: int, length: int) -> slice:
    return slice(max(step, 0), length + min(step, 0))


def _misplaced(drawn: Evidence, random: np.random.Generator) -> Evidence:
    """Put it anywhere; what leaves the image enters on the other side."""
    steps = [int(random.integers(length)) for length in drawn.shape]
    return np.roll(drawn, steps, (0, 1))


def _missing(drawn: Evidence, amount: float, random: np.random.Generator) -> Evidence:
    """Leave out `amount` of the evidence, all on one side of a straight cut."""
    angle = random.uniform(0, 2 * np.pi)
    down, right = np.mgrid[: drawn.shape[0], : drawn.shape[1]]
    along = down * np.sin(angle) + right * np.cos(angle)
    order = np.argsort(along[drawn > 0])
    share = np.cumsum(drawn[drawn > 0][order]) / drawn.sum()
    edge = along[drawn > 0][order][np.searchsorted(share, amount, side="left")]
    kept = np.where(along > edge, drawn, 0) if amount else drawn
    return kept.astype(np.float32)


def _shrunk(drawn: Evidence, amount: float, random: np.random.Generator) -> Evidence:
    """Keep the innermost part, smaller by `amount` of the area; cut at one half first."""
    depth = _depth(drawn >= _half(drawn))
    return _largest(depth, (depth > 0).sum() * (1 - amount))


def _dilated(drawn: Evidence, amount: float, random: np.random.Generator) -> Evidence:
    """Widen it until it is larger by `amount` of the area; cut at one half first."""
    depth = _depth(drawn >= _half(drawn))
    return _largest(depth, min((depth > 0).sum() * (1 + amount), depth.size))


def _boxes(drawn: Evidence, amount: float, random: np.random.Generator) -> Evidence:
    """Draw the box around it, each side longer by `amount`."""
    inside = drawn >= _half(drawn)
    boxed = np.zeros_like(drawn)
    spans = [_span(np.flatnonzero(inside.any(axis)), amount) for axis in (1, 0)]
    boxed[spans[0], spans[1]] = 1
    return boxed


def _span(places: np.ndarray, amount: float) -> slice:
    longer = amount * (places[-1] - places[0] + 1) / 2
    return slice(max(0, round(places[0] - longer)), round(places[-1] + 1 + longer))


def _noisy(drawn: Evidence, amount: float, random: np.random.Generator) -> Evidence:
    """Let the outline wobble by `amount` of the evidence's own width (root of its area)."""
    depth = _depth(drawn >= _half(drawn))
    wobble = gaussian_filter(
        random.standard_normal(drawn.shape), WAVE * max(drawn.shape), mode="wrap"
    )
    reach = amount * float((depth > 0).sum()) ** 0.5
    return (depth + reach * wobble / wobble.std() > 0).astype(np.float32)


def _half(drawn: Evidence) -> float:
    """Return one half, or less for a map that never gets there."""
    return min(0.5, float(drawn.max()))


def _depth(inside: Region) -> np.ndarray:
    """Return the distance to the outline in pixels, positive inside and negative outside."""
    if inside.all():
        return np.ones(inside.shape)
    return np.asarray(distance_transform_edt(inside)) - np.asarray(distance_transform_edt(~inside))


def _largest(depth: np.ndarray, count: float) -> Evidence:
    kept = np.zeros(depth.size, np.float32)
    kept[np.argsort(-depth, axis=None, kind="stable")[: max(1, round(count))]] = 1
    return kept.reshape(depth.shape)


SPOILING: dict[str, Callable[[Evidence, float, np.random.Generator], Evidence]] = {
    "shifted": _shifted,
    "missing": _missing,
    "shrunk": _shrunk,
    "dilated": _dilated,
    "boxes": _boxes,
    "noisy": _noisy,
}
