"""Boxes and points in tables: VOC's numbering, NIH's odd heading, any columns and units."""

from pathlib import Path

import numpy as np
import pytest

from lookright.data import importers
from lookright.data.drawings.drawing import UNIT, Drawing
from lookright.data.drawings.render import render
from lookright.data.drawings.shapes import Box, Point
from lookright.errors import ConfigError, DataError, Problem

SIZE = (40, 30)
NIH = Path(__file__).parents[2] / "shared" / "data" / "nih"


def read(kind: str, path: Path, **choices: object) -> list[Drawing]:
    found = list(importers.make(kind, choices).read(path))
    assert not [each for each in found if isinstance(each, Problem) and each.level == "error"]
    return [each for each in found if isinstance(each, Drawing)]


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def boxes(tmp_path: Path, text: str, **choices: object) -> list[Box]:
    found = read("boxes", table(tmp_path, text), **choices)
    return [mark.shape for each in found for mark in each.marks if isinstance(mark.shape, Box)]


def problems(tmp_path: Path, text: str, kind: str = "boxes", **choices: object) -> list[Problem]:
    try:
        found = list(importers.make(kind, choices).read(table(tmp_path, text)))
    except (ConfigError, DataError) as error:
        return list(error.problems)
    return [each for each in found if isinstance(each, Problem)]


def voc(tmp_path: Path, inside: str) -> Path:
    path = tmp_path / "a.xml"
    size = "<size><width>40</width><height>30</height><depth>3</depth></size>"
    path.write_text(f"<annotation><filename>a.jpg</filename>{size}{inside}</annotation>")
    return path


def voc_box(left: int, top: int, right: int, bottom: int, more: str = "") -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    sides = zip(names, (left, top, right, bottom), strict=True)
    bounds = "".join(f"<{name}>{value}</{name}>" for name, value in sides)
    return f"<object><name>cat</name>{more}<bndbox>{bounds}</bndbox></object>"


def test_voc_counts_from_one_and_includes_the_last_pixel(tmp_path):
    (found,) = read("voc", voc(tmp_path, voc_box(1, 1, 40, 30)))
    assert found.marks[0].shape == Box(0, 0, 40, 30)
    assert (found.image, found.size, found.marks[0].label) == ("a.jpg", SIZE, "cat")
    one = read("voc", voc(tmp_path, voc_box(5, 7, 5, 7)))[0]
    assert {(int(x), int(y)) for y, x in np.argwhere(render(one, SIZE).map)} == {(4, 6)}


def test_voc_of_tools_that_count_otherwise_is_told_so(tmp_path):
    path = voc(tmp_path, voc_box(2, 3, 12, 9))
    assert read("voc", path, first=0)[0].marks[0].shape == Box(2, 3, 13, 10)
    assert read("voc", path, first=0, inclusive=False)[0].marks[0].shape == Box(2, 3, 12, 9)


def test_voc_difficult_objects_and_parts_are_what_they_are_said_to_be(tmp_path):
    part = "<part><name>ear</name><bndbox><xmin>1</xmin></bndbox></part>"
    path = voc(tmp_path, voc_box(1, 1, 9, 9, f"<difficult>1</difficult>{part}"))
    assert [mark.role for mark in read("voc", path)[0].marks] == ["evidence"]
    assert [mark.role for mark in read("voc", path, difficult="unknown")[0].marks] == ["unknown"]


def test_voc_without_objects_says_that_there_is_nothing(tmp_path):
    assert read("voc", voc(tmp_path, ""))[0].marks == ()


def test_voc_without_a_file_name_means_the_image_of_its_own_name(tmp_path):
    path = tmp_path / "b.xml"
    path.write_text("<annotation><filename></filename></annotation>")
    assert read("voc", path)[0].image == "b"


def test_voc_names_all_that_it_cannot_read(tmp_path):
    broken = "<object><name>dog</name><polygon><x1>1</x1></polygon></object>"
    path = voc(tmp_path, broken + voc_box(1, 1, 9, 9).replace("<ymax>9</ymax>", ""))
    found = list(importers.make("voc", {}).read(path))
    assert [each.code for each in found if isinstance(each, Problem)] == ["SHAPE-KIND", "NUMBER"]


NIH_LINES = (
    "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
    "00013118_008.png,Atelectasis,225.084745762712,547.019216763771,86.5,79.125,,,\n"
    "00013118_008.png,Mass,10,20,30,40,,,\n"
    "00014716_007.png,Infiltrate,686.5,131,185,313,,,\n"
)


def test_the_list_of_nih_is_read_with_its_heading_taken_apart_by_commas(tmp_path):
    first, second = read("nih_boxes", table(tmp_path, NIH_LINES))
    assert [mark.label for mark in first.marks] == ["Atelectasis", "Mass"]
    assert first.marks[1].shape == Box(10, 20, 40, 60)
    assert (second.image, second.size) == ("00014716_007.png", (1024, 1024))
    shown = render(second, (512, 512)).map  # images of another size are scaled to
    assert shown.sum() == pytest.approx(185 * 313 / 4, rel=0.02)


@pytest.mark.skipif(not NIH.exists(), reason="the shared data are not here")
def test_the_boxes_in_the_cells_of_the_shared_table_are_read():
    found = read("boxes", NIH / "manifest.csv", columns="boxes_xywh_320")
    assert len(found) == 44
    first = next(each for each in found if each.image.endswith("00000150_002.jpg"))
    assert [(mark.label, mark.shape) for mark in first.marks] == [
        ("Pneumonia", Box(188, 186, 188 + 67, 186 + 57))
    ]
    assert max(len(each.marks) for each in found) > 2


def test_several_boxes_may_stand_in_one_cell(tmp_path):
    text = 'image,found,label\na.png,"mass:1,2,3,4; 5 6 7 8|lump: 9,9,1,1",other\nb.png,,other\n'
    found = read("boxes", table(tmp_path, text), columns="found")
    assert [(mark.label, mark.shape) for mark in found[0].marks] == [
        *(("mass", Box(1, 2, 4, 6)), ("other", Box(5, 6, 12, 14)), ("lump", Box(9, 9, 10, 10)))
    ]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("form", "cells"), [("xywh", "2,3,8,4"), ("xyxy", "2,3,10,7"), ("cxcywh", "6,5,8,4")]
)
def test_a_box_is_the_same_in_every_form(tmp_path, form, cells):
    text = f"image,x,y,width,height\na.png,{cells}\n"
    assert boxes(tmp_path, text, form=form) == [Box(2, 3, 10, 7)]


def test_numbering_from_one_and_with_the_last_pixel_is_told(tmp_path):
    text = "image,x,y,width,height\na.png,3,4,10,7\n"
    assert boxes(tmp_path, text, form="xyxy", first=1, inclusive=True) == [Box(2, 3, 10, 7)]


def test_shares_of_the_sides_fit_an_image_of_any_size(tmp_path):
    path = table(tmp_path, "image,x,y,width,height\na.png,0.25,0.5,0.5,0.25\n")
    (found,) = read("boxes", path, units="normalised")
    assert found.size == UNIT
    drawn = render(found, (200, 40)).map
    assert drawn[20:30, 50:150].all()
    assert drawn.sum() == 1000


def test_headers_sizes_readers_and_separators_are_as_they_come(tmp_path):
    text = (
        "file;who;finding;l;t;r;b;W;H\n"
        "x/a.png;ann;mass;1;2;3;4;40;30\nx/a.png;bob;mass;2;2;3;4;40;30\n"
        "x/a.png;ann;lump;5;5;6;6;40;30\n"
    )
    names = {"image": "file", "annotator": "who", "label": "finding", "size_columns": "W,H"}
    found = read("boxes", table(tmp_path, text), columns="l,t,r,b", form="xyxy", **names)
    assert [(each.image, each.annotator, each.size, len(each.marks)) for each in found] == [
        *(("x/a.png", "ann", SIZE, 2), ("x/a.png", "bob", SIZE, 1))
    ]


def test_a_row_without_a_box_says_nothing_unless_somebody_looked(tmp_path):
    path = table(tmp_path, "image,x,y,width,height\na.png,,,,\nb.png,1,1,2,2\n")
    assert [each.image for each in read("boxes", path)] == ["b.png"]
    assert [len(each.marks) for each in read("boxes", path, unmarked="empty")] == [0, 1]
    (notice,) = (
        each for each in importers.make("boxes", {}).read(path) if isinstance(each, Problem)
    )
    assert (notice.code, notice.level) == ("EXPORT-UNMARKED", "notice")


def test_all_that_is_wrong_in_a_table_is_said_at_once(tmp_path):
    text = "image,x,y,width,height\na.png,1,1,2\n,1,1,2,2\nb.png,1,inf,2,2\nc.png,1,,2,2\n"
    assert [each.code for each in problems(tmp_path, text)] == [
        *("EXPORT-RAGGED", "EXPORT-FIELD", "NUMBER", "NUMBER")
    ]


@pytest.mark.parametrize(
    ("text", "choices", "code"),
    [
        ("image,x,y,w,height\n", {}, "EXPORT-COLUMN"),
        ("image,x,y,width,height,x\n", {}, "EXPORT-COLUMN"),
        ("", {}, "EXPORT-EMPTY"),
        ('image,x,y,width,height\n"a,1,1,2,2\n', {}, "EXPORT-CSV"),
        ("image,x,y,width,height\n", {"columns": "x,y"}, "CONFIG-VALUE"),
        ("image,x,y,width,height\n", {"size_columns": "x"}, "CONFIG-VALUE"),
        ("image,x,y,width,height\na,1,1,1,1\n", {"size_columns": "x,height"}, ""),
        ("image,x,y,width,height\na,1,1,1,1\na,2,1,1,1\n", {"size_columns": "x,y"}, "EXPORT-FIELD"),
    ],
)
def test_what_is_no_table_of_boxes_is_named(tmp_path, text, choices, code):
    assert [each.code for each in problems(tmp_path, text, **choices)] == ([code] if code else [])


def test_points_are_the_pixels_that_they_lie_in(tmp_path):
    path = table(tmp_path, "image,x,y,label\na.png,3.9,4.1,eye\na.png,7,2,nose\n")
    (found,) = read("points", path)
    drawn = render(found, SIZE).map
    assert {(int(x), int(y)) for y, x in np.argwhere(drawn)} == {(3, 4), (7, 2)}
    numbered = read("points", path, centres=1, radius=2)[0].marks[1].shape
    assert numbered == Point(6.5, 1.5, 2)


def test_normalised_points_know_no_pixels(tmp_path):
    text = "image,x,y\na.png,0.5,0.5\n"
    (found,) = read("points", table(tmp_path, text), units="normalised")
    assert np.argwhere(render(found, SIZE).map).tolist() == [[15, 20]]
    assert (
        problems(tmp_path, text, "points", units="normalised", radius=3)[0].code == "CONFIG-VALUE"
    )


def test_MK18_twenty_thousand_images_have_one_drawing_each(tmp_path):
    rows = "".join(f"{number}.png,1,1,5,5\n" for number in range(20_000))
    found = boxes(tmp_path, f"image,x,y,width,height\n{rows}")
    assert len(found) == 20_000
