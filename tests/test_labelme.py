"""LabelMe's shapes, and what a file of it may say of its image."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookright.data import importers
from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.render import render
from lookright.data.drawings.shapes import Box, Ellipse, Point, Raster, Stroke
from lookright.data.importing.study import import_drawings
from lookright.errors import DataError, Problem

SIZE = (20, 12)


def png(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def shape(kind: str | None, points: list[list[float]], **more: object) -> dict[str, object]:
    return {"label": "lesion", "points": points, "shape_type": kind, "flags": {}, **more}


def content(*shapes: object, size: tuple[int, int] = SIZE, **more: object) -> dict[str, object]:
    return {
        **{"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "a.png"},
        **{"imageData": None, "imageWidth": size[0], "imageHeight": size[1], **more},
    }


def read(folder: Path, found: object, name: str = "a.json") -> list[Drawing | Problem]:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(found))
    return list(importers.make("labelme", {}).read(folder))


def one(folder: Path, *shapes: object, **more: object) -> Drawing:
    (found,) = read(folder, content(*shapes, **more))  # type: ignore[arg-type]
    assert isinstance(found, Drawing)
    return found


@pytest.mark.parametrize(
    "corners", [[[2, 3], [9, 7]], [[9, 7], [2, 3]], [[2, 7], [9, 3]], [[9, 3], [2, 7]]]
)
def test_a_rectangle_may_be_drawn_from_any_corner(tmp_path, corners):
    assert one(tmp_path, shape("rectangle", corners)).marks[0].shape == Box(2, 3, 9, 7)


def test_every_kind_of_shape_becomes_its_own(tmp_path):
    drawn = one(
        tmp_path,
        shape("circle", [[8, 6], [11, 10]]),
        shape("line", [[1, 1], [5, 5]]),
        shape("linestrip", [[1, 1], [5, 5], [9, 2]]),
        shape("point", [[3, 4]]),
        shape(None, [[1, 1], [5, 1], [5, 5]]),
    )
    circle, line, strip, point, polygon = [mark.shape for mark in drawn.marks]
    assert circle == Ellipse(8, 6, 5, 5)
    assert isinstance(line, Stroke)
    assert isinstance(strip, Stroke)
    assert len(strip.line) == 3
    assert point == Point(3, 4)
    assert render(drawn, SIZE).map.any()
    np.testing.assert_array_equal(polygon.outlines[0], [[1, 1], [5, 1], [5, 5]])


def test_a_mask_covers_its_corners_pixels_both_included(tmp_path):
    cells = np.random.default_rng(0).random((4, 6)) > 0.5
    drawn = one(tmp_path, shape("mask", [[3, 2], [8, 5]], mask=png(cells)))
    wanted = np.zeros(SIZE[::-1], np.float32)
    wanted[2:6, 3:9] = cells
    np.testing.assert_array_equal(render(drawn, SIZE).map, wanted)


def test_a_mask_of_another_size_than_its_corners_is_an_error(tmp_path):
    cells = np.ones((9, 9), bool)
    (found,) = read(tmp_path, content(shape("mask", [[3, 2], [8, 5]], mask=png(cells))))
    assert isinstance(found, Problem)
    assert found.code == "MASK-SIZE"


@pytest.mark.parametrize(
    ("given", "code"),
    [(None, "MASK-BASE64"), ("%%%", "MASK-BASE64"), ("aGVsbG8=", "IMG-FORMAT"), (7, "MASK-BASE64")],
)
def test_a_mask_that_is_no_picture_is_an_error(tmp_path, given, code):
    (found,) = read(tmp_path, content(shape("mask", [[3, 2], [8, 5]], mask=given)))
    assert isinstance(found, Problem)
    assert found.code == code


def test_MK18_a_mask_that_inflates_beyond_any_image_is_refused(tmp_path):
    bomb = Image.new("1", (13500, 13500))
    buffer = io.BytesIO()
    bomb.save(buffer, "PNG")
    text = base64.b64encode(buffer.getvalue()).decode()
    assert len(text) < 100_000
    (found,) = read(tmp_path, content(shape("mask", [[0, 0], [13499, 13499]], mask=text)))
    assert isinstance(found, Problem)
    assert found.code == "IMG-PIXELS"


def test_flags_that_are_set_are_classes_of_the_image(tmp_path):
    assert one(tmp_path, flags={"ill": True, "old": False}).labels == ("ill",)


def test_the_picture_in_the_file_is_never_looked_at(tmp_path):
    drawn = one(tmp_path, shape("point", [[1, 1]]), imageData="no picture at all " * 1000)
    assert drawn == one(tmp_path, shape("point", [[1, 1]]))


@pytest.mark.parametrize(
    ("file", "written", "wanted"),
    [
        ("a.json", "a.png", "a.png"),
        ("ward/a.json", "a.png", "ward/a.png"),
        ("json/a.json", "..\\photos\\a.png", "photos/a.png"),
        ("json/a.json", "../../photos/a.png", "photos/a.png"),
        ("json/a.json", "C:\\photos\\a.png", "photos/a.png"),
        ("json/a.json", "/home/somebody/a.png", "home/somebody/a.png"),
    ],
)
def test_an_image_is_named_as_seen_from_its_file(tmp_path, file, written, wanted):
    (found,) = read(tmp_path, content(imagePath=written), file)
    assert isinstance(found, Drawing)
    assert found.image == wanted


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.json").write_text("[]")
    found = read(
        tmp_path,
        content(
            shape("rectangle", [[1, 1]]),
            shape("cuboid", [[1, 1]]),
            shape("point", [[1, None]]),
            "no shape",
            imageWidth="wide",
        ),
    )
    assert [each.code for each in found if isinstance(each, Problem)] == [
        *("NUMBER", "SHAPE-VERTICES", "SHAPE-KIND", "NUMBER", "EXPORT-FIELD"),
        *("JSON", "EXPORT-FIELD"),
    ]


def turned(folder: Path, orientation: int, size: tuple[int, int]) -> None:
    """Write an image of a stored size whose EXIF says that it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    folder.mkdir()
    Image.new("L", size, 90).save(folder / "a.png", exif=exif)


def imported(tmp_path: Path, size: tuple[int, int], corners: list[list[float]]) -> np.ndarray:
    read(tmp_path / "export", content(shape("rectangle", corners), size=size))
    items = importers.make("labelme", {}).read(tmp_path / "export")
    done = import_drawings(items, tmp_path / "images", tmp_path / "manifest.csv")
    return np.asarray(Image.open(tmp_path / done.rows["mask"][0])) > 0


def test_MK02_what_was_drawn_upright_lies_upright_on_a_turned_image(tmp_path):
    turned(tmp_path / "images", 6, (40, 24))
    drawn = imported(tmp_path, (24, 40), [[2, 3], [9, 30]])
    assert drawn.shape == (40, 24)
    assert drawn[3:30, 2:9].all()
    assert drawn.sum() == 27 * 7


def test_MK02_what_was_drawn_on_the_stored_image_is_an_error_with_a_hint(tmp_path):
    turned(tmp_path / "images", 6, (40, 24))
    with pytest.raises(DataError, match="EXIF") as caught:
        imported(tmp_path, (40, 24), [[2, 3], [30, 9]])
    assert caught.value.problems[0].code == "MASK-SIZE"


def test_MK18_a_raster_stays_as_small_as_its_own_box(tmp_path):
    found = one(tmp_path, shape("mask", [[3, 2], [4, 3]], mask=png(np.ones((2, 2), bool))))
    (mark,) = found.marks
    assert isinstance(mark.shape, Raster)
    assert mark.shape.cells.size == 4
