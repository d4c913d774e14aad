"""Our numbers beside a paper's: the printed ones are right, and the comparison is Welch's."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import ttest_ind

from lookright import published
from lookright.bench.paper import COLUMNS, beside
from lookright.cli.paper_table import show_paper
from lookright.errors import ConfigError

METHODS = {"plain": "cross_entropy", "cyborg": "cyborg", "contrast, heavy": "contrast"}
SEEDS = range(4)


def results(folds=("",), parts=(), seeds=SEEDS, methods=METHODS, split="test"):
    """Make up AUROCs: (objective, seed, fold, part) decide each."""
    places = [("all", "", 0.0), *(("generator", part, 0.01 * n) for n, part in enumerate(parts))]
    rows = [
        (label, seed, fold, split, by, part, "auroc", value(label, seed, fold) + more)
        for label in methods
        for seed in seeds
        for fold in folds
        for by, part, more in places
    ]
    names = ["objective", "seed", "fold", "split", "by", "value_of", "measure", "value"]
    return pl.DataFrame(rows, schema=names, orient="row")


def value(label, seed, fold):
    return 0.5 + 0.1 * list(METHODS).index(label) + 0.01 * seed**2 + 0.02 * len(fold)


def line(beside_paper, **wanted):
    (found,) = beside_paper.filter(**wanted).to_dicts()
    return found


@pytest.mark.parametrize("name", published.names())
def test_every_printed_number_is_an_auroc_of_ten_trainings_of_four_methods(name):
    for table in published.find(name).tables:
        assert (table.measure, table.runs) == ("auroc", 10)
        for row in table.rows.values():
            assert list(row) == ["cyborg", "difference", "per_class", "contrast"]
            assert all(0.3 < each.mean < 1 and 0 < each.std < 0.11 for each in row.values())


@pytest.mark.parametrize("task", ["iris_pad", "synthetic_faces"])
def test_the_printed_totals_are_the_means_of_the_printed_rows(task):
    """With as many fakes per generator, the AUROC over all is the mean of the generators'."""
    total, parts = published.find(f"divisive_decisions.{task}").tables
    (row,) = total.rows.values()
    for method, printed in row.items():
        means = [part[method].mean for part in parts.rows.values()]
        assert np.mean(means) == pytest.approx(printed.mean, abs=0.0011)


def test_the_iris_spread_of_table_2_lies_between_attacks_and_not_between_trainings():
    total, parts = published.find("divisive_decisions.iris_pad").tables
    assert total.spread == "rows"
    for method, printed in total.rows["Iris PAD"].items():
        means = [part[method].mean for part in parts.rows.values()]
        assert np.std(means) == pytest.approx(printed.std, abs=0.0011)


def test_an_unknown_paper_is_refused_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"Did you mean 'divisive_decisions\.iris_pad'"):
        published.find("divisive_decisions.iris")


def test_the_test_is_scipy_s_of_the_values_themselves():
    theirs = np.random.default_rng(0).normal(0.76, 0.05, 10)
    printed = published.Printed(theirs.mean(), theirs.std(ddof=1))
    table = published.Table("Table 2", "all", "runs", "auroc", 10, {"ours": {"cyborg": printed}})
    task = published.Task("paper", "task", {"cyborg": "Baseline"}, (table,))
    found = line(beside(results(), task, METHODS), objective="cyborg")
    ours = [value("cyborg", seed, "") for seed in SEEDS]
    wanted = ttest_ind(ours, theirs, equal_var=False)
    interval = wanted.confidence_interval()
    assert found["p"] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_trainings_give_a_difference_and_no_test(seeds):
    task = published.find("divisive_decisions.chest_xray")
    found = line(beside(results(seeds=range(seeds)), task, METHODS), objective="cyborg")
    ours = [value("cyborg", seed, "") for seed in range(seeds)]
    assert found["difference"] == pytest.approx(np.mean(ours) - 0.866)
    assert np.isnan([found[name] for name in ("low", "high", "p", "p_holm")]).all()


def test_table_2_puts_each_method_beside_its_number():
    table = beside(results(), published.find("divisive_decisions.chest_xray"), METHODS)
    assert table.columns == list(COLUMNS)
    assert table["table"].unique().to_list() == ["Table 2"]
    ours = [value("cyborg", seed, "") for seed in SEEDS]
    found = line(table, objective="cyborg")
    assert found["method"] == "Baseline (CYBORG)"
    assert (found["mean"], found["std"]) == pytest.approx((np.mean(ours), np.std(ours, ddof=1)))
    assert (found["published_mean"], found["published_std"]) == (0.866, 0.005)
    assert found["difference"] == pytest.approx(np.mean(ours) - 0.866)
    assert found["p"] <= found["p_holm"] <= 2 * found["p"]
    assert line(table, objective="contrast, heavy")["published_mean"] == 0.855


def test_what_only_one_side_has_is_kept_with_nothing_beside_it():
    table = beside(results(), published.find("divisive_decisions.chest_xray"), METHODS)
    plain = line(table, objective="plain")
    assert (plain["seeds"], plain["published_mean"], plain["method"]) == (4, None, "")
    lacking = table.filter(objective="")
    assert lacking["method"].to_list() == ["Difference Salience", "Per-class Salience"]
    assert lacking["mean"].is_nan().all()
    assert lacking["published_mean"].to_list() == [0.857, 0.856]


def test_table_3_has_a_row_per_left_out_attack_whatever_its_spelling():
    folds = ("post_mortem", "textured contacts", "lenses")
    table = beside(results(folds), published.find("divisive_decisions.iris_pad"), METHODS)
    for name, fold in (("Post-mortem", folds[0]), ("Textured Contacts", folds[1])):
        found = line(table, table="Table 3", row=name, objective="cyborg")
        ours = [value("cyborg", seed, fold) for seed in SEEDS]
        assert (found["mean"], found["std"]) == pytest.approx((np.mean(ours), np.std(ours, ddof=1)))
        assert 0 < found["p"] < 1
    missing = line(table, table="Table 3", row="Artificial", objective="cyborg")
    assert (missing["seeds"], missing["note"]) == (0, "no fold of ours has this name")
    assert np.isnan(missing["p"])


def test_table_2_of_folds_is_the_mean_over_them_spread_between_them_and_untested():
    folds = ("a", "abc", "abcde")
    table = beside(results(folds), published.find("divisive_decisions.iris_pad"), METHODS)
    found = line(table, table="Table 2", objective="cyborg")
    means = [np.mean([value("cyborg", seed, fold) for seed in SEEDS]) for fold in folds]
    assert (found["mean"], found["std"]) == pytest.approx((np.mean(means), np.std(means)))
    assert found["difference"] == pytest.approx(np.mean(means) - 0.786)
    assert np.isnan(found["p"])
    assert "spread between" in found["note"]


def test_a_seed_without_all_folds_does_not_count_for_the_whole():
    whole = results(("a", "bcd"))
    table = beside(
        whole.filter(~((pl.col("seed") == 3) & (pl.col("fold") == "bcd"))),
        published.find("divisive_decisions.iris_pad"),
        METHODS,
    )
    assert line(table, table="Table 2", objective="cyborg")["seeds"] == 3


def test_table_4_has_a_row_per_generator_against_the_shared_images():
    parts = ("ProGAN", "StyleGAN2", "StyleGAN2-ADA")
    task = published.find("divisive_decisions.synthetic_faces")
    table = beside(results(parts=parts), task, METHODS).filter(table="Table 4", objective="cyborg")
    ours = np.mean([value("cyborg", seed, "") for seed in SEEDS])
    means = dict(zip(table["row"], table["mean"], strict=True))
    assert [means[part] for part in parts] == pytest.approx([ours, ours + 0.01, ours + 0.02])
    assert np.isnan([means[name] for name in ("StarGAN", "StyleGAN", "StyleGAN3")]).all()


def test_the_test_split_is_the_one_compared():
    both = pl.concat([results(split="val"), results(split="test_far"), results(split="test")])
    task = published.find("divisive_decisions.chest_xray")
    assert set(beside(both, task, METHODS)["split"]) == {"test"}
    far = beside(both.filter(pl.col("split") != "test"), task, METHODS)
    assert set(far["split"]) == {"test_far"}


def test_the_tables_are_printed_with_both_numbers_and_why_there_is_no_test(tmp_path, capsys):
    task = published.find("divisive_decisions.iris_pad")
    beside(results(("Diseased", "Printouts")), task, METHODS).write_csv(tmp_path / "paper.csv")
    show_paper(tmp_path)
    text = capsys.readouterr().out
    assert text.index("Table 2: auroc, ours on test") < text.index("Table 3: auroc")
    lines = [" ".join(each.split()) for each in text.splitlines()]
    (printed,) = (each for each in lines if each.startswith("Diseased cyborg = Base"))
    assert "0.795 ± 0.040 (4)" in printed
    assert "0.730 ± 0.048 (10)" in printed
    assert "+0.065" in printed
    assert "Iris PAD: ± is the spread between the means below" in text
    assert "Artificial, Contacts+Print" in text
    assert "nan" not in text
