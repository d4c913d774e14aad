"""Does it look right? The largest patch of a map against a box somebody drew, image by image.

A box is (top, left, bottom, right) in cells, the last two exclusive; one without cells is none.
A patch is a set of cells of the map, stretched to [0, 1], at or above a threshold that touch each
other, also at corners; the largest has the most cells. Undefined for a flat map and without a box.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lookright.metrics.parts import Maps, Regions, in_parts, rescaled, varied, where

THRESHOLDS = tuple(step / 20 for step in range(1, 20))

Boxes = Int[np.ndarray, "images 4"]
Overlaps = Float[np.ndarray, "images thresholds"]


class Best(NamedTuple):
    """A share of images, and the threshold that gives it."""

    value: float
    threshold: float


class Runs(NamedTuple):
    """Neighbouring found cells of one row: where they start and end in the padded stack."""

    start: Int[np.ndarray, " runs"]
    end: Int[np.ndarray, " runs"]


def box_overlaps(maps: Maps, boxes: Boxes, thresholds: Sequence[float] = THRESHOLDS) -> Overlaps:
    """Return the IoU of the drawn box and the box round the map's largest patch, by threshold."""

    def overlap(maps: Maps, boxes: Boxes) -> Overlaps:
        """Return the overlap of the boxes of a part, threshold by threshold."""
        scaled = rescaled(maps)
        found = [box_iou(largest_patch(scaled >= each), boxes) for each in thresholds]
        return where(varied(maps) & (area(boxes) > 0), np.stack(found, 1))

    return in_parts(overlap, maps, boxes, times=16)


def max_box_accuracy(
    maps: Maps,
    boxes: Boxes,
    overlap: float = 0.5,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Best:
    """Return the share of images whose boxes overlap enough, at the best threshold (MaxBoxAcc).

    Choe et al., "Evaluating weakly supervised object localization methods right", CVPR 2020, eq.
    2: one threshold for all images, chosen on them (the paper tries 1000). Chance is the share
    that `whole_box` gets. Undefined images do not enter; none at all: NaN.
    """
    return best_share(box_overlaps(maps, boxes, thresholds), overlap, thresholds)


def max_box_accuracy_v2(
    maps: Maps,
    boxes: Boxes,
    overlaps: Sequence[float] = (0.3, 0.5, 0.7),
    thresholds: Sequence[float] = THRESHOLDS,
) -> float:
    """Return the mean of MaxBoxAcc over several overlaps, each with its own best threshold.

    Choe et al., "Evaluation for weakly supervised object localization: protocol, metrics, and
    datasets", TPAMI 2022; theirs looks at all patches, ours at the largest.
    """
    found = box_overlaps(maps, boxes, thresholds)
    return float(np.mean([best_share(found, each, thresholds).value for each in overlaps]))


def best_share(found: Overlaps, overlap: float, thresholds: Sequence[float] = THRESHOLDS) -> Best:
    """Return the largest share of images with at least this overlap, over the thresholds."""
    defined = found[~np.isnan(found).any(1)]
    if not len(defined):
        return Best(np.nan, np.nan)
    shares = (defined >= overlap).mean(0)
    return Best(float(shares.max()), thresholds[int(shares.argmax())])


def evidence_boxes(evidence: Maps) -> Boxes:
    """Return the tightest box round the cells above 0.5 of each map; (0, 0, 0, 0) round none."""
    rows, cols = evidence.max(2) > 0.5, evidence.max(1) > 0.5
    edges = [_first(rows), _first(cols), _after(rows), _after(cols)]
    return np.stack(edges, 1) * (rows.sum(1) > 0)[:, None]


def whole_box(maps: Maps) -> Boxes:
    """Return the box of the whole image, for every image: knowing nothing."""
    return np.tile([0, 0, *maps.shape[1:]], (len(maps), 1))


def box_iou(boxes: Boxes, others: Boxes) -> Float[np.ndarray, " images"]:
    """Return intersection over union of boxes pair by pair; of two without cells 0."""
    both = np.concatenate(
        [np.maximum(boxes[:, :2], others[:, :2]), np.minimum(boxes[:, 2:], others[:, 2:])], 1
    )
    shared = area(both)
    return shared / np.maximum(area(boxes) + area(others) - shared, 1)


def area(boxes: Boxes) -> Int[np.ndarray, " images"]:
    """Return how many cells a box has."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), 1)


def largest_patch(found: Regions) -> Boxes:
    """Return the box round the largest patch of each image; (0, 0, 0, 0) where nothing is found.

    Patches of one size: the one that is met first, row by row.
    """
    images, rows, cols = found.shape
    # An empty row below and an empty column right of each image keep neighbours apart.
    padded = np.pad(found, ((0, 0), (0, 1), (0, 1)))
    edges = np.flatnonzero(np.diff(padded.ravel(), prepend=False))
    runs = Runs(edges[::2], edges[1::2])
    boxes = np.zeros((images, 4), dtype=int)
    if len(runs.start):
        owner = runs.start // ((rows + 1) * (cols + 1))
        kept = _of_largest(_patches(runs, cols + 1), runs.end - runs.start, owner)
        shown, first = np.unique(owner[kept], return_index=True)
        row, left = np.divmod(runs.start[kept] % ((rows + 1) * (cols + 1)), cols + 1)
        right = left + (runs.end - runs.start)[kept]
        extremes = (
            (np.minimum, row),
            (np.minimum, left),
            (np.maximum, row + 1),
            (np.maximum, right),
        )
        boxes[shown] = np.stack([most.reduceat(edge, first) for most, edge in extremes], 1)
    return boxes


def _patches(runs: Runs, width: int) -> Int[np.ndarray, " runs"]:
    """Number the patches that runs belong to: those that touch in the next row are one."""
    first = np.searchsorted(runs.end, runs.start + width - 1, "right")
    touching = np.searchsorted(runs.start, runs.end + width, "right") - first
    count = np.maximum(touching, 0)
    upper = np.repeat(np.arange(len(count)), count)
    lower = first[upper] + np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count)
    shape = (len(count), len(count))
    graph = coo_array((np.ones(len(upper), dtype=bool), (upper, lower)), shape)
    return connected_components(graph, directed=False)[1]


def _of_largest(
    patch: Int[np.ndarray, " runs"],
    cells: Int[np.ndarray, " runs"],
    owner: Int[np.ndarray, " runs"],
) -> Bool[np.ndarray, " runs"]:
    """Flag the runs that belong to the patch with the most cells of their image."""
    _, first = np.unique(patch, return_index=True)
    sizes = np.bincount(patch, cells)
    rising = np.lexsort((-first, sizes, owner[first]))
    last = np.append(np.diff(owner[first][rising]) > 0, True)
    largest = np.zeros(len(first), dtype=bool)
    largest[rising[last]] = True
    return largest[patch]


def _first(flags: Bool[np.ndarray, "images places"]) -> Int[np.ndarray, " images"]:
    return flags.argmax(1)


def _after(flags: Bool[np.ndarray, "images places"]) -> Int[np.ndarray, " images"]:
    return flags.shape[1] - flags[:, ::-1].argmax(1)
