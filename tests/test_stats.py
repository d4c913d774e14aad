"""Intervals and tests over seeds, against published numbers, scipy and simulation."""

import warnings
from dataclasses import astuple

import numpy as np
import polars as pl
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from lookright import stats

numbers = st.floats(-5, 5).map(lambda number: round(number, 3))


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def results(values, measure="auroc", split="test"):
    rows = [
        {"objective": name, "seed": seed, "split": split, "by": "all", "value_of": ""}
        | {"measure": measure, "value": value}
        for name, by_seed in values.items()
        for seed, value in by_seed.items()
    ]
    return pl.DataFrame(rows)


def row(comparison, objective):
    (found,) = comparison.filter(objective=objective).to_dicts()
    return found


def test_the_paired_t_of_the_reference():
    first, second = (0.71, 0.72, 0.70, 0.73, 0.69), (0.75, 0.77, 0.74, 0.78, 0.76)
    found = stats.paired(second, first)
    assert found.p_t == pytest.approx(0.0007989968315695598, rel=1e-9)
    assert found.effect * 5**0.5 == pytest.approx(9.128709291752768, rel=1e-9)
    assert found.difference == pytest.approx(0.05)


@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=12))
@settings(max_examples=60, deadline=None)
def test_pairs_are_tested_as_scipy_does(pairs):
    values, base = map(list, zip(*pairs, strict=True))
    differences = np.round(np.subtract(values, base), 12)
    assume(np.ptp(differences) > 0)
    found, expected = stats.paired(values, base), scipy.stats.ttest_1samp(differences, 0)
    assert found.p_t == pytest.approx(expected.pvalue, rel=1e-6)
    low, high = DescrStatsW(differences).tconfint_mean()
    assert (found.difference_low, found.difference_high) == pytest.approx((low, high), rel=1e-6)
    flipped = stats.paired(base, values)
    assert flipped.p_wilcoxon == found.p_wilcoxon
    assert flipped.effect == pytest.approx(-found.effect)


@given(st.lists(numbers.filter(bool), min_size=1, max_size=40, unique_by=abs))
@settings(max_examples=60, deadline=None)
def test_ranks_without_ties_are_exact_as_in_scipy(differences):
    expected = scipy.stats.wilcoxon(differences, method="exact").pvalue
    assert stats.wilcoxon(differences) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=8).filter(any))
@settings(max_examples=60, deadline=None)
def test_ranks_with_ties_and_zeros_are_exact_as_in_scipy(differences):
    every_sign = scipy.stats.PermutationMethod(n_resamples=np.inf)
    expected = scipy.stats.wilcoxon(np.array(differences, float), method=every_sign).pvalue
    assert stats.wilcoxon(differences) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("seeds", "lowest"), [(5, 0.0625), (6, 0.03125), (10, 0.001953125)])
def test_the_lowest_p_of_exact_ranks(seeds, lowest):
    assert stats.wilcoxon(range(1, seeds + 1)) == pytest.approx(lowest)
    assert stats.wilcoxon([1] * seeds) == pytest.approx(lowest)


def test_differences_that_rounding_tells_apart_are_ties():
    found = stats.paired([0.77, 0.78, 0.79, 0.1], [0.72, 0.73, 0.74, 0.2])
    assert found.p_wilcoxon == stats.wilcoxon([5, 5, 5, -10])
    assert np.isnan(stats.paired([0.77, 0.78, 0.79], [0.72, 0.73, 0.74]).p_t)


def test_the_interval_is_students():
    values = [0.71, 0.72, 0.70, 0.73, 0.69]
    assert stats.interval(values) == pytest.approx(DescrStatsW(values).tconfint_mean())


def test_the_interval_covers_and_the_t_test_errs_as_often_as_they_say():
    generator = np.random.default_rng(0)
    draws = generator.normal(0.8, 0.05, (2000, 2, 5))
    covered = [low <= 0.8 <= high for low, high in map(stats.interval, draws[:, 0].tolist())]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)
    errors = [stats.paired(a, b).p_t < 0.05 for a, b in draws.tolist()]
    assert np.mean(errors) == pytest.approx(0.05, abs=0.015)


def test_exact_ranks_never_err_more_often_than_they_say():
    generator = np.random.default_rng(1)
    ps = np.array([stats.wilcoxon(draw) for draw in generator.normal(size=(2000, 8)).tolist()])
    for level in (0.05, 0.1, 0.5):
        assert (ps <= level).mean() <= level + 0.015


def test_holm_by_hand():
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_is_that_of_statsmodels(ps):
    expected = multipletests(ps, method="holm")[1]
    assert stats.holm(ps) == pytest.approx(expected.tolist())


def test_holm_leaves_out_what_was_not_tested():
    adjusted = stats.holm([np.nan, 0.01, 0.04])
    assert np.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx([0.02, 0.04])
    assert np.isnan(stats.holm([np.nan])).all()
    assert stats.holm([]) == []


@pytest.mark.parametrize("seeds", [0, 1, 2], ids=["BM03-none", "BM03-one", "BM03-two"])
def test_BM03_too_few_seeds_give_no_interval_and_no_p(seeds):
    values, base = [0.8, 0.9][:seeds], [0.7, 0.85][:seeds]
    assert np.isnan(stats.interval(values)).all()
    assert np.isnan(astuple(stats.paired(values, base))[1:]).all()
    assert "no interval and no p" in stats.seed_warning(seeds)


def test_BM03_the_comparison_of_one_seed_says_why_it_has_no_p():
    comparison = stats.compare(results({"plain": {0: 0.7}, "guided": {0: 0.8}}))
    guided = row(comparison, "guided")
    assert guided["difference"] == pytest.approx(0.1)
    missing = ["std", "low", "high", "difference_low", "difference_high", "effect"]
    missing += ["p_t", "p_wilcoxon", "p_t_holm", "p_wilcoxon_holm"]
    assert all(np.isnan(guided[name]) for name in missing)
    assert guided["note"].startswith("one seed: no interval and no p value")


@pytest.mark.parametrize(("seeds", "lowest"), [(3, "0.25"), (4, "0.125"), (5, "0.0625")])
def test_few_seeds_are_warned_of_the_lowest_p(seeds, lowest):
    assert f"cannot go below p = {lowest} " in stats.seed_warning(seeds)
    assert stats.seed_warning(6) == ""


def test_BM04_missing_cells_leave_the_common_seeds_and_say_which():
    plain = {0: 0.70, 1: 0.72, 2: 0.71, 3: 0.74}
    guided = {0: 0.80, 1: 0.79, 3: 0.83, 7: 0.99}
    comparison = stats.compare(results({"plain": plain, "guided": guided}))
    found = row(comparison, "guided")
    assert found["seeds"] == 4
    assert found["mean"] == pytest.approx(np.mean(list(guided.values())))
    expected = scipy.stats.ttest_rel([0.80, 0.79, 0.83], [0.70, 0.72, 0.74])
    assert found["p_t"] == pytest.approx(expected.pvalue)
    assert "paired on the common seeds only: 0, 1, 3" in found["note"]
    assert "paired" not in row(comparison, "plain")["note"]


def test_BM04_without_a_common_seed_there_is_no_difference():
    found = row(stats.compare(results({"plain": {0: 0.7}, "guided": {1: 0.8}})), "guided")
    assert np.isnan(found["difference"])
    assert "common seeds only: none" in found["note"]


def test_seeds_are_paired_by_number_and_not_by_place():
    plain, guided = {0: 0.1, 1: 0.2, 2: 0.4}, {2: 0.5, 0: 0.2, 1: 0.33}
    found = row(stats.compare(results({"plain": plain, "guided": guided})), "guided")
    assert found["p_t"] == pytest.approx(stats.paired([0.2, 0.33, 0.5], [0.1, 0.2, 0.4]).p_t)


def test_values_without_spread_have_no_interval_and_say_so():
    same = {seed: 1.0 for seed in range(6)}
    found = row(stats.compare(results({"plain": same, "guided": same})), "guided")
    assert (found["mean"], found["std"], found["difference"]) == (1, 0, 0)
    assert all(np.isnan(found[name]) for name in ("low", "effect", "p_t", "p_wilcoxon"))
    assert "all seeds agree" in found["note"]
    assert "all differences are the same" in found["note"]


def test_an_undefined_value_leaves_its_seed_out_and_says_so():
    plain = {seed: 0.5 + seed / 100 for seed in range(6)}
    guided = {**plain, 2: np.nan, 3: 0.6}
    found = row(stats.compare(results({"plain": plain, "guided": guided})), "guided")
    assert found["seeds"] == 5
    assert "undefined for seeds 2" in found["note"]
    assert "common seeds only: 0, 1, 3, 4, 5" in found["note"]


def test_holm_adjusts_over_the_objectives_of_one_measure_and_split():
    generator = np.random.default_rng(0)
    values = {name: dict(enumerate(generator.random(6))) for name in ("plain", "a", "b", "c")}
    both = pl.concat([results(values), results(values, split="other")])
    for (_,), part in stats.compare(both).group_by("split"):
        tested = part.filter(pl.col("objective") != "plain")
        assert tested["p_t_holm"].to_list() == pytest.approx(stats.holm(tested["p_t"].to_list()))
        assert tested["p_t_holm"].max() <= 3 * tested["p_t"].max()
        assert part.filter(objective="plain")["p_t"].is_nan().all()


def test_only_rows_over_all_images_are_compared_in_their_order():
    table = results({"z": {0: 0.1}, "a": {0: 0.2}})
    by_class = table.with_columns(by=pl.lit("class"), value_of=pl.lit("ill"))
    comparison = stats.compare(pl.concat([by_class, table]))
    assert comparison["objective"].to_list() == ["z", "a"]
    assert dict(comparison.schema) == stats.COLUMNS


def test_a_measure_that_the_first_objective_lacks_is_listed_without_a_difference():
    more = results({"guided": {0: 0.5}}, measure="iou")
    comparison = stats.compare(pl.concat([results({"plain": {0: 0.7}, "guided": {0: 0.8}}), more]))
    found = row(comparison.filter(measure="iou"), "guided")
    assert found["mean"] == 0.5
    assert np.isnan(found["difference"])
