"""Label Studio: percent, turned shapes, brushes, several annotators, both forms of JSON."""

import base64
import io
import json
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.render import render
from lookright.data.drawings.shapes import Point
from lookright.data.exchange import brush
from lookright.data.importers import make
from lookright.errors import DataError, Problem

WIDTH, HEIGHT = 60, 40
BLOB = np.hypot(*np.ogrid[-19.5:20.5, -24.5:35.5]) < 11.3
ROWS, COLS = np.mgrid[:HEIGHT, :WIDTH] + 0.5


def region(kind: str, name: str = "r1", label: str = "mass", **value: Any) -> dict[str, Any]:
    return {
        "id": name,
        "type": f"{kind}labels",
        "from_name": "tag",
        "to_name": "image",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": {**value, f"{kind}labels": [label]},
    }


def choice(*words: str) -> dict[str, Any]:
    return {"id": "c", "type": "choices", "from_name": "label", "value": {"choices": [*words]}}


def task(*results: dict, image: str = "a.png", **more: Any) -> dict[str, Any]:
    annotation = {"id": 5, "completed_by": 1, "result": [*results], "was_cancelled": False}
    return {"id": 1, "data": {"image": image}, "annotations": [annotation], **more}


def read(folder: Path, *tasks: Any, **settings: Any) -> list[Drawing | Problem]:
    (folder / "export.json").write_text(json.dumps(tasks))
    return list(make("label_studio", settings).read(folder / "export.json"))


def drawn(items: list) -> list[Drawing]:
    return [each for each in items if isinstance(each, Drawing)]


def errors(items: list) -> list[str]:
    return [e.code for e in items if isinstance(e, Problem) and e.level == "error"]


def pixels(drawing: Drawing) -> np.ndarray:
    return render(drawing, (WIDTH, HEIGHT)).map > 0


def painted(cells: np.ndarray = BLOB, **more: Any) -> dict[str, Any]:
    return region("brush", format="rle", rle=list(brush.encode(cells)), **more)


def turned_back(x: float, y: float, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each pixel's centre lies along and across a frame turned clockwise at x, y."""
    c, s = cos(radians(angle)), sin(radians(angle))
    return c * (COLS - x) + s * (ROWS - y), c * (ROWS - y) - s * (COLS - x)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_MK13_a_brush_covers_its_pixels_however_the_view_was_turned(tmp_path: Path, rotation: int):
    (drawing,) = drawn(read(tmp_path, task({**painted(), "image_rotation": rotation})))
    assert (pixels(drawing) == BLOB).all()
    assert (drawing.image, drawing.size) == ("a.png", (WIDTH, HEIGHT))
    assert [mark.label for mark in drawing.marks] == ["mass"]


def test_MK13_a_brush_of_another_size_than_its_image_is_an_error(tmp_path: Path):
    items = read(tmp_path, task(painted(BLOB[:-1])), task(painted(BLOB), image="b.png"))
    assert errors(items) == ["MASK-SIZE"]
    assert "task 1" in str(items[0])
    assert [each.image for each in drawn(items)] == ["b.png"]


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 200.0])
def test_MK13_a_rectangle_is_turned_clockwise_about_its_upper_left_corner(
    tmp_path: Path, angle: float
):
    value = {"x": 45.0, "y": 40.0, "width": 20.0, "height": 25.0, "rotation": angle}
    (drawing,) = drawn(read(tmp_path, task(region("rectangle", **value))))
    along, across = turned_back(0.45 * WIDTH, 0.4 * HEIGHT, angle)
    wanted = (along > 0) & (along < 0.2 * WIDTH) & (across > 0) & (across < 0.25 * HEIGHT)
    edge = np.minimum(abs(along), abs(along - 0.2 * WIDTH)) < 1e-6
    edge |= np.minimum(abs(across), abs(across - 0.25 * HEIGHT)) < 1e-6
    assert (pixels(drawing) == wanted)[~edge].all()
    assert wanted.sum() > 100


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 200.0])
def test_MK13_an_ellipse_is_turned_clockwise_about_its_centre(tmp_path: Path, angle: float):
    value = {"x": 50.0, "y": 50.0, "radiusX": 30.0, "radiusY": 15.0, "rotation": angle}
    (drawing,) = drawn(read(tmp_path, task(region("ellipse", **value))))
    along, across = turned_back(30, 20, angle)
    wanted = (along / (0.3 * WIDTH)) ** 2 + (across / (0.15 * HEIGHT)) ** 2 <= 1
    assert (pixels(drawing) == wanted).all()


def test_MK13_the_turned_rectangle_is_the_polygon_of_its_corners(tmp_path: Path):
    """Percent are no squares: turning comes after scaling to pixels."""
    c, s = cos(radians(37)), sin(radians(37))
    corners = [(27, 12), (27 + 15 * c, 12 + 15 * s)]
    corners += [(27 + 15 * c - 20 * s, 12 + 15 * s + 20 * c), (27 - 20 * s, 12 + 20 * c)]
    points = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in corners]
    box = region("rectangle", x=45, y=30, width=25, height=50, rotation=37)
    items = read(tmp_path, task(box), task(region("polygon", points=points, closed=True)))
    one, other = drawn(items)
    assert (pixels(one) == pixels(other)).all()
    assert pixels(one).sum() > 250


def test_a_key_point_is_its_pixel_or_a_disc(tmp_path: Path):
    given = task(region("keypoint", x=50.0, y=25.0, width=0.5))
    (drawing,) = drawn(read(tmp_path, given))
    assert np.argwhere(pixels(drawing)).tolist() == [[10, 30]]
    (drawing,) = drawn(read(tmp_path, given, point_radius=3))
    assert drawing.marks[0].shape == Point(30, 10, 3)


def test_a_bitmask_is_read_from_its_alpha(tmp_path: Path):
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    picture[BLOB] = 255
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    (drawing,) = drawn(read(tmp_path, task(region("bitmask", imageDataURL=url))))
    assert (pixels(drawing) == BLOB).all()
    bad = [url[:-80], "data:image/png;base64,!", "http://a/b.png", 7]
    items = read(tmp_path, *(task(region("bitmask", imageDataURL=each)) for each in bad))
    assert len(errors(items)) == 4


def test_annotations_of_one_task_are_people_and_their_names_stay_behind(tmp_path: Path):
    person = {"id": 31, "email": "a@b.org", "first_name": "A"}
    given = task(painted())
    given["annotations"] += [
        {"completed_by": person, "result": [painted(BLOB[:, ::-1])]},
        {"completed_by": 32, "result": []},
        {"completed_by": 33, "result": [painted()], "was_cancelled": True},
    ]
    items = read(
        tmp_path, {**given, "predictions": [{"result": [painted()]}]}, {"data": {"image": "b"}}
    )
    assert [each.annotator for each in drawn(items)] == ["1", "31", "32"]
    assert [len(each.marks) for each in drawn(items)] == [1, 1, 0]
    assert "a@b" not in str(items)
    said = " ".join(str(each) for each in items if isinstance(each, Problem))
    assert "1 annotations were cancelled" in said
    assert "1 predictions" in said
    assert "1 tasks have no annotation" in said
    assert not errors(items)


def test_choices_are_labels_of_the_image_and_texts_are_counted(tmp_path: Path):
    text = {"id": "t", "type": "textarea", "value": {"text": ["blurred"]}}
    items = read(tmp_path, task(choice("ill", "old"), painted(), text, choice("ill")))
    (drawing,) = drawn(items)
    assert drawing.labels == ("ill", "old")
    assert "1 answers" in str(items[-1])


def test_results_of_one_region_are_one_shape_with_all_its_classes(tmp_path: Path):
    box = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0}
    plain = {**region("rectangle"), "type": "rectangle", "value": box}
    named = {**plain, "type": "labels", "value": {**box, "labels": ["mass"]}}
    about = {**plain, "type": "choices", "value": {**box, "choices": ["sharp"]}}
    (drawing,) = drawn(
        read(tmp_path, task(plain, named, about, {"type": "relation", "from_id": "r1"}))
    )
    assert [mark.label for mark in drawing.marks] == ["mass"]
    assert drawing.labels == ()


def test_JSON_MIN_says_the_same(tmp_path: Path):
    results = [
        region("rectangle", x=10, y=20, width=30, height=40, rotation=20),
        region("polygon", "r2", "node", points=[[10, 10], [80, 20], [50, 90]]),
        painted(name="r3"),
        choice("ill", "old"),
    ]
    row: dict[str, Any] = {"image": "a.png", "id": 1, "annotator": 1, "annotation_id": 5}
    for number, result in enumerate(results[:3]):
        sizes = {key: result[key] for key in ("original_width", "original_height")}
        row[f"tag{number}"] = [{**result["value"], **sizes}]
    row |= {"kind": {"choices": ["ill", "old"]}, "lead_time": 3.5, "comment": "blurred"}
    (one,), (other,) = drawn(read(tmp_path, task(*results))), drawn(read(tmp_path, row))
    assert (one.image, one.size, one.annotator, one.labels) == (
        other.image,
        other.size,
        other.annotator,
        other.labels,
    )
    assert [mark.label for mark in one.marks] == [mark.label for mark in other.marks]
    assert (pixels(one) == pixels(other)).all()


def test_a_task_of_several_images_gives_a_drawing_of_each(tmp_path: Path):
    given = task({**painted(), "item_index": 1}, painted(BLOB[:, ::-1], name="r2"))
    given["data"] = {"pages": ["s3://b/a.png", "s3://b/b.png"]}
    first, second = drawn(read(tmp_path, given))
    assert (first.image, second.image) == ("a.png", "b.png")
    assert (pixels(second) == BLOB).all()
    assert (pixels(first) == BLOB[:, ::-1]).all()


@pytest.mark.parametrize(
    ("link", "file"),
    [
        ("/data/upload/3/0123abcd-a.png", "a.png"),
        ("/data/local-files/?d=ward/a.png", "ward/a.png"),
        ("https://host/ward/a%20b.png?sig=x", "ward/a b.png"),
        ("/ward/0123abcd-a.png", "ward/0123abcd-a.png"),
    ],
)
def test_images_are_called_by_their_files(tmp_path: Path, link: str, file: str):
    (drawing,) = drawn(read(tmp_path, task(painted(), image=link)))
    assert drawing.image == file


def test_the_name_of_an_upload_may_be_kept(tmp_path: Path):
    given = task(painted(), image="/data/upload/3/0123abcd-a.png")
    (drawing,) = drawn(read(tmp_path, given, uploads="keep"))
    assert drawing.image == "data/upload/3/0123abcd-a.png"


def test_the_field_of_the_image_is_found_or_asked_for(tmp_path: Path):
    given = task(painted())
    given["data"] = {"patient": "7", "scan": "x/a.png"}
    assert drawn(read(tmp_path, given))[0].image == "x/a.png"
    given["data"] = {"one": "x/a.png", "two": "x/b.png"}
    assert errors(read(tmp_path, given)) == ["EXPORT-IMAGE"]
    assert drawn(read(tmp_path, given, image="two"))[0].image == "x/b.png"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"original_width": 0}, "MASK-SIZE"),
        ({"original_width": None}, "NUMBER"),
        ({"value": 7}, "EXPORT-FIELD"),
        ({"value": {"vertices": [1], "vectorlabels": ["x"]}}, "EXPORT-KIND"),
        ({"value": {"maskDataURL": "x"}}, "EXPORT-KIND"),
        ({"value": {"x": 1}}, "NUMBER"),
        ({"value": {"points": [[1, 2], [3]]}}, "NUMBER"),
        ({"value": {"rle": [1, 2, 300]}}, "MASK-RLE"),
        ({"value": {"rle": "abc"}}, "MASK-RLE"),
        ({"item_index": 3}, "EXPORT-FIELD"),
    ],
)
def test_a_region_that_cannot_be_read_is_an_error_and_never_left_out(
    tmp_path: Path, change: dict, code: str
):
    items = read(tmp_path, task({**painted(), **change}, region("ellipse", "r2")))
    assert not drawn(items)
    assert errors(items)[0] == code


def test_regions_that_disagree_about_the_size_of_the_image_are_errors(tmp_path: Path):
    other = {**region("ellipse", "r2", x=1, y=1, radiusX=1, radiusY=1), "original_width": 61}
    assert errors(read(tmp_path, task(painted(), other))) == ["MASK-SIZE"]


@pytest.mark.parametrize(
    "given", [7, {}, {"data": 5}, {"data": {"image": None}}, {"annotations": 3}]
)
def test_what_is_no_task_is_named_by_its_number(tmp_path: Path, given: Any):
    items = read(tmp_path, task(painted()), given)
    assert len(drawn(items)) == 1
    assert all("task 2" in str(each) for each in items[1:])
    assert errors(items)


def test_two_shapes_with_one_id_are_an_error(tmp_path: Path):
    assert errors(read(tmp_path, task(painted(), painted(BLOB[:, ::-1])))) == ["EXPORT-ID"]


def test_what_is_no_list_of_tasks_is_refused(tmp_path: Path):
    (tmp_path / "export.json").write_text('{"id": 1}')
    with pytest.raises(DataError, match="no list of tasks"):
        list(make("label_studio", {}).read(tmp_path / "export.json"))


def test_MK18_brushes_that_are_too_large_together_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("lookright.data.importers.label_studio.MOST_CELLS", 900)
    items = read(tmp_path, task(painted(), painted(name="r2")))
    assert errors(items) == ["MASK-LARGE"]
