"""What annotation is worth: from results to a table, a sentence and a picture."""

from math import isnan, nan
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from lookright.bench.folds import compared
from lookright.economics import benefit, comparison, economics
from lookright.economics.comparison import planned
from lookright.economics.finding import findings, gains, shown, state
from lookright.economics.levels import annotations, levels
from lookright.economics.picture import FEW, draw, encoded
from lookright.errors import ConfigError, Problem, RunError
from lookright.run import Run

SETTINGS = [
    *("data=digits", "data.side=32", "data.size=32", "data.train=24", "data.val=12"),
    *("data.test=12", "data.test_shifted=12", "model=lookright_tiny", "training.epochs=1"),
    *("training.batch=12", "training.device=cpu", "evaluation.angles=[10]"),
    *("evaluation.control=false", "evaluation.interventions=[occlude_outside]"),
]
STATES = "[{share: 1}, {share: 0.1}, {share: 0.5}, {corruption: shifted}, {corruption: noisy}]"
METHODS = ("energy", "cyborg")
# What each state gains at home and away; cyborg gains nothing anywhere.
GAINS = {"": 0.3, "10 %": 0.1, "50 %": 0.2, "shifted 25 %": 0.05, "noisy 25 %": 0.25}


def recipe(*changes: str) -> Run:
    return Run.load(None, [*SETTINGS, *changes])


def asked(objectives="[cross_entropy, energy, cyborg]", states=STATES, seeds="[0,1,2]") -> Run:
    return recipe(
        f"bench.objectives={objectives}", f"bench.annotations={states}", f"bench.seeds={seeds}"
    )


def results(seeds=range(5), measures=("auroc", "framing_decision")) -> pl.DataFrame:
    """Make up what a comparison of these states would find, a little noise on every seed."""
    labels = ["cross_entropy", *(", ".join(filter(None, [m, s])) for m in METHODS for s in GAINS)]
    rows = [
        (label, seed, "", split, "all", "", measure, score(label, seed, split, measure))
        for label in labels
        for seed in seeds
        for split in ("val", "test", "far")
        for measure in measures
    ]
    names = ["objective", "seed", "fold", "split", "by", "value_of", "measure", "value"]
    return pl.DataFrame(rows, schema=names, orient="row")


def score(label: str, seed: int, split: str, measure: str) -> float:
    method, _, words = label.partition(", ")
    gain = GAINS[words] if method == "energy" else 0.0
    gain *= 1.0 if split == "far" else 0.1
    noise = 0.002 * np.sin(7 * seed + len(label) + len(split))
    return 0.5 + gain + noise if measure == "auroc" else 0.8 - gain - noise


@pytest.fixture
def table() -> pl.DataFrame:
    return benefit(compared(results()), levels(asked()))


def row(table: pl.DataFrame, **wanted) -> dict:
    (found,) = table.filter(**wanted).to_dicts()
    return found


def test_every_row_of_the_comparison_says_what_it_learnt_from():
    found = levels(asked())
    assert [level.objective for level in found[:4]] == [
        "cross_entropy",
        "energy",
        "energy, 10 %",
        "energy, 50 %",
    ]
    assert [level.kind for level in found[:6]] == [
        *("none", "share", "share", "share", "corruption", "noise")
    ]
    assert isnan(found[0].share)
    assert (found[2].method, found[2].share, found[2].maps) == ("energy", 0.1, 2)
    assert (found[1].maps, found[4].maps) == (24, 24)
    assert (found[4].corruption, found[4].amount) == ("shifted", 0.25)


def test_the_default_states_are_the_stated_ones():
    states = annotations()
    shares = sorted(each.share for each in states if each.corruption == "none")
    assert shares == [0.01, 0.05, 0.1, 0.25, 0.5, 1]
    kinds = {each.corruption for each in states} - {"none"}
    assert kinds == {
        *("missing", "shifted", "shrunk", "dilated", "boxes", "misplaced", "swapped", "noisy")
    }
    assert sum(each.corruption == "noisy" for each in states) == 3
    assert planned(asked(states="[]")).bench.annotations == states
    assert len(planned(asked()).bench.annotations) == 5


@pytest.mark.parametrize("names", ["[]", "[cyborg, energy]", "[cross_entropy]"])
def test_without_a_baseline_or_a_method_there_is_nothing_to_compare(names):
    with pytest.raises(ConfigError, match="first objective must learn without maps"):
        planned(asked(names))


def test_the_table_has_the_paired_difference_of_every_state(table):
    found = row(table, method="energy", share=0.1, split="far", measure="auroc")
    ours, base = (
        np.array([score(name, seed, "far", "auroc") for seed in range(5)])
        for name in ("energy, 10 %", "cross_entropy")
    )
    assert found["difference"] == pytest.approx((ours - base).mean(), abs=1e-12)
    half = 2.7764451 * (ours - base).std(ddof=1) / 5**0.5
    ends = found["difference"] - half, found["difference"] + half
    assert (found["difference_low"], found["difference_high"]) == pytest.approx(ends, abs=1e-9)
    assert (found["kind"], found["maps"], found["seeds"]) == ("share", 2, 5)
    assert (
        table.select("method", "kind", "share", "corruption", "split", "measure").is_unique().all()
    )
    assert table.height == 11 * 3 * 2


def test_only_what_is_over_all_folds_enters():
    whole = results()
    parts = [whole.with_columns(fold=pl.lit(fold)) for fold in ("a", "b")]
    table = benefit(compared(pl.concat(parts)), levels(asked()))
    assert table.height == 11 * 3 * 2


def test_gains_are_turned_so_that_more_is_better(table):
    for measure in ("auroc", "framing_decision"):
        found = row(gains(table), method="energy", share=0.5, split="far", measure=measure)
        assert found["gain"] == pytest.approx(0.2, abs=0.01)
        assert found["gain_low"] < found["gain"] < found["gain_high"]


def test_without_its_baseline_no_gain_is_made_up():
    rest = results().filter(pl.col("objective") != "cross_entropy")
    with pytest.raises(RunError, match="cross_entropy has no results"):
        benefit(compared(rest), levels(asked()))


def test_the_sentence_says_where_the_most_is_gained_and_what_half_of_it_costs(table):
    assert findings(table) == [
        "energy: AUROC +0.300 on far with all maps (24), half of that or more with 50 % of the "
        "maps (12).",
        "cyborg: no gain in AUROC that its interval keeps from zero.",
    ]


def test_too_few_seeds_say_nothing():
    table = benefit(compared(results(range(2))), levels(asked()))
    assert findings(table) == []
    assert FEW in words(draw(table, "digits"))


def test_one_measure_of_being_right_and_one_of_the_evidence_are_shown_on_the_tests(table):
    assert shown(table) == [
        *(("auroc", "test"), ("auroc", "far")),
        *(("framing_decision", "test"), ("framing_decision", "far")),
    ]
    undefined = pl.when(measure="auroc").then(nan).otherwise("mean")
    rest = table.with_columns(mean=undefined)
    assert {name for name, _ in shown(rest)} == {"framing_decision"}


def test_states_are_named_as_people_would():
    states = [
        {"share": 1.0, "corruption": "none", "amount": None},
        {"share": 0.05, "corruption": "none", "amount": None},
        {"share": 1.0, "corruption": "boxes", "amount": 0.0},
        {"share": 0.5, "corruption": "shifted", "amount": 0.25},
    ]
    assert [state(each) for each in states] == ["as drawn", "5 %", "boxes", "shifted 25 % of 50 %"]


def words(figure) -> str:
    texts = [text.get_text() for text in figure.texts]
    for axis in figure.axes:
        texts += [axis.get_title(loc="left"), *(text.get_text() for text in axis.texts)]
        texts += [label.get_text() for label in axis.get_xticklabels()]
    return "\n".join(texts)


def test_the_picture_shows_every_state_and_says_what_zero_is(table):
    figure = draw(table, "a $name$ of <digits>")
    assert len(figure.axes) == 8
    said = words(figure)
    for part in (
        *("a $name$ of <digits>", "10 %\n2", "100 %\n24", "shifted\n25 %", "noisy\n25 %"),
        *("as\ndrawn", "more AUROC on far", "zero is cross_entropy: 0.5", "means over 5 seeds"),
        *("less decision outside on test", "maps spoilt on purpose", "unsteady outlines"),
    ):
        assert part in said
    line = figure.axes[2].lines[0]  # the first method on `far`
    np.testing.assert_allclose(line.get_xdata(), [0.1, 0.5, 1])
    np.testing.assert_allclose(line.get_ydata(), [0.1, 0.2, 0.3], atol=0.01)


def test_the_picture_is_the_same_bytes_again_and_well_formed(table):
    table = table.filter(measure="auroc", split="far")
    first, again = (encoded(draw(table, "digits"), "svg") for _ in range(2))
    assert first == again
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert encoded(draw(table, "digits"), "png").startswith(b"\x89PNG")


def test_a_comparison_without_some_kind_of_state_is_drawn(table):
    for kind in ("share", "corruption", "noise"):
        figure = draw(table.filter(pl.col("kind") != kind, measure="auroc"), "digits")
        assert "as\ndrawn" in words(figure) or kind == "share"


def test_a_failed_cell_ends_the_command_after_the_rest_is_written(tmp_path, monkeypatch):
    def failing(run, folder):
        folder.mkdir(exist_ok=True)
        compared(results()).write_csv(folder / "comparison.csv")
        raise RunError(Problem("BENCH-CELL", "One cell failed."))

    monkeypatch.setattr(comparison, "bench", failing)
    with pytest.raises(RunError, match="One cell failed"):
        economics(asked(), tmp_path)
    written = pl.read_csv(tmp_path / "economics.csv")
    assert written.height == 11 * 3 * 2
    assert (tmp_path / "economics.svg").exists()


def test_one_command_trains_under_every_state_and_leaves_one_picture(tmp_path: Path):
    states = "[{share: 0.25}, {corruption: swapped, amount: 1.0}]"
    run = asked("[cross_entropy, energy]", states, "[0]")
    picture = economics(run, tmp_path)
    assert picture == tmp_path / "economics.svg"
    table = pl.read_csv(tmp_path / "economics.csv", infer_schema_length=None)
    table = table.filter(measure="accuracy", split="test")
    assert table["kind"].to_list() == ["none", "share", "corruption"]
    assert table["maps"].to_list() == [None, 6, 24]
    assert Run.load(tmp_path / "energy-25/seed-0/run.yaml").data.maps.share == 0.25
    before = (tmp_path / "cells.jsonl").read_bytes(), picture.read_bytes()
    economics(run, tmp_path)
    assert ((tmp_path / "cells.jsonl").read_bytes(), picture.read_bytes()) == before
