"""Recipes of the literature, the real gaze of OSIE, and what is doubtful about a table."""

import itertools
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from gaze_tables import read, table
from lookright.data.gaze import doubts

REAL = Path(__file__).parents[2] / "shared" / "data" / "osie_gaze"
MODES = {"cut": "constant", "reflected": "reflect"}


def test_gaze_that_spreads_along_the_short_side_is_doubted_even_if_it_fits():
    random = np.random.default_rng(0)
    wide, high = random.normal(400, 60, 500), random.normal(400, 150, 500).clip(0, 799)
    (found,) = doubts.frame(wide.clip(0, 599), high * 0.74, (1000, 600))
    assert (found.code, found.level) == ("GAZE-SWAPPED", "warning")
    assert not doubts.frame(random.normal(500, 150, 500), random.normal(300, 60, 500), (1000, 600))


def test_gaze_that_fills_a_corner_only_is_doubted():
    random = np.random.default_rng(0)
    x, y = random.uniform(0, 320, 500), random.uniform(0, 240, 500)
    (found,) = doubts.frame(x, y, (800, 600))
    assert found.code == "GAZE-FRAME"
    assert not doubts.frame(x, y, (320, 240))


def test_the_recipe_of_EGD_CXR_counts_and_reflects(tmp_path):
    text = "DICOM_ID,FPOGX,FPOGY,X_ORIGINAL,Y_ORIGINAL,FPOGS,FPOGD\n"
    text += "d,.5,.5,100,300,1,.2\nd,.5,.5,350,20,2,.9\n"
    maps, _ = read("fixations", table(tmp_path, text), recipe="egd_cxr")
    grid = np.zeros((400, 500))
    grid[300, 100] = grid[20, 350] = 1
    expected = gaussian_filter(grid, 150)
    np.testing.assert_allclose(maps[0].map((500, 400)), expected / expected.max(), rtol=1e-5)


def test_the_recipe_of_REFLACX_is_a_degree_wide_and_ends_with_the_screen(tmp_path):
    sides = [f"{side}_shown_from_image" for side in ("xmin", "ymin", "xmax", "ymax")]
    names = ["timestamp_start_fixation", "timestamp_end_fixation", "x_position", "y_position"]
    names += [f"angular_resolution_{axis}_pixels_per_degree" for axis in "xy"]
    rows = ["0.5,1.5,100,60,20,22,0,0,200,120", "2,2.5,40,30,8,9,20,10,70,50"]
    for name in ("P1", "P2"):
        text = "\n".join([",".join([*names, *sides]), *rows])
        table(tmp_path / "gaze_data" / name, text)
    maps, _ = read("fixations", tmp_path / "gaze_data", recipe="reflacx")
    cols, lines = np.meshgrid(np.arange(200), np.arange(120))

    def gauss(x, y, across, down, left, top, right, bottom):
        far = (abs(cols - x) > 4 * across) | (abs(lines - y) > 4 * down)
        seen = (cols >= left) & (cols < right) & (lines >= top) & (lines < bottom) & ~far
        height = np.exp(-(((cols - x) / across) ** 2) / 2 - ((lines - y) / down) ** 2 / 2)
        return height / (2 * np.pi * across * down) * seen

    expected = gauss(100, 60, 20, 22, 0, 0, 200, 120) + 0.5 * gauss(40, 30, 8, 9, 20, 10, 70, 50)
    assert [each.image for each in maps] == ["P1", "P2"]
    np.testing.assert_allclose(maps[0].map((200, 120)), expected / expected.max(), atol=2e-4)


def test_an_observer_whose_gaze_is_off_or_wanders_is_named():
    random = np.random.default_rng(0)
    pairs = list(itertools.product(range(60), range(5), range(8)))
    rows = pl.DataFrame(
        [(f"i{i}", str(o), *(random.normal((200, 150), 40))) for i, o, _ in pairs],
        schema=["image", "observer", "x", "y"],
        orient="row",
    )
    assert not doubts.drift(rows, (400, 300))
    off = rows.with_columns(
        y=pl.col("y") + pl.when(pl.col("observer") == "3").then(30).otherwise(0)
    )
    (found,) = doubts.drift(off, (400, 300))
    assert "'3' lies by" in found.what
    assert re.search(r"\+0 x and \+(29|30|31) y", found.what)
    number = pl.col("image").str.slice(1).cast(pl.Int64)
    late = pl.when((pl.col("observer") == "1") & (number > 40)).then(50).otherwise(0)
    found = doubts.drift(rows.with_columns(x=pl.col("x") + late), (400, 300))
    assert any("'1' moves by" in each.what for each in found)


def test_durations_in_seconds_are_doubted(tmp_path):
    path = table(tmp_path, "image,x,y,duration\n" + "a,5,5,0.25\n" * 150)
    _, notes = read("fixations", path, sigma=2)
    assert "GAZE-UNIT" in {each.code for each in notes}
    _, notes = read("fixations", path, sigma=2, time_unit="s")
    assert "GAZE-UNIT" not in {each.code for each in notes}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real gaze of OSIE is not here")
def test_the_maps_of_real_gaze_equal_those_that_came_with_it():
    settings = {"recipe": "osie", "width": 320, "height": 240, "sigma": 9.6}
    maps, notes = read("fixations", REAL / "fixations.csv", **settings)
    assert len(maps) == 700
    for drawn in maps[::25]:
        with Image.open(REAL / "gaze_maps" / f"{drawn.image}.png") as picture:
            given = np.asarray(picture).astype(np.float32) / 255
        difference = abs(drawn.map((320, 240)) - given)
        assert difference.max() < 0.03
        assert difference.mean() < 0.002
    assert "'6' lies by" in str(notes)
