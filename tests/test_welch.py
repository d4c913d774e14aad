"""Published tables against ours, with scipy as the oracle."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lookright.stats import welch
from lookright.stats.welch import Published

tables = st.builds(
    Published,
    mean=st.floats(-1, 1).map(lambda number: round(number, 4)),
    std=st.floats(0.001, 0.5).map(lambda number: round(number, 4)),
    count=st.integers(2, 12),
)


@given(tables, tables)
@settings(max_examples=60, deadline=None)
def test_t_and_p_are_those_of_scipy(first: Published, second: Published):
    expected = scipy.stats.ttest_ind_from_stats(
        *vars(first).values(), *vars(second).values(), equal_var=False
    )
    found = welch.compare(first, second)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_interval_is_that_of_scipy_on_the_values():
    random = np.random.default_rng(0)
    first, second = random.normal(0.8, 0.02, 5), random.normal(0.78, 0.05, 9)
    tables = [Published(each.mean(), each.std(ddof=1), len(each)) for each in (first, second)]
    expected = scipy.stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    found = welch.compare(*tables)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("second", "why"), [(Published(0.7, 0.1, 1), "one training"), (Published(0.7, 0, 5), "spread")]
)
def test_where_there_is_no_test_it_says_why(second: Published, why: str):
    found = welch.compare(Published(0.8, 0.0, 5), second)
    assert found.estimate == pytest.approx(0.1)
    assert np.isnan(found.p)
    assert why in found.note
