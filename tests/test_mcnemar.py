"""Accuracies on the same images, against statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as oracle

from lookright.stats import mcnemar


def test_the_exact_p_of_the_reference():
    assert mcnemar.exact(5, 15) == 0.04138946533203125


@given(st.lists(st.integers(0, 60), min_size=4, max_size=4).filter(sum))
@settings(max_examples=60, deadline=None)
def test_the_exact_p_is_that_of_statsmodels(cells):
    both, only_first, only_second, neither = cells
    expected = oracle([[both, only_first], [only_second, neither]], exact=True).pvalue
    first = np.repeat([True, True, False, False], cells)
    second = np.repeat([True, False, True, False], cells)
    found = mcnemar.compare(first, second)
    assert found.p == pytest.approx(min(1, expected), rel=1e-9)
    assert found.estimate == pytest.approx(first.mean() - second.mean())
    assert found.statistic == only_first + only_second


def test_it_never_errs_more_often_than_it_says():
    random = np.random.default_rng(0)
    right = random.random((2000, 2, 200)) < 0.8
    ps = [mcnemar.compare(*pair).p for pair in right]
    assert 0.01 < np.mean(np.array(ps) < 0.05) < 0.05 + 0.015


def test_without_images_there_is_nothing_to_say():
    found = mcnemar.compare(np.zeros(0, bool), np.zeros(0, bool))
    assert np.isnan([found.estimate, found.p]).all()
    assert found.note == "no image"
