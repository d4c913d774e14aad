"""Objectives x seeds, killed, failed, changed and started again."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from rich.console import Console

from lookright import checkpoint, stats
from lookright.bench import bench, cell, table
from lookright.bench.cell import cells
from lookright.bench.folds import compared
from lookright.bench.ledger import undone
from lookright.complete import complete
from lookright.data import open_source
from lookright.errors import ConfigError, RunError
from lookright.files import read_lines
from lookright.run import Run

SETTINGS = [
    *("data=digits", "data.side=32", "data.size=32", "data.train=24", "data.val=12"),
    *("data.test=12", "data.test_shifted=12", "model=lookright_tiny", "training.epochs=1"),
    *("training.batch=12", "training.device=cpu", "evaluation.angles=[10]"),
]
SCRIPT = """
import sys
from pathlib import Path
from lookright.bench import bench
from lookright.run import Run

if __name__ == "__main__":
    bench(Run.load(sys.argv[1]), Path(sys.argv[2]))
"""


def make(objectives, seeds, *changes):
    run = Run.load(None, [*SETTINGS, *changes])
    wanted = {**run.bench.model_dump(), "objectives": objectives, "seeds": seeds}
    return complete(Run.of({**run.model_dump(mode="json"), "bench": wanted}))


def source(run):
    return open_source(run.data, Path())


def ends(folder):
    return [
        (line["label"], line["seed"], line["status"]) for line in read_lines(folder / "cells.jsonl")
    ]


def kill_when(happened, pid):
    """Kill a process as soon as something happened; the caller waits for the thread."""

    def watch():
        deadline = time.monotonic() + 120
        while not happened() and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(pid(), signal.SIGKILL)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.fixture(scope="module")
def two_by_two():
    return make(["cross_entropy", {"name": "decision_energy", "label": "decision"}], [0, 1])


@pytest.fixture(scope="module")
def interrupted(two_by_two, tmp_path_factory):
    """Kill a comparison after its first cell, start it again; say what was there between."""
    root = tmp_path_factory.mktemp("comparison")
    folder = root / "bench"
    (root / "script.py").write_text(SCRIPT)
    two_by_two.save(root / "recipe.yaml")
    command = [sys.executable, root / "script.py", root / "recipe.yaml", folder]
    process = subprocess.Popen(command)
    ledger = folder / "cells.jsonl"
    kill_when(ledger.exists, lambda: process.pid).join()
    assert process.wait() == -signal.SIGKILL
    before = ends(folder)
    kept = (folder / "cross_entropy/seed-0/predictions.parquet").stat().st_mtime_ns
    bench(two_by_two, folder)
    return folder, before, kept


@pytest.fixture
def wanted(two_by_two, interrupted):
    return cells(two_by_two, interrupted[0], source(two_by_two))


def test_BM01_a_killed_comparison_goes_on_without_loss_or_repetition(interrupted):
    folder, before, kept = interrupted
    every = [(name, seed, "done") for name in ("cross_entropy", "decision") for seed in (0, 1)]
    assert 1 <= len(before) < 4
    assert ends(folder) == every
    predictions = folder / "cross_entropy/seed-0/predictions.parquet"
    assert predictions.stat().st_mtime_ns == kept
    results = pl.read_csv(folder / "results.csv")
    key = ["objective", "seed", "fold", "split", "by", "value_of", "measure"]
    assert results.columns == [*key, "value", "count", "undefined"]
    assert results.select(key).is_unique().all()
    assert results.select("objective", "seed").unique().height == 4


def test_BM01_a_finished_comparison_repeats_nothing(two_by_two, interrupted):
    folder, *_ = interrupted
    before = (folder / "cells.jsonl").read_bytes(), (folder / "results.csv").read_bytes()
    assert bench(two_by_two, folder) == folder
    assert ((folder / "cells.jsonl").read_bytes(), (folder / "results.csv").read_bytes()) == before


def test_every_cell_is_a_run_that_stands_alone(two_by_two, interrupted):
    run = Run.load(interrupted[0] / "decision/seed-1/run.yaml")
    assert (run.seed, run.objective.name) == (1, "decision_energy")
    assert run.bench == Run.load(None, SETTINGS).bench
    alone = make([], [0], "objective=decision_energy", "seed=1")
    assert run.hash == alone.hash


def test_the_comparison_has_a_row_per_split_measure_and_objective(interrupted):
    folder, *_ = interrupted
    comparison = pl.read_csv(folder / "comparison.csv")
    assert comparison.columns == ["fold", *stats.COLUMNS]
    key = ["fold", "split", "measure", "objective"]
    assert comparison.select(key).is_unique().all()
    assert set(comparison["split"]) == {"val", "test", "test_shifted"}
    measures = {"auroc", "framing_sensitivity", "framing_decision", "flip_rate", "flip_10"}
    assert measures <= set(comparison["measure"])
    results = pl.read_csv(folder / "results.csv").filter(
        by="all", split="test", measure="framing_decision", objective="decision"
    )
    row = comparison.filter(split="test", measure="framing_decision", objective="decision")
    assert row["mean"].item() == pytest.approx(results["value"].mean())
    assert row["seeds"].item() == 2


def test_BM06_other_settings_are_refused_and_named(interrupted):
    folder, *_ = interrupted
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*.*"))
    changed = make(["cross_entropy"], [0, 1], "optimiser.lr=0.5")
    with pytest.raises(ConfigError, match=r"optimiser\.lr was 0\.0003 and is 0\.5 now") as refused:
        bench(changed, folder)
    assert [problem.code for problem in refused.value.problems] == ["BENCH-MIXED"] * 2
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*.*")) == before


def test_BM06_other_data_are_refused(two_by_two, interrupted):
    other = make(["cross_entropy"], [0, 1], "data.seed=1")
    with pytest.raises(ConfigError, match="data have changed"):
        undone(interrupted[0], cells(two_by_two, interrupted[0], source(other)))


def test_BM06_another_version_is_refused(two_by_two, interrupted, monkeypatch):
    monkeypatch.setattr(cell, "version", lambda name: "99.0")
    with pytest.raises(ConfigError, match=r"this is 99\.0"):
        undone(interrupted[0], cells(two_by_two, interrupted[0], source(two_by_two)))


def test_more_seeds_and_objectives_leave_only_the_new_cells_to_do(interrupted):
    folder, *_ = interrupted
    wider = make(["cross_entropy", "cyborg"], [0, 1, 2])
    left = undone(folder, cells(wider, folder, source(wider)))
    assert [str(each) for each in left] == [
        "cross_entropy, seed 2",
        *(f"cyborg, seed {seed}" for seed in (0, 1, 2)),
    ]


def test_another_way_to_evaluate_is_done_again_and_not_refused(interrupted):
    folder, *_ = interrupted
    other = make(["cross_entropy"], [0, 1], "evaluation.angles=[5]")
    left = undone(folder, cells(other, folder, source(other)))
    assert len(left) == 2


def test_a_further_test_set_that_changed_is_evaluated_again(interrupted, tmp_path):
    """Its rows decide the results, though its path stays."""
    folder, *_ = interrupted
    elsewhere = tmp_path / "elsewhere.csv"
    write_digits(elsewhere, 2)
    other = make(["cross_entropy"], [0, 1], f"evaluation.tests={{elsewhere: {elsewhere}}}")
    before = cells(other, folder, source(other))
    assert len(undone(folder, before)) == 2
    assert [each.key for each in cells(other, folder, source(other))] == [
        each.key for each in before
    ]
    write_digits(elsewhere, 3)
    after = cells(other, folder, source(other))
    for one, two in zip(before, after, strict=True):
        assert one.key.evaluation != two.key.evaluation
        assert (one.key.settings, one.key.data) == (two.key.settings, two.key.data)


def test_a_further_test_set_that_cannot_be_read_costs_no_training(tmp_path):
    run = make(["cross_entropy"], [0], f"evaluation.tests={{gone: {tmp_path / 'gone.csv'}}}")
    with pytest.raises(ConfigError, match=r"gone\.csv"):
        bench(run, tmp_path / "bench")
    assert not (tmp_path / "bench").exists()


def write_digits(manifest, count):
    """Write a test set of noise with the classes of the digits."""
    random = np.random.default_rng(0)
    lines = ["image,label"]
    for number in range(count):
        name = f"{manifest.stem}-{number}.png"
        Image.fromarray(random.integers(0, 255, (32, 32), np.uint8)).save(manifest.parent / name)
        lines.append(f"{name},{number % 2}")
    manifest.write_text("\n".join(lines))


def test_cells_are_found_again_when_their_results_are_deleted(wanted, interrupted, tmp_path):
    folder, *_ = interrupted
    results = wanted[2].folder / "results.csv"
    results.rename(tmp_path / "aside.csv")
    left = undone(folder, wanted)
    (tmp_path / "aside.csv").rename(results)
    assert left == [wanted[2]]


def test_BM07_a_second_comparison_in_the_same_folder_is_refused(two_by_two, tmp_path):
    with checkpoint.hold(tmp_path), pytest.raises(ConfigError, match="has been writing here"):
        bench(two_by_two, tmp_path)


def test_BM02_a_failed_cell_is_marked_and_the_others_go_on(tmp_path):
    exploding = {"name": "decision_energy", "weight": 1e300}
    with pytest.raises(RunError) as failed:
        bench(make([exploding, "cross_entropy"], [0]), tmp_path)
    assert ends(tmp_path) == [("decision_energy", 0, "failed"), ("cross_entropy", 0, "done")]
    (problem,) = failed.value.problems
    assert (failed.value.exit_status, problem.code) == (1, "BENCH-CELL")
    log = tmp_path / "decision_energy/seed-0.log"
    assert problem.where == str(log)
    assert "Step 0" in problem.what
    assert "NOT-A-NUMBER" in log.read_text()
    results = pl.read_csv(tmp_path / "results.csv")
    assert results["objective"].unique().to_list() == ["cross_entropy"]

    repaired = make(["decision_energy", "cross_entropy"], [0])
    bench(repaired, tmp_path)
    assert ends(tmp_path)[2:] == [("decision_energy", 0, "done")]
    results = pl.read_csv(tmp_path / "results.csv")
    assert set(results["objective"]) == {"decision_energy", "cross_entropy"}


def test_BM02_BM04_a_process_killed_twice_costs_its_cell_and_the_rest_is_paired(
    two_by_two, tmp_path
):
    log = tmp_path / "cross_entropy/seed-0.log"

    def worker():
        (child,) = multiprocessing.active_children()
        return child.pid

    def is_last():
        return (tmp_path / "cells.jsonl").exists() and len(ends(tmp_path)) == 4

    threads = [kill_when(log.exists, worker), kill_when(is_last, worker)]
    with pytest.raises(RunError, match="process died") as failed:
        bench(two_by_two, tmp_path)
    for thread in threads:
        thread.join()
    assert [problem.where for problem in failed.value.problems] == [str(log)]
    states = ["again", "done", "done", "done", "failed"]
    assert [status for *_, status in ends(tmp_path)] == states
    comparison = pl.read_csv(tmp_path / "comparison.csv")
    notes = comparison.filter(objective="decision", measure="accuracy")["note"].to_list()
    assert all("paired on the common seeds only: 1" in note for note in notes)


def test_wrong_names_and_settings_are_refused_before_the_first_cell(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'cyborg'"):
        bench(make(["cyborgs"], [0]), tmp_path / "new")
    with pytest.raises(ConfigError, match="weigth"):
        bench(make([{"name": "decision_energy", "weigth": 1}], [0]), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("labels", [("a b", "a/b"), ("A", "a")])
def test_labels_that_would_share_a_folder_are_refused(labels, tmp_path):
    objectives = [{"name": "cross_entropy", "label": label} for label in labels]
    with pytest.raises(ConfigError, match="would share its folder"):
        bench(make(objectives, [0]), tmp_path)


def test_no_label_leaves_the_folder(tmp_path):
    run = make([{"name": "cross_entropy", "label": "../../up"}], [0])
    (only,) = cells(run, tmp_path, source(run))
    assert only.folder.resolve().is_relative_to(tmp_path.resolve())


def test_without_a_list_the_run_s_own_objective_is_repeated(tmp_path):
    run = make([], [3, 4], "objective=cyborg")
    assert [str(each) for each in cells(run, tmp_path, source(run))] == [
        "cyborg, seed 3",
        "cyborg, seed 4",
    ]


def drawn(values):
    rows = [
        {"objective": name, "seed": seed, "split": "test", "by": "all", "measure": "auroc"}
        | {"value": value}
        for name, row in values.items()
        for seed, value in enumerate(row)
    ]
    console = Console(width=80, record=True, file=StringIO())
    console.print(table(compared(pl.DataFrame(rows).with_columns(fold=pl.lit("")))))
    return console.export_text()


def test_the_table_shows_mean_spread_interval_difference_and_p():
    text = drawn({"plain": [0.71, 0.72, 0.70, 0.73, 0.69], "[w=1]": [0.75, 0.77, 0.74, 0.78, 0.76]})
    for part in (
        "0.710 ± 0.016",
        "0.690 to 0.730",
        "+0.050",
        "+0.035 to +0.065",
        "0.0008",
        "0.0625",
    ):
        assert part in text
    assert "[w=1]" in text
    assert "…" not in text
    assert "five seeds: exact Wilcoxon cannot go below p = 0.0625" in " ".join(text.split())


def test_BM03_the_table_of_one_seed_shows_no_interval_and_no_p_and_says_why():
    text = drawn({"plain": [0.7], "guided": [0.8]})
    assert "one seed: no interval and no p value" in text
    assert " to " not in text
    assert "±" not in text.replace("mean ± std", "")
    assert text.count("–") == 5


def test_folds_and_annotations_make_cells_of_their_own(tmp_path):
    run = make(
        ["cross_entropy", "energy"],
        [0, 1],
        "bench.folds={parts: 3}",
        "bench.annotations=[{}, {share: 0.1}, {corruption: shifted}]",
    )
    found = cells(run, tmp_path, source(run))
    labels = list(dict.fromkeys(cell.label for cell in found))
    assert labels == ["cross_entropy", "energy", "energy, 10 %", "energy, shifted 25 %"]
    assert len(found) == len({cell.folder for cell in found}) == 4 * 3 * 2
    assert len({str(cell.key) for cell in found}) == len(found)
    assert str(found[-1]) == "energy, shifted 25 %, part 2 of 3, seed 1"
    assert found[-1].folder == tmp_path / "energy-shifted-25" / "part-2-of-3" / "seed-1"
    assert found[-1].run.data.fold.part == 2
    assert found[-1].run.data.maps.corruption == "shifted"


def results(values):
    """Make results of {(objective, seed, fold): auroc}."""
    rows = [
        {"objective": name, "seed": seed, "fold": fold, "value": value}
        for (name, seed, fold), value in values.items()
    ]
    rest = {"split": "test", "by": "all", "value_of": "", "measure": "auroc"}
    return pl.DataFrame(rows).with_columns(**{key: pl.lit(value) for key, value in rest.items()})


def test_over_folds_the_unit_is_the_seed_and_its_value_the_mean_of_its_folds():
    values = {
        (name, seed, fold): 0.5 + 0.1 * (name == "b") + 0.01 * seed**2 + 0.1 * (fold == "y")
        for name in "ab"
        for seed in range(4)
        for fold in "xy"
    }
    found = compared(results(values))
    whole = found.filter(fold="", objective="a")
    assert whole["seeds"].item() == 4
    means = [0.55 + 0.01 * seed**2 for seed in range(4)]
    assert whole["mean"].item() == pytest.approx(sum(means) / 4)
    assert found.filter(fold="y", objective="b")["mean"].item() == pytest.approx(0.735)
    assert set(found["fold"]) == {"", "x", "y"}


def test_a_seed_that_lacks_a_fold_does_not_count_for_the_whole():
    values = {("a", seed, fold): 0.5 for seed in range(3) for fold in "xy"}
    values |= {("b", seed, fold): 0.6 for seed in range(3) for fold in "xy"}
    del values["b", 2, "y"]
    found = compared(results(values))
    assert found.filter(fold="", objective="b")["seeds"].item() == 2
    assert found.filter(fold="x", objective="b")["seeds"].item() == 3
