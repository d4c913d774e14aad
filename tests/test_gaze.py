"""Tables of gaze become maps: headers, frames, windows, weights, and what is broken."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from gaze_tables import read, table
from lookright.data.gaze import doubts
from lookright.data.gaze.coordinates import Frame, place
from lookright.data.gaze.density import Points, density
from lookright.data.gaze.drawing import find_looks
from lookright.data.gaze.export import parse
from lookright.data.gaze.making import Making, pixels_per_degree
from lookright.data.gaze.table import read_gaze
from lookright.data.importers import make
from lookright.data.importing.study import Wishes, import_drawings
from lookright.errors import ConfigError, DataError


def test_MK17_a_sigma_of_zero_is_no_setting_and_none_at_all_is_asked_for():
    for settings in ({"sigma": 0}, {"sigma": -1}, {}):
        with pytest.raises(ConfigError, match="sigma"):
            make("fixations", settings)


BROKEN = """image,observer,x,y,start,duration
a,1,10,10,0,200
a,1,nan,10,300,200
a,1,,,600,100
a,1,12,oops,700,100
a,1,12,12,-5,100
a,1,12,12,900,-1
a,1,13,13,1000,100
a,1,14,14,1000,100
a,2,14,14,1000,100
,2,14,14,1000,100
a,1,900,10,2000,100
a,1,11,11,2100,100
a,1,11,12,2200,100
a,1,12,12,2300,100
"""


def test_MK15_blinks_negative_and_repeated_times_and_looks_off_the_image_are_counted(tmp_path):
    looks = find_looks(table(tmp_path, BROKEN), Making(sigma=2, width=40, height=30))
    told = {each.what for each in looks.notes if each.code == "GAZE-DROPPED"}
    assert told == {
        "1 row was dropped: x or y is no number.",
        "2 rows were dropped: x or y is blank or NaN (a blink, or the eye was lost).",
        "1 row was dropped: no image is named.",
        "1 row was dropped: the start is negative.",
        "1 row was dropped: the duration is negative.",
        "1 row was dropped: the same person looked elsewhere at the same time.",
        "1 row was dropped: off the image.",
    }
    assert looks.rows["start"].to_list() == [0, 1000, 1000, 2100, 2200, 2300]


def test_MK15_looks_off_an_image_that_says_its_own_size_are_counted_too(tmp_path):
    """Without width and height only the image knows what is off it."""
    images = tmp_path / "images"
    images.mkdir()
    Image.new("L", (40, 30), 90).save(images / "a.png")
    places = [(x, 10) for x in range(5, 38, 3)] + [(40, 10), (12, 31)]
    one_class = Wishes(label_from="marks", unmarked="seen")
    rows = [f"a,{x},{y},{place}00,200" for place, (x, y) in enumerate(places)]
    text = "\n".join(["image,x,y,start,duration", *rows])
    for _ in range(2):  # the second time from the cache
        items = make("fixations", {"sigma": 2}).read(table(tmp_path, text))
        done = import_drawings(items, images, tmp_path / "manifest.csv", one_class)
        (told,) = (each for each in done.tally.first.values() if each.code == "GAZE-DROPPED")
        assert "2 rows were dropped: off the image" in told.what
    strict = make("fixations", {"sigma": 2, "most_outside": 0.1}).read(table(tmp_path, text))
    with pytest.raises(DataError, match="GAZE-FRAME"):
        import_drawings(strict, images, tmp_path / "manifest.csv", one_class)


def test_a_look_of_any_length_makes_a_map(tmp_path):
    """A duration may be larger than float32 can say."""
    ones = np.ones(2)
    points = Points(8 * ones, 6 * ones, np.array([1e308, 1.0]), 2 * ones, 2 * ones)
    one = Points(*(np.array([value]) for value in (8.0, 6.0, 1.0, 2.0, 2.0)))
    np.testing.assert_array_equal(density(points, (20, 16)), density(one, (20, 16)))
    assert density(points, (20, 16), scale="sum").sum() == pytest.approx(1, rel=1e-5)


def rows_of(count: int, width: float, height: float, seed: int = 0) -> str:
    random = np.random.default_rng(seed)
    places = random.uniform((0, 0), (width, height), (count, 2))
    lines = [f"a,{x:.1f},{y:.1f},200" for x, y in places]
    return "\n".join(["image,x,y,duration", *lines])


def test_MK15_more_than_a_fifth_off_the_image_asks_for_the_coordinate_frame(tmp_path):
    path = table(tmp_path, rows_of(300, 1920, 1080))
    with pytest.raises(DataError, match="another frame"):
        find_looks(path, Making(sigma=2, width=800, height=600))
    maps, _ = read("fixations", path, sigma=2)  # the size is known once the image is
    with pytest.raises(DataError, match="another frame"):
        maps[0].doubts((800, 600))


def test_MK15_shares_are_recognised_by_their_size(tmp_path):
    maps, _ = read("fixations", table(tmp_path, rows_of(300, 1, 1)), sigma=0.1, unit="normalised")
    assert maps[0].map((50, 40)).shape == (40, 50)
    assert doubts.frame(np.array([1.2] * 20), np.array([-0.5] * 20), (100, 90))[0].fix.startswith(
        "They look like shares"
    )


def test_MK15_swapped_axes_are_named(tmp_path):
    path = table(tmp_path, rows_of(300, 600, 800))
    with pytest.raises(DataError, match="With x and y swapped"):
        find_looks(path, Making(sigma=2, width=800, height=600))
    columns = {"x": "y", "y": "x"}
    assert len(find_looks(path, Making(columns, sigma=2, width=800, height=600)).rows) == 300


def test_MK16_no_fixations_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match="ERR-GAZE-EMPTY"):
        read_gaze(table(tmp_path, "image,x,y,duration\n"), {})


def test_MK16_an_image_that_was_looked_at_without_a_fixation_has_an_empty_map(tmp_path):
    folder = tmp_path / "gaze"
    table(folder, "x,y,duration\n5,5,100\n", "one.csv")
    table(folder, "x,y,duration\n", "two.csv")
    maps, notes = read("fixations", folder, sigma=2)
    assert {each.image: bool(each.map((20, 20)).any()) for each in maps} == {
        "one": True,
        "two": False,
    }
    assert "GAZE-NOWHERE" in {each.code for each in notes}


def test_a_folder_of_equally_named_files_is_named_by_its_folders(tmp_path):
    for name in ("P1", "P2"):
        table(tmp_path / "all" / name, "x_position,y_position\n5,5\n")
    gaze = read_gaze(tmp_path / "all", {})
    assert gaze.rows["image"].to_list() == ["P1", "P2"]


@pytest.mark.parametrize(
    "text",
    ["", "\0", "a,b\n1,2", "x,x,y\n1,1,1", 'x,y\n1,2,3,4\n"', "x,gaze_x,y\n1,2,3", "\xff\xfe"],
)
def test_a_table_that_cannot_be_understood_says_why(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError):
        read_gaze(tmp_path / "t.csv", {})


def test_semicolons_and_decimal_commas_are_numbers(tmp_path):
    gaze = read_gaze(table(tmp_path, "image;x;y;duration\na;1,5;2,25;100\n"), {})
    assert gaze.rows.select("x", "y").row(0) == (1.5, 2.25)


def test_headers_can_be_named_and_a_wrong_name_is_corrected(tmp_path):
    path = table(tmp_path, "pic,horizontal,y\na,3,4\n")
    rows = read_gaze(path, {"image": "pic", "x": "horizontal"}).rows
    assert rows.select("image", "x").row(0) == ("a", 3.0)
    with pytest.raises(ConfigError, match="Did you mean 'duration'"):
        read_gaze(path, {"duratoin": "y"})
    with pytest.raises(DataError, match="'horizontl'"):
        read_gaze(path, {"x": "horizontl"})


def test_parquet_is_read_like_csv(tmp_path):
    rows = pl.DataFrame({"image": ["a"], "x": [3], "y": [4.5], "duration": [100]})
    rows.write_parquet(tmp_path / "t.parquet")
    rows.write_csv(tmp_path / "t.csv")
    one, other = (read_gaze(tmp_path / f"t.{kind}", {}).rows for kind in ("csv", "parquet"))
    assert one.equals(other.select(one.columns))


def test_weights_count_or_last_or_last_in_logarithms(tmp_path):
    path = table(tmp_path, "image,x,y,start,end\na,5,5,0,1\na,25,5,2,3.5\n")
    peaks = {}
    for weight in ("count", "duration", "log_duration"):
        maps, _ = read("fixations", path, sigma=1, time_unit="s", weight=weight)
        drawn = maps[0].map((40, 20))
        peaks[weight] = drawn[5, 5] / drawn[5, 25]
    expected = {"count": 1, "duration": 1 / 1.5, "log_duration": np.log(1001) / np.log(1501)}
    assert peaks == pytest.approx(expected, rel=1e-5)


def test_one_map_of_everybody_or_one_for_each_observer(tmp_path):
    text = "image,observer,x,y,duration\nb,2,5,5,100\na,1,5,5,100\na,2,25,5,100\n"
    pooled, _ = read("fixations", table(tmp_path, text), sigma=1)
    assert [each.image for each in pooled] == ["b", "a"]
    apart, _ = read("fixations", table(tmp_path, text), sigma=1, pool=False)
    assert [(each.image, each.annotator) for each in apart] == [("b", "2"), ("a", "1"), ("a", "2")]
    assert apart[1].map((40, 20)).argmax() == 5 * 40 + 5
    assert len({each.key for each in [*pooled[1:], *apart[1:]]}) == 3


def test_a_frame_of_another_size_scales_places_and_sigmas(tmp_path):
    path = table(tmp_path, "image,x,y,duration\na,100.5,60.5,100\n")
    (large,), _ = read("fixations", path, sigma=8, width=400, height=300)
    points = Points(*(np.array([each]) for each in (25.1, 15.1, 1.0, 2.0, 2.0)))
    np.testing.assert_allclose(large.map((100, 75)), density(points, (100, 75)), rtol=1e-5)


def test_a_place_on_the_screen_is_found_on_the_image():
    rows = pl.DataFrame({"x": [460.0], "y": [0.5], "sigma_x": [30.0], "sigma_y": [30.0]})
    frame = Frame("screen", "pixels", (1920, 1080), (160.0, -99.5, 600.0, 400.0))
    placed = place(rows, frame)
    assert placed.rows.row(0) == (0.5, 0.25, 0.05, 0.075)
    shares = place(
        rows.with_columns(x=pl.col("x") / 1920, y=pl.col("y") / 1080),
        Frame("screen", "normalised", (1920, 1080), frame.placed),
    )
    np.testing.assert_allclose(shares.rows.row(0), (0.5, 0.25, 0.05, 0.075))
    for wrong in (Frame("screen"), Frame("screen", "normalised", None, frame.placed)):
        with pytest.raises(ConfigError, match="ERR-GAZE-PLACED"):
            place(rows, wrong)


def test_zoom_and_shift_of_the_screen_are_undone_row_by_row():
    shown, screen = (1000.0, 500.0, 2000.0, 1500.0), (100.0, 0.0, 600.0, 500.0)
    sides = ("left", "top", "right", "bottom")
    columns = dict(zip([*sides, *(f"screen_{s}" for s in sides)], [*shown, *screen], strict=True))
    rows = pl.DataFrame(
        {"x": [350.0, 50.0], "y": [250.0, 10.0], "sigma_x": 10.0, "sigma_y": 10.0, **columns}
    )
    found = place(rows, Frame("screen")).rows
    assert found.select("x", "y", "sigma_x").row(0) == (1500.0, 1000.0, 20.0)
    assert found["x"][1] is None  # beside the image


def test_sigma_in_degrees_follows_from_the_screen_the_table_or_the_setting(tmp_path):
    assert pixels_per_degree(1000, 100, 57.2957795) == pytest.approx(10, rel=1e-3)
    rows = pl.DataFrame({"degree_x": [40.0, 80.0], "degree_y": [50.0, 90.0]})
    spread = Making(sigma=2, lengths="degrees").spread(rows)
    assert spread["sigma_x"].to_list() == [80, 160]
    assert spread["sigma_y"].to_list() == [100, 180]
    spread = Making(sigma=2, sigma_y=1, lengths="degrees", degree=30).spread(rows.select(x=1.0))
    assert spread.row(0) == (1.0, 60, 30)
    with pytest.raises(ConfigError, match="ERR-GAZE-DEGREE"):
        Making(sigma=2, lengths="degrees").spread(rows.rename({"degree_x": "x"}))


def test_windows_keep_the_part_of_a_look_that_lies_inside(tmp_path):
    path = table(tmp_path, "image,x,y,start,duration\na,5,5,0,100\na,5,9,80,100\na,9,9,300,50\n")
    looks = find_looks(path, Making(sigma=1, since=50, until=150))
    assert looks.rows.select("y", "weight").rows() == [(5.0, 50.0), (9.0, 70.0)]
    assert "outside the window" in str(looks.notes)
    with pytest.raises(ConfigError, match="ERR-GAZE-WINDOW"):
        find_looks(path, Making(sigma=1, since=50, until=50))


def test_windows_can_count_from_the_first_mention(tmp_path):
    text = "image,x,y,start,duration\na,5,5,0,1\na,5,9,2,1\nb,9,9,3,1\nc,9,9,3,1\n"
    said = table(tmp_path, "image,time\na,1.5\na,9\nb,3.25\n", "said.csv")
    path = table(tmp_path, text)
    common = {"sigma": 1, "time_unit": "s", "mentions": str(said)}
    before = find_looks(path, Making(**common, until=0))
    assert before.rows.select("image", "y", "weight").rows() == [("a", 5, 1000), ("b", 9, 250)]
    after = find_looks(path, Making(**common, since=0))
    assert after.rows.select("image", "y", "weight").rows() == [("a", 9, 1000), ("b", 9, 750)]
    assert "nothing was mentioned" in str(after.notes)
    late = find_looks(path, Making(**common, since=-0.6, until=0))
    assert late.rows.select("image", "weight").rows() == [("a", 100), ("b", 250)]
    with pytest.raises(ConfigError, match="before or after"):
        find_looks(path, Making(**common))


def test_a_header_that_a_lone_carriage_return_cuts_is_said_in_words():
    with pytest.raises(DataError, match="no line of a CSV table") as caught:
        parse(b"image,x,y\rscene,1,2\n", "scene", "gaze.csv")
    assert caught.value.code == "ERR-GAZE-TABLE"
