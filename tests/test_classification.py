"""Scores of probabilities, against loops that spell out their definitions."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookright.metrics import classification
from lookright.metrics.calibration import calibration_error
from lookright.metrics.classification import (
    accuracy,
    auroc,
    auroc_of,
    average_precision,
    average_precision_of,
    balanced_accuracy,
)


def pairs(positive, scores):
    wins = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high, is_positive in zip(scores, positive, strict=True)
        for low, is_other in zip(scores, positive, strict=True)
        if is_positive and not is_other
    ]
    return sum(wins) / len(wins)


def steps_of_recall(positive, scores):
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        chosen = [
            is_positive for is_positive, s in zip(positive, scores, strict=True) if s >= threshold
        ]
        recall = sum(chosen) / sum(positive)
        total += (recall - before) * sum(chosen) / len(chosen)
        before = recall
    return total


def bins_of_confidence(labels, probabilities, bins):
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [
            (row.max(), float(row.argmax() == label))
            for row, label in zip(probabilities, labels, strict=True)
            if low < row.max() <= high
        ]
        if inside:
            confidence, right = np.mean(inside, axis=0)
            total += len(inside) / len(labels) * abs(right - confidence)
    return total


tied = st.integers(0, 6).map(lambda sixth: sixth / 6)
scored = st.lists(st.tuples(st.booleans(), tied), min_size=2, max_size=25).filter(
    lambda rows: len({is_positive for is_positive, _ in rows}) == 2
)


@given(scored)
@settings(max_examples=50, deadline=None)
def test_auroc_is_how_often_a_positive_outranks_a_negative(rows):
    positive, scores = map(np.array, zip(*rows, strict=True))
    assert auroc_of(positive, scores) == pytest.approx(pairs(positive, scores), abs=1e-12)


@given(scored)
@settings(max_examples=50, deadline=None)
def test_average_precision_sums_precision_over_the_steps_of_recall(rows):
    positive, scores = map(np.array, zip(*rows, strict=True))
    expected = steps_of_recall(positive, scores)
    assert average_precision_of(positive, scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bins", [5, 15])
@pytest.mark.parametrize("classes", [2, 4])
def test_calibration_error_weighs_the_gap_of_each_bin(bins, classes):
    generator = np.random.default_rng(classes)
    probabilities = generator.dirichlet(np.ones(classes), 200)
    labels = generator.integers(0, classes, 200)
    expected = bins_of_confidence(labels, probabilities, bins)
    assert calibration_error(labels, probabilities, bins) == pytest.approx(expected, abs=1e-12)


def test_a_sure_and_right_classifier_is_calibrated_and_a_sure_and_wrong_one_is_not():
    sure = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert calibration_error(np.array([1, 0]), sure) == 0
    assert calibration_error(np.array([0, 1]), sure) == 1


def test_two_classes_are_scored_by_class_one():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    labels = np.array([0, 1, 1, 0])
    assert auroc(labels, probabilities) == auroc_of(labels == 1, probabilities[:, 1])
    expected = average_precision_of(labels == 1, probabilities[:, 1])
    assert average_precision(labels, probabilities) == expected


def test_more_classes_are_averaged_each_against_the_rest():
    generator = np.random.default_rng(0)
    labels, probabilities = np.arange(60) % 3, generator.dirichlet(np.ones(3), 60)
    each = [pairs(labels == k, probabilities[:, k]) for k in range(3)]
    assert auroc(labels, probabilities) == pytest.approx(np.mean(each), abs=1e-12)


def test_scores_that_float32_would_tie_are_told_apart():
    almost = 1 - np.array([1e-12, 2e-12])
    probabilities = np.stack([1 - almost, almost], 1)
    assert auroc(np.array([1, 0]), probabilities) == 1


def test_balanced_accuracy_counts_classes_and_accuracy_images():
    labels = np.array([0, 0, 0, 1])
    probabilities = np.tile([0.9, 0.1], (4, 1))
    assert accuracy(labels, probabilities) == 0.75
    assert balanced_accuracy(labels, probabilities) == 0.5


@pytest.mark.parametrize("score", ["auroc", "average_precision", "balanced_accuracy"])
@pytest.mark.parametrize(
    ("labels", "classes"),
    [([1, 1, 1], 2), ([0, 0, 0], 2), ([0, 1, 0], 3), ([], 2)],
    ids=["TR09-only-1", "TR09-only-0", "TR09-one-of-three-is-missing", "TR09-no-image"],
)
def test_a_class_without_images_leaves_the_score_undefined(score, labels, classes):
    probabilities = np.full((len(labels), classes), 1 / classes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = getattr(classification, score)(np.array(labels, dtype=int), probabilities)
    assert np.isnan(value)


@pytest.mark.parametrize("score", [accuracy, calibration_error])
def test_no_image_has_no_score(score):
    assert np.isnan(score(np.empty(0, dtype=int), np.empty((0, 2))))
