"""Further test sets in one run: manifests beside the data, and parts that share a class."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from folders import write_data
from lookright.configuration import Data
from lookright.data import open_source
from lookright.data.external import open_tests
from lookright.data.loader import examples
from lookright.errors import ConfigError
from lookright.evaluate import evaluate, load_classifier
from lookright.inference import look
from lookright.run import Run
from lookright.train import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a data set with a column of generators, and two manifests of other pictures."""
    folder = tmp_path_factory.mktemp("sets")
    path = write_data(folder / "own", per_split=12)
    own = pl.read_csv(path)
    learnt = own.filter(pl.col("split") == "test_shifted").with_columns(split=pl.lit("train"))
    maker = pl.when(pl.col("label") == "tumour").then("source").otherwise(pl.lit("real"))
    pl.concat([own.filter(pl.col("split") != "test_shifted"), learnt]).with_columns(
        maker.alias("maker"), pl.lit("").alias("group")
    ).write_csv(path)
    other = pl.read_csv(write_data(folder / "near", per_split=4))
    other.write_csv(folder / "near" / "manifest.csv")
    far = pl.read_csv(write_data(folder / "far", per_split=4)).drop("split", "source")
    far.filter(pl.col("label") == "tumour").write_csv(folder / "far" / "manifest.csv")
    for name in far["image"]:
        level = np.asarray(Image.open(folder / "far" / name))
        tinted = np.stack([level, level // 3, level // 3], axis=2)
        Image.fromarray(tinted).save(folder / "far" / name)
    return folder


def make(folder: Path, *changes: str) -> Run:
    return Run.load(
        None,
        [
            *(f"data.manifest={folder / 'own' / 'manifest.csv'}", "data.size=32"),
            *("model.name=lookright_tiny", "training.epochs=1", "training.batch=6"),
            *("training.device=cpu", "evaluation.angles=[10]", "evaluation.control=false"),
            *("evaluation.interventions=border_paint", "evaluation.splits=test"),
            f"evaluation.tests.near={folder / 'near' / 'manifest.csv'}",
            f"evaluation.tests.far={folder / 'far' / 'manifest.csv'}",
            *("evaluation.parts=maker", "evaluation.shared=benign"),
            *changes,
        ],
    )


@pytest.fixture(scope="module")
def evaluated(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run") / "run"
    train(make(folder), run)
    evaluate(run)
    return run


def test_further_manifests_are_measured_whole_beside_the_own_splits(evaluated: Path) -> None:
    found = pl.read_parquet(evaluated / "predictions.parquet")
    counts = dict(found.group_by("split", maintain_order=True).len().iter_rows())
    assert counts == {"test": 12, "test_near": 12, "test_far": 6}
    assert found.filter(pl.col("split") == "test_far")["source"].is_null().all()
    results = pl.read_csv(evaluated / "results.csv")
    far = results.filter((pl.col("split") == "test_far") & (pl.col("by") == "all"))
    scores = dict(far.select("measure", "value").iter_rows())
    assert np.isnan(scores["auroc"])  # it has one of the two classes
    assert np.isnan(scores["auroc_border_paint"])
    assert 0 <= scores["accuracy"] <= 1


def test_what_is_asked_for_by_name_is_all_that_is_measured(folder: Path, tmp_path: Path) -> None:
    train(make(folder), tmp_path / "run")
    found = evaluate(tmp_path / "run", ["test_far", "val"])
    assert found["split"].unique(maintain_order=True).to_list() == ["test_far", "val"]
    with pytest.raises(ConfigError, match="Did you mean 'test_far'"):
        evaluate(tmp_path / "run", ["test_fra"])


def test_the_shared_class_joins_every_part(evaluated: Path) -> None:
    found = pl.read_parquet(evaluated / "predictions.parquet")
    test = found.filter(pl.col("split") == "test")
    results = pl.read_csv(evaluated / "results.csv")
    parts = results.filter((pl.col("split") == "test") & (pl.col("by") == "maker"))
    makers = test["maker"].unique().to_list()
    assert set(parts["value_of"]) >= set(makers) - {"real"}
    for maker in set(makers) - {"real"}:
        wanted = (test["maker"] == maker) | (test["label"] == "benign")
        own = parts.filter(pl.col("value_of") == maker)
        counts = dict(own.select("measure", "count").iter_rows())
        assert counts["accuracy"] == counts["accuracy_border_paint"] == wanted.sum()
        right = test.filter(wanted).select(pl.col("changed_border_paint").mean()).item()
        values = dict(own.select("measure", "value").iter_rows())
        assert values["changed_border_paint"] == pytest.approx(right)


def test_further_sets_are_read_in_the_colours_that_were_learnt_from(
    folder: Path, evaluated: Path
) -> None:
    data = make(folder).data
    own = open_source(data, Path())
    far = open_tests(make(folder).evaluation.tests, data, own)["test_far"]
    assert far.classes == own.classes == ("benign", "tumour")
    assert examples(own, ["test"], data).colours == "grey"
    assert examples(far, ["test_far"], data).colours == "rgb"
    grey = examples(far, ["test_far"], data.model_copy(update={"colours": "grey"}))
    trained = load_classifier(evaluated)
    expected = look(trained.model, grey, 6, trained.device).probabilities
    found = pl.read_parquet(evaluated / "predictions.parquet").filter(split="test_far")
    np.testing.assert_allclose(found.select("p_benign", "p_tumour"), expected, atol=1e-6)


def test_everything_wrong_in_any_of_them_is_said_at_once(folder: Path, tmp_path: Path) -> None:
    strange = pl.read_csv(folder / "near" / "manifest.csv").with_columns(label=pl.lit("cyst"))
    strange[:2].write_csv(folder / "near" / "strange.csv")
    data = Data(manifest=folder / "own" / "manifest.csv", size=32)
    tests = {
        "gone": tmp_path / "nowhere.csv",
        "strange": folder / "near" / "strange.csv",
        "near": folder / "near" / "manifest.csv",
    }
    own = open_source(data, Path())
    own.rows = own.rows.with_columns(split=pl.lit("test_near"))
    with pytest.raises(ConfigError) as caught:
        open_tests(tests, data, own)
    assert "nowhere.csv" in str(caught.value)
    assert str(caught.value).count("cyst") == 2
    assert "evaluation.tests.near: The data have a split 'test_near'" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("evaluation.parts=[maker, sauce]", r"no column 'sauce'.*Did you mean 'source'"),
        ("evaluation.shared=bening", r"no class 'bening'.*Did you mean 'benign'"),
        ("evaluation.tests.gone=nowhere.csv", r"nowhere\.csv"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_training(
    folder: Path, tmp_path: Path, change: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(make(folder, change), tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_files_in_a_recipe_are_relative_to_it_and_in_changes_to_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipes").mkdir()
    recipe = tmp_path / "recipes" / "one.yaml"
    recipe.write_text("data: {manifest: a.csv}\nevaluation: {tests: {near: ../b.csv}}\n")
    monkeypatch.chdir(tmp_path)
    run = Run.load(recipe, ["evaluation.tests.far=c.csv"])
    assert run.evaluation.tests == {"near": tmp_path / "b.csv", "far": tmp_path / "c.csv"}
    run.save(tmp_path / "run.yaml")
    assert Run.load(tmp_path / "run.yaml").evaluation == run.evaluation
    whole = Run.load(recipe, ["evaluation.tests={only: d.csv}"])
    assert whole.evaluation.tests == {"only": tmp_path / "d.csv"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("evaluation.interventions=occlude_insid", "Did you mean 'occlude_inside'"),
        ("evaluation.interventions=[border_paint, border_paint]", "every entry once"),
        ("evaluation.tests={a b: c.csv}", r"names \['a b'\], expected words"),
        ("evaluation.tests=c.csv", "evaluation.tests"),
        ("evaluation.parts=[]", "evaluation.parts"),
    ],
)
def test_what_is_no_setting_is_refused(change: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Run.load(None, ["data=digits", change])


def test_how_a_run_is_evaluated_is_no_part_of_what_it_is() -> None:
    plain = Run.load(None, ["data=digits"])
    other = Run.load(
        None,
        [
            *("data=digits", "evaluation.interventions=[]", "evaluation.tests={far: c.csv}"),
            *("evaluation.parts=[marker]", "evaluation.shared=0"),
        ],
    )
    assert plain.hash == other.hash
