"""The box round the largest patch, against labelling by another library."""

import numpy as np
import pytest
from scipy import ndimage

from lookright.metrics import parts
from lookright.metrics.boxes import (
    THRESHOLDS,
    area,
    best_share,
    box_iou,
    box_overlaps,
    evidence_boxes,
    largest_patch,
    max_box_accuracy,
    max_box_accuracy_v2,
    whole_box,
)


def labelled(found):
    """Find the box of the largest patch image by image, by labelling."""
    boxes = []
    for one in found:
        labels, count = ndimage.label(one, np.ones((3, 3)))
        sizes = np.bincount(labels.ravel(), minlength=2)[1:]
        rows, cols = np.nonzero(labels == sizes.argmax() + 1)
        edges = (rows.min(), cols.min(), rows.max() + 1, cols.max() + 1) if count else (0,) * 4
        boxes.append(edges)
    return np.array(boxes)


@pytest.mark.parametrize("shape", [(30, 7, 9), (10, 30, 30), (20, 1, 6), (20, 6, 1), (20, 2, 2)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.45, 0.7, 1.0])
def test_the_largest_patch_is_that_of_labelling(shape, share):
    found = np.random.default_rng(1).random(shape) < share
    np.testing.assert_array_equal(largest_patch(found), labelled(found))


def test_patches_touch_at_corners_but_not_over_the_edge_of_the_image():
    found = np.zeros((2, 3, 4), dtype=bool)
    found[0, [0, 1, 2], [0, 1, 2]] = True  # a diagonal
    found[1, 0, 3] = found[1, 1, 0] = found[1, 2, 0] = True  # right edge, then left edge
    np.testing.assert_array_equal(largest_patch(found), [[0, 0, 3, 3], [1, 0, 3, 1]])


def test_the_last_row_of_an_image_does_not_touch_the_first_of_the_next():
    found = np.ones((3, 2, 3), dtype=bool)
    np.testing.assert_array_equal(largest_patch(found), [[0, 0, 2, 3]] * 3)


def test_boxes_overlap_by_intersection_over_union():
    box, other = np.array([[0, 0, 4, 4]]), np.array([[2, 2, 6, 4]])
    assert box_iou(box, other) == pytest.approx([4 / (16 + 8 - 4)])
    assert box_iou(box, box) == [1]
    assert box_iou(box, np.array([[5, 5, 9, 9]])) == [0]
    assert box_iou(box, np.zeros((1, 4), int)) == [0]


def test_evidence_has_the_tightest_box():
    evidence = np.zeros((3, 5, 6))
    evidence[0, 1, 2] = evidence[0, 3, 4] = 1
    evidence[1] = 0.4
    evidence[2] = np.nan
    boxes = evidence_boxes(evidence)
    np.testing.assert_array_equal(boxes, [[1, 2, 4, 5], [0] * 4, [0] * 4])
    np.testing.assert_array_equal(area(boxes), [9, 0, 0])


def blobs(count=12, side=20):
    """Draw one bump per image, and a box that fits it at a threshold of its own."""
    generator = np.random.default_rng(2)
    rows, cols = np.mgrid[:side, :side]
    at = generator.uniform(6, 14, (count, 2, 1, 1))
    maps = np.exp(-((rows - at[:, 0]) ** 2 + (cols - at[:, 1]) ** 2) / 18)
    fit = generator.uniform(0.2, 0.6, count)
    return maps, labelled(maps >= fit[:, None, None])


def test_overlaps_are_those_of_every_threshold():
    maps, boxes = blobs()
    found = box_overlaps(maps, boxes)
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    for at, threshold in enumerate(THRESHOLDS):
        expected = box_iou(labelled((maps - low) / (high - low) >= threshold), boxes)
        np.testing.assert_allclose(found[:, at], expected, atol=1e-12)


def test_the_best_threshold_is_one_for_all_images():
    maps, boxes = blobs()
    shares = (box_overlaps(maps, boxes) >= 0.7).mean(0)
    best = max_box_accuracy(maps, boxes, 0.7)
    assert best.value == shares.max() > 0.5
    assert shares[THRESHOLDS.index(best.threshold)] == best.value
    alone = [max_box_accuracy(maps, boxes, overlap).value for overlap in (0.3, 0.5, 0.7)]
    assert max_box_accuracy_v2(maps, boxes) == pytest.approx(np.mean(alone))


def test_chance_is_the_box_of_the_whole_image():
    maps, boxes = blobs()
    share = (box_iou(whole_box(maps), boxes) >= 0.5).mean()
    assert share == (area(boxes) / 400 >= 0.5).mean()


def test_flat_maps_and_missing_boxes_are_undefined_and_do_not_enter():
    maps, boxes = blobs(6)
    alone = max_box_accuracy(maps[:3], boxes[:3])
    maps[3], maps[4, 0, 0], boxes[5] = 1, np.nan, 0
    undefined = np.isnan(box_overlaps(maps, boxes)).all(1)
    np.testing.assert_array_equal(undefined, [False] * 3 + [True] * 3)
    assert max_box_accuracy(maps, boxes) == alone
    assert np.isnan(best_share(box_overlaps(maps[3:], boxes[3:]), 0.5)).all()


def test_parts_change_no_value(monkeypatch):
    maps, boxes = blobs()
    whole = box_overlaps(maps, boxes)
    monkeypatch.setattr(parts, "CELLS", 50)  # two maps of 400 cells at a time
    np.testing.assert_array_equal(box_overlaps(maps, boxes), whole)


def test_no_image_gives_no_value():
    nothing = box_overlaps(np.empty((0, 3, 3)), np.empty((0, 4), int))
    assert nothing.shape == (0, len(THRESHOLDS))
