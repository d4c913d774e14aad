"""The readers' ceiling, runs against fixations, and gaze from a table to a trained classifier."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file
from scipy.ndimage import gaussian_filter
from torch.nn import functional
from typer.testing import CliRunner

from gaze_tables import table
from lookright.cli import app
from lookright.data.gaze.drawing import find_looks
from lookright.data.gaze.making import Making
from lookright.errors import DataError
from lookright.looked_at import gaze_agreement
from lookright.metrics.saliency import auc_judd, correlation, nss, reader_ceiling
from lookright.readers import SIDE, grid_of, readers_ceiling


def text_of_gaze(images: int = 3, readers: int = 4, looks: int = 6, side: int = SIDE) -> str:
    random = np.random.default_rng(0)
    lines = ["image,observer,x,y,duration"]
    for image in range(images):
        centre = random.uniform(0.2 * side, 0.8 * side, 2)
        for reader in range(readers):
            for _ in range(looks):
                x, y = (centre + random.normal(0, side / 12, 2)).clip(0, side - 1)
                lines.append(f"i{image},{reader},{x:.2f},{y:.2f},{random.integers(80, 400)}")
    return "\n".join(lines)


def test_the_ceiling_is_that_of_the_measures_on_the_same_readings(tmp_path: Path):
    making = Making(sigma=5, width=SIDE, height=SIDE, weight="count", border="reflected")
    looks = find_looks(table(tmp_path, text_of_gaze()), making)
    counts = np.zeros((4, 3, SIDE, SIDE))
    for image, reader, x, y in looks.rows.select("image", "observer", "x", "y").rows():
        counts[int(reader), int(image[1:]), int(y), int(x)] += 1
    found = readers_ceiling(looks, making)
    expected = {
        name: reader_ceiling(measure, counts, 5)
        for name, measure in (("nss", nss), ("auc_judd", auc_judd))
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4)
    maps = gaussian_filter(counts, (0, 0, 5, 5))
    np.testing.assert_allclose(found["cc"], reader_ceiling(correlation, maps), rtol=1e-4)
    assert (found["readers"] == 4).all()


def test_what_another_image_gives_lies_below_the_ceiling(tmp_path: Path):
    making = Making(sigma=5, width=SIDE, height=SIDE)
    found = readers_ceiling(find_looks(table(tmp_path, text_of_gaze(8)), making), making)
    for name in ("cc", "nss", "auc_judd", "iou"):
        assert found[name].mean() > found[f"other_{name}"].mean() + 0.1


def test_one_reader_has_no_ceiling(tmp_path: Path):
    making = Making(sigma=5, width=SIDE, height=SIDE)
    looks = find_looks(table(tmp_path, text_of_gaze(readers=1)), making)
    with pytest.raises(DataError, match="ERR-GAZE-READERS"):
        readers_ceiling(looks, making)
    making = Making(sigma=5)
    looks = find_looks(table(tmp_path, text_of_gaze()), making)
    with pytest.raises(DataError, match="ERR-GAZE-SIZE"):
        readers_ceiling(looks, making)


def test_the_grid_keeps_the_shape_of_the_image():
    assert grid_of((800, 600)) == (96, 72)
    assert grid_of((3, 3000)) == (1, 96)


def test_the_verb_prints_the_ceiling_and_writes_it(tmp_path: Path):
    path = table(tmp_path, text_of_gaze())
    for image in range(3):
        Image.new("L", (SIDE, SIDE)).save(tmp_path / f"i{image}.png")
    words = ["data", "gaze-ceiling", str(path), "sigma=5", "--images", str(tmp_path)]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "ceiling.csv")])
    assert done.exit_code == 0, done.output
    assert "auc_judd" in done.output
    assert len(pl.read_csv(tmp_path / "ceiling.csv")) == 3


def test_a_run_is_measured_on_the_fixations_themselves(tmp_path: Path):
    making = Making(sigma=5, width=SIDE, height=SIDE)
    looks = find_looks(table(tmp_path, text_of_gaze()), making)
    ids = ["images/i0.png", "images/i1.png", "images/none.png", "images/i2.png"]
    pl.DataFrame(
        {"id": ids, "split": ["test", "val", "test", "test"], "label": ["a", "b", "a", "b"]}
    ).write_parquet(tmp_path / "predictions.parquet")
    maps = np.random.default_rng(0).normal(size=(4, 4, 4)).astype(np.float32)
    save_file({"true": maps}, tmp_path / "maps.safetensors")
    found = gaze_agreement(tmp_path, looks)
    assert found["id"].to_list() == [ids[0], ids[3]]
    large = functional.interpolate(torch.from_numpy(maps[:1, None]), (64, 64), mode="bilinear")
    own = looks.rows.filter(pl.col("image") == "i0")
    at = (own.select("y", "x") * 64 / SIDE).to_numpy().astype(int)
    standing = (large[0, 0] - large.mean()) / large.std(correction=0)
    assert found["nss"][0] == pytest.approx(float(standing[at[:, 0], at[:, 1]].mean()), rel=1e-4)
    with pytest.raises(DataError, match="ERR-GAZE-ABSENT"):
        gaze_agreement(tmp_path, looks, "val_other")


def test_gg_cam_runs_end_to_end_from_a_table_of_fixations(tmp_path: Path):
    random = np.random.default_rng(0)
    lines, labels = ["image_id,observer,x_px,y_px,duration_ms"], ["image,label,split"]
    (tmp_path / "images").mkdir()
    for number, split in enumerate(["train"] * 16 + ["val"] * 8):
        pixels = random.integers(0, 80, (48, 64), dtype=np.uint8)
        bright, name = number % 2, f"p{number:02}"
        x, y = random.uniform(12, 50), random.uniform(12, 36)
        pixels[int(y) - 6 : int(y) + 6, int(x) - 6 : int(x) + 6] += np.uint8(100 + 70 * bright)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
        labels.append(f"{name}.png,{'bright' if bright else 'dim'},{split}")
        lines += [f"{name},{reader},{x},{y},{200 + reader}" for reader in range(3)]
    gaze = table(tmp_path, "\n".join(lines))
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    runner = CliRunner()

    def say(*words: str) -> str:
        done = runner.invoke(app, list(words))
        assert done.exit_code == 0, done.output
        return done.output

    say(
        "data",
        "import",
        "fixations",
        str(gaze),
        "sigma=4",
        "columns.x=x_px",
        "--images",
        str(tmp_path / "images"),
        "--labels",
        str(tmp_path / "labels.csv"),
    )
    manifest = tmp_path / "manifest.csv"
    assert (pl.read_csv(manifest)["mask"].str.len_chars() > 0).all()
    say("data", "check", str(manifest))
    run = tmp_path / "run"
    say(
        "train",
        f"data.manifest={manifest}",
        "data.size=32",
        "model=lookright_tiny",
        "objective=gg_cam",
        "training.epochs=1",
        "training.batch=8",
        f"--out={run}",
    )
    assert "human" in (run / "metrics.jsonl").read_text()
