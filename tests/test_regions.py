"""Regions of maps against regions of evidence, by other libraries and by loops."""

import cv2
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from known_maps import HUMAN, MAPS, MASKS, QUANTUS
from lookright.metrics import parts
from lookright.metrics.agreement import energy_pointing, iou
from lookright.metrics.regions import (
    iou_curve,
    iou_mean,
    iou_otsu,
    pixel_precision,
    pxap,
    relevance_rank,
    top_share,
    tuned_threshold,
)

MEASURES = {
    "iou_curve": iou_curve,
    "iou_mean": iou_mean,
    "iou_otsu": iou_otsu,
    "pixel_precision": pixel_precision,
    "relevance_rank": relevance_rank,
    "top_share": lambda maps, evidence: top_share(maps, evidence, 5),
}


@pytest.fixture
def drawn():
    generator = np.random.default_rng(0)
    return generator.normal(size=(5, 8, 6)), generator.random((5, 8, 6))


def levels(maps):
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return np.minimum((maps - low) / (high - low) * 256, 255).astype(np.uint8)


def test_quantus_gives_the_same_mass_and_ranks():
    evidence = MASKS.astype(float)
    np.testing.assert_allclose(energy_pointing(MAPS, evidence), QUANTUS["mass"], atol=1e-6)
    np.testing.assert_allclose(relevance_rank(MAPS, evidence), QUANTUS["rank"], atol=1e-6)
    np.testing.assert_allclose(top_share(MAPS, evidence, 20), QUANTUS["top 20"], atol=1e-6)


def test_the_curve_is_the_iou_at_every_threshold(drawn):
    curve = iou_curve(*drawn)
    assert curve.shape == (5, 255)
    for at in (0, 1, 100, 127, 254):
        np.testing.assert_allclose(curve[:, at], iou(*drawn, (at + 1) / 256), atol=1e-12)
    np.testing.assert_allclose(iou_mean(*drawn), curve.mean(1), atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_opencv_finds_the_same_threshold_by_otsu(seed):
    generator = np.random.default_rng(seed)
    peak = generator.normal(size=(3, 15, 20)) + 4 * (generator.random((3, 15, 20)) < 0.3)
    evidence = generator.random(peak.shape)
    for one, marked, value in zip(peak, evidence, iou_otsu(peak, evidence), strict=True):
        _, found = cv2.threshold(levels(one[None])[0], 0, 1, cv2.THRESH_OTSU)
        both = (found > 0) & (marked > 0.5)
        assert value == pytest.approx(both.sum() / ((found > 0) | (marked > 0.5)).sum())


def test_two_valued_maps_are_split_between_their_values():
    evidence = np.zeros((1, 4, 4))
    evidence[0, 1:3, 1:3] = 1
    assert iou_otsu(5 + 2 * evidence, evidence) == pytest.approx([1])
    assert iou_mean(5 + 2 * evidence, evidence) == pytest.approx([1])


def test_the_tuned_threshold_is_the_best_on_average(drawn):
    best = tuned_threshold(*drawn)
    means = [iou(*drawn, step / 256).mean() for step in range(1, 256)]
    assert best == (np.argmax(means) + 1) / 256
    assert iou(*drawn, best).mean() == pytest.approx(max(means))


def test_undefined_images_do_not_tune(drawn):
    maps, evidence = drawn
    best = tuned_threshold(maps[:3], evidence[:3])
    maps[3], evidence[4] = 1, np.nan
    assert tuned_threshold(maps, evidence) == best
    assert np.isnan(tuned_threshold(maps[3:], evidence[3:]))


def test_precision_over_levels_is_the_average_precision_of_the_levels(drawn):
    maps, evidence = drawn
    by_hand = [
        average_precision_score(marked.ravel() > 0.5, one.ravel())
        for one, marked in zip(levels(maps), evidence, strict=True)
    ]
    np.testing.assert_allclose(pixel_precision(maps, evidence), by_hand, atol=1e-12)
    pooled = average_precision_score(evidence.ravel() > 0.5, levels(maps).ravel())
    assert pxap(maps, evidence) == pytest.approx(pooled, abs=1e-12)


def test_a_perfect_map_has_full_precision_and_images_without_evidence_do_not_enter(drawn):
    maps, evidence = drawn
    alone = pxap(maps[:3], evidence[:3])
    evidence[3], evidence[4] = np.nan, 0
    assert pxap(maps, evidence) == pytest.approx(alone, abs=1e-12)
    assert pxap(evidence[:3], evidence[:3]) == pytest.approx(1)
    assert np.isnan(pxap(maps[3:], evidence[3:]))


@pytest.mark.parametrize("count", [1, 7, 48, 1000])
def test_the_strongest_cells_are_those_that_sorting_finds(count, drawn):
    maps, evidence = drawn
    for one, marked, value in zip(maps, evidence, top_share(maps, evidence, count), strict=True):
        inside = marked.ravel()[np.argsort(-one.ravel())][:count] > 0.5
        assert value == pytest.approx(inside.mean())


def test_the_rank_of_the_evidence_itself_is_one_and_of_a_flat_map_the_area_share():
    evidence = np.zeros((1, 4, 5))
    evidence[0, :2, :3] = 1
    assert relevance_rank(evidence, evidence) == pytest.approx([1])
    assert relevance_rank(1 - evidence, evidence) == pytest.approx([0])
    assert relevance_rank(np.ones((1, 4, 5)), evidence) == pytest.approx([6 / 20])


def test_equal_cells_at_the_border_count_with_the_share_that_hits():
    evidence = np.array([[[1.0, 1, 1, 0, 0]]])
    maps = np.array([[[9.0, 5, 1, 5, 5]]])  # the second and third place: one of three hits each
    assert relevance_rank(maps, evidence) == pytest.approx([(1 + 2 / 3) / 3])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("nothing", [0.4, np.nan], ids=["faint", "nobody was asked"])
def test_without_a_region_of_evidence_there_is_no_value(measure, nothing, drawn):
    maps, evidence = drawn
    evidence[1] = nothing
    values = MEASURES[measure](maps, evidence).reshape(5, -1)[:, 0]
    np.testing.assert_array_equal(np.isnan(values), [False, True, False, False, False])


@pytest.mark.parametrize("measure", MEASURES)
def test_a_broken_map_is_undefined_and_spoils_no_other(measure, drawn):
    maps, evidence = drawn
    whole = MEASURES[measure](maps, evidence)
    maps[2, 0, 0] = np.nan
    values = MEASURES[measure](maps, evidence)
    assert np.isnan(values[2]).all()
    np.testing.assert_array_equal(values[[0, 1, 3, 4]], whole[[0, 1, 3, 4]])


@pytest.mark.parametrize("measure", ["iou_curve", "iou_mean", "iou_otsu", "pixel_precision"])
def test_a_flat_map_has_no_regions(measure):
    assert np.isnan(MEASURES[measure](np.full((1, 3, 3), 2.0), np.eye(3)[None])).all()


def test_parts_change_no_value(drawn, monkeypatch):
    whole = [measure(*drawn) for measure in MEASURES.values()]
    pooled = pxap(*drawn)
    monkeypatch.setattr(parts, "CELLS", 100)
    for before, measure in zip(whole, MEASURES.values(), strict=True):
        np.testing.assert_array_equal(before, measure(*drawn))
    assert pxap(*drawn) == pytest.approx(pooled, abs=1e-14)


def test_no_image_gives_no_value():
    nothing = np.empty((0, 3, 3))
    assert all(len(measure(nothing, nothing)) == 0 for measure in MEASURES.values())
    assert np.isnan(pxap(nothing, nothing))


def test_soft_evidence_counts_where_it_exceeds_one_half():
    np.testing.assert_array_equal(iou_mean(MAPS, HUMAN), iou_mean(MAPS, MASKS.astype(float)))
