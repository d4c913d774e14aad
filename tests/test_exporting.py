"""Maps written for other tools come back as the same pixels, from whichever tool."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from lookright.cli import main
from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.outlines import outlines
from lookright.data.drawings.rasterise import cells as rasterised
from lookright.data.drawings.render import render
from lookright.data.drawings.shapes import Polygon
from lookright.data.exporters import find, make, names
from lookright.data.importers import make as make_importer
from lookright.data.importing.exporting import export_maps
from lookright.data.manifest import read_manifest
from lookright.errors import ConfigError, DataError, Problem

WIDTH, HEIGHT = 30, 20
RING = abs(np.hypot(*np.ogrid[-9.5:10.5, -14.5:15.5]) - 6) < 2.5
BLOB = np.hypot(*np.ogrid[-9.5:10.5, -10.5:19.5]) < 6.3
EMPTY = np.zeros_like(BLOB)
SPECKS = np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.3
MAPS = {"ring": RING, "blob": BLOB, "empty": EMPTY, "specks": SPECKS, "unasked": None}
LABELS = {name: "ill" if number % 2 else "well" for number, name in enumerate(MAPS)}
ALL = [("coco", "rle"), ("coco", "polygon"), ("label_studio", "brush"), ("label_studio", "polygon")]


def write_study(folder: Path, maps: dict[str, np.ndarray | None]) -> Path:
    lines = ["id,image,label,split,mask"]
    for number, (name, cells) in enumerate(maps.items()):
        Image.new("L", (WIDTH, HEIGHT), 99).save(folder / f"{name}.png")
        mask = ""
        if cells is not None:
            mask = f"{name}-mask.png"
            Image.fromarray((cells * 255).astype(np.uint8)).save(folder / mask)
        lines.append(f"{name},{name}.png,{'ill' if number % 2 else 'well'},train,{mask}")
    (folder / "manifest.csv").write_text("\n".join(lines))
    return folder / "manifest.csv"


def pixels(drawing: Drawing) -> np.ndarray:
    return render(drawing, (WIDTH, HEIGHT)).map > 0


def read(form: str, file: Path, **given) -> dict[str, Drawing]:
    items = list(make_importer(form, given).read(file))
    assert not [each for each in items if isinstance(each, Problem) and each.level == "error"]
    return {Path(each.image).stem: each for each in items if isinstance(each, Drawing)}


@pytest.mark.parametrize(("form", "shape"), ALL)
def test_MK12_MK13_what_is_written_comes_back_as_the_same_pixels(
    tmp_path: Path, form: str, shape: str
):
    manifest = write_study(tmp_path, MAPS)
    notes = export_maps(manifest, make(form, {"shape": shape}), tmp_path / "out.json")
    unmarked = {"unmarked": "empty"} if form == "coco" else {}
    found = read(form, tmp_path / "out.json", **unmarked)
    assert set(found) == {"ring", "blob", "empty", "specks"}
    for name, drawing in found.items():
        assert (pixels(drawing) == MAPS[name]).all()
        assert {mark.label for mark in drawing.marks} <= {LABELS[name]}
        assert drawing.size == (WIDTH, HEIGHT) or not drawing.marks
    assert any("holes" in each.what for each in notes) == (shape == "polygon")


def test_every_tool_gives_the_same_map_of_the_same_drawing(tmp_path: Path):
    manifest = write_study(tmp_path, MAPS)
    read_back = []
    for form, shape in ALL:
        file = tmp_path / f"{form}-{shape}.json"
        export_maps(manifest, make(form, {"shape": shape}), file)
        read_back.append(read(form, file))
    for name in ("ring", "blob", "specks"):
        first, *others = (pixels(found[name]) for found in read_back)
        assert all((first == other).all() for other in others)


def test_pycocotools_reads_what_is_written_for_it(tmp_path: Path, capsys):
    manifest = write_study(tmp_path, MAPS)
    export_maps(manifest, make("coco", {}), tmp_path / "coco.json")
    theirs = COCO(str(tmp_path / "coco.json"))
    seen = 0
    for image in theirs.loadImgs(theirs.getImgIds()):
        for one in theirs.loadAnns(theirs.getAnnIds(imgIds=[image["id"]])):
            cells = MAPS[Path(image["file_name"]).stem]
            assert cells is not None
            assert (theirs.annToMask(one).astype(bool) == cells).all()
            rows, cols = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
            box = [cols[0], rows[0], np.ptp(cols) + 1, np.ptp(rows) + 1]
            assert one["bbox"] == box
            assert one["area"] == cells.sum()
            seen += 1
    assert seen == 3
    assert {each["name"] for each in theirs.loadCats(theirs.getCatIds())} == {"ill", "well"}


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000))
def test_outlines_drawn_again_are_the_mask(seed: int):
    random = np.random.default_rng(seed)
    cells = random.random(random.integers(1, 12, 2)) < random.random()
    areas, holes = outlines(cells)
    if not cells.any():
        assert not areas
        return
    size = cells.shape[1], cells.shape[0]
    assert (rasterised(Polygon((*areas, *holes)), size) == cells).all()


def test_outlines_have_corners_only_and_tell_holes_from_areas():
    areas, holes = outlines(np.pad(np.pad(np.zeros((2, 2), bool), 1, constant_values=True), 1))
    assert sorted(map(tuple, areas[0])) == [(1, 1), (1, 5), (5, 1), (5, 5)]
    assert sorted(map(tuple, holes[0])) == [(2, 2), (2, 4), (4, 2), (4, 4)]


def test_an_image_that_nobody_annotated_stays_apart_from_an_empty_one(tmp_path: Path):
    manifest = write_study(tmp_path, MAPS)
    notes = export_maps(manifest, make("coco", {}), tmp_path / "coco.json")
    assert "1 images without a map were left out" in str(notes[0])
    export_maps(manifest, make("label_studio", {}), tmp_path / "tasks.json")
    tasks = {each["data"]["id"]: each for each in json.loads((tmp_path / "tasks.json").read_text())}
    assert tasks["unasked"]["annotations"] == []
    assert len(tasks["empty"]["annotations"]) == 1
    assert tasks["blob"]["data"]["image"] == "/data/local-files/?d=blob.png"


def test_a_soft_map_is_cut_and_this_is_said(tmp_path: Path):
    manifest = write_study(tmp_path, {"soft": None, "faint": None, "other": BLOB})
    slope = np.tile(np.linspace(0, 1, WIDTH), (HEIGHT, 1))
    Image.fromarray((slope * 255).astype(np.uint8)).save(tmp_path / "s.png")
    Image.fromarray((slope * 90).astype(np.uint8)).save(tmp_path / "f.png")
    text = manifest.read_text().replace("soft.png,well,train,", "soft.png,well,train,s.png")
    manifest.write_text(text.replace("faint.png,ill,train,", "faint.png,ill,train,f.png"))
    notes = export_maps(manifest, make("coco", {}), tmp_path / "coco.json", threshold=0.7)
    stored = np.round(slope * 255).astype(np.uint8) / np.float32(255)
    found = pixels(read("coco", tmp_path / "coco.json")["soft"])
    assert abs(found.mean() - (stored >= 0.7).mean()) <= 1 / WIDTH
    assert [each.level for each in notes] == ["notice", "warning"]


def test_nothing_is_written_over_or_written_in_part(tmp_path: Path):
    manifest = write_study(tmp_path, MAPS)
    (tmp_path / "blob.png").write_bytes((tmp_path / "blob.png").read_bytes()[:40])
    (tmp_path / "ring-mask.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        export_maps(manifest, make("coco", {}), tmp_path / "coco.json")
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "coco.json").exists()
    (tmp_path / "coco.json").write_text("mine")
    with pytest.raises(DataError, match="There is a file already"):
        export_maps(manifest, make("coco", {}), tmp_path / "coco.json")
    assert (tmp_path / "coco.json").read_text() == "mine"


def test_the_registry_names_what_there_is():
    assert names() == ["coco", "label_studio"]
    assert all(find(name).__doc__ for name in names())
    with pytest.raises(ConfigError, match="Did you mean 'coco'"):
        find("cocoo")
    with pytest.raises(ConfigError, match="shape"):
        make("coco", {"shape": "circle"})


@pytest.mark.parametrize("form", ["coco", "label_studio"])
def test_one_command_out_and_one_command_back(tmp_path: Path, form: str, capsys):
    manifest = write_study(tmp_path, MAPS)
    labels = [line.rpartition(",")[0] for line in manifest.read_text().splitlines()]
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    out, again = str(tmp_path / "out.json"), str(tmp_path / "again.csv")
    back = ["--images", str(tmp_path), "--labels", str(tmp_path / "labels.csv"), "--out", again]
    written = ["data", "export", form, str(manifest), "--out", out]
    for words in (written, ["data", "import", form, out, *back]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0, capsys.readouterr()
    one, other = read_manifest(manifest), read_manifest(tmp_path / "again.csv")
    assert one.rows["id"].to_list() == other.rows["id"].to_list()
    for name in ("ring", "blob", "specks"):
        index = one.rows["id"].to_list().index(name)
        before, after = one.sample(index).map, other.sample(index).map
        assert before is not None
        assert after is not None
        assert (before == after).all()
