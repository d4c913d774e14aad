"""The audit of a run and of a folder of runs, on networks that are trained in a second."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from lookright.audit import audit, audit_bench
from lookright.audit.many import MODELS, curves
from lookright.cli import main
from lookright.detector import judge
from lookright.errors import ConfigError
from lookright.evaluate import evaluate
from lookright.run import Run
from lookright.train import train

ATTACKS = ["closed_form target=edge", "whitewash"]
SETTINGS = [
    "data=digits",
    "data.side=32",
    "data.size=32",
    "data.marker_size=2",
    "data.train=64",
    "data.val=16",
    "data.test=40",
    "data.test_shifted=24",
    "data.share_annotated=0.8",
    "model.name=lookright_tiny",
    "optimiser.lr=0.005",
    "training.epochs=3",
    "training.device=cpu",
    "evaluation.angles=[10]",
    "evaluation.control=false",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Train, evaluate and audit one run."""
    folder = tmp_path_factory.mktemp("audited") / "plain" / "seed-0"
    train(Run.load(None, SETTINGS), folder)
    evaluate(folder, ["test"])
    weights = [path.read_bytes() for path in sorted(folder.rglob("weights.safetensors"))]
    audit(folder, ATTACKS, steps=3, splits=["test"])
    assert weights == [path.read_bytes() for path in sorted(folder.rglob("weights.safetensors"))]
    return folder


@pytest.fixture(scope="module")
def rows(folder) -> pl.DataFrame:
    return pl.read_csv(folder / "audit.csv", infer_schema_length=None)


def value(rows, attack, model, measure) -> float:
    return rows.filter(attack=attack, model=model, measure=measure)["value"].item()


def test_every_attack_has_every_measure_before_and_after(rows):
    whole = rows.group_by("attack", "split").agg(pl.len(), pl.col("measure").n_unique())
    assert sorted(whole["attack"]) == sorted(ATTACKS)
    assert (whole["len"] == 2 * whole["measure"]).all()
    assert rows.columns == ["attack", "split", "model", "measure", "value", "low", "high"]
    before = rows.filter(model="before").partition_by("attack", include_key=False)
    assert before[0].equals(before[1])


def test_before_is_what_evaluation_says(folder, rows):
    table = pl.read_parquet(folder / "predictions.parquet")
    for name in ("framing_sensitivity", "framing_decision", "causal_outside", "gap_decision"):
        assert value(rows, ATTACKS[0], "before", name) == pytest.approx(
            np.nanmean(table[name].to_numpy()), abs=1e-6
        )
    right = (table["predicted"] == table["label"]).mean()
    assert value(rows, ATTACKS[0], "before", "accuracy") == pytest.approx(right)
    expected = roc_auc_score(table["label"] == "1", table["p_1"])
    assert value(rows, ATTACKS[0], "before", "auroc") == pytest.approx(expected)
    own = rows.filter(attack=ATTACKS[0], model="before", measure="auroc")
    assert own["low"].item() < expected <= own["high"].item()
    maps = 1 - table["framing_sensitivity_true"].to_numpy()
    found = value(rows, ATTACKS[0], "before", "energy_inside_true")
    assert found == pytest.approx(np.nanmean(maps), abs=1e-6)


def test_the_closed_form_changes_no_answer_and_no_difference_map(rows):
    attack = ATTACKS[0]
    assert value(rows, attack, "after", "changed_answers") == 0
    assert value(rows, attack, "after", "moved_probability") < 1e-5
    for name in ("auroc", "energy_inside_difference", "energy_ring_difference", "causal_outside"):
        before, after = (value(rows, attack, model, name) for model in ("before", "after"))
        assert after == pytest.approx(before, abs=1e-4)
    ring = [value(rows, attack, model, "energy_ring_true") for model in ("before", "after")]
    assert ring[1] > ring[0]


def test_changed_answers_are_those_of_the_same_images(rows):
    assert value(rows, "whitewash", "before", "changed_answers") == 0
    assert 0 < value(rows, "whitewash", "after", "moved_probability") < 1


def test_the_verdict_of_the_untouched_model_is_that_of_its_predictions(folder):
    written = json.loads((folder / "audit.json").read_text())
    assert [each["attack"] for each in written["verdicts"]] == ["", *ATTACKS]
    expected = judge(pl.read_parquet(folder / "predictions.parquet")).plain()
    found = written["verdicts"][0]
    assert found["repainted"]["images"] == expected["repainted"]["images"] == 32
    assert found["score"] == pytest.approx(expected["score"], abs=1e-4)
    assert found["sentence"] == expected["sentence"]
    assert (written["steps"], written["splits"]) == (3, ["test"])


def test_an_audit_said_twice_is_the_same(folder, rows, tmp_path):
    again = tmp_path / "run"
    shutil.copytree(folder, again)
    audit(again, ATTACKS, steps=3, splits=["test"])
    assert (again / "audit.csv").read_bytes() == (folder / "audit.csv").read_bytes()


def test_a_folder_of_runs_is_audited_once_and_its_models_are_counted(folder, tmp_path):
    bench = tmp_path / "bench"
    for name in ("plain", "liar"):
        shutil.copytree(folder, bench / name / "seed-0")
    recipe = bench / "liar" / "seed-0" / "run.yaml"
    recipe.write_text(recipe.read_text().replace("name: cross_entropy", "name: fooling"))
    before = (bench / "plain" / "seed-0" / "audit.json").stat().st_mtime_ns
    found = audit_bench(bench, ATTACKS, steps=3, splits=["test"])
    assert (bench / "plain" / "seed-0" / "audit.json").stat().st_mtime_ns == before
    assert list(found.models.columns) == list(MODELS)
    assert found.models["fooled"].to_list() == [True] * 3 + [False, True, True]
    assert sorted(set(found.models["run"])) == ["liar/seed-0", "plain/seed-0"]
    assert (bench / "detector.csv").exists()
    whole = found.curves.filter(which="all")
    assert whole["honest"][0] == 1
    assert whole["fooled"][0] == 5


def test_the_roc_of_an_attack_takes_all_honest_models_and_its_own():
    def model(attack, score, parted=0.3, fooled=True):
        return ("run", "plain", "test", attack, fooled, score, True, "hides", *[0.0] * 4, parted)

    rows = [model("", 0.2, np.nan, False), model("", 1.2, np.nan, False)]
    rows += [model("a", 3.0), model("a", 1.0), model("b", 0.1, 0.01)]
    found = curves(pl.DataFrame(rows, schema=MODELS, orient="row")).unique("which")
    aurocs = dict(found.select("which", "auroc").rows())
    assert aurocs == pytest.approx({"all": 3 / 6, "parted": 3 / 4, "a": 3 / 4, "b": 0.0})
    counts = dict(found.select("which", "fooled").rows())
    assert counts == {"all": 3, "parted": 2, "a": 2, "b": 1}


def test_what_cannot_be_audited_is_said_at_once(folder, tmp_path):
    with pytest.raises(ConfigError, match="There is no attack 'whitewsh'"):
        audit(folder, ["whitewsh"])
    with pytest.raises(ConfigError, match="There is no split 'tset'"):
        audit(folder, ATTACKS, splits=["tset"])
    with pytest.raises(ConfigError, match="no trained run"):
        audit_bench(tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'cross_entropy'"):
        audit_bench(folder.parent.parent, ATTACKS, liars=["cross_entrpy"])


def test_the_command_line_prints_verdicts_and_counts(folder, tmp_path, capsys):
    options = ["--attacks", ",".join(ATTACKS), "--steps", "3", "--split", "test"]
    for place in (folder, folder.parent.parent):
        with pytest.raises(SystemExit) as ended:
            main(["audit", str(place), *options])
        assert not ended.value.code
    printed = capsys.readouterr().out
    assert "closed_form target=edge" in printed
    assert "true map inside" in printed
    assert "AUROC of the detector" in printed
    with pytest.raises(SystemExit) as ended:
        main(["list", "attacks"])
    assert "whitewash_decision" in capsys.readouterr().out


def test_without_human_maps_there_is_nothing_to_lie_about(tmp_path):
    changes = [*SETTINGS[:-1], "data.share_annotated=0", "training.epochs=1"]
    train(Run.load(None, changes), tmp_path / "run")
    with pytest.raises(ConfigError, match="No training image has a human map"):
        audit(tmp_path / "run", ATTACKS)
