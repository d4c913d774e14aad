"""One row per image, and every number in it computed again, slowly and by other means."""

import json
from math import cos, floor, isclose, radians, sin
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score
from torch.nn import functional
from torchvision.transforms import InterpolationMode, v2

from lookright.data import open_source
from lookright.data.source import Source
from lookright.errors import ConfigError
from lookright.evaluate import Trained, evaluate, load_classifier
from lookright.run import Run
from lookright.train import train

ANGLES = (-15, 15, 40)
SIZE = 32
THRESHOLD = 0.4
EPS = 2.0**-52
MEASURES = [
    "framing_sensitivity",
    "framing_sensitivity_true",
    "framing_decision",
    "framing_chance",
    "energy_pointing",
    "pointing_game",
    "iou",
    "iou_otsu",
    "iou_mean",
    "relevance_rank",
    "cc",
    "sim",
    "kl",
    "nss",
    "auc_judd",
]


def small_run(*changes: str) -> Run:
    return Run.load(
        None,
        [
            "data=digits",
            "data.digits=0,1,2",
            f"data.side={SIZE}",
            f"data.size={SIZE}",
            "data.train=30",
            "data.val=12",
            "data.test=18",
            "data.test_shifted=12",
            "data.share_annotated=0.7",
            "model.name=lookright_tiny",
            "optimiser.lr=0.01",
            "training.epochs=2",
            "training.batch=10",
            "training.device=cpu",
            f"evaluation.angles={list(ANGLES)}",
            f"evaluation.iou_threshold={THRESHOLD}",
            "evaluation.batch=7",
            *changes,
        ],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluated") / "run"
    train(small_run(), folder)
    evaluate(folder)
    return folder


@pytest.fixture(scope="module")
def table(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "predictions.parquet")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Trained:
    return load_classifier(folder)


@pytest.fixture(scope="module")
def source(trained: Trained) -> Source:
    return open_source(trained.run.data, Path())


# -- slowly, by other means ------------------------------------------------------------------


def picture(source: Source, row: int) -> torch.Tensor:
    return torch.from_numpy(source.sample(row).image.copy()).permute(2, 0, 1) / 255


def answer(trained: Trained, image: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and class maps of one image; maps cell by cell, in float64."""
    model = trained.model
    with torch.no_grad():
        features = model.trunk(((image - model.mean) / model.std).expand(1, 3, -1, -1))[0]
    weight, bias = (p.detach().double().numpy() for p in (model.head.weight, model.head.bias))
    maps = np.tensordot(weight, features.double().numpy(), 1)
    return maps.mean((1, 2)) + bias, maps


def turned(image: torch.Tensor, angle: float) -> torch.Tensor:
    return v2.functional.rotate(image, angle, InterpolationMode.BILINEAR)


def cut(image: torch.Tensor, angle: float) -> torch.Tensor:
    """Cut the largest centred square whose outermost pixel centres a turned image still has."""
    reach = (SIZE - 1) / 2 / (abs(cos(radians(angle))) + abs(sin(radians(angle))))
    edge = SIZE // 2 - 1 - floor(reach - 0.5 + 1e-9)
    inner = image[:, edge : SIZE - edge, edge : SIZE - edge]
    return v2.functional.resize(inner, [SIZE, SIZE], antialias=True)


def outside(energy: np.ndarray, evidence: np.ndarray) -> float:
    return float((energy * (1 - evidence)).sum() / energy.sum()) if energy.sum() else np.nan


def expected(trained: Trained, source: Source, row: int) -> dict[str, float]:
    """Compute every number of one image."""
    image, human = picture(source, row), source.sample(row).map
    logits, maps = answer(trained, image)
    true = trained.facts.classes.index(source.rows["label"][row])
    predicted = int(logits.argmax())
    chances = np.exp(logits) / np.exp(logits).sum()
    found: dict[str, float] = {f"p_{name}": p for name, p in zip("012", chances, strict=True)}
    for angle in ANGLES:
        after = answer(trained, turned(image, angle))[0]
        found[f"flip_{angle}"] = float(after.argmax() != predicted)
        p = np.exp(after) / np.exp(after).sum()
        found[f"dp_{angle}"] = abs(p[predicted] - chances[predicted])
        straight, whole = cut(image, angle), cut(turned(image, angle), angle)
        found[f"control_{angle}"] = float(
            answer(trained, straight)[0].argmax() != answer(trained, whole)[0].argmax()
        )
    if human is None:
        return found | dict.fromkeys(MEASURES, np.nan)
    step = SIZE // maps.shape[1]
    evidence = human.reshape(maps.shape[1], step, maps.shape[2], step).mean((1, 3))
    others = [c for c in range(3) if c != predicted]
    share = chances[others] / chances[others].sum()
    decision = maps[predicted] - np.tensordot(share, maps[others], 1)
    large = functional.interpolate(
        torch.from_numpy(maps[predicted])[None, None], (SIZE, SIZE), mode="bilinear"
    )[0, 0].numpy()
    region = (large - large.min()) / (large.max() - large.min()) >= THRESHOLD
    marked = human > 0.5
    framing = outside(np.maximum(maps[predicted], 0), evidence)
    return found | {
        "framing_sensitivity": framing,
        "framing_sensitivity_true": outside(np.maximum(maps[true], 0), evidence),
        "framing_decision": outside(np.abs(decision), evidence),
        "framing_chance": 1 - float(human.mean()),
        "energy_pointing": 1 - framing,
        "pointing_game": float(marked.flat[large.argmax()]),
        "iou": float((region & marked).sum() / (region | marked).sum()),
        **placed(large, marked),
        **distributed(maps[predicted], evidence),
    }


def placed(large: np.ndarray, marked: np.ndarray) -> dict[str, float]:
    """Compare the enlarged map with the marked pixels."""
    levels = np.minimum((large - large.min()) / (large.max() - large.min()) * 256, 255)
    otsu = cv2.threshold(levels.astype(np.uint8), 0, 1, cv2.THRESH_OTSU)[0] + 1
    strongest = np.argsort(-large.ravel())[: marked.sum()]
    overlaps = [
        ((levels >= step) & marked).sum() / ((levels >= step) | marked).sum()
        for step in range(1, 256)
    ]
    return {
        "iou_otsu": overlaps[int(otsu) - 1],
        "iou_mean": float(np.mean(overlaps)),
        "relevance_rank": float(marked.ravel()[strongest].mean()),
        "nss": float((large[marked].mean() - large.mean()) / large.std()),
        "auc_judd": float(roc_auc_score(marked.ravel(), large.ravel())),
    }


def distributed(cam: np.ndarray, evidence: np.ndarray) -> dict[str, float]:
    """Compare the class map with the evidence in its cells."""
    positive = np.maximum(cam, 0)
    p, q = (
        each / each.sum() if each.sum() else np.full(each.shape, np.nan)
        for each in (positive, evidence)
    )
    return {
        "cc": float(np.corrcoef(cam.ravel(), evidence.ravel())[0, 1]),
        "sim": float(np.minimum(p, q).sum()),
        "kl": float((q * np.log(EPS + q / (p + EPS))).sum()),
    }


def test_every_number_of_every_image_is_what_its_name_says(
    table: pl.DataFrame, trained: Trained, source: Source
) -> None:
    rows = {name: row for row, name in enumerate(source.rows["id"])}
    for found in table.iter_rows(named=True):
        for name, value in expected(trained, source, rows[found["id"]]).items():
            assert found[name] == pytest.approx(value, abs=2e-4, nan_ok=True), (found["id"], name)
    assert table["framing_sensitivity"].is_nan().any()
    assert any(table[f"flip_{angle}"].sum() for angle in ANGLES)


def test_the_table_has_one_row_per_image_of_every_split_but_train(
    table: pl.DataFrame, source: Source
) -> None:
    asked = source.rows.filter(pl.col("split") != "train")
    for name in ("id", "split", "label", "annotated"):
        assert table[name].to_list() == asked[name].to_list()
    per_angle = [f"{kind}_{angle}" for angle in ANGLES for kind in ("flip", "dp", "control")]
    chances = [f"p_{name}" for name in source.classes]
    assert {"predicted", *chances, *MEASURES, *per_angle} < set(table.columns)
    assert all(table[name].dtype == pl.Float64 for name in [*chances, *MEASURES, *per_angle])
    largest = table.select(chances).to_numpy().argmax(1)
    assert table["predicted"].to_list() == [source.classes[index] for index in largest]


def test_maps_lie_beside_the_rows(
    folder: Path, table: pl.DataFrame, trained: Trained, source: Source
) -> None:
    maps = load_file(folder / "maps.safetensors")
    assert {len(each) for each in maps.values()} == {len(table)}
    np.testing.assert_allclose(maps["difference"], maps["true"] - maps["false"], atol=1e-6)
    rows = {name: row for row, name in enumerate(source.rows["id"])}
    for at in (0, 11, 12, len(table) - 1):
        row = rows[table["id"][at]]
        logits, cams = answer(trained, picture(source, row))
        true = source.classes.index(table["label"][at])
        others = [c for c in range(3) if c != true]
        share = np.exp(logits[others]) / np.exp(logits[others]).sum()
        np.testing.assert_allclose(maps["true"][at], cams[true], atol=1e-4)
        np.testing.assert_allclose(
            maps["false"][at], np.tensordot(share, cams[others], 1), atol=1e-4
        )
        assert np.isnan(maps["human"][at]).all() == (not table["annotated"][at])


def test_results_are_averages_of_the_table(folder: Path, table: pl.DataFrame) -> None:
    results = pl.read_csv(folder / "results.csv")

    def value(split: str, measure: str) -> tuple[float, int, int]:
        wanted = (pl.col("split") == split) & (pl.col("measure") == measure)
        row = results.filter(wanted & (pl.col("by") == "all")).row(0, named=True)
        return row["value"], row["count"], row["undefined"]

    for (split,), part in table.group_by("split"):
        name = str(split)
        for measure in MEASURES:
            known = part[measure].drop_nans()
            undefined = len(part) - len(known)
            assert value(name, measure) == (pytest.approx(known.mean()), len(known), undefined)
        flips = part.select(f"flip_{angle}" for angle in ANGLES).to_numpy()
        assert value(name, "flip_rate")[0] == pytest.approx(flips.mean())
        controls = part.select(f"control_{angle}" for angle in ANGLES).to_numpy()
        assert value(name, "flip_rate_control")[0] == pytest.approx(controls.mean())
        right = (part["predicted"] == part["label"]).mean()
        assert value(name, "accuracy")[0] == pytest.approx(right)
        chances = part.select("p_0", "p_1", "p_2").to_numpy()
        auroc = roc_auc_score(part["label"], chances, multi_class="ovr")
        assert isclose(value(name, "auroc")[0], auroc)


# -- what can be asked -----------------------------------------------------------------------


def test_asked_splits_replace_those_before(folder: Path, table: pl.DataFrame) -> None:
    only = evaluate(folder, ["test"])
    assert only.equals(table.filter(pl.col("split") == "test"), null_equal=True)
    assert pl.read_csv(folder / "results.csv")["split"].unique().to_list() == ["test"]
    again = evaluate(folder)
    assert again.equals(table, null_equal=True)


def test_all_unknown_splits_are_named_at_once(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no split 'tset'.*test") as caught:
        evaluate(folder, ["tset", "val", "nowhere"])
    assert len(caught.value.problems) == 2


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no trained run \(it has no facts\.json\)"):
        evaluate(tmp_path)


def test_the_classifier_is_that_of_the_selected_epoch(tmp_path: Path) -> None:
    run = small_run("training.epochs=3", "training.select=loss", "optimiser.lr=0.3")
    train(run, tmp_path / "run")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["val"]["loss"] for line in lines]
    table = evaluate(tmp_path / "run", ["val"])
    chance = [row[f"p_{row['label']}"] for row in table.iter_rows(named=True)]
    assert -np.log(chance).mean() == pytest.approx(min(losses), rel=1e-4)


def test_control_can_be_left_out(tmp_path: Path) -> None:
    train(small_run("evaluation.control=false", "training.epochs=1"), tmp_path / "run")
    table = evaluate(tmp_path / "run", ["test"])
    assert not [name for name in table.columns if name.startswith("control_")]
    assert [name for name in table.columns if name.startswith("flip_")]
