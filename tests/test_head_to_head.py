"""Runs head to head, from tables alone: against the statistics by hand, and its mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from folders import HONEST, LYING, PLAIN, write_bench, write_data, write_run
from lookright import gate as gates
from lookright import stats
from lookright.aligned import blocks, entries
from lookright.cli import main
from lookright.errors import ConfigError, DataError, LookrightError, RunError
from lookright.head_to_head import COLUMNS, head_to_head
from lookright.metrics.summary import summarise
from lookright.stats import bootstrap, crossed, delong, mcnemar
from lookright.stats.units import each_image


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    return write_bench(folder / "bench", write_data(folder / "data", per_split=32))


def run(folder: Path, gain: float, *, images=range(80), classes=("a", "b"), split="test", key=0):
    """Write a run that ranks better the larger the gain is; image i is always the same."""
    rows = []
    for number in images:
        random, own = np.random.default_rng(number), np.random.default_rng([1, key, number])
        label = number % len(classes)
        logits = random.normal(size=len(classes)) + 0.7 * own.normal(size=len(classes))
        logits[label] += gain
        p = np.exp(logits) / np.exp(logits).sum()
        row = {"id": f"i{number}", "split": split, "label": classes[label]}
        row |= {"group": f"g{number // 2}", "predicted": classes[p.argmax()]}
        row |= {f"p_{name}": float(each) for name, each in zip(classes, p, strict=True)}
        framing = float(own.random()) if number % 5 else float("nan")
        rows.append(row | {"annotated": bool(number % 5), "framing_sensitivity": framing})
    return write(folder, pl.DataFrame(rows), classes)


def write(folder: Path, table: pl.DataFrame, classes=("a", "b")) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    table.write_parquet(folder / "predictions.parquet")
    summarise(table, classes).write_csv(folder / "results.csv")
    return folder


def read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "predictions.parquet")


def only(lines: pl.DataFrame, **wanted) -> dict:
    for name, value in wanted.items():
        is_it = pl.col(name).is_null() if value is None else pl.col(name) == value
        lines = lines.filter(is_it)
    (line,) = lines.to_dicts()
    return line


def areas(*folders: Path, class_: str = "b"):
    tables = [read(folder) for folder in folders]
    scores = np.stack([table[f"p_{class_}"].to_numpy() for table in tables])
    return delong.areas((tables[0]["label"] == class_).to_numpy(), scores)


def test_two_runs_are_compared_by_delong_on_their_images(tmp_path: Path):
    first, second = run(tmp_path / "first", 0.5), run(tmp_path / "second", 1.5, key=1)
    lines = head_to_head([first, second]).lines
    by_hand = areas(first, second)
    own = only(lines, measure="auroc", objective="second", baseline="", how="DeLong", over="group")
    assert own["estimate"] == pytest.approx(by_hand.values[1])
    found = head_to_head([first, second], by="id").lines
    own = only(found, measure="auroc", objective="second", baseline="", how="DeLong")
    expected = delong.interval(by_hand, 1)
    assert (own["over"], own["count"]) == ("images", 80)
    assert (own["low"], own["high"]) == pytest.approx((expected.low, expected.high))
    gain = only(found, measure="auroc", baseline="first", how="DeLong")
    expected = delong.difference(by_hand, 1, 0)
    assert (gain["estimate"], gain["statistic"], gain["p"]) == pytest.approx(
        (expected.estimate, expected.statistic, expected.p)
    )
    assert dict(found.schema) == COLUMNS


def test_the_bootstrap_of_a_difference_draws_the_same_images_for_both(tmp_path: Path):
    first, second = run(tmp_path / "first", 0.5), run(tmp_path / "second", 1.5, key=1)
    lines = head_to_head([first, second], by="id").lines
    found = only(lines, measure="auroc", baseline="first", how="BCa, 2000 resamples")
    labels = (read(first)["label"] == "b").to_numpy()
    scores = [read(folder)["p_b"].to_numpy() for folder in (first, second)]
    (weights,) = bootstrap.drawn(each_image(labels.astype(int)), 2000)
    gains = [
        roc_auc_score(labels, scores[1], sample_weight=each)
        - roc_auc_score(labels, scores[0], sample_weight=each)
        for each in weights.T[:400]
    ]
    below = np.mean(np.array(gains) < found["low"]), np.mean(np.array(gains) > found["high"])
    assert max(below) < 0.05
    assert found["low"] < found["estimate"] < found["high"]


def test_accuracies_of_two_runs_are_compared_by_mcnemar(tmp_path: Path):
    first, second = run(tmp_path / "first", 0.2), run(tmp_path / "second", 2.0, key=1)
    right = [(read(f)["label"] == read(f)["predicted"]).to_numpy() for f in (first, second)]
    found = only(head_to_head([first, second]).lines, how="McNemar exact")
    expected = mcnemar.compare(right[1], right[0])
    assert (found["estimate"], found["p"]) == pytest.approx((expected.estimate, expected.p))
    assert (found["over"], found["measure"]) == ("images", "accuracy")


def test_averages_are_compared_on_the_images_where_both_are_defined(tmp_path: Path):
    first, second = run(tmp_path / "first", 1), run(tmp_path / "second", 1, key=1)
    table = read(second)
    silent = pl.when(pl.col("id") == "i7").then(float("nan")).otherwise("framing_sensitivity")
    write(second, table.with_columns(silent.alias("framing_sensitivity")))
    lines = head_to_head([first, second], by="id").lines
    found = only(lines, measure="framing_sensitivity", baseline="first", how="paired z")
    gains = (read(second)["framing_sensitivity"] - read(first)["framing_sensitivity"]).to_numpy()
    gains = gains[~np.isnan(gains)]
    assert found["count"] == len(gains) == 63
    assert found["estimate"] == pytest.approx(gains.mean())
    assert found["statistic"] == pytest.approx(gains.mean() / (gains.std() / 63**0.5), rel=0.03)
    again = only(lines, measure="framing_sensitivity", baseline="first", how="BCa, 2000 resamples")
    assert (again["low"], again["high"]) == pytest.approx((found["low"], found["high"]), abs=0.02)


def test_groups_that_are_many_are_patients_and_few_are_not(tmp_path: Path, bench: Path):
    first, second = run(tmp_path / "first", 1), run(tmp_path / "second", 1, key=1)
    (block,) = blocks(entries([first, second]))
    assert (block.units.name, len(block.units.strata)) == ("group", 40)
    assert {block.units.name for block in blocks(entries([bench]))} == {"images"}
    assert blocks(entries([bench]), by="group")[0].units.name == "group"


def test_a_patient_that_is_not_known_is_one_of_its_own(tmp_path: Path):
    folder = run(tmp_path / "first", 1)
    rare = pl.when(pl.col("id").is_in(["i0", "i1", "i2"])).then(None).otherwise("group")
    write(folder, read(folder).with_columns(rare.alias("group")))
    (block,) = blocks(entries([folder]))
    assert len(block.units.strata) == 40 - 1 + 3
    assert len(set(block.units.of[:3].tolist())) == 3


def test_runs_on_other_images_are_compared_on_the_common_ones_and_it_says_so(tmp_path: Path):
    first = run(tmp_path / "first", 1)
    second = run(tmp_path / "second", 1, key=1, images=[*range(90, 50, -1), *range(40)])
    found = head_to_head([first, second], by="id")
    assert "test: 69 images; 22 that some run lacks are left out." in found.notes
    common = [f"i{number}" for number in range(80) if number <= 39 or number > 50]
    tables = [read(f).filter(pl.col("id").is_in(common)).sort("id") for f in (first, second)]
    by_hand = [roc_auc_score(t["label"] == "b", t["p_b"]) for t in tables]
    line = only(found.lines, measure="auroc", baseline="first", how="DeLong")
    assert line["count"] == 69
    assert line["estimate"] == pytest.approx(by_hand[1] - by_hand[0])


def test_the_order_of_the_images_does_not_matter(tmp_path: Path):
    first, second = run(tmp_path / "first", 1), run(tmp_path / "second", 2, key=1)
    before = head_to_head([first, second]).lines
    write(second, read(second).sample(fraction=1, shuffle=True, seed=1))
    after = head_to_head([first, second]).lines
    same = before.filter(how="DeLong"), after.filter(how="DeLong")
    assert same[0]["p"].fill_nan(0).to_list() == pytest.approx(same[1]["p"].fill_nan(0).to_list())
    assert same[0]["low"].to_list() == pytest.approx(same[1]["low"].to_list())


def test_above_two_classes_the_area_is_the_mean_over_classes(tmp_path: Path):
    classes = ("a", "b", "c")
    first = run(tmp_path / "first", 0.5, classes=classes, images=range(90))
    second = run(tmp_path / "second", 1.0, classes=classes, images=range(90), key=1)
    lines = head_to_head([first, second], by="id").lines
    own = only(lines, measure="auroc", objective="first", baseline="", how="DeLong")
    table = read(first)
    scores = table.select(f"p_{name}" for name in classes).to_numpy()
    expected = roc_auc_score(table["label"].to_list(), scores, multi_class="ovr", average="macro")
    assert own["estimate"] == pytest.approx(expected)
    again = only(lines, measure="auroc", objective="first", baseline="", how="BCa, 2000 resamples")
    assert (again["low"], again["high"]) == pytest.approx((own["low"], own["high"]), abs=0.02)
    each = only(lines, measure="auroc of c", baseline="first", how="DeLong")
    by_hand = delong.difference(areas(first, second, class_="c"), 1, 0)
    assert each["estimate"] == pytest.approx(by_hand.estimate)
    assert each["p"] == pytest.approx(by_hand.p, rel=0.2)  # drawn within three classes, not two


def test_objectives_of_a_bench_are_paired_seed_by_seed(bench: Path):
    found = head_to_head([bench])
    lines = found.lines.filter(split="test_shifted")
    per_seed = [
        delong.difference(_shifted(bench, "cross_entropy", "decision_energy", seed), 1, 0)
        for seed in range(3)
    ]
    for seed, expected in enumerate(per_seed):
        wanted = {"objective": "decision_energy", "baseline": "cross_entropy", "seed": seed}
        line = only(lines, measure="auroc", **wanted)
        assert line["estimate"] == pytest.approx(expected.estimate)
        assert line["p"] == pytest.approx(expected.p)
    over = {"measure": "auroc", "objective": "decision_energy", "baseline": "cross_entropy"}
    mean = only(lines, **over, seed=None, over="images", how="DeLong")
    gains = [each.estimate for each in per_seed]
    assert mean["estimate"] == pytest.approx(np.mean(gains))
    seeds = only(lines, **over, over="seeds", how="paired t")
    expected = stats.paired(gains, [0.0] * 3)
    assert (seeds["estimate"], seeds["p"], seeds["effect"]) == pytest.approx(
        (expected.difference, expected.p_t, expected.effect)
    )
    assert "cannot go below p = 0.25" in seeds["note"]
    both = only(lines, **over, over="seeds and images")
    assert both["how"] == "Obuchowski-Rockette"
    assert both["high"] - both["low"] > mean["high"] - mean["low"]


def _shifted(bench: Path, one: str, two: str, seed: int):
    tables = [
        read(bench / name / f"seed-{seed}").filter(split="test_shifted") for name in (one, two)
    ]
    positive = (tables[0]["label"] == "tumour").to_numpy()
    return delong.areas(positive, np.stack([table["p_tumour"].to_numpy() for table in tables]))


def test_seeds_and_images_at_once_come_from_the_covariance_of_the_seeds(bench: Path):
    lines = head_to_head([bench], splits=["test_shifted"], measures=["accuracy"]).lines
    found = only(
        lines, objective="decision_energy", baseline="cross_entropy", over="seeds and images"
    )
    tables = [
        [read(bench / name / f"seed-{seed}").filter(split="test_shifted") for seed in range(3)]
        for name in ("cross_entropy", "decision_energy")
    ]
    right = np.array([[(t["label"] == t["predicted"]).to_numpy() for t in row] for row in tables])
    gains, labels = right[1] * 1.0 - right[0], (tables[0][0]["label"] == "tumour").to_numpy()
    spread = sum(np.cov(gains[:, labels == each]) * (labels == each).sum() for each in (0, 1))
    expected = crossed.over_both(gains.mean(1), spread / gains.shape[1] ** 2)
    assert (found["estimate"], found["p"]) == pytest.approx((expected.estimate, expected.p))


def test_BM03_one_seed_gives_no_p_over_seeds_and_says_so(tmp_path: Path):
    manifest = write_data(tmp_path / "data")
    bench = write_bench(tmp_path / "bench", manifest, seeds=(4,))
    found = head_to_head([bench])
    assert set(found.lines["over"]) == {"images"}
    assert found.lines["seed"].is_null().all()
    assert any("One seed each" in note for note in found.notes)


def test_BM04_missing_cells_leave_the_common_seeds(tmp_path: Path):
    manifest = write_data(tmp_path / "data")
    bench = write_bench(tmp_path / "bench", manifest, seeds=(0, 1, 2, 3))
    (bench / "cyborg" / "seed-2" / "predictions.parquet").unlink()
    lines = head_to_head([bench], splits=["test"], measures=["auroc"]).lines
    cyborg = lines.filter(objective="cyborg", baseline="cross_entropy")
    assert set(cyborg["seed"].drop_nulls()) == {0, 1, 3}
    assert only(cyborg, how="paired t")["count"] == 3
    assert "common seeds only: 0, 1, 3" in only(cyborg, how="paired t")["note"]
    per_seed = cyborg.filter(pl.col("seed").is_not_null())["estimate"]
    mean = only(cyborg, how="DeLong", seed=None)["estimate"]
    assert mean == pytest.approx(per_seed.mean())


def test_p_values_are_adjusted_over_the_objectives(bench: Path):
    lines = head_to_head([bench], splits=["test_shifted"]).lines
    chosen = lines.filter(measure="auroc", over="images", how="DeLong", baseline="cross_entropy")
    chosen = chosen.filter(pl.col("seed").is_null())
    assert chosen["p_holm"].to_list() == pytest.approx(stats.holm(chosen["p"].to_list()))
    assert len(chosen) == 2


def test_many_images_leave_theory_alone_and_the_lines_say_so(tmp_path: Path, monkeypatch):
    first, second = run(tmp_path / "first", 1), run(tmp_path / "second", 1, key=1)
    monkeypatch.setattr(bootstrap, "WORK", 1000)
    lines = head_to_head([first, second]).lines
    assert set(lines["how"]) == {"DeLong", "normal", "paired z", "McNemar exact"}


def test_folds_are_compared_for_themselves_over_images_and_as_a_mean_over_seeds(tmp_path: Path):
    for objective, gain in (("plain", 0.5), ("guided", 1.5)):
        for fold, images in (("camera a", range(60)), ("camera b", range(60, 120))):
            for seed in range(3):
                folder = tmp_path / "bench" / objective / fold / f"seed-{seed}"
                run(folder, gain, images=images, key=10 * seed + (objective == "guided"))
    lines = head_to_head(sorted((tmp_path / "bench").iterdir(), reverse=True), by="id").lines
    auroc = lines.filter(measure="auroc", objective="guided", baseline="plain")
    per_fold = auroc.filter(pl.col("fold") != "", pl.col("seed").is_null(), how="DeLong")
    assert per_fold["fold"].to_list() == ["camera a", "camera b"]
    over_seeds = only(auroc, over="seeds", how="paired t")
    assert (over_seeds["fold"], over_seeds["count"]) == ("", 3)
    assert over_seeds["estimate"] == pytest.approx(per_fold["estimate"].mean())


def test_everything_that_does_not_fit_together_is_told_at_once(tmp_path: Path):
    first = run(tmp_path / "first", 1)
    others = [run(tmp_path / name, 1, classes=("a", name)) for name in ("x", "y")]
    with pytest.raises(ConfigError) as error:
        head_to_head([first, *others])
    assert [problem.where for problem in error.value.problems] == [str(f) for f in others]


def labelled_otherwise(folder: Path) -> Path:
    run(folder, 1)
    other = pl.when(pl.col("id") == "i3").then(pl.lit("a")).otherwise("label")
    return write(folder, read(folder).with_columns(other.alias("label")))


def listed_twice(folder: Path) -> Path:
    run(folder, 1)
    return write(folder, pl.concat([read(folder), read(folder)[:2]]))


@pytest.mark.parametrize(
    ("make", "how", "kind", "code", "text"),
    [
        (lambda f: run(f, 1, images=range(100, 140)), {}, DataError, "COMPARE-IMAGES", "no image"),
        (labelled_otherwise, {}, DataError, "COMPARE-LABELS", "1 images unlike"),
        (listed_twice, {}, DataError, "COMPARE-IDS", "2 images more than once"),
        (lambda f: run(f, 1), {"splits": ["tset"]}, ConfigError, "COMPARE-SPLIT", "'test'"),
        (lambda f: run(f, 1), {"by": "grup"}, ConfigError, "COMPARE-COLUMN", "'group'"),
        (lambda f: run(f, 1), {"measures": ["aurok"]}, ConfigError, "MEASURE", "'auroc'"),
        (lambda f: f.parent / "first", {}, ConfigError, "COMPARE-TWICE", "twice"),
        (lambda f: f, {}, RunError, "RUN-FOLDER", "no such folder"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, make, how, kind, code: str, text: str):
    first = run(tmp_path / "first", 1)
    with pytest.raises(LookrightError, match=text) as error:
        head_to_head([first, make(tmp_path / "second")], **how)
    assert type(error.value) is kind
    assert error.value.code == f"ERR-{code}"


def test_one_objective_alone_cannot_be_compared(tmp_path: Path):
    with pytest.raises(ConfigError, match="Only first is here"):
        head_to_head([run(tmp_path / "first", 1)])


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path):
    folders = [run(tmp_path / place / "run", 1, key=key) for key, place in enumerate("ab")]
    assert [each.objective for each in entries(folders)] == [str(folder) for folder in folders]


def test_a_bench_keeps_its_order_and_the_names_of_its_ledger(tmp_path: Path):
    manifest = write_data(tmp_path / "data")
    bench = write_bench(tmp_path / "b", manifest, {"z": PLAIN, "a": HONEST}, seeds=(0, 10, 2))
    ledger = (bench / "cells.jsonl").read_text().replace('"label": "a"', '"label": "a: 0.3"')
    (bench / "cells.jsonl").write_text(ledger)
    results = (bench / "results.csv").read_text().replace("\na,", "\na: 0.3,")
    (bench / "results.csv").write_text(results)
    found = [(each.objective, each.seed) for each in entries([bench])]
    assert found == [(name, seed) for name in ("z", "a: 0.3") for seed in (0, 2, 10)]


@pytest.fixture
def call(capsys, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        return (end.value.code, *capsys.readouterr())

    return called


def test_the_verb_prints_and_writes_three_files(call, bench: Path, tmp_path: Path):
    status, shown, _ = call("compare", str(bench), "--split", "test", "--out", "here")
    assert status == 0
    assert "The baseline is cross_entropy." in shown
    assert "over seeds and images" in shown
    written = pl.read_csv(tmp_path / "here/compare.csv", infer_schema_length=None)
    assert written.columns == list(COLUMNS)
    assert set(written["split"]) == {"test"}
    content = json.loads((tmp_path / "here/compare.json").read_text())
    assert len(content["lines"]) == len(written)
    assert "NaN" not in (tmp_path / "here/compare.json").read_text()
    page = (tmp_path / "here/compare.md").read_text()
    assert "| auroc | decision_energy |" in page


def test_names_cannot_break_the_page(tmp_path: Path):
    folders = [run(tmp_path / name, 1, key=key) for key, name in enumerate(("a|b", "c"))]
    assert "| auroc | a\\|b |" in head_to_head(folders).page


def test_a_comparison_needs_no_torch(bench: Path, tmp_path: Path):
    program = (
        "import sys\nfrom lookright.cli import main\n"
        f"try: main(['compare', {str(bench)!r}, '--out', {str(tmp_path)!r}])\n"
        "except SystemExit as end: print('END', end.code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "END 0 False" in done.stdout, done.stderr


def test_a_lying_and_an_honest_method_are_told_from_the_plain_one(bench: Path):
    lines = head_to_head([bench], splits=["test_shifted"]).lines
    over = {"baseline": "cross_entropy", "how": "paired z", "seed": None}
    lying = only(lines, objective="cyborg", measure="framing_decision", **over)
    honest = only(lines, objective="decision_energy", measure="framing_decision", **over)
    assert LYING.decision_inside - PLAIN.decision_inside == pytest.approx(0.03)
    assert lying["high"] > -0.06
    assert honest["high"] < -0.6
    assert honest["p_holm"] < 1e-6


def test_a_split_that_the_baseline_lacks_is_compared_without_it_and_said(tmp_path: Path):
    manifest = write_data(tmp_path / "data")
    folders = [
        write_run(tmp_path / name, manifest, HONEST, name, seed)
        for seed, name in enumerate(("first", "second", "third"))
    ]
    table = read(folders[0]).filter(pl.col("split") != "test_shifted")
    write(folders[0], table, ("benign", "tumour"))
    found = head_to_head(folders)
    assert f"test_shifted: {folders[0]} was not evaluated." in found.notes
    assert set(found.lines.filter(split="test_shifted")["baseline"]) == {"", "second"}


def test_the_page_about_statistics_lists_every_column():
    page = (Path(__file__).parents[1] / "docs/statistics.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in (*COLUMNS, *gates.COLUMNS, *gates.BETTER))
