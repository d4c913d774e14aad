"""What a data set holds, and that it stays so."""

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from broken_data import Row, generated, write_manifest
from lookright.cli import main
from lookright.configuration import Data
from lookright.data.checks.check import check
from lookright.data.checks.inventory import take_inventory
from lookright.data.loader import examples
from lookright.data.lock import lock
from lookright.data.manifest import Manifest, read_manifest
from lookright.data.table import read_table
from lookright.errors import DataError
from lookright.evaluate import evaluate
from lookright.report import write_report
from lookright.report.run_verdict import touched
from lookright.run import Run
from lookright.train import train


def data_set(folder: Path) -> tuple[Path, list[Row]]:
    rows = generated(folder)
    return write_manifest(folder, rows), rows


def repaint(file: Path) -> None:
    """Change one pixel and nothing else: not the size, not the format."""
    picture = Image.open(file).convert("L")
    picture.putpixel((3, 3), 255 - picture.getpixel((3, 3)))
    picture.save(file)


# -- lock --------------------------------------------------------------------------------------


def test_a_lock_pins_every_image_and_every_map(tmp_path: Path):
    path, rows = data_set(tmp_path)
    rows[2]["mask"] = ""
    write_manifest(tmp_path, rows)
    found = lock(path)
    assert (found.images, found.maps, found.renewed) == (24, 23, 0)
    table = read_table(path).rows
    for row in table.iter_rows(named=True):
        data = (tmp_path / row["image"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        wanted = hashlib.sha256((tmp_path / row["mask"]).read_bytes()) if row["mask"] else None
        assert row["mask_sha256"] == (wanted.hexdigest() if wanted else "")


def test_IM05_files_that_changed_are_all_named_at_training_and_in_the_check(tmp_path: Path):
    path, rows = data_set(tmp_path)
    lock(path)
    repaint(tmp_path / rows[0]["image"])
    repaint(tmp_path / rows[1]["mask"])
    with pytest.raises(DataError) as caught:
        examples(read_manifest(path), ["train", "val", "test"], Data(manifest=str(path), size=32))
    told = {each.code: each.where for each in caught.value.problems}
    assert set(told) == {"IMG-HASH", "MASK-HASH"}
    assert rows[0]["id"] in told["IMG-HASH"]
    assert rows[1]["id"] in told["MASK-HASH"]
    checked = check(path)
    assert {"IMG-HASH", "MASK-HASH"} == {
        each.problem.code for each in checked.findings if each.problem.level == "error"
    }


def test_locking_again_names_what_changed_and_renews_it_when_asked(tmp_path: Path):
    path, rows = data_set(tmp_path)
    lock(path)
    before = path.read_bytes()
    lock(path)
    assert path.read_bytes() == before
    for row in rows[:2]:
        repaint(tmp_path / row["mask"])
    with pytest.raises(DataError) as caught:
        lock(path)
    assert [each.where for each in caught.value.problems] == [
        "manifest.csv row 2", "manifest.csv row 3"
    ]  # fmt: skip
    assert path.read_bytes() == before
    assert lock(path, renew=True).renewed == 2
    assert check(path).passed


def test_a_lock_of_files_that_are_not_there_names_them_all_and_writes_nothing(tmp_path: Path):
    path, rows = data_set(tmp_path)
    before = path.read_bytes()
    (tmp_path / rows[0]["image"]).unlink()
    (tmp_path / rows[5]["mask"]).unlink()
    with pytest.raises(DataError) as caught:
        lock(path)
    assert [each.where for each in caught.value.problems] == [
        "manifest.csv row 2, image", "manifest.csv row 7, mask"
    ]  # fmt: skip
    assert path.read_bytes() == before


def test_locking_changes_nothing_that_a_run_would_notice(tmp_path: Path):
    path, _ = data_set(tmp_path)
    before = read_manifest(path).fingerprint
    lock(path)
    assert read_manifest(path).fingerprint == before


def test_MK21_a_map_edited_while_training_is_named_and_not_learnt(tmp_path: Path):
    """A run learns from what it found at its start; a map that changes stops it by name."""
    path, rows = data_set(tmp_path)
    settings = Data(manifest=str(path), size=32, cache="none")
    learnt = examples(read_manifest(path), ["train"], settings)
    learnt[0, 0]
    repaint(tmp_path / rows[0]["mask"])
    with pytest.raises(DataError) as caught:
        learnt[0, 0]
    assert caught.value.problems[0].code == "IMG-CHANGED"
    assert rows[0]["id"] in caught.value.problems[0].where
    kept = examples(read_manifest(path), ["train"], Data(manifest=str(path), size=32))
    first = kept[-1, 0][0]
    repaint(tmp_path / rows[0]["mask"])
    assert (kept[-1, 0][0] == first).all()


# -- stats -------------------------------------------------------------------------------------


def test_the_inventory_counts_what_is_there(tmp_path: Path):
    path, rows = data_set(tmp_path)
    Image.new("L", (40, 32)).save(tmp_path / rows[0]["mask"])  # empty
    rows[2]["mask"] = ""
    (tmp_path / rows[4]["mask"]).unlink()
    (tmp_path / rows[6]["mask"]).write_bytes(b"nothing")
    rows[3]["group"] = rows[1]["group"]
    write_manifest(tmp_path, rows)
    found = take_inventory(path)
    train = found.images.filter((pl.col("split") == "train") & (pl.col("label") == "calm"))
    assert train.row(0)[2:] == (6, 5, pytest.approx(5 / 6))
    own = found.groups.filter(pl.col("split") == "train")
    assert own.row(0) == ("group", "train", 11, 2)
    assert dict(found.missing.iter_rows()) == {
        "mask: no such file": 1,
        "mask: cannot be read": 1,
        "mask: empty": 1,
    }


def test_areas_and_chance_are_those_of_a_plain_loop(tmp_path: Path):
    path, rows = data_set(tmp_path)
    Image.new("L", (40, 32)).save(tmp_path / rows[0]["mask"])
    found = take_inventory(path)
    areas = {row["id"]: (np.asarray(Image.open(tmp_path / row["mask"])) > 0).mean() for row in rows}
    calm = [areas[row["id"]] for row in rows[1:] if row["label"] == "calm"]
    line = found.evidence.filter(pl.col("label") == "calm").row(0, named=True)
    assert (line["maps"], line["empty"]) == (12, 1)
    assert line["area"] == pytest.approx(np.mean(calm))
    assert line["low"] == pytest.approx(np.quantile(calm, 0.05))
    tested = [areas[row["id"]] for row in rows if row["split"] == "test"]
    chance = found.chance.filter(pl.col("split") == "test").row(0, named=True)
    assert (chance["images"], chance["accuracy"]) == (6, 0.5)
    assert chance["inside"] == pytest.approx(np.mean(tested))


def test_the_inventory_of_a_manifest_with_nothing_optional_is_one_too(tmp_path: Path):
    rows = [{"image": row["image"], "label": row["label"]} for row in generated(tmp_path)]
    found = take_inventory(write_manifest(tmp_path, rows))
    assert len(found.groups) == 0
    assert found.chance.row(0) == ("", 24, "calm", 0.5, None)
    assert dict(found.missing.iter_rows()) == {"split: empty": 24, "mask: empty": 24}


def test_stats_and_lock_are_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, rows = data_set(tmp_path)
    said = []
    for words in (["stats"], ["lock"], ["lock"]):
        with pytest.raises(SystemExit) as caught:
            main(["data", *words, str(path)])
        assert caught.value.code == 0
        said.append(capsys.readouterr().out)
    assert "24 rows" in said[0]
    assert "100.0%" in said[0]
    assert "24 images and 24 maps locked" in said[1]
    repaint(tmp_path / rows[0]["image"])
    with pytest.raises(SystemExit) as caught:
        main(["data", "lock", str(path)])
    assert caught.value.code == 3
    assert "--renew" in capsys.readouterr().err


# -- JSON Lines ----------------------------------------------------------------------------------


def lines(folder: Path, *texts: str) -> Path:
    path = folder / "manifest.jsonl"
    path.write_text("\n".join(texts) + "\n")
    return path


def test_MF18_json_lines_are_a_manifest_like_any_other(tmp_path: Path):
    text = '{"image": "a.png", "label": "x", "id": "001", "age": 41}'
    rows = read_table(lines(tmp_path, text, "", '{"label": "y", "image": "b.png"}'))
    assert rows.rows.to_dicts() == [
        {"image": "a.png", "label": "x", "id": "001", "age": "41"},
        {"image": "b.png", "label": "y", "id": "", "age": None},
    ]
    assert rows.where(1) == "manifest.jsonl row 3"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"image": "a", "image": "b", "label": "x"}', "comes twice"),
        ('{"image": "a", "label": NaN}', "NaN"),
        ('{"image": "a", "label": "x",}', "Not JSON"),
        ('["a", "x"]', "one object"),
        ('{"image": "a", "label": ["x"]}', "not one value"),
    ],
)
def test_MF18_what_is_no_strict_json_is_an_error_with_its_line(tmp_path: Path, text, told):
    good = '{"image": "a.png", "label": "x"}'
    with pytest.raises(DataError, match=told) as caught:
        read_table(lines(tmp_path, good, text, text))
    assert [each.where.split()[2] for each in caught.value.problems] == ["2", "3"]


# -- archives and tests that must not teach ------------------------------------------------------


def test_MF21_archives_are_refused_and_never_unpacked(tmp_path: Path):
    """No archive is opened anywhere: neither as a manifest, nor as a picture, nor as a map."""
    import zipfile

    path, rows = data_set(tmp_path)
    archive = tmp_path / "slip.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../escaped.png", b"x")
    with pytest.raises(DataError):
        read_table(archive)
    for column in ("image", "mask"):
        (tmp_path / rows[0][column]).write_bytes(archive.read_bytes())
        told = [each.problem for each in check(path).findings if each.problem.level == "error"]
        assert any("ZIP" in each.what for each in told)
    assert not list(tmp_path.parent.rglob("escaped.png"))


def test_MF23_training_opens_no_test_image_and_evaluations_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Selection cannot know a test: its files are not read. Each measurement of it is told."""
    path, _ = data_set(tmp_path)
    read: list[str] = []
    sample = Manifest.sample

    def noted(self: Manifest, index: int):
        read.append(self.rows["split"][index])
        return sample(self, index)

    monkeypatch.setattr(Manifest, "sample", noted)
    words = [f"data.manifest={path}", "data.size=32", "data.colours=grey", "training.epochs=1"]
    words += ["model.name=lookright_tiny", "training.device=cpu", "evaluation.angles=[]"]
    train(Run.load(None, words), tmp_path / "run")
    assert set(read) == {"train", "val"}
    for _ in range(2):
        evaluate(tmp_path / "run", ["test"])
    assert json.loads((tmp_path / "run" / "evaluations.json").read_text()) == {"test": 2}
    (told,) = touched({"test": 2, "val": 3, "test_other": 1})
    assert told.startswith("test was measured 2 times")
    write_report(tmp_path / "run")
    assert "test was measured 2 times" in (tmp_path / "run" / "report.html").read_text()
