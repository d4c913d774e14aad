"""Pictures: the brightest place is where the map is highest, and every map says what it is."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lookright.cam import enlarge as enlarge_tensors
from lookright.pictures import (
    data_uri,
    enlarge,
    jpeg,
    limits,
    outlined,
    overlay,
    panel,
    photograph,
    png,
)

SIDE = 112


@pytest.fixture
def grid():
    drawn = np.random.default_rng(0).normal(0, 0.1, (7, 7)).astype(np.float32)
    drawn[2, 4] = 3
    return drawn


@pytest.fixture
def grey():
    return np.full((SIDE, SIDE, 3), 96, np.uint8)


def test_a_map_is_enlarged_as_the_metrics_enlarge_it(grid):
    expected = enlarge_tensors(torch.from_numpy(grid)[None], (50, 91))[0].numpy()
    np.testing.assert_allclose(enlarge(grid, (50, 91)), expected, atol=1e-5)


@pytest.mark.parametrize("scale", ["evidence", "difference"])
def test_an_overlay_is_strongest_where_the_map_is_highest(grey, grid, scale):
    painted = overlay(grey, grid, scale).astype(float)
    change = np.abs(painted - 96).sum(2)
    row, column = np.unravel_index(change.argmax(), change.shape)
    assert abs(row - 2.5 * SIDE / 7) <= SIDE / 14
    assert abs(column - 4.5 * SIDE / 7) <= SIDE / 14


def test_an_overlay_leaves_the_image_where_a_difference_is_zero(grey, grid):
    grid[:] = 0
    grid[0, 0] = 1
    painted = overlay(grey, grid, "difference")
    assert (painted[SIDE // 2 :, SIDE // 2 :] == 96).all()


def test_a_difference_is_red_above_zero_and_blue_below(grey, grid):
    grid[:] = 0
    grid[3, 1], grid[3, 5] = 2, -2
    red, _, blue = np.moveaxis(overlay(grey, grid, "difference").astype(int), 2, 0)
    row = 7 * SIDE // 14
    assert red[row, 3 * SIDE // 14] > blue[row, 3 * SIDE // 14] + 40
    assert blue[row, 11 * SIDE // 14] > red[row, 11 * SIDE // 14] + 40


@pytest.mark.parametrize("scale", ["evidence", "difference"])
def test_an_overlay_does_not_change_when_a_map_is_scaled(grey, grid, scale):
    once, times = overlay(grey, grid, scale).astype(int), overlay(grey, 5 * grid, scale).astype(int)
    np.testing.assert_allclose(once, times, atol=1)


def test_what_speaks_against_a_class_is_no_evidence_for_it(grey, grid):
    np.testing.assert_array_equal(overlay(grey, -np.abs(grid)), grey)
    grid[:] = -6
    grid[0, 0] = 0.005  # noise, next to so much that speaks against the class
    change = np.abs(overlay(grey, grid).astype(int) - 96)
    assert change.max() < 12


def test_the_difference_scale_is_symmetric_and_the_evidence_scale_is_its_own(grid):
    assert limits(-grid, "difference") == (pytest.approx(-3), pytest.approx(3))
    assert limits(grid, "evidence") == (0, pytest.approx(3))
    assert limits(-grid, "evidence") == (0, pytest.approx(0.3))


@pytest.mark.parametrize("value", [0.0, 2.5, np.nan], ids=["zero", "constant", "undefined"])
@pytest.mark.parametrize("scale", ["evidence", "difference"])
def test_a_map_without_any_relief_is_still_drawn(grey, value, scale):
    flat = np.full((7, 7), value, np.float32)
    low, high = limits(flat, scale)
    assert low < high
    assert overlay(grey, flat, scale).shape == grey.shape


def test_the_line_runs_along_the_edge_of_the_human_map_and_nowhere_else(grey):
    human = np.zeros((SIDE, SIDE), np.float32)
    human[30:80, 40:90] = 0.4  # soft: the line is at half of its own maximum
    changed = (outlined(grey, human) != grey).any(2)
    assert changed[55, 38:42].any()
    assert changed[28:32, 60].any()
    assert not changed[40:70, 50:80].any()
    assert not changed[:20].any()


@pytest.mark.parametrize("human", [None, np.zeros((9, 9), np.float32)], ids=["nobody", "empty"])
def test_without_human_evidence_there_is_no_line(grey, human):
    assert (outlined(grey, human) == grey).all()


@pytest.mark.parametrize("colours", [1, 3])
def test_white_is_white_at_any_depth_and_any_shape(colours):
    deep = np.full((30, 50, colours), 65535, np.uint16)
    flat = np.full((30, 50, colours), 255, np.uint8)
    for image in (deep, flat):
        picture = photograph(image, 40)
        assert picture.shape == (40, 40, 3)
        assert (picture == 255).all()


def test_a_picture_survives_its_own_address(grey):
    address = data_uri(jpeg(grey))
    assert address.startswith("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(jpeg(grey))).size == (SIDE, SIDE)


def drawn(grid, name="case 7", label="tumour", **changes):
    maps = {"tumour (true class)": (grid, "evidence"), "difference": (grid, "difference")}
    given = {"benign": 0.25, "tumour": 0.75, **changes}
    image = np.random.default_rng(1).integers(0, 255, (40, 60, 1), np.uint8)
    return panel(image, np.ones((40, 60), np.float32), maps, given, name, label)


def words(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(match=_is_text))


def _is_text(artist) -> bool:
    return hasattr(artist, "get_text")


def test_a_panel_says_what_everything_is(grid):
    said = words(drawn(grid))
    for wanted in ("case 7", "tumour (true class)", "difference", "0.75", "predicted tumour"):
        assert wanted in said
    assert "right" in said
    assert "wrong" in words(drawn(grid, label="benign"))
    assert "not known" in words(drawn(grid, label=None))


def test_a_panel_sums_up_the_classes_that_have_no_room(grid):
    many = {f"class {number}": 0.001 for number in range(40)}
    said = words(drawn(grid, **many))
    assert "37 others" in said


@pytest.mark.parametrize(
    "name",
    ["a$b$c_{", "x\ny" * 200, "Größe ☃", "<script>"],
    ids=["maths", "long", "letters", "markup"],
)
def test_a_panel_takes_any_name_as_plain_text(grid, name):
    assert png(drawn(grid, name=name)).startswith(b"\x89PNG")


def test_the_same_panel_gives_the_same_bytes(grid):
    assert png(drawn(grid)) == png(drawn(grid))
