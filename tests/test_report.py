"""Reports: one page that opens anywhere, hides what it must, and says what the numbers say."""

import os
import signal
import subprocess
import sys
from html.parser import HTMLParser
from math import isnan, nan

import numpy as np
import polars as pl
import pytest

from folders import (
    HONEST,
    LYING,
    METHODS,
    PLAIN,
    SPLITS,
    Character,
    outcome,
    write_bench,
    write_data,
    write_evaluation,
    write_run,
)
from lookright.errors import RunError
from lookright.report import page, write_report
from lookright.report.bench_verdict import change, verdict
from lookright.report.privacy import redacted, without_folders
from lookright.report.records import open_records
from lookright.report.run_verdict import cards
from lookright.report.side_by_side import paired
from lookright.report.splits import farthest, judged, ordered
from lookright.report.svg import Axis, spanning
from lookright.report.words import number, percent, probability, signed

EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Collects what a page would load, run or leave unsaid."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.silent: list[str] = []
        self.words: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.addresses += [given[k] for k in ("src", "href", "srcset", "data") if given.get(k)]
        self.handlers += [name for name in given if name.startswith("on")]
        self.ids += [given["id"]] if given.get("id") else []
        if (tag == "img" and not given.get("alt")) or (
            tag == "svg" and not given.get("aria-label")
        ):
            self.silent.append(tag)

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def bench(data, tmp_path_factory):
    return write_bench(tmp_path_factory.mktemp("bench"), data)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"), data, LYING, "cyborg")


@pytest.fixture(scope="module")
def bench_page(bench):
    return write_report(bench)


@pytest.fixture(scope="module")
def run_page(run):
    return write_report(run)


@pytest.fixture(params=["run", "bench"])
def any_page(request):
    return request.getfixturevalue(f"{request.param}_page")


# RP01: one file that needs nothing


def test_RP01_a_page_loads_nothing_and_runs_nothing(any_page):
    found = read(any_page)
    outside = [each for each in found.addresses if not each.startswith(("data:", "#"))]
    assert not outside
    assert "script" not in found.tags
    assert not found.handlers
    text = any_page.read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_RP01_a_page_is_small_and_has_pictures(any_page):
    assert any_page.stat().st_size < 15_000_000
    assert read(any_page).tags.count("img") >= 20


def test_RP01_a_page_that_would_be_too_large_shows_fewer_pictures(run, tmp_path, monkeypatch):
    whole = write_report(run, tmp_path / "whole.html")
    monkeypatch.setattr(page, "LARGEST", whole.stat().st_size // 2)
    less = write_report(run, tmp_path / "less.html")
    assert less.stat().st_size < whole.stat().st_size / 2
    assert read(less).tags.count("img") >= 3


def test_everything_drawn_is_also_said_in_words(any_page):
    assert read(any_page).silent == []


def test_links_within_a_page_lead_somewhere(any_page):
    found = read(any_page)
    assert {each[1:] for each in found.addresses if each.startswith("#")} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_same_folder_gives_the_same_page(run, tmp_path):
    pages = [write_report(run, tmp_path / name).read_bytes() for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_a_report_is_written_where_it_is_wanted(run, tmp_path):
    assert write_report(run, tmp_path) == tmp_path / "report.html"
    assert write_report(run, tmp_path / "new/x.html").exists()


# RP02: ids, no folders


def test_RP02_no_folder_of_the_machine_is_on_a_page(any_page, data, bench, run):
    text = any_page.read_text(encoding="utf-8")
    for folder in {*data.parents, *bench.parents, *run.parents}:
        if len(folder.parts) > 2:  # "/" and "/tmp" alone name nobody
            assert f"{folder}/" not in text
    assert "manifest.csv" in text


def test_RP02_a_failed_cell_is_named_without_its_folders(data, tmp_path):
    folder = write_bench(tmp_path / "bench", data, dict(list(METHODS.items())[:2]), seeds=(0,))
    reason = "cannot read /home/jane/ward 7/scan.png"
    line = f'{{"key": "k", "label": "energy", "seed": 4, "status": "failed", "reason": "{reason}"}}'
    with (folder / "cells.jsonl").open("a") as file:
        file.write(line + "\n")
    text = read(write_report(folder)).text
    assert "energy, seed 4" in text
    assert "scan.png" in text
    assert "jane" not in text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/data/ward 7/a.png", "…/a.png"),
        (r"C:\Users\jane\a.csv", "…/a.csv"),
        ("~/x/a.csv", "…/a.csv"),
        ("../private/a.csv", "…/a.csv"),
        ("kermany/IM-0001", "kermany/IM-0001"),
        ("1/2 and/or 3", "1/2 and/or 3"),
    ],
)
def test_RP02_paths_lose_their_folders_and_ids_stay(given, expected):
    assert without_folders(given) == expected
    assert redacted({"a": [{"b": given}], "n": 3}) == {"a": [{"b": expected}], "n": 3}


# RP03: nothing, undefined, very much


def test_RP03_an_empty_evaluation_is_a_page_with_na(run, tmp_path):
    folder = copied(run, tmp_path)
    records = open_records(folder)
    none = records.predictions.drop("row").head(0)
    write_evaluation(
        folder, none, {k: v[:0] for k, v in records.maps.items()}, ["benign", "tumour"]
    )
    said = read(write_report(folder)).text
    assert "n/a" in said
    assert "nan" not in said.lower().split()


def test_RP03_undefined_measures_are_na_with_their_count(data, tmp_path):
    folder = write_run(tmp_path, data)
    records = open_records(folder)
    framing = [name for name in records.predictions.columns if "framing" in name]
    blank = [pl.lit(nan).alias(name) for name in [*framing, "energy_pointing"]]
    table = records.predictions.drop("row").with_columns(blank)
    write_evaluation(folder, table, records.maps, ["benign", "tumour"])
    text = read(write_report(folder)).text
    assert "n = 0 of 24" in text
    assert "this cannot be said" in text
    assert " nan " not in text.lower()


def test_RP03_a_split_with_one_class_says_why_auroc_is_missing(data, tmp_path):
    folder = write_run(tmp_path, data)
    records = open_records(folder)
    kept = (records.predictions["label"] == "tumour").to_numpy()
    maps = {name: each[kept] for name, each in records.maps.items()}
    table = records.predictions.filter(pl.Series(kept)).drop("row")
    write_evaluation(folder, table, maps, ["benign", "tumour"])
    assert "AUROC is undefined there" in read(write_report(folder)).text


def test_RP03_a_thousand_classes_are_paged_and_not_a_thousand_columns(data, tmp_path):
    folder = write_run(tmp_path, data)
    classes = [f"class {number:04d}" for number in range(1000)]
    images = pl.DataFrame(
        {
            "id": [f"image {number}" for number in range(60)],
            "label": [classes[7 * number % 1000] for number in range(60)],
            "split": "test",
            "mask": "x",
            "group": "A",
            "source": "B",
        }
    )
    predictions, maps = outcome(images, classes, HONEST, 0)
    write_evaluation(folder, predictions, maps, classes)
    (folder / "facts.json").write_text("{}")
    path = write_report(folder)
    found = read(path)
    assert "page 40 of 40" in found.text
    assert "commonest confusions" in found.text
    assert path.stat().st_size < 15_000_000
    assert found.tags.count("th") < 3000


def test_RP03_a_bench_without_seeds_in_common_is_still_a_page(data, tmp_path):
    folder = write_bench(tmp_path, data, {"cross_entropy": PLAIN}, seeds=(0,))
    text = read(write_report(folder)).text
    assert "nothing to compare" in text
    assert "One seed: no interval" in text


def test_pictures_that_are_gone_leave_a_page_that_says_so(data, tmp_path):
    moved = write_data(tmp_path / "data", per_split=6)
    folder = write_run(tmp_path / "run", moved)
    moved.unlink()
    text = read(write_report(folder)).text
    assert "could not be opened" in text
    assert str(tmp_path) not in text


# RP04: nothing written by others is markup


def test_RP04_ids_labels_and_names_are_escaped_everywhere(data, tmp_path):
    evil_label = "tumour<img src=x onerror=alert(1)>"
    rows = pl.read_csv(data).with_columns(
        pl.col("id").str.replace("test-00", EVIL),
        pl.col("label").str.replace("tumour", evil_label, literal=True),
        group=pl.lit(EVIL),
        source=pl.lit('"><script>'),
    )
    rows.write_csv(data.parent / "evil.csv")
    folder = write_bench(tmp_path, data.parent / "evil.csv", {EVIL[:20]: PLAIN, "b": LYING}, (0,))
    (folder / "bench.yaml").write_text(f"name: '{EVIL}'\ndata: {{manifest: x.csv}}\n")
    inner = next(path.parent for path in folder.rglob("run.yaml"))
    for path in (write_report(folder), write_report(inner)):
        text = path.read_text(encoding="utf-8")
        found = Page(text)
        assert "<script" not in text
        assert "onerror=alert" not in text.replace("src=x onerror=alert(1)&gt;", "")
        assert not found.handlers
        assert "script" not in found.tags
    assert EVIL in Page(write_report(folder).read_text()).text


def test_RP04_settings_and_facts_are_escaped(data, tmp_path):
    folder = write_run(tmp_path, data)
    (folder / "facts.json").write_text(f'{{"{EVIL[:8]}": "{EVIL[:8]}&amp;"}}')
    text = write_report(folder).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;&amp;amp;" in text


# RP05: whole or not there


def test_RP05_a_kill_while_writing_leaves_the_old_report(run, tmp_path):
    out = tmp_path / "report.html"
    out.write_text("the old one")
    code = (
        "import os, signal, sys\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from pathlib import Path\n"
        "from lookright.report import write_report\n"
        "write_report(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, run, out], env=dict(os.environ), check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert out.read_text() == "the old one"


def test_a_folder_that_is_no_run_says_what_is_missing(tmp_path):
    with pytest.raises(RunError, match="neither a run nor a bench"):
        write_report(tmp_path)
    (tmp_path / "run.yaml").write_text("seed: 0\n")
    with pytest.raises(RunError, match=r"predictions\.parquet") as caught:
        write_report(tmp_path)
    assert len(caught.value.problems) == 2


def test_writing_a_report_imports_no_torch(run, tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom lookright.report import write_report\n"
        "write_report(Path(sys.argv[1]), Path(sys.argv[2]))\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, run, tmp_path / "x.html"], check=True)


# What the words say


def results(**characters: Character) -> pl.DataFrame:
    """Make up a bench's table: three seeds around each character."""
    rows = []
    for name, character in characters.items():
        for seed in range(3):
            for split in SPLITS:
                values = {
                    "auroc": character.right[split],
                    "accuracy": character.right[split],
                    "framing_sensitivity": 1 - character.map_inside,
                    "framing_decision": 1 - character.decision_inside,
                    "framing_chance": 0.8,
                }
                rows += [
                    (name, seed, split, "all", "", measure, value + 0.004 * seed, 24, 0)
                    for measure, value in values.items()
                ]
    columns = ["objective", "seed", "split", "by", "value_of", "measure", "value", "count"]
    return pl.DataFrame(rows, schema=[*columns, "undefined"], orient="row")


@pytest.mark.parametrize(
    ("causes", "tag"),
    [(0.72, "the maps moved, the causes did not"), (0.5, "looks righter, is not righter")],
)
def test_a_decision_has_moved_only_if_changing_the_image_says_so(causes: float, tag: str) -> None:
    plain = Character(0.10, 0.12, right(0.1))
    both = results(plain=plain, guided=Character(0.85, 0.85, right(0.1)))
    rows = [
        (name, seed, "test_shifted", "all", "", "causal_outside", value + 0.004 * seed, 24, 0)
        for name, value in (("plain", 0.7), ("guided", causes))
        for seed in range(3)
    ]
    table = pl.concat([both, pl.DataFrame(rows, schema=both.schema, orient="row")])
    (found,) = verdict(table, ["plain", "guided"], 3).judgements
    words = " ".join(found.sentences).replace("\u00a0", " ")
    assert found.tag == tag
    assert f"% of the decision by its map and 70 % → {100 * causes:.0f} %" in words


def right(shifted: float, home: float = 0.95) -> dict[str, float]:
    return {"val": home, "test": home, "test_shifted": shifted}


@pytest.mark.parametrize(
    ("character", "tag"),
    [
        (Character(0.75, 0.15, right(0.1)), "a map that lies"),
        (Character(0.85, 0.85, right(0.8)), "map and decision moved"),
        (Character(0.85, 0.85, right(0.1)), "looks righter, is not righter"),
        (Character(0.85, 0.20, right(0.8)), "the map moved further than the decision"),
        (Character(0.25, 0.20, right(0.1)), "the map moved a little, the decision hardly"),
        (Character(0.10, 0.12, right(0.8)), "better answers, same map"),
        (Character(0.10, 0.60, right(0.1)), "the decision moved, the class map did not"),
        (Character(0.10, 0.12, right(0.1)), "no clear change"),
        (Character(0.75, nan, right(0.1)), "the map moved; the decision cannot be seen"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bench_is_judged_by_map_decision_and_answers_together(character, tag):
    said = verdict(results(plain=PLAIN, guided=character), ["plain", "guided"], 3)
    assert said.split == "test_shifted"
    assert [each.tag for each in said.judgements] == [tag]


def test_fewer_right_answers_are_called_that():
    good = Character(0.1, 0.1, right(0.8))
    said = verdict(results(plain=good, guided=PLAIN), ["plain", "guided"], 3)
    assert said.judgements[0].tag == "worse answers"


def test_the_lead_names_who_moved_what():
    said = verdict(results(plain=PLAIN, lies=LYING, acts=HONEST), ["plain", "lies", "acts"], 3)
    assert "acts moved the map and the decision" in said.lead
    assert "lies moved the map but not the decision" in said.lead
    assert "Against plain, on test_shifted" in said.lead


def test_the_sentences_carry_the_numbers():
    honest = verdict(results(plain=PLAIN, acts=HONEST), ["plain", "acts"], 3).judgements[0]
    words = " ".join(honest.sentences).replace("\u00a0", " ")
    assert "90 % → 15 % of the map" in words
    assert "88 % → 15 % of the decision" in words
    assert "Accuracy 10 % → 80 %" in words


def test_a_price_at_home_is_said():
    dear = Character(0.85, 0.85, right(0.8, home=0.8))
    said = verdict(results(plain=PLAIN, dear=dear), ["plain", "dear"], 3).judgements[0]
    assert any(each.startswith("It costs at home: on test") for each in said.sentences)


def test_seeds_that_disagree_are_no_change():
    table = results(plain=PLAIN, guided=PLAIN)
    shown = pl.col("measure") == "framing_sensitivity"
    wild = (pl.col("objective") == "guided") & (pl.col("seed") == 0) & shown
    opposite = (pl.col("objective") == "guided") & (pl.col("seed") > 0) & shown
    moved = pl.when(wild).then(0.0).when(opposite).then(0.95).otherwise(pl.col("value"))
    table = table.with_columns(value=moved)
    whole = change(table, "test", "framing_sensitivity", "plain", "guided")
    assert whole.difference < -0.1
    assert not whole.agree
    assert verdict(table, ["plain", "guided"], 3).judgements[0].tag == "no clear change"


def test_only_common_seeds_are_compared():
    table = results(plain=PLAIN, guided=HONEST)
    lonely = (pl.col("objective") == "guided") & (pl.col("seed") == 2)
    found = change(table.filter(~lonely), "test", "accuracy", "plain", "guided")
    assert found.difference == pytest.approx(-0.01)
    none = table.filter(~((pl.col("objective") == "guided") & (pl.col("seed") < 3)))
    assert isnan(change(none, "test", "accuracy", "plain", "guided").difference)


def said_of(run) -> dict[str, str]:
    records = open_records(run)
    made = cards(records.results, records.predictions)
    return {card.question: " ".join(card.sentences).replace("\u00a0", " ") for card in made}


def test_a_run_that_looks_right_and_decides_otherwise_is_told_so(run):
    said = said_of(run)
    assert "below guessing: what it learned points backwards" in said["Is it right?"]
    assert "far more than chance would" in said["Does it look right?"]
    assert "more than the map admits" in said["Does it look right?"]
    assert "always answering benign would be right on 50 %" in said["Is it right?"]


def test_a_run_that_looks_at_the_frame_is_told_so(data, tmp_path):
    said = said_of(write_run(tmp_path, data, PLAIN, "cross_entropy"))
    assert "looks past the evidence more than chance would" in said["Does it look right?"]
    assert "more than the map admits" not in said["Does it look right?"]


def test_a_constant_classifier_is_not_called_robust(data, tmp_path):
    folder = write_run(tmp_path, data)
    records = open_records(folder)
    table = records.predictions.drop("row").with_columns(predicted=pl.lit("benign"))
    write_evaluation(folder, table, records.maps, ["benign", "tumour"])
    assert "such a classifier cannot flip" in said_of(folder)["Is it robust?"]


def test_the_page_of_a_bench_says_the_verdict_and_the_warning(bench_page):
    text = read(bench_page).text
    assert "a map that lies" in text
    assert "map and decision moved" in text
    assert "cannot go below p = 0.25" in text
    assert "Most improved" in text
    assert "Most harmed" in text


def test_the_most_improved_image_is_the_one_whose_true_class_gained_most(bench):
    records = open_records(bench)
    plain, guided = (
        records.runs[name, 0].predictions for name in ("cross_entropy", "decision_energy")
    )
    both = paired(plain, guided, "test_shifted")
    best = both.sort("change", descending=True).row(0, named=True)
    gains = {}
    for before, after in zip(
        plain.iter_rows(named=True), guided.iter_rows(named=True), strict=True
    ):
        if before["split"] == "test_shifted":
            key = f"p_{before['label']}"
            gains[before["id"]] = after[key] - before[key]
    assert best["change"] == pytest.approx(max(gains.values()))
    assert gains[best["id"]] == pytest.approx(best["change"])
    assert f"<h4>{best['id']}</h4>" in write_report(bench).read_text(encoding="utf-8")


# Small things that the page stands on


def test_splits_are_judged_without_those_learned_on():
    assert ordered(["val", "test_nih", "test"]) == ["test", "test_nih", "val"]
    assert judged(["val", "test_nih", "test"]) == ["test", "test_nih"]
    assert judged(["val"]) == ["val"]
    assert (
        farthest(["val", "test", "test_nih"], {"test": 0.9, "test_nih": 0.5, "val": 0.1})
        == "test_nih"
    )
    assert farthest(["test", "test_nih"], {"test": nan, "test_nih": nan}) == "test"


@pytest.mark.parametrize("missing", [nan, None, float("inf")])
def test_what_is_undefined_is_written_na(missing):
    for write in (number, signed, percent, probability):
        assert write(missing) == "n/a"


def test_numbers_are_written_alike():
    assert number(0.12345) == "0.123"
    assert signed(0.5) == "+0.500"
    assert signed(-0.5) == "−0.500"
    assert percent(0.064).replace("\u00a0", " ") == "6 %"
    assert percent(0.999).replace("\u00a0", " ") == "99.9 %"
    assert percent(0.0) == "0\u00a0%"
    assert probability(0.0002) == "< .001"


@pytest.mark.parametrize("values", [[], [nan], [0.4], [0.0, 0.0], [-3, 1e6], [0.2, nan, 0.9]])
def test_an_axis_holds_every_finite_value_inside(values):
    axis = spanning(values, 10, 210)
    for value in values:
        if not isnan(value):
            assert 10 <= axis(value) <= 210
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 11
    assert all(axis.low - 1e-9 <= tick <= axis.high + 1e-9 for tick in ticks)
    assert np.allclose(np.diff(ticks), ticks[1] - ticks[0])


def test_an_axis_may_run_backwards():
    assert Axis(0, 1, 100, 0)(0.25) == 75


def copied(run, folder):
    for name in ("run.yaml", "facts.json", "metrics.jsonl"):
        (folder / name).write_bytes((run / name).read_bytes())
    for name in ("predictions.parquet", "maps.safetensors", "results.csv"):
        (folder / name).write_bytes((run / name).read_bytes())
    return folder
