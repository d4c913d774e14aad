"""The sum of a Gaussian for each look: against scipy and against sums by hand."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lookright.data.gaze.density import Points, density
from lookright.errors import DataError

MODES = {"cut": "constant", "reflected": "reflect"}


def some_points(count: int, size, sigma=(3.0, 5.0), seed: int = 0) -> Points:
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, size[0], count), random.uniform(0, size[1], count)
    across, down = np.full(count, sigma[0]), np.full(count, sigma[1])
    return Points(x, y, random.uniform(0.1, 2, count), across, down)


def impulses(points: Points, size) -> np.ndarray:
    grid = np.zeros((size[1], size[0]))
    np.add.at(grid, (points.y.astype(int), points.x.astype(int)), points.weight)
    return grid


@pytest.mark.parametrize("border", ["cut", "reflected"])
@pytest.mark.parametrize("count", [1, 7, 9000])
def test_a_map_is_what_scipy_filters_out_of_impulses(border, count):
    size = (61, 40)
    points = some_points(count, size)
    expected = gaussian_filter(impulses(points, size), (5.0, 3.0), mode=MODES[border])
    found = density(points, size, border, "none")
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6 * expected.max())


def test_a_reflection_goes_to_and_fro_when_sigma_is_as_large_as_the_image():
    size = (12, 9)
    points = some_points(3, size, (12.0, 9.0))
    expected = gaussian_filter(impulses(points, size), (9.0, 12.0), mode="reflect")
    np.testing.assert_allclose(density(points, size, "reflected", "none"), expected, rtol=1e-5)


def test_a_map_in_the_interior_is_the_sum_of_gaussians():
    size, sigma = (60, 50), 2.0
    points = Points(
        *(np.array(each) for each in ([30.2, 25.9], [20.0, 28.5], [1.0, 3.0])),
        np.full(2, sigma),
        np.full(2, sigma),
    )
    rows, cols = np.mgrid[:50, :60]
    expected = sum(
        w * np.exp(-((cols - int(x)) ** 2 + (rows - int(y)) ** 2) / (2 * sigma**2))
        for x, y, w in zip(points.x, points.y, points.weight, strict=True)
    ) / (2 * np.pi * sigma**2)
    np.testing.assert_allclose(density(points, size, scale="none"), expected, atol=2e-4)


def test_every_look_has_a_sigma_of_its_own():
    size = (40, 30)
    first, second = some_points(4, size, (2.0, 3.0)), some_points(4, size, (6.0, 4.0), seed=1)
    both = Points(
        *(
            np.concatenate([getattr(first, name), getattr(second, name)])
            for name in ("x", "y", "weight", "sigma_x", "sigma_y")
        )
    )
    apart = density(first, size, scale="none") + density(second, size, scale="none")
    np.testing.assert_allclose(density(both, size, scale="none"), apart, rtol=1e-5)


@pytest.mark.parametrize("border", ["renormalised", "reflected"])
def test_renormalised_and_reflected_looks_keep_their_whole_weight(border):
    points = some_points(20, (30, 30), (9.0, 9.0))
    total = density(points, (30, 30), border, "none").sum()
    assert total == pytest.approx(points.weight.sum(), rel=1e-5)
    assert density(points, (30, 30), "cut", "none").sum() < 0.9 * total


def test_maps_are_divided_by_their_maximum_or_sum_or_by_nothing():
    points = some_points(5, (30, 20))
    raw = density(points, (30, 20), scale="none")
    np.testing.assert_allclose(density(points, (30, 20), scale="max"), raw / raw.max(), rtol=1e-6)
    np.testing.assert_allclose(density(points, (30, 20), scale="sum"), raw / raw.sum(), rtol=1e-6)


def test_what_was_not_on_the_screen_gets_nothing():
    points = some_points(3, (30, 20))
    spans = np.tile([5.0, 22.0], (3, 1)), np.tile([4.0, 13.0], (3, 1))
    cut = Points(*(getattr(points, n) for n in ("x", "y", "weight", "sigma_x", "sigma_y")), *spans)
    expected = density(points, (30, 20), scale="none")
    expected[:, :5] = expected[:, 22:] = expected[:4] = expected[13:] = 0
    np.testing.assert_allclose(density(cut, (30, 20), scale="none"), expected, rtol=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 31.0, float("nan")])
def test_MK17_a_sigma_of_zero_or_larger_than_the_image_is_refused(sigma):
    with pytest.raises(DataError, match="ERR-GAZE-SIGMA"):
        density(some_points(2, (30, 40), (sigma, 2.0)), (30, 40))
