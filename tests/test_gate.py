"""The gate: unchanged runs pass as often as promised, planted regressions do not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from folders import HONEST, PLAIN, write_bench, write_data, write_run
from lookright import gate as gates
from lookright.aligned import Block, Entry
from lookright.cli import main
from lookright.errors import ConfigError
from lookright.gate import COLUMNS, Limit, gate, write_limits
from lookright.metrics.summary import summarise
from lookright.stats import estimate
from lookright.stats.units import each_image


def run(folder: Path, seed: int = 0, images: int = 150, **changes: float) -> Path:
    """Write an evaluated run; `changes` move its ranking and its evidence."""
    random, folder = np.random.default_rng(seed), Path(folder)
    labels = np.arange(images) % 2
    p = 1 / (1 + np.exp(-(labels * changes.get("gain", 2.0) + random.normal(size=images) - 1)))
    framing = random.beta(2, 5, images) + changes.get("framing", 0)
    table = pl.DataFrame(
        {
            "id": [f"i{number}" for number in range(images)],
            "split": "test",
            "label": np.array(["a", "b"])[labels],
            "predicted": np.array(["a", "b"])[(p > 0.5).astype(int)],
            "p_a": 1 - p,
            "p_b": p,
            "framing_sensitivity": framing,
            "gap": random.normal(0, 0.2, images) + changes.get("gap", 0),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    table.write_parquet(folder / "predictions.parquet")
    results = summarise(table, ("a", "b"))
    gap = results.filter(measure="framing_sensitivity", by="all").with_columns(
        measure=pl.lit("gap"), value=pl.lit(table["gap"].mean())
    )
    has_gap = bool((results["measure"] == "gap").any())
    pl.concat([results, *([] if has_gap else [gap])]).write_csv(folder / "results.csv")
    return folder


def verdicts(folder: Path, table: Path) -> dict[str, str]:
    return {each.limit.measure: each.verdict for each in gate(folder, table)}


@pytest.fixture
def call(capsys, tmp_path: Path, monkeypatch) -> Callable[..., tuple[object, str, str]]:
    monkeypatch.chdir(tmp_path)

    def called(*words: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as end:
            main([*map(str, words)])
        return (end.value.code, *capsys.readouterr())

    return called


def test_a_run_passes_its_own_limits(tmp_path: Path):
    write_limits(run(tmp_path / "run"), tmp_path / "table.csv")
    found = verdicts(tmp_path / "run", tmp_path / "table.csv")
    assert found == {"auroc": "ok", "framing_sensitivity": "ok", "gap": "ok"}


def test_the_table_has_its_columns_and_limits_around_its_values(tmp_path: Path):
    write_limits(run(tmp_path / "run"), tmp_path / "table.csv")
    table = pl.read_csv(tmp_path / "table.csv")
    assert table.columns == list(COLUMNS)
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()
    assert table["images"].to_list() == [150] * 3
    assert table["better"].to_list() == ["higher", "lower", "zero"]


@pytest.mark.parametrize(
    ("change", "closed"),
    [
        ({"gain": 0.7}, "auroc"),
        ({"framing": 0.2}, "framing_sensitivity"),
        ({"gap": -0.3}, "gap"),
        ({"gap": 0.3}, "gap"),
    ],
)
def test_a_planted_regression_closes_the_gate(tmp_path: Path, change, closed: str):
    write_limits(run(tmp_path / "run"), tmp_path / "table.csv")
    found = verdicts(run(tmp_path / "new", seed=1, **change), tmp_path / "table.csv")
    assert [name for name, verdict in found.items() if verdict == "worse"] == [closed]


def test_what_got_better_passes_and_is_called_so(tmp_path: Path):
    write_limits(run(tmp_path / "run", framing=0.3), tmp_path / "table.csv")
    found = gate(run(tmp_path / "new", seed=1), tmp_path / "table.csv")
    assert {each.limit.measure: each.verdict for each in found}["framing_sensitivity"] == "better"
    assert all(each.is_open for each in found)


def test_unchanged_runs_on_other_images_pass_all_limits_as_often_as_promised():
    """Three measures of one model, on two draws of its test images: baseline and later run."""
    labels, passed, count = np.repeat([0, 1], [70, 50]), 0, 250
    entry = Entry("a", 0, "", Path())
    units, rows = each_image(labels), np.arange(120)
    block = Block("test", "", (entry,), (rows,), ("a", "b"), labels, units, 0)

    def draw(random: np.random.Generator) -> list[estimate.Estimate]:
        scores, framing = 1.5 * labels + random.normal(size=120), random.beta(2, 5, 120)
        gap = framing - random.beta(2, 5, 120)
        means = [estimate.mean(values[None]) for values in (framing, gap)]
        return [estimate.ranking(labels == 1, scores[None]), *means]

    for number in range(count):
        random = np.random.default_rng([2, number])
        limits = [
            gates._limit(("test", name), found, block, [], 3)
            for name, found in zip(
                ("auroc", "framing_sensitivity", "gap"), draw(random), strict=True
            )
        ]
        now = [float(found.values[0]) for found in draw(random)]
        kept = [limit.verdict(each) for limit, each in zip(limits, now, strict=True)]
        passed += "worse" not in kept
    assert passed / count > 0.92


@pytest.mark.parametrize("seeds", [3, 5])
def test_unchanged_seeds_pass_all_limits_as_often_as_promised(seeds: int):
    random, measures, count = np.random.default_rng(0), 4, 1500
    level, passed = 1 - 2 * gates.TOGETHER / measures, 0
    for values in random.normal(0.8, 0.05, (count, measures, seeds + 1)):
        limits = [
            Limit(
                "test", "auroc", 0.8, *gates._over_seeds(own[1:].tolist(), level), "higher", 1, ""
            )
            for own in values
        ]
        verdicts = [
            limit.verdict(own[0]) for limit, own in zip(limits, values.tolist(), strict=True)
        ]
        passed += "worse" not in verdicts
    assert passed / count == pytest.approx(0.95, abs=0.02)


def test_limits_come_from_seeds_where_there_are_three(tmp_path: Path):
    for seed in range(4):
        run(tmp_path / "method" / f"seed-{seed}", seed)
    limits = write_limits(tmp_path / "method", tmp_path / "table.csv")
    assert {limit.over for limit in limits} == {"4 seeds"}
    aurocs = [
        gates._results([each])["test", "auroc"][0] for each in gates.entries([tmp_path / "method"])
    ]
    assert limits[0].value == pytest.approx(np.mean(aurocs))
    assert limits[0].low < min(aurocs)
    write_limits(tmp_path / "method", tmp_path / "table.csv")
    assert verdicts(run(tmp_path / "new", 9), tmp_path / "table.csv")["auroc"] == "ok"


def test_a_measure_that_all_seeds_share_gets_its_limits_from_images(tmp_path: Path):
    for seed in range(3):
        run(tmp_path / "method" / f"seed-{seed}", 0)
    limits = write_limits(tmp_path / "method", tmp_path / "table.csv")
    assert {limit.over for limit in limits} == {"images"}
    assert all(limit.low < limit.high for limit in limits)


def test_a_faultless_ranking_still_has_a_limit(tmp_path: Path):
    limits = write_limits(run(tmp_path / "run", gain=50.0), tmp_path / "table.csv")
    assert limits[0].value == limits[0].high == 1
    assert 0.9 < limits[0].low < 1


def test_what_is_no_longer_defined_closes_the_gate(tmp_path: Path):
    write_limits(run(tmp_path / "run"), tmp_path / "table.csv")
    results = pl.read_csv(tmp_path / "run/results.csv")
    gone = pl.when(pl.col("measure") == "gap").then(float("nan")).otherwise("value")
    results.with_columns(gone.alias("value")).write_csv(tmp_path / "run/results.csv")
    assert verdicts(tmp_path / "run", tmp_path / "table.csv")["gap"] == "undefined"


def test_everything_that_the_run_lacks_is_named_at_once(tmp_path: Path):
    table = tmp_path / "table.csv"
    write_limits(run(tmp_path / "run"), table)
    text = table.read_text().replace(",gap,", ",gapp,")
    more = text.splitlines()[1].replace("test,", "test_nih,", 1)
    table.write_text(f"{text}{more}\n")
    with pytest.raises(ConfigError) as error:
        gate(tmp_path / "run", table)
    assert "Did you mean 'gap'?" in str(error.value)
    assert "test_nih: auroc: no such split" in str(error.value)
    assert len(error.value.problems) == 2


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (("better", "bettr"), ["no column 'better'"]),
        (("higher", "hihger"), ["Did you mean 'higher'?"]),
        (("0.", "x."), ["value is 'x.", "low is 'x."]),
        (("test,", "tset,"), []),
    ],
)
def test_a_table_that_was_edited_wrongly_is_refused(tmp_path: Path, change, texts: list[str]):
    table = tmp_path / "table.csv"
    write_limits(run(tmp_path / "run"), table)
    table.write_text(table.read_text().replace(*change))
    with pytest.raises(ConfigError) as error:
        gate(tmp_path / "run", table, ["test"])
    assert all(text in str(error.value) for text in texts)


def test_a_table_that_is_missing_or_empty_is_refused(tmp_path: Path):
    folder = run(tmp_path / "run")
    with pytest.raises(ConfigError, match="lookright gate RUN --write"):
        gate(folder, tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(ConfigError, match="no rows"):
        gate(folder, tmp_path / "empty.csv")


def test_the_verb_exits_with_0_1_and_2(call, tmp_path: Path):
    manifest = write_data(tmp_path / "data")
    honest = write_run(tmp_path / "honest", manifest, HONEST)
    again = write_run(tmp_path / "again", manifest, HONEST, seed=1)
    plain = write_run(tmp_path / "plain", manifest, PLAIN, "cross_entropy")
    status, shown, _ = call("gate", honest, "--write", "table.csv", "--split", "test")
    assert status == 0
    assert "table.csv: 4 limits over images" in shown
    status, shown, _ = call("gate", again, "--baseline", "table.csv")
    assert (status, "Open: all 4 limits hold." in shown) == (0, True)
    status, shown, complaint = call("gate", plain, "--baseline", "table.csv")
    assert status == 1
    assert "worse" in shown
    assert "Closed: framing_sensitivity on test, framing_decision on test" in complaint
    assert "Traceback" not in complaint
    assert call("gate", plain)[0] == 2
    assert call("gate", plain, "--baseline", "a.csv", "--write", "b.csv")[0] == 2


def test_limits_of_a_bench_are_those_of_one_objective(call, tmp_path: Path):
    bench = write_bench(tmp_path / "bench", write_data(tmp_path / "data"))
    status, _, complaint = call("gate", bench, "--write", "table.csv")
    assert status == 2
    assert "several objectives: cross_entropy, cyborg, decision_energy" in complaint
    assert call("gate", bench / "cyborg", "--write", "table.csv")[0] == 0
    assert call("gate", bench / "cyborg", "--baseline", "table.csv")[0] == 0


def test_other_images_than_those_of_the_baseline_are_noted(call, tmp_path: Path):
    call("gate", run(tmp_path / "run"), "--write", "table.csv")
    _, shown, _ = call("gate", run(tmp_path / "new", images=140), "--baseline", "table.csv")
    assert "Note: test has 140 images; the baseline had 150." in shown
