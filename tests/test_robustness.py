"""What a small rotation changes."""

import numpy as np

from lookright.metrics.robustness import any_angle, changes, flip_rate, flips

BASE = np.array([0, 1, 2])
TURNED = np.array([[0, 0], [1, 0], [0, 1]])


def test_a_flip_is_another_predicted_class():
    np.testing.assert_array_equal(flips(BASE, TURNED), [[0, 0], [0, 1], [1, 1]])


def test_rates_are_over_angles_and_any_is_over_all_of_them():
    flipped = flips(BASE, TURNED)
    np.testing.assert_array_equal(flip_rate(flipped), [0, 0.5, 1])
    np.testing.assert_array_equal(any_angle(flipped), [0, 1, 1])
    assert flip_rate(flipped).mean() == flipped.mean()


def test_a_constant_classifier_never_flips():
    assert not flips(np.ones(5, dtype=int), np.ones((5, 6), dtype=int)).any()


def test_changes_have_no_sign():
    moved = changes(np.array([0.8, 0.5]), np.array([[0.6, 0.9], [0.5, 0.4]]))
    np.testing.assert_allclose(moved, [[0.2, 0.1], [0, 0.1]])
