"""What CVAT draws is what we draw: masks inside their boxes, tracks frame by frame."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lookright.data import importers
from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.render import render
from lookright.data.drawings.shapes import Box, Ellipse, Point, Stroke
from lookright.errors import DataError, Problem

SIZE = (20, 12)


def runs(cells: np.ndarray) -> str:
    """Encode as CVAT does, by a loop: along the rows, the first run unmarked."""
    counts, last = [0], False
    for value in cells.ravel():
        if bool(value) != last:
            counts.append(0)
            last = bool(value)
        counts[-1] += 1
    return ", ".join(map(str, counts))


def mask(cells: np.ndarray, left: int, top: int, more: str = "") -> str:
    height, width = cells.shape
    place = f'left="{left}" top="{top}" width="{width}" height="{height}"'
    return f'<mask label="lesion" rle="{runs(cells)}" {place} {more}/>'


def image(inside: str, name: str = "a.png", size: tuple[int, int] = SIZE) -> str:
    sides = f'width="{size[0]}" height="{size[1]}"'
    return f'<image id="0" name={quoteattr(name)} {sides}>{inside}</image>'


def export(tmp_path: Path, inside: str) -> Path:
    head = '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>'
    path = tmp_path / "annotations.xml"
    path.write_text(f"{head}{inside}</annotations>", encoding="utf-8")
    return path


def read(tmp_path: Path, inside: str, **choices: object) -> list[Drawing | Problem]:
    return list(importers.make("cvat", choices).read(export(tmp_path, inside)))  # type: ignore[arg-type]


def drawings(found: list[Drawing | Problem]) -> list[Drawing]:
    return [each for each in found if isinstance(each, Drawing)]


def one(tmp_path: Path, inside: str, **choices: object) -> Drawing:
    (found,) = read(tmp_path, image(inside), **choices)
    assert isinstance(found, Drawing)
    return found


def problem(tmp_path: Path, inside: str) -> Problem:
    (found,) = read(tmp_path, inside)
    assert isinstance(found, Problem)
    return found


@settings(max_examples=60, deadline=None)
@given(
    cells=st.tuples(st.integers(1, 9), st.integers(1, 7)).flatmap(
        lambda shape: arrays(bool, shape[::-1])
    ),
    left=st.integers(0, 11),
    top=st.integers(0, 5),
)
def test_MK14_a_mask_comes_back_pixel_by_pixel_wherever_its_box_lies(
    tmp_path_factory, cells, left, top
):
    found = one(tmp_path_factory.mktemp("cvat"), mask(cells, left, top))
    wanted = np.zeros(SIZE[::-1], np.float32)
    wanted[top : top + cells.shape[0], left : left + cells.shape[1]] = cells
    np.testing.assert_array_equal(render(found, SIZE).map, wanted)  # IoU 1, and not 0.999


def test_MK14_a_mask_is_read_along_the_rows_of_its_box(tmp_path):
    inside = '<mask label="m" rle="1, 2, 3" left="4" top="5" width="3" height="2"/>'
    drawn = render(one(tmp_path, inside), SIZE).map
    assert {(int(x), int(y)) for y, x in np.argwhere(drawn)} == {(5, 5), (6, 5)}


@pytest.mark.parametrize(
    ("rle", "width"), [("3, 4", 3), ("3, -1, 4", 3), ("99999999999999999999", 3), ("6, x", 3)]
)
def test_MK14_runs_that_do_not_fill_their_box_are_an_error(tmp_path, rle, width):
    inside = f'<mask label="m" rle="{rle}" left="0" top="0" width="{width}" height="2"/>'
    assert problem(tmp_path, image(inside)).code in ("MASK-RLE", "NUMBER")


def test_MK14_frames_come_in_their_order_whatever_the_order_of_tracks(tmp_path):
    def track(number: int, *frames: int) -> str:
        shapes = "".join(
            f'<box frame="{frame}" keyframe="1" outside="0" xtl="{number}" ytl="1" xbr="9" ybr="5"'
            ' z_order="0"/>'
            for frame in frames
        )
        return f'<track id="{number}" label="t{number}">{shapes}</track>'

    found = drawings(read(tmp_path, track(1, 10, 9) + track(2, 2, 10)))
    assert [each.image for each in found] == ["frame_000002", "frame_000009", "frame_000010"]
    assert [[mark.label for mark in each.marks] for each in found] == [["t2"], ["t1"], ["t1", "t2"]]


def test_what_has_left_the_frame_is_not_drawn_and_what_returns_is(tmp_path):
    states = {0: 0, 1: 0, 2: 1, 5: 0, 6: 1}  # frame: outside
    shapes = "".join(
        f'<polygon frame="{f}" keyframe="{int(f != 1)}" outside="{o}" points="1,1;5,1;5,5"/>'
        for f, o in states.items()
    )
    sides = "<width>20</width><height>12</height>"
    meta = f"<meta><task><original_size>{sides}</original_size></task></meta>"
    inside = f'{meta}<track id="0" label="t">{shapes}</track>'
    assert [each.image[-1] for each in drawings(read(tmp_path, inside))] == ["0", "1", "5"]
    assert all(each.size == SIZE for each in drawings(read(tmp_path, inside)))
    only = drawings(read(tmp_path, inside, frames="keyframes"))
    assert [each.image[-1] for each in only] == ["0", "5"]
    named = drawings(read(tmp_path, inside, frame_prefix="f", frame_digits=2))
    assert named[0].image == "f00"


def test_frames_that_a_track_leaves_out_are_said(tmp_path):
    shapes = "".join(
        f'<box frame="{frame}" outside="0" xtl="1" ytl="1" xbr="9" ybr="5"/>' for frame in (0, 1, 7)
    )
    found = read(tmp_path, f'<track id="0" label="t">{shapes}</track>')
    assert [each.code for each in found if isinstance(each, Problem)] == ["EXPORT-FRAMES"]


def test_every_kind_of_shape_becomes_its_own(tmp_path):
    drawn = one(
        tmp_path,
        '<box label="b" xtl="1" ytl="2" xbr="5.5" ybr="6" rotation="30"/>'
        '<ellipse label="e" cx="8" cy="6" rx="3" ry="2" rotation="10"/>'
        '<polyline label="l" points="1,1;9,9.5"/><points label="p" points="3,3;4,5"/>'
        '<skeleton label="s"><points label="eye" outside="0" points="7,2"/>'
        '<points label="ear" outside="1" points="7,2"/></skeleton>'
        '<tag label="ill"><attribute name="sure">yes</attribute></tag>',
        line_width=3,
    )
    box, ellipse, line, *points = [mark.shape for mark in drawn.marks]
    assert box == Box(1, 2, 5.5, 6, 30)
    assert ellipse == Ellipse(8, 6, 3, 2, 10)
    assert isinstance(line, Stroke)
    assert line.width == 3
    assert points == [Point(3, 3), Point(4, 5), Point(7, 2)]
    assert [mark.label for mark in drawn.marks] == ["b", "e", "l", "p", "p", "eye"]
    assert drawn.labels == ("ill",)
    assert (drawn.size, drawn.image) == (SIZE, "a.png")


def test_what_is_drawn_higher_lies_on_top(tmp_path):
    drawn = one(
        tmp_path,
        '<box label="high" xtl="1" ytl="1" xbr="5" ybr="5" z_order="2"/>'
        '<box label="low" xtl="1" ytl="1" xbr="5" ybr="5" z_order="-1"/>',
    )
    assert [mark.label for mark in drawn.marks] == ["low", "high"]


def test_an_image_that_nobody_opened_is_no_empty_map(tmp_path):
    (notice,) = read(tmp_path, image(""))
    assert isinstance(notice, Problem)
    assert (notice.code, notice.level) == ("EXPORT-UNMARKED", "notice")
    (looked,) = read(tmp_path, image(""), unmarked="empty")
    assert isinstance(looked, Drawing)
    assert looked.marks == ()
    assert isinstance(read(tmp_path, image('<tag label="well"/>'))[0], Drawing)


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    inside = (
        '<box label="b" xtl="one" ytl="2" xbr="5" ybr="6"/>'
        '<cuboid label="c" xtl1="1"/><polygon label="p" points="1,2;3"/>'
        '<ellipse label="e" cx="nan" cy="1" rx="1" ry="1"/>'
    )
    found = read(tmp_path, image(inside))
    assert [each.code for each in found if isinstance(each, Problem)] == [
        *("NUMBER", "SHAPE-KIND", "NUMBER", "NUMBER")
    ]
    assert all("a.png" in str(each) for each in found)


@pytest.mark.parametrize("name", ["", "../"])
def test_an_image_without_a_name_is_an_error(tmp_path, name):
    assert problem(tmp_path, image('<tag label="x"/>', name)).code == "EXPORT-IMAGE"


def test_MK18_a_mask_larger_than_any_image_is_refused_before_it_is_made(tmp_path):
    side = 2_000_000
    inside = (
        f'<mask label="m" rle="{side * side}" left="0" top="0" width="{side}" height="{side}"/>'
    )
    assert problem(tmp_path, image(inside)).code == "MASK-LARGE"


def test_MK18_a_million_vertices_are_one_polygon(tmp_path):
    turns = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    corners = np.stack([50 + 40 * np.cos(turns), 50 + 40 * np.sin(turns)], 1)
    points = ";".join(f"{x:.4f},{y:.4f}" for x, y in corners.tolist())
    (found,) = read(tmp_path, image(f'<polygon label="p" points="{points}"/>', size=(100, 100)))
    assert isinstance(found, Drawing)
    assert render(found, (100, 100)).map.sum() == pytest.approx(np.pi * 1600, rel=0.01)


ENTITIES = (
    '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    '<!DOCTYPE a SYSTEM "http://localhost/a.dtd">',
)


@pytest.mark.parametrize("kind", ["cvat", "voc"])
@pytest.mark.parametrize("head", ENTITIES)
def test_MK18_entities_are_refused_before_any_is_read(tmp_path, kind, head):
    path = tmp_path / "a.xml"
    path.write_text(f"{head}<annotation{'s' * (kind == 'cvat')}>&y;</annotation>")
    assert "XML-ENTITIES" in codes(kind, path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<annotations><image></annotations>", "XML"),
        ("<annotations>&nothing;</annotations>", "XML"),
        ("<annotations>" + "<a>" * 10_000, "XML"),
        ('<?xml version="1.0" encoding="no-such"?><annotations/>', "XML"),
        ("<html></html>", "XML-ROOT"),
        ("", "XML"),
        ("PK\x03\x04....", "EXPORT-ZIP"),
    ],
)
def test_what_is_no_export_of_cvat_is_named(tmp_path, text, code):
    path = tmp_path / "a.xml"
    path.write_text(text)
    assert codes("cvat", path) == [code]


def codes(kind: str, path: Path) -> list[str]:
    try:
        found = list(importers.make(kind, {}).read(path))
    except DataError as error:
        found = list(error.problems)
    return [each.code for each in found if isinstance(each, Problem)]
