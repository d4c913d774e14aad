"""Test sets drawn again: BCa against scipy, patients against copies, coverage by simulation."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from lookright.stats import bootstrap, estimate
from lookright.stats.units import each_group, each_image


def one_class(count: int):
    return each_image(np.zeros(count, dtype=int))


def area(negative, positive, axis=-1):
    """Rank by all pairs, over resamples in front."""
    above = positive[..., :, None] > negative[..., None, :]
    ties = positive[..., :, None] == negative[..., None, :]
    return (above + ties / 2).mean((-1, -2))


def test_the_interval_of_a_mean_is_that_of_scipy_on_the_same_draws():
    values = np.random.default_rng(5).gamma(1.0, size=40)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=999, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    (found,) = bootstrap.intervals(estimate.mean(values[None]), one_class(40), 999)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-10)


def test_the_interval_of_an_area_is_that_of_scipy_with_two_samples_on_the_same_draws():
    random = np.random.default_rng(6)
    negative, positive = random.integers(0, 9, 25) / 9, random.integers(2, 12, 18) / 9
    expected = scipy.stats.bootstrap(
        (negative, positive),
        area,
        n_resamples=999,
        method="BCa",
        vectorized=True,
        rng=np.random.default_rng(0),
    ).confidence_interval
    labels, scores = np.repeat([0, 1], [25, 18]), np.concatenate([negative, positive])
    found = estimate.ranking(labels == 1, scores[None])
    (interval,) = bootstrap.intervals(found, each_image(labels), 999)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=1e-10)


def test_resampled_areas_are_those_of_the_images_that_were_drawn():
    random = np.random.default_rng(7)
    labels, scores = np.repeat([0, 1], [9, 7]), random.integers(0, 5, (2, 16)) / 5.0
    found, units = estimate.ranking(labels == 1, scores), each_image(labels)
    again = bootstrap.replicates(found, units, 50)
    (weights,) = bootstrap.drawn(units, 50)
    for column, counts in enumerate(weights.T.astype(int)):
        assert counts[:9].sum() == 9
        assert counts[9:].sum() == 7
        drawn = np.repeat(scores, counts, axis=1)
        expected = [area(row[:9], row[9:]) for row in drawn]
        assert again[:, column].tolist() == pytest.approx(expected, abs=1e-12)


def test_means_leave_out_what_is_undefined_in_every_resample():
    values = np.array([[1.0, np.nan, 3.0, 8.0], [2.0, 2.0, np.nan, 4.0]])
    found = estimate.mean(values)
    assert found.values.tolist() == [4.0, pytest.approx(8 / 3)]
    assert found.counts.tolist() == [3, 3]
    weights = np.array([[2.0, 0], [1, 4], [0, 0], [1, 0]])
    again = found.again(weights)
    assert again[:, 0].tolist() == pytest.approx([10 / 3, 10 / 4])
    assert np.isnan(again[0, 1])
    assert again[1, 1] == 2


def test_draws_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch):
    found, units = estimate.mean(np.random.default_rng(8).random((1, 30))), one_class(30)
    whole = bootstrap.replicates(found, units, 100)
    monkeypatch.setattr(bootstrap, "CELLS", 300)
    assert max(weights.size for weights in bootstrap.drawn(units, 100)) <= 300
    np.testing.assert_allclose(bootstrap.replicates(found, units, 100), whole, atol=1e-12)


def test_all_images_of_a_patient_are_drawn_together_and_within_the_rarest_class():
    labels, patients = np.array([0, 0, 0, 0, 0, 1, 0, 1]), np.array(list("aabbccdd"))
    units = each_group(labels, patients, "patient")
    assert units.name == "patient"
    assert units.strata.tolist() == [0, 0, 1, 1]
    (weights,) = bootstrap.drawn(units, 200)
    np.testing.assert_array_equal(weights[::2], weights[1::2])
    assert (weights[[0, 2]].sum(0) == 2).all()


def test_one_image_per_patient_is_images():
    labels = np.array([0, 1, 0])
    assert each_group(labels, np.array([7, 8, 9]), "patient").name == "images"


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        (np.arange(20.0), "all resamples agree"),
        (np.full(20, 0.5), "all resamples agree"),
        (np.where(np.arange(20) == 3, np.nan, 1.0), "undefined"),
    ],
    ids=["faultless", "constant", "undefined"],
)
def test_where_there_is_no_interval_it_says_why(scores, why: str):
    labels = np.repeat([0, 1], 10)
    found = estimate.ranking(labels == 1, scores[None])
    (interval,) = bootstrap.intervals(found, each_image(labels), 200)
    assert np.isnan(interval.low)
    assert why in interval.note


def test_a_mean_of_one_defined_image_is_undefined_in_too_many_resamples():
    values = np.full((1, 20), np.nan)
    values[0, 3] = 1.0
    (interval,) = bootstrap.intervals(estimate.mean(values), one_class(20), 200)
    assert "undefined in too many resamples" in interval.note


@pytest.mark.parametrize(
    ("images", "runs", "resamples"), [(1000, 2, 2000), (1000, 40, 2000), (100_000, 40, 0)]
)
def test_the_number_of_resamples_follows_the_work(images: int, runs: int, resamples: int):
    found = estimate.mean(np.zeros((1, images)))
    assert bootstrap.affordable(replace(found, cost=4 * runs)) == resamples


def test_the_influence_of_an_image_is_what_leaving_it_out_does():
    """The jackknife in closed form: within a class, n - 1 times the change is its influence."""
    random = np.random.default_rng(9)
    labels, scores = np.repeat([0, 1], [12, 8]), random.integers(0, 6, 20) / 6.0
    found = estimate.ranking(labels == 1, scores[None])
    for left_out in range(20):
        kept = np.arange(20) != left_out
        without = estimate.ranking(labels[kept] == 1, scores[None, kept]).values[0]
        others = (labels == labels[left_out]).sum() - 1
        change = (found.values[0] - without) * others / (others + 1)
        assert change == pytest.approx(found.influence[0, left_out], abs=1e-12)


def covered(units_of, truth: float, draw, count: int) -> float:
    hits = 0
    for number in range(count):
        labels, groups, scores = draw(np.random.default_rng([1, number]))
        found = estimate.ranking(labels == 1, scores[None])
        (interval,) = bootstrap.intervals(found, units_of(labels, groups), 600, seed=number)
        hits += interval.low <= truth <= interval.high
    return hits / count


def with_patients(random: np.random.Generator):
    """Draw sixty patients with four images each, which look alike."""
    groups = np.repeat(np.arange(60), 4)
    labels = (groups % 2).astype(int)
    scores = labels + random.normal(size=60)[groups] + 0.3 * random.normal(size=240)
    return labels, groups, scores


def test_intervals_over_patients_cover_as_often_as_they_say_and_over_images_too_rarely():
    truth = scipy.stats.norm.cdf(1 / (2 * 1.09) ** 0.5)
    over_patients = covered(lambda y, g: each_group(y, g, "patient"), truth, with_patients, 250)
    over_images = covered(lambda y, _: each_image(y), truth, with_patients, 60)
    assert over_patients == pytest.approx(0.95, abs=0.035)
    assert over_images < 0.85
