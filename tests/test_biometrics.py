"""Error rates of attack detection, against counting and against the ROC curve of scikit-learn."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, roc_curve

from lookright.metrics.biometrics import (
    acer,
    apcer,
    apcer_by_type,
    bpcer,
    eer,
    error_rates,
    threshold_at_apcer,
    threshold_at_bpcer,
)


@pytest.fixture
def scored():
    generator = np.random.default_rng(0)
    attack = generator.random(200) < 0.4
    return attack, np.clip(generator.normal(0.4 + 0.2 * attack, 0.15), 0, 1)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_error_rates_are_the_off_diagonal_of_the_confusion_matrix(threshold, scored):
    attack, scores = scored
    shares = confusion_matrix(attack, scores >= threshold, normalize="true")
    assert apcer(attack, scores, threshold) == pytest.approx(shares[1, 0])
    assert bpcer(attack, scores, threshold) == pytest.approx(shares[0, 1])
    assert acer(attack, scores, threshold) == pytest.approx((shares[1, 0] + shares[0, 1]) / 2)


def test_a_score_at_the_threshold_is_an_attack():
    attack, scores = np.array([True, False]), np.array([0.5, 0.5])
    assert apcer(attack, scores) == 0
    assert bpcer(attack, scores) == 1


def test_the_worst_type_of_attack_is_found():
    attack = np.array([True, True, True, True, False])
    scores = np.array([0.9, 0.8, 0.9, 0.1, 0.9])
    rates = apcer_by_type(attack, scores, ["print", "print", "mask", "mask", "real"])
    assert rates == {"mask": 0.5, "print": 0.0}
    assert max(rates.values()) > apcer(attack, scores)


two_classes = st.lists(
    st.tuples(st.booleans(), st.integers(0, 8).map(lambda eighth: eighth / 8)), min_size=2
).filter(lambda rows: len({label for label, _ in rows}) == 2)


@given(two_classes)
@settings(max_examples=60, deadline=None)
def test_eer_lies_where_the_roc_curve_meets_the_diagonal(rows):
    attack, scores = map(np.array, zip(*rows, strict=True))
    refused, found, _ = roc_curve(attack, scores, drop_intermediate=False)
    value = eer(attack, scores)
    # The curve refuses `refused` and finds `found`, both rising: at the EER it finds 1 - EER. Where
    # it rises upright, both ends of the step stand at the same `refused`.
    below = found[refused <= value + 1e-12].max(), found[refused >= value - 1e-12].min()
    assert interpolated(refused, found, value) or below[1] - 1e-12 <= 1 - value <= below[0] + 1e-12


def interpolated(refused, found, value):
    """Say whether a slanted piece of the curve goes through (value, 1 - value)."""
    for (b0, f0), (b1, f1) in pairwise(zip(refused, found, strict=True)):
        if b0 <= value <= b1 and b1 > b0:
            middle = f0 + (f1 - f0) * (value - b0) / (b1 - b0)
            if abs(middle - (1 - value)) < 1e-9:
                return True
    return False


def test_eer_of_a_perfect_a_random_and_a_reversed_detector():
    attack = np.array([True, True, False, False])
    assert eer(attack, np.array([0.9, 0.8, 0.2, 0.1])) == 0
    assert eer(attack, np.full(4, 0.5)) == pytest.approx(0.5)
    assert eer(attack, np.array([0.1, 0.2, 0.8, 0.9])) == 1
    # One of three attacks below one of two others: both rates pass 1/3 .. 1/2 together.
    attack = np.array([True, True, True, False, False])
    assert eer(attack, np.array([0.3, 0.8, 0.9, 0.1, 0.5])) == pytest.approx(1 / 3)


def test_eer_does_not_depend_on_which_class_is_the_attack(scored):
    attack, scores = scored
    assert eer(attack, scores) == pytest.approx(eer(~attack, 1 - scores))


def test_thresholds_keep_their_promise_and_are_the_best_that_do(scored):
    attack, scores = scored
    every = np.append(np.unique(scores), np.inf)
    for most in (0.0, 0.01, 0.1, 0.5):
        kept = threshold_at_bpcer(attack, scores, most)
        fits = [each for each in every if bpcer(attack, scores, each) <= most]
        assert kept == min(fits)
        kept = threshold_at_apcer(attack, scores, most)
        assert kept == max(each for each in every if apcer(attack, scores, each) <= most)


def test_rates_run_from_refusing_all_to_refusing_none(scored):
    thresholds, missed, refused = error_rates(*scored)
    assert (missed[0], refused[0]) == (0, 1)
    assert (missed[-1], refused[-1]) == (1, 0)
    for at in (1, 50, len(thresholds) - 2):
        assert missed[at] == pytest.approx(apcer(*scored, thresholds[at]))
        assert refused[at] == pytest.approx(bpcer(*scored, thresholds[at]))


def test_without_one_class_its_rates_are_undefined():
    scores = np.array([0.2, 0.7])
    attacks, others = np.array([True, True]), np.array([False, False])
    assert np.isnan([bpcer(attacks, scores), acer(attacks, scores), eer(attacks, scores)]).all()
    assert np.isnan([apcer(others, scores), acer(others, scores), eer(others, scores)]).all()
    assert np.isnan(threshold_at_apcer(others, scores, 0.1))
    assert np.isnan(threshold_at_bpcer(attacks, scores, 0.1))
    assert apcer(attacks, scores) == 0.5
    assert np.isnan(eer(np.empty(0, bool), np.empty(0)))
