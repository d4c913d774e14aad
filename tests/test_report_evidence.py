"""What a report says beside pictures: differences, folds, curves, truth, and how it is drawn."""

import re
from itertools import combinations
from math import isnan, nan
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from jinja2 import Environment, PackageLoader
from sklearn.metrics import roc_auc_score, roc_curve

from evidence_folders import write_audit, write_faithfulness, write_whole_bench, write_whole_run
from folders import LYING, METHODS, PLAIN, Character, write_data
from lookright import stats
from lookright.detector import Verdict, judge
from lookright.report import beside, folds, tables, truth, write_report
from lookright.report.bench_charts import colours, strip_rows
from lookright.report.bench_verdict import verdict
from lookright.report.curves import from_zero
from lookright.report.forest import Difference, forest
from lookright.report.glossary import Measure
from lookright.report.labels import Box, Cluster, names
from lookright.report.records import BenchRecords
from lookright.report.roc import of_run, rates_at, wilson
from lookright.report.scatter import Cloud, front, scatter
from lookright.report.seeds import Strip, strips
from lookright.report.svg import around_shares
from lookright.report.words import number, probability, signed

TWO = {name: METHODS[name] for name in ("cross_entropy", "cyborg")}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def folded(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("folded")
    return write_whole_bench(folder, data, TWO, folds=("north", "south"))


@pytest.fixture(scope="module")
def page(folded):
    return write_report(folded).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run_page(data, tmp_path_factory):
    run = write_whole_run(tmp_path_factory.mktemp("run"), data, LYING, "cyborg")
    write_faithfulness(run)
    write_audit(run)
    return write_report(run).read_text(encoding="utf-8")


def section(page: str, name: str) -> str:
    return page.partition(f'<section id="{name}"')[2].partition("</section>")[0]


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# Everything is there


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("verdict", "Maps that lie: cyborg"),
        ("verdict", "On the Pareto front: "),
        ("differences", "Difference of AUROC on test_shifted: cyborg"),
        ("roc", "ROC on test_shifted: "),
        ("truth", "Effect of the outside against the share of the map outside"),
        ("robustness", "Mean drop of the answer"),
        ("robustness", "Flip rate per angle on test_shifted"),
        ("seeds", "cyborg, seed 1: "),
        ("folds", "each fold left out in turn"),
        ("numbers", "By group, mean over seeds and folds"),
        ("reproduce", "lookright bench bench.yaml"),
    ],
)
def test_a_comparison_shows_every_kind_of_evidence(page, name, said):
    assert said in section(page, name)


def test_an_audit_shows_before_and_after_and_no_share_beyond_one(tmp_path):
    rows = [
        ("edge_ring", "test", "before", "energy_inside_true", 0.9, 0.8, 1.2),
        ("edge_ring", "test", "after", "energy_inside_true", 0.1, -0.2, 1.3),
        ("edge_ring", "test", "after", "framing_decision", 0.5, 0.4, 0.6),
    ]
    names = ["attack", "split", "model", "measure", "value", "low", "high"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(tmp_path / "audit.csv")
    table = beside.audit(tmp_path)
    ((row,),) = table.pages
    assert [cell.text for cell in row] == ["test", "edge_ring", "0.900 → 0.100"]
    assert row[2].note == "0.000 to 1.000"
    assert table.head == ("split", "attack", "true map inside")


@pytest.mark.parametrize(
    "said",
    ["The map is lying", "Wilson", "Explainers, test", "edge_ring", "evidence blurred away"],
)
def test_a_run_shows_its_audit_and_its_explainers(run_page, said):
    assert said in run_page


# Folds and their mean are never mixed


def test_the_verdict_on_folds_is_about_their_mean(folded, page):
    bench = BenchRecords(folded)
    said = verdict(bench.results, bench.labels, 3, 2)
    assert f"on {said.split} (mean over 2 folds)" in plain(section(page, "verdict"))
    table = pl.read_csv(folded / "results.csv", schema_overrides={"value_of": pl.String})
    kept = {"by": "all", "split": said.split, "measure": "auroc", "objective": "cyborg"}
    mean = table.filter(**kept)["value"].mean()
    card = next(each for each in said.judgements if each.label == "cyborg")
    assert any(f"→ {number(mean)}" in sentence for sentence in card.sentences)


def test_each_fold_has_rows_of_its_own_and_the_whole_has_others(folded):
    bench = BenchRecords(folded)
    found = folds.table(bench, "test_shifted")
    (rows,) = found.pages
    titles = [row[0].text for row in rows if len(row) == 1]
    assert titles == ["north", "south", "All folds"]
    values = pl.read_csv(folded / "results.csv", schema_overrides={"value_of": pl.String})
    first = [row[1].text for row in rows if row[0].text == "cyborg"]
    kept = {"by": "all", "split": "test_shifted", "measure": "auroc", "objective": "cyborg"}
    own = [values.filter(fold=fold, **kept)["value"].mean() for fold in ("north", "south")]
    wanted = [*own, sum(own) / 2]
    assert [text.partition(" ±")[0] for text in first] == [number(value) for value in wanted]


def test_the_dots_of_a_comparison_are_seeds_and_not_folds(folded):
    bench = BenchRecords(folded)
    rows = strip_rows(bench.comparison, bench.results, bench.labels, "test", "auroc")
    assert [sorted(row.values) for row in rows] == [[0, 1, 2]] * 2
    one = strip_rows(
        bench.comparisons.filter(fold="north"),
        bench.folded.filter(fold="north"),
        bench.labels,
        "test",
        "auroc",
    )
    assert one[1].values != rows[1].values


def test_a_seed_that_lacks_a_fold_is_left_out(data, tmp_path):
    folder = write_whole_bench(tmp_path, data, {"cross_entropy": PLAIN}, (0, 1), ("a", "b"))
    table = pl.read_csv(folder / "results.csv", schema_overrides={"value_of": pl.String})
    lacking = (pl.col("seed") == 1) & (pl.col("fold") == "b")
    table.filter(~lacking).write_csv(folder / "results.csv")
    whole = BenchRecords(folder).results.filter(by="all")
    assert whole["seed"].unique().to_list() == [0]


# Signed measures are no shares


def test_the_interval_of_a_gap_is_not_cut_at_zero(folded):
    comparison = BenchRecords(folded).comparison
    gap = comparison.filter(measure="gap", split="test", objective="cyborg").row(0, named=True)
    assert gap["high"] < 0
    made = tables.comparison(comparison.filter(split="test"), list(TWO))
    rows = made[0].pages[0]
    at = next(place for place, row in enumerate(rows) if row[0].text.startswith("gap of the map"))
    (row,) = [row for row in rows[at + 1 : at + 3] if row[0].text == "cyborg"]
    assert row[2].text == f"{number(gap['low'])} to {number(gap['high'])}"


@pytest.mark.parametrize(("signed", "inside"), [(True, True), (False, False)])
def test_dots_below_zero_stay_on_the_axis_of_a_signed_measure(signed, inside):
    rows = [Strip("a", {0: -0.4, 1: -0.3}, -0.35, -0.5, -0.2, "c1")]
    drawn = ElementTree.fromstring(strips(rows, "gap", 0.0, signed))
    dots = [float(each.get("cx")) for each in drawn.iter("circle")]
    assert all(148 <= x <= 420 for x in dots) == inside


# Words


def results(**values: tuple[float, float, float]) -> pl.DataFrame:
    """Make up AUROC, map outside and decision outside of each objective, over three seeds."""
    rows = [
        (label, seed, "test", "all", "", name, value + 0.004 * seed)
        for label, three in values.items()
        for seed in range(3)
        for name, value in zip(
            ("auroc", "framing_sensitivity", "framing_decision"), three, strict=True
        )
    ]
    columns = ["objective", "seed", "split", "by", "value_of", "measure", "value"]
    return pl.DataFrame(rows, schema=columns, orient="row")


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        ((0.8, 0.7, 0.4), "a map that slanders"),
        ((0.8, 0.7, 0.6), "map and decision left the evidence"),
        ((0.9, 0.7, 0.6), "map and decision left the evidence"),
        ((0.8, 0.7, nan), "the map left the evidence; the decision cannot be seen"),
        ((0.7, 0.7, 0.6), "worse answers"),
        ((0.8, 0.45, 0.6), "no clear change"),
    ],
)
def test_a_map_that_leaves_the_evidence_is_called_that(values, tag):
    said = verdict(results(plain=(0.8, 0.4, 0.4), guided=values), ["plain", "guided"], 3)
    assert [each.tag for each in said.judgements] == [tag]


def test_ranking_less_backwards_is_not_better():
    table = results(plain=(0.08, 0.9, 0.9), guided=(0.12, 0.3, 0.88))
    (found,) = verdict(table, ["plain", "guided"], 3).judgements
    assert found.tag == "a map that lies"


@pytest.mark.parametrize(("auroc", "said"), [(0.45, True), (0.54, True), (0.7, False)])
def test_the_lead_says_when_nobody_is_better_than_guessing(auroc, said):
    table = results(plain=(0.44, 0.4, 0.4), guided=(auroc, 0.4, 0.4))
    lead = verdict(table, ["plain", "guided"], 3).lead
    assert ("Nobody is better than guessing there" in lead) == said


def test_BM03_the_lead_of_one_seed_says_that_it_may_be_chance():
    table = results(plain=(0.8, 0.4, 0.4), guided=(0.9, 0.4, 0.4)).filter(seed=0)
    assert verdict(table, ["plain", "guided"], 1).lead.endswith("this may be chance.")


def test_BM03_a_forest_without_intervals_draws_none():
    rows = [Difference("a", 0.1, nan, nan, nan, "c1"), Difference("b", nan, nan, nan, nan, "c2")]
    drawn = ElementTree.fromstring(forest(rows, "test", Measure("AUROC", "higher")))
    assert not [each for each in drawn.iter("line") if "reach" in each.get("class")]
    assert len(list(drawn.iter("circle"))) == 1
    assert "n/a" in "".join(drawn.itertext())


def test_BM04_differences_stand_on_common_seeds_and_say_so():
    table = results(plain=(0.8, 0.4, 0.4), guided=(0.9, 0.4, 0.4))
    lacking = (pl.col("objective") == "guided") & (pl.col("seed") == 1)
    counted = table.filter(~lacking).with_columns(count=pl.lit(9), undefined=pl.lit(0))
    (made,) = tables.comparison(stats.compare(counted), ["plain", "guided"])
    (row,) = [row for row in made.pages[0][:3] if row[0].text == "guided"]
    assert row[-1].text == "2"
    assert row[3].text == "+0.100"
    said = [made.footnotes[int(mark) - 1] for mark in row[0].note.split(",")]
    assert "paired on the common seeds only: 0, 2" in said


@pytest.mark.parametrize(
    ("value", "bare", "with_sign"),
    [(-0.0001, "0.000", "0.000"), (0.0, "0.000", "0.000"), (-0.0006, "−0.001", "−0.001")],
)
def test_a_difference_that_rounds_to_nothing_has_no_sign(value, bare, with_sign):
    assert number(value) == bare
    assert signed(value) == with_sign


def test_a_p_of_one_is_one():
    assert probability(1.0) == "1"
    assert probability(0.5) == ".500"


# The banner


def verdict_of(gap: float) -> Verdict:
    """Make up a model whose class map and difference map are so far apart."""
    shown = np.linspace(0.3, 0.4, 40)
    return judge(pl.DataFrame({"framing_sensitivity": shown, "framing_decision": shown - gap}))


def test_the_banner_names_those_that_lie_in_most_trainings_and_mentions_the_rest():
    lies, honest = verdict_of(-0.3), verdict_of(0.0)
    found = {("a", "test"): [lies, lies, honest], ("b", "test"): [lies, honest, honest]}
    banner = truth.banner_of_bench(found)
    assert banner.title == "Maps that lie: a"
    assert banner.sentences[0].startswith("a on test, 2 of 3 trainings. At its worst it hides.")
    assert banner.sentences[1] == "Fewer trainings: b on test hides in 1 of 3 trainings."
    assert truth.flags(found)["b"] == ["map flagged on test: 1 of 3 trainings"]


def test_no_banner_without_a_lie():
    found = {("a", "test"): [verdict_of(0.0)]}
    assert truth.banner_of_bench(found) is None
    assert truth.flags(found) == {}


def test_silent_class_maps_are_said_to_be_unasked():
    shares = np.linspace(0.3, 0.4, 40)
    rows = {"framing_decision": shares, "causal_outside": shares}
    silent = judge(pl.DataFrame({**rows, "framing_sensitivity": np.full(40, nan)})).sentence
    asked = judge(pl.DataFrame({**rows, "framing_sensitivity": shares})).sentence
    assert "Too few class maps say anything" in silent
    assert "Too few" not in asked


# Charts


def test_names_cover_neither_dots_nor_each_other():
    random = np.random.default_rng(3)
    spots = random.uniform((150, 120), (210, 180), (12, 2))
    clusters = [
        Cluster(f"objective {place}", "c1", ((float(x), float(y)),))
        for place, (x, y) in enumerate(spots)
    ]
    written, leaders = names(clusters, Box(0, 0, 440, 330))
    boxes = []
    for each in written:
        wide, x, y = 6.5 * len(each.text), float(each.get("x")), float(each.get("y"))
        left = x if each.get("text-anchor") == "start" else x - wide
        boxes.append(Box(left, y - 10, left + wide, y + 2))
    assert not any(one.covers(other) for one, other in combinations(boxes, 2))
    dots = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in spots]
    assert not any(box.covers(dot) for box in boxes for dot in dots)
    ends = {(float(line.get("x2")), float(line.get("y2"))) for line in leaders}
    assert ends <= {dot for cluster in clusters for dot in cluster.dots}
    assert leaders


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.4, 0.6], 0.388, 0.612),  # as wide as its values, with some room
        ([0.45, 0.46], 0.355, 0.555),  # never narrower than told
        ([0.01, 0.02], 0.0, 0.2),  # never below 0
        ([0.99, 1.0], 0.8, 1.0),  # nor above 1
        ([-0.5, 0.5], -0.56, 0.56),  # unless values are
        ([0.0, 1.0], 0.0, 1.0),
    ],
)
def test_the_axis_of_shares_fits_its_values(values, low, high):
    axis = around_shares(values, 0, 100, 0.2)
    assert axis.low == pytest.approx(low, abs=0.06)
    assert axis.high == pytest.approx(high, abs=0.06)
    assert axis.high - axis.low >= 0.2 - 1e-9
    if min(values) >= 0 and max(values) <= 1:
        assert axis.low >= 0
        assert axis.high <= 1
    assert axis.low <= min(values)
    assert axis.high >= max(values)


def test_the_front_is_that_of_a_search_over_all_pairs():
    random = np.random.default_rng(0)
    clouds = [Cloud(f"{n}", (tuple(random.random(2).tolist()),), "c1") for n in range(30)]
    means = {cloud.name: cloud.middle for cloud in clouds}
    best = {
        name
        for name, (x, y) in means.items()
        if not any(a >= x and b >= y and (a, b) != (x, y) for a, b in means.values())
    }
    assert {cloud.name for cloud in front(clouds)} == best


def test_the_line_of_guessing_is_drawn_where_it_is_in_view():
    near = [Cloud("a", ((0.5, 0.48),), "c1")]
    far = [Cloud("a", ((0.5, 0.95),), "c1")]
    lines = [scatter(each, "x", "x", "y", guessing=0.5).count('"chance"') for each in (near, far)]
    assert lines == [1, 0]


def test_fourteen_objectives_have_fourteen_colours():
    found = colours([f"objective {number}" for number in range(20)])
    assert len(set(list(found.values())[:14])) == 14
    assert found["objective 0"] == "c0"
    assert list(found.values()).count("c0") == 1


def test_nothing_flips_at_zero_degrees():
    assert from_zero([(-5.0, 0.1), (5.0, 0.2)]) == ((-5.0, 0.1), (0.0, 0.0), (5.0, 0.2))
    assert from_zero([(5.0, 0.2), (10.0, 0.3)]) == ((5.0, 0.2), (10.0, 0.3))
    assert from_zero([]) == ()


def test_the_curve_of_a_run_is_that_of_scikit_learn():
    random = np.random.default_rng(1)
    labels = random.random(200) < 0.4
    scores = np.round(random.normal(labels, 1.5), 1)  # with ties
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    between = (false[1:] + false[:-1]) / 2
    middle = np.interp(between, false, true)
    sloped = np.diff(false) > 0
    assert rates_at(labels, scores, between)[sloped] == pytest.approx(middle[sloped])
    rows = pl.DataFrame(
        {"label": np.where(labels, "b", "a"), "p_a": -scores, "p_b": scores}, strict=False
    )
    curve = of_run(rows, ("a", "b"))
    assert curve.area == pytest.approx(roc_auc_score(labels, scores))
    assert (curve.low <= curve.rates + 1e-12).all()
    assert (curve.high >= curve.rates - 1e-12).all()


def test_wilsons_interval_is_the_published_one():
    low, high = wilson(
        np.array([15 / 148]), 148
    )  # Newcombe 1998, table I, method 3: 0.0624, 0.1605
    assert low[0] == pytest.approx(0.0624, abs=5e-5)
    assert high[0] == pytest.approx(0.1605, abs=5e-5)


# Print


def test_a_measure_and_its_objectives_are_not_torn_apart_in_print(page):
    table = section(page, "numbers").partition("<table>")[2].partition("</table>")[0]
    parts = re.findall(r"<tbody>(.*?)</tbody>", table, re.DOTALL)
    assert len(parts) == len(re.findall('class="measure"', table))
    assert all(part.count("<tr") == 3 for part in parts)
    assert "tbody" in re.search(r"[^}]*\{ break-inside: avoid; \}", page)[0]


@pytest.mark.parametrize(("rows", "folded"), [(25, 0), (200, 0), (300, 11)])
def test_only_very_long_tables_stay_folded_in_print(rows, folded):
    table = tables.paged("many", ["a"], [[tables.Cell(f"{row}")] for row in range(rows)])
    known = Environment(loader=PackageLoader("lookright.report"), autoescape=True)
    words = '{% import "parts.html" as parts %}{{ parts.whole(table) }}'
    made = known.from_string(words).render(table=table)
    assert made.count('class="more far"') == folded
    assert made.count('class="more') == len(table.pages) - 1
    style = known.get_template("style.css").render()
    assert "details:not(.far)::details-content { content-visibility: visible;" in style


def test_undefined_evidence_is_not_drawn_as_zero():
    drawn = scatter([Cloud("a", (), "c1"), Cloud("b", ((0.2, 0.3),), "c2")], "x", "x", "y")
    assert len(re.findall("c1 fill", drawn)) == 0
    axis = around_shares([], 0, 100, 0.2)
    assert not isnan(axis.low)


def test_a_method_that_is_honest_is_not_flagged(data, tmp_path):
    character = Character(0.6, 0.6, {"val": 0.9, "test": 0.9, "test_shifted": 0.9})
    run = write_whole_run(tmp_path, data, character)
    assert "The map is lying" not in write_report(run).read_text(encoding="utf-8")
