"""Seeds and images at once: limits that are known, and coverage by simulation."""

import numpy as np
import pytest

from lookright import stats
from lookright.stats import crossed


def test_without_shared_images_it_is_the_paired_t_test():
    first, second = (0.71, 0.72, 0.70, 0.73, 0.69), (0.75, 0.77, 0.74, 0.78, 0.76)
    found = crossed.over_both(np.subtract(second, first), np.eye(5) * 1e-4)
    expected = stats.paired(second, first)
    assert (found.p, found.low, found.high) == pytest.approx(
        (expected.p_t, expected.difference_low, expected.difference_high)
    )


def test_without_spread_over_seeds_it_is_the_test_over_images():
    values = np.full(4, 0.05)
    found = crossed.over_both(values, np.full((4, 4), 0.02**2))
    assert found.statistic == pytest.approx(2.5)
    assert found.p == pytest.approx(0.0124193, rel=1e-3)


def test_what_seeds_share_cannot_be_averaged_away():
    random = np.random.default_rng(0)
    widths = []
    for count in (5, 500):
        values = random.normal(0, 0.01, count)
        found = crossed.over_both(values, np.full((count, count), 0.03**2))
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(2 * 1.96 * 0.03, rel=0.01)
    assert widths[1] < widths[0]


@pytest.mark.parametrize("seeds", [0, 1, 2], ids=["BM03-none", "BM03-one", "BM03-two"])
def test_BM03_too_few_seeds_give_no_interval(seeds: int):
    found = crossed.over_both(np.full(seeds, 0.1), np.eye(seeds))
    assert np.isnan([found.low, found.p]).all()
    assert "no interval" in found.note


def test_an_unknown_covariance_gives_no_interval():
    found = crossed.over_both(np.arange(3.0), np.full((3, 3), np.nan))
    assert np.isnan(found.p)
    assert "two images" in found.note


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("of_seeds", [0.05, 0.2])
def test_intervals_cover_other_seeds_on_other_images_as_often_as_they_say(seeds, of_seeds):
    random, images, hits = np.random.default_rng(0), 150, 0
    for _ in range(1200):
        seed = random.normal(0, of_seeds, seeds)[:, None]
        values = seed + random.normal(size=images) + random.normal(0, 0.5, (seeds, images))
        found = crossed.over_both(values.mean(1), np.cov(values) / images)
        hits += found.low <= 0 <= found.high
    assert hits / 1200 == pytest.approx(0.95, abs=0.021)
