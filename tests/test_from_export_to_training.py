"""What a tool exported becomes a trained classifier, command by command, as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lookright.cli import app

SIDE = 48
Boxes = dict[str, tuple[int, int, int]]  # by path below the images: left, top, side


@pytest.fixture
def boxes(tmp_path: Path) -> Boxes:
    """Write 40 pictures of two classes, each with a bright or dim square, and say where it is."""
    random = np.random.default_rng(0)
    found: Boxes = {}
    for number in range(40):
        name = f"{'bright' if number % 2 else 'dim'}/p{number:02}.png"
        left, top, side = (int(each) for each in random.integers((2, 2, 10), (30, 30, 16)))
        pixels = random.integers(0, 80, (SIDE, SIDE), dtype=np.uint8)
        pixels[top : top + side, left : left + side] += np.uint8(170 if number % 2 else 100)
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        found[name] = (left, top, side)
    return found


def coco(folder: Path, boxes: Boxes) -> Path:
    images, drawn = [], []
    for number, (name, (left, top, side)) in enumerate(boxes.items(), start=1):
        images.append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
        shape = {"bbox": [left, top, side, side], "segmentation": [], "iscrowd": 0}
        drawn.append({"id": number, "image_id": number, "category_id": 1, **shape})
    kinds = [{"id": 1, "name": "square"}]
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": drawn, "categories": kinds}))
    return path


def label_studio(folder: Path, boxes: Boxes) -> Path:
    tasks = []
    for number, (name, (left, top, side)) in enumerate(boxes.items(), start=1):
        percent = 100 / SIDE
        value = {"x": left * percent, "y": top * percent, "rotation": 0}
        value |= {"width": side * percent, "height": side * percent, "rectanglelabels": ["square"]}
        region = {"type": "rectanglelabels", "value": value, "id": f"r{number}"}
        region |= {"original_width": SIDE, "original_height": SIDE, "image_rotation": 0}
        region |= {"from_name": "label", "to_name": "image"}
        answer = {"id": number, "completed_by": 1, "result": [region]}
        tasks.append({"id": number, "data": {"image": name}, "annotations": [answer]})
    path = folder / "export.json"
    path.write_text(json.dumps(tasks))
    return path


def labelme(folder: Path, boxes: Boxes) -> Path:
    for name, (left, top, side) in boxes.items():
        points = [[left, top], [left + side, top + side]]
        shape = {"label": "square", "points": points, "shape_type": "rectangle", "flags": {}}
        whole = {"version": "5.5.0", "flags": {}, "shapes": [shape], "imageData": None}
        whole |= {"imagePath": Path(name).name, "imageHeight": SIDE, "imageWidth": SIDE}
        path = folder / "drawn" / Path(name).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole))
    return folder / "drawn"


@pytest.mark.parametrize("write", [coco, label_studio, labelme], ids=lambda each: each.__name__)
def test_an_export_is_imported_split_checked_and_learnt_from(
    tmp_path: Path, boxes: Boxes, write: Callable[[Path, Boxes], Path]
):
    runner = CliRunner()

    def say(*words: str) -> str:
        done = runner.invoke(app, list(words))
        assert done.exit_code == 0, done.output
        return done.output

    images, manifest = str(tmp_path / "images"), str(tmp_path / "manifest.csv")
    export = str(write(tmp_path, boxes))
    told = say("data", "import", write.__name__, export, "--images", images)
    assert "40 images, 40 with a map" in told
    say("data", "split", manifest)
    say("data", "check", manifest)
    data = (f"data.manifest={manifest}", "data.size=48", "model=lookright_tiny")
    training = ("objective=energy", "training.epochs=2", "training.batch=7")
    say("train", *data, *training, "evaluation.interventions=[]", "--out", str(tmp_path / "run"))
    (tmp_path / "run" / "predictions.parquet").stat()
    with Image.open(next((tmp_path / "maps").glob("*.png"))) as drawn:
        sides = {side for _, _, side in boxes.values()}
        assert np.sqrt((np.asarray(drawn) > 0).sum()) in sides
