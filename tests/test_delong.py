"""AUROCs on the same images, against a loop over pairs, published numbers and simulation."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score

from lookright.stats import delong
from lookright.stats.estimate import placements, ranking
from lookright.stats.tested import by_normal
from lookright.stats.units import each_group

ASAH = os.environ.get("LOOKRIGHT_ASAH", "")  # the aSAH data of pROC as CSV; GPL, so not here


def pair(positive: float, negative: float) -> float:
    return 1.0 if positive > negative else 0.5 if positive == negative else 0.0


def by_pairs(positive, scores):
    """Compute areas and covariance by the definition, pair by pair."""
    values, ups, downs = [], [], []
    for row in scores:
        wins = [[pair(a, b) for b in row[~positive]] for a in row[positive]]
        up = [sum(line) / len(line) for line in wins]
        down = [sum(line[k] for line in wins) / len(wins) for k in range(len(wins[0]))]
        values.append(sum(up) / len(up))
        ups.append(up)
        downs.append(down)

    def covariance(columns, i, j):
        products = [
            (a - values[i]) * (b - values[j]) for a, b in zip(columns[i], columns[j], strict=True)
        ]
        return sum(products) / (len(products) - 1) / len(products)

    runs = range(len(values))
    spread = [[covariance(ups, i, j) + covariance(downs, i, j) for j in runs] for i in runs]
    return np.array(values), np.array(spread)


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12), st.sampled_from([2, 4, 999]))
@settings(max_examples=40, deadline=None)
def test_areas_and_covariance_are_those_of_a_loop_over_pairs(seed, ill, healthy, levels):
    random = np.random.default_rng(seed)
    positive = random.permutation(np.arange(ill + healthy) < ill)
    scores = random.integers(0, levels, (3, ill + healthy)) / levels
    found, (values, spread) = delong.areas(positive, scores), by_pairs(positive, scores)
    np.testing.assert_allclose(found.values, values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.covariance, spread, rtol=0, atol=1e-12)


def test_the_area_is_that_of_scikit_learn_with_many_images_and_ties():
    random = np.random.default_rng(0)
    positive, scores = random.random(20_000) < 0.3, random.integers(0, 500, (2, 20_000)) / 500
    expected = [roc_auc_score(positive, row) for row in scores]
    assert delong.areas(positive, scores).values.tolist() == pytest.approx(expected, abs=1e-12)


def test_the_mean_placement_of_either_class_is_the_area():
    random = np.random.default_rng(1)
    positive, scores = random.random(60) < 0.5, random.random(60)
    placed = placements(positive, scores)
    assert placed[positive].mean() == pytest.approx(placed[~positive].mean(), abs=1e-12)


@pytest.mark.skipif(not ASAH, reason="LOOKRIGHT_ASAH names no table")
def test_the_published_numbers_of_the_asah_data():
    table = pl.read_csv(Path(ASAH))
    names = ["wfns", "s100b", "ndka"]
    scores = table.select(pl.col(names).cast(pl.Float64)).to_numpy().T.copy()
    positive = (table["outcome"] == "Poor").to_numpy()
    found = delong.areas(positive, scores)
    assert (found.positives, found.negatives) == (41, 72)
    areas = [0.8236788617886179, 0.7313685636856369, 0.6119579945799458]
    assert found.values.tolist() == pytest.approx(areas, abs=1e-14)
    variances = [0.00146991470882363, 0.00266868245717244, 0.0031908105493913]
    assert np.diag(found.covariance).tolist() == pytest.approx(variances, abs=1e-16)
    spread = found.covariance
    shared = [-0.000532967856762438, -0.000756164938056579, 0.00119615567376754]
    assert [spread[0, 2], spread[2, 1], spread[1, 0]] == pytest.approx(shared, abs=1e-16)
    first = delong.difference(found, 0, 1)
    assert (first.statistic, first.p) == pytest.approx((2.20898359144091, 0.0271757822291882))
    assert (first.low, first.high) == pytest.approx((0.0104061769564846, 0.174214419249478))
    second, third = delong.difference(found, 0, 2), delong.difference(found, 2, 1)
    assert (second.statistic, second.p) == pytest.approx((2.79777591868904, 0.00514557970691098))
    assert (third.statistic, third.p) == pytest.approx((-1.39077002573558, 0.164295175223054))


def test_two_runs_that_rank_alike_have_no_test_and_say_why():
    random = np.random.default_rng(2)
    positive, scores = random.random(80) < 0.5, random.random(80)
    found = delong.difference(delong.areas(positive, np.stack([scores, scores**3])), 0, 1)
    assert found.estimate == 0
    assert np.isnan([found.low, found.p]).all()
    assert "no image makes a difference" in found.note


def test_a_class_with_one_image_gives_an_area_without_an_interval():
    positive = np.array([True, False, False, False])
    found = delong.areas(positive, np.array([[0.5, 0.1, 0.6, 0.2]]))
    assert found.values.tolist() == pytest.approx([2 / 3])
    assert np.isnan(found.covariance).all()
    assert "two images" in delong.interval(found, 0).note
    assert np.isnan(delong.areas(~np.ones(3, bool), np.ones((1, 3))).values).all()


def test_one_undefined_run_leaves_the_others_alone():
    random = np.random.default_rng(3)
    positive, scores = random.random(50) < 0.5, random.random((3, 50))
    alone = delong.areas(positive, scores[[0, 2]])
    scores[1, 7] = np.nan
    found = delong.areas(positive, scores)
    assert np.isnan(found.values[1])
    np.testing.assert_allclose(found.covariance[np.ix_([0, 2], [0, 2])], alone.covariance)


def test_a_faultless_ranking_has_an_interval_that_narrows_with_the_images():
    few, many = (
        delong.interval(delong.areas(np.arange(2 * n) >= n, np.arange(2.0 * n)[None]), 0)
        for n in (10, 100)
    )
    assert few.high == many.high == 1
    assert few.low < many.low < 1
    assert "exactly 1" in few.note
    mirrored = delong.at_the_end(0.0, 10, 10)
    assert (mirrored.low, mirrored.high) == pytest.approx((0, 1 - few.low))


def test_the_interval_of_a_nearly_faultless_ranking_stays_within_its_bounds():
    scores = np.arange(40.0)[None].copy()
    scores[0, 20] = 18.5
    areas = delong.areas(np.arange(40) >= 20, scores)
    found = delong.interval(areas, 0)
    assert 0 < found.low < found.estimate < found.high < 1
    variance = float(areas.covariance[0, 0])
    assert by_normal(float(areas.values[0]), variance).high > 1


def draws(seed: int, count: int, gain: float, images: int = 120):
    """Draw test sets and two equally good runs that err alike on some images."""
    random = np.random.default_rng(seed)
    positive = np.arange(images) < images // 3
    for _ in range(count):
        shared, own = random.normal(size=images), random.normal(size=(2, images))
        yield positive, gain * positive + shared + own


def test_the_test_errs_as_often_as_it_says():
    ps = [delong.difference(delong.areas(*drawn), 0, 1).p for drawn in draws(0, 600, 1.5)]
    assert np.mean(np.array(ps) < 0.05) == pytest.approx(0.05, abs=0.025)


@pytest.mark.parametrize("gain", [1.5, 3.0], ids=["areas of 0.77", "areas of 0.93"])
def test_the_interval_covers_as_often_as_it_says(gain: float):
    # scores differ by gain with variance 2 + 2: the area is that of the normal curve
    true = ndtr(gain / 2)
    found = [delong.interval(delong.areas(y, s[:1]), 0) for y, s in draws(1, 500, gain)]
    covered = np.mean([each.low <= true <= each.high for each in found])
    assert covered == pytest.approx(0.95, abs=0.03)


def test_patients_are_no_images():
    """Copies of an image add no evidence: the interval over patients is that of one image each."""
    random = np.random.default_rng(4)
    positive, scores = random.random(60) < 0.5, random.random((2, 60))
    single = delong.areas(positive, scores)
    patients = np.repeat(np.arange(60), 3)
    many = ranking(positive[patients], scores[:, patients])
    units = each_group(positive[patients].astype(int), patients, "patient")
    np.testing.assert_allclose(many.covariance(units), single.covariance, atol=1e-12)
