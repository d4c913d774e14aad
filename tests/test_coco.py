"""COCO: what is drawn lies where COCO says, and nothing is dropped in silence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as oracle

from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.render import render
from lookright.data.importers import make
from lookright.errors import DataError, Problem

WIDTH, HEIGHT = 24, 16
BLOB = np.hypot(*np.ogrid[-7.5:8.5, -9.5:14.5]) < 5.3
POLYGON = [3.2, 2.1, 20.4, 3.3, 17.6, 13.9, 6.5, 11.2]


def export(annotations: list[dict], **more: Any) -> dict[str, Any]:
    image = {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
    categories = [{"id": 3, "name": "opacity"}, {"id": 4, "name": "device"}]
    filled = [
        {"id": 7 + n, "image_id": 1, "category_id": 3, **e} for n, e in enumerate(annotations)
    ]
    return {"images": [image], "annotations": filled, "categories": categories, **more}


def read(folder: Path, content: Any, **settings: Any) -> list[Drawing | Problem]:
    file = folder / "export.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return list(make("coco", settings).read(file))


def drawn(items: list) -> list[Drawing]:
    return [each for each in items if isinstance(each, Drawing)]


def errors(items: list) -> list[str]:
    return [e.code for e in items if isinstance(e, Problem) and e.level == "error"]


def pixels(drawing: Drawing) -> np.ndarray:
    return render(drawing, (WIDTH, HEIGHT)).map > 0


def packed(cells: np.ndarray, compressed: bool) -> dict[str, Any]:
    found = oracle.encode(np.asfortranarray(cells.astype(np.uint8)))
    if compressed:
        return {"size": found["size"], "counts": found["counts"].decode()}
    flat = cells.ravel(order="F")
    edges = [0, *(np.flatnonzero(np.diff(flat)) + 1), len(flat)]
    counts = np.diff(edges).tolist()
    return {"size": found["size"], "counts": [0, *counts] if flat[0] else counts}


@pytest.mark.parametrize("crowd", [0, 1])
@pytest.mark.parametrize("compressed", [True, False])
def test_MK12_run_lengths_become_exactly_their_pixels(tmp_path: Path, compressed: bool, crowd: int):
    annotation = {"segmentation": packed(BLOB, compressed), "iscrowd": crowd}
    (drawing,) = drawn(read(tmp_path, export([annotation])))
    assert (pixels(drawing) == BLOB).all()
    assert (drawing.image, drawing.size) == ("a.png", (WIDTH, HEIGHT))
    assert [(mark.label, mark.role) for mark in drawing.marks] == [("opacity", "evidence")]


def test_MK12_a_crowd_may_be_unknown(tmp_path: Path):
    annotation = {"segmentation": packed(BLOB, True), "iscrowd": 1}
    (drawing,) = drawn(read(tmp_path, export([annotation]), crowd="unknown"))
    assert [mark.role for mark in drawing.marks] == ["unknown"]


def test_MK12_masks_and_polygons_of_one_image_are_all_there(tmp_path: Path):
    annotations = [
        {"segmentation": packed(BLOB, True), "iscrowd": 1},
        {"segmentation": [[20, 0, 24, 0, 24, 4, 20, 4]]},
        {"segmentation": packed(BLOB[::-1, ::-1], False)},
    ]
    (drawing,) = drawn(read(tmp_path, export(annotations)))
    wanted = BLOB | BLOB[::-1, ::-1]
    wanted[:4, 20:] = True
    assert (pixels(drawing) == wanted).all()


@pytest.mark.parametrize(
    "size", [[WIDTH, HEIGHT], [HEIGHT, WIDTH + 1], [HEIGHT], [0, 0], "x", None]
)
def test_MK12_run_lengths_of_another_size_than_the_image_are_errors(tmp_path: Path, size):
    annotation = {"segmentation": {**packed(BLOB, True), "size": size}}
    items = read(tmp_path, export([annotation]))
    assert not drawn(items)
    assert len(errors(items)) == 1
    if size == [WIDTH, HEIGHT]:
        assert "swapped" in str(items[0])


def test_MK12_run_lengths_without_their_size_are_an_error(tmp_path: Path):
    items = read(tmp_path, export([{"segmentation": {"counts": "52203"}}]))
    assert errors(items) == ["EXPORT-FIELD"]


def test_MK12_damaged_run_lengths_are_errors_that_name_the_annotation(tmp_path: Path):
    annotation = {"segmentation": {"size": [HEIGHT, WIDTH], "counts": "1234\u00ff"}}
    (found,) = read(tmp_path, export([annotation]))
    assert isinstance(found, Problem)
    assert (found.code, found.where) == ("MASK-RLE", "export.json: annotations[0]")


def test_MK11_a_pixel_is_inside_a_polygon_when_its_centre_is(tmp_path: Path):
    (drawing,) = drawn(read(tmp_path, export([{"segmentation": [POLYGON]}])))
    corners = np.array(POLYGON).reshape(-1, 2)
    loop = np.zeros((HEIGHT, WIDTH), bool)
    for row in range(HEIGHT):
        for col in range(WIDTH):
            sides = [
                (b[0] - a[0]) * (row + 0.5 - a[1]) - (b[1] - a[1]) * (col + 0.5 - a[0]) > 0
                for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)
            ]
            loop[row, col] = all(sides)
    assert (pixels(drawing) == loop).all()


def test_MK11_pycocotools_draws_nearly_the_same_polygon(tmp_path: Path):
    """It rounds corners to a fifth of a pixel and marks pixels that the outline enters."""
    large = (8 * np.array(POLYGON)).tolist()
    content = export([{"segmentation": [large]}])
    content["images"][0] |= {"width": 8 * WIDTH, "height": 8 * HEIGHT}
    (drawing,) = drawn(read(tmp_path, content))
    ours = render(drawing, (8 * WIDTH, 8 * HEIGHT)).map > 0
    theirs = oracle.decode(oracle.frPyObjects([large], 8 * HEIGHT, 8 * WIDTH))[:, :, 0] > 0
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.98


def test_several_polygons_of_one_annotation_are_parts_and_never_holes(tmp_path: Path):
    outer, inner = [2, 2, 12, 2, 12, 12, 2, 12], [4, 4, 8, 4, 8, 8, 4, 8]
    (drawing,) = drawn(read(tmp_path, export([{"segmentation": [outer, inner]}])))
    assert pixels(drawing)[2:12, 2:12].all()
    assert pixels(drawing).sum() == 100


@pytest.mark.parametrize(
    ("outline", "code"),
    [
        ([1, 1, 5, 5], "SHAPE-VERTICES"),
        ([1, 1, 5, 5, 9, 9], "SHAPE-AREA"),
        ([1, 1, 5, 1, 5, 1e999], "SHAPE-NAN"),
        ([100, 100, 110, 100, 110, 110], "SHAPE-OUTSIDE"),
    ],
)
def test_MK11_polygons_that_are_none_are_refused(tmp_path: Path, outline: list, code: str):
    text = json.dumps(export([{"segmentation": [outline]}])).replace("Infinity", "1e999")
    (drawing,) = drawn(read(tmp_path, text))
    with pytest.raises(DataError) as caught:
        render(drawing, (WIDTH, HEIGHT))
    assert [each.code for each in caught.value.problems] == [code]


def test_MK11_a_polygon_that_leaves_the_image_is_cut_with_a_warning(tmp_path: Path):
    (drawing,) = drawn(read(tmp_path, export([{"segmentation": [[-9, -9, 4, -9, 4, 4, -9, 4]]}])))
    found = render(drawing, (WIDTH, HEIGHT))
    assert (found.map > 0).sum() == 16
    assert [(each.code, each.level) for each in found.notes] == [("SHAPE-CLIPPED", "warning")]


@pytest.mark.parametrize("outline", [[1, 2, 3], [1, "2", 3, 4, 5, 6], [[1, 2], [3, 4]], "abc", 5])
def test_MK11_what_is_no_list_of_coordinates_is_named(tmp_path: Path, outline: Any):
    items = read(tmp_path, export([{"segmentation": [outline]}]))
    assert not drawn(items)
    assert errors(items) == ["EXPORT-FIELD"]


def test_a_box_is_drawn_where_there_is_nothing_else_and_this_is_said(tmp_path: Path):
    items = read(
        tmp_path, export([{"bbox": [2, 3, 4, 5]}, {"bbox": [9, 9, 2, 2], "segmentation": []}])
    )
    (drawing,) = drawn(items)
    wanted = np.zeros((HEIGHT, WIDTH), bool)
    wanted[3:8, 2:6] = wanted[9:11, 9:11] = True
    assert (pixels(drawing) == wanted).all()
    assert "2 annotations have a box only" in str(items[-1])


def test_an_image_without_annotations_is_counted_or_empty_as_the_caller_says(tmp_path: Path):
    content = export([])
    (notice,) = read(tmp_path, content)
    assert isinstance(notice, Problem)
    assert notice.level == "notice"
    (drawing,) = read(tmp_path, content, unmarked="empty")
    assert isinstance(drawing, Drawing)
    assert drawing.marks == ()


def test_everything_wrong_is_reported_together_and_the_rest_is_read(tmp_path: Path):
    content = export(
        [
            {"image_id": 99, "segmentation": [POLYGON]},
            {"category_id": 77, "segmentation": [POLYGON]},
            {"image_id": 2, "segmentation": [POLYGON]},
            {"image_id": None},
        ]
    )
    content["images"] += [
        {"id": 2, "file_name": "b.png", "width": WIDTH, "height": HEIGHT},
        {"id": 2, "file_name": "c.png"},
        {"id": 3},
        5,
    ]
    content["annotations"] += ["x", {"id": 1, "image_id": 3}]
    items = read(tmp_path, content)
    assert [each.image for each in drawn(items)] == ["b.png"]
    wanted = ["EXPORT-FIELD"] * 5 + ["EXPORT-ID"] + ["EXPORT-REFERENCE"] * 2
    assert sorted(errors(items)) == wanted


@pytest.mark.parametrize("content", [[], {}, {"images": []}, "7", {"images": 3, "annotations": []}])
def test_what_is_no_coco_is_refused_at_once(tmp_path: Path, content: Any):
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert {each.code for each in caught.value.problems} <= {"EXPORT-FORMAT", "EXPORT-FIELD"}


def test_panoptic_annotations_are_pointed_out_as_another_format(tmp_path: Path):
    items = read(tmp_path, export([{"segments_info": []}]))
    assert errors(items) == ["EXPORT-FORMAT"]


def test_ids_may_be_text_and_files_urls(tmp_path: Path):
    content = export([{"image_id": "x", "segmentation": [POLYGON]}])
    content["images"] = [{"id": "x", "file_name": "https://host/set/a%201.png?v=2"}]
    (drawing,) = drawn(read(tmp_path, content))
    assert (drawing.image, drawing.size) == ("set/a 1.png", None)


def test_MK18_masks_that_are_too_large_together_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("lookright.data.importers.coco.MOST_CELLS", 150)
    items = read(tmp_path, export([{"segmentation": packed(BLOB, True)} for _ in range(2)]))
    assert errors(items) == ["MASK-LARGE"]
