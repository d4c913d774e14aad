"""What probabilities mean, against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from lookright.metrics.calibration import brier, calibration_error, reliability, surprise


@pytest.fixture
def answered():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(2), 300)
    return (generator.random(300) < probabilities[:, 1]).astype(int), probabilities


def test_brier_and_surprise_average_to_those_of_scikit_learn(answered):
    labels, probabilities = answered
    expected = 2 * brier_score_loss(labels, probabilities[:, 1])  # theirs is of one class
    assert brier(labels, probabilities).mean() == pytest.approx(expected, abs=1e-12)
    assert surprise(labels, probabilities).mean() == pytest.approx(log_loss(labels, probabilities))


def test_the_table_is_that_of_a_calibration_curve(answered):
    labels, probabilities = answered
    found = reliability(labels, probabilities, 10)
    right = probabilities.argmax(1) == labels
    accuracy, confidence = calibration_curve(right, probabilities.max(1), n_bins=10)
    np.testing.assert_allclose(found.accuracy[5:], accuracy, atol=1e-12)
    np.testing.assert_allclose(found.confidence[5:], confidence, atol=1e-12)
    assert np.isnan(found.accuracy[:5]).all()
    assert found.images.sum() == 300
    np.testing.assert_allclose(found.high - found.low, 0.1)


def test_knowing_nothing_scores_chance():
    labels, alike = np.array([0, 1, 2]), np.full((3, 3), 1 / 3)
    np.testing.assert_allclose(brier(labels, alike), 2 / 3)
    np.testing.assert_allclose(surprise(labels, alike), np.log(3))


def test_sure_and_wrong_is_the_worst_there_is():
    labels, sure = np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(brier(labels, sure), [2, 0])
    np.testing.assert_array_equal(surprise(labels, sure), [np.inf, 0])
    assert calibration_error(labels, sure) == 0.5
