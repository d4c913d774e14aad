"""What a person sees of the data: strips of image, map, outline and gaze."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from broken_data import generated, write_manifest
from lookright.cli import main
from lookright.data.checks.check import check
from lookright.data.checks.check_page import write_page
from lookright.data.checks.overlay import contoured, heated
from lookright.data.checks.replay import MOST, SECONDS, read_scanpaths

HOSTILE = '"><script>alert(1)</script>'


def gaze(folder: Path, *lines: str, header: str = "image_id,observer,x,y,duration_ms") -> Path:
    path = folder / "fixations.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def page_of(folder: Path, table: Path | None = None, **changes: str) -> str:
    rows = generated(folder)
    rows[0] |= changes
    checked = check(write_manifest(folder, rows))
    assert checked.rows is not None
    paths = read_scanpaths(table, checked.rows, {}) if table else None
    write_page(checked, folder / "check.html", paths)
    return (folder / "check.html").read_text()


def strips(page: str) -> list[str]:
    return re.findall(r'<article class="strip">.*?</article>', page, re.DOTALL)


def test_a_strip_shows_image_map_and_outline(tmp_path: Path):
    page = page_of(tmp_path, mask="")
    first = next(each for each in strips(page) if "<b>p00</b>" in each)
    other = next(each for each in strips(page) if "<b>p01</b>" in each)
    assert re.findall("<figcaption>(.*?)</figcaption>", first) == ["image"]
    assert re.findall("<figcaption>(.*?)</figcaption>", other) == ["image", "map", "outline"]
    assert "<svg" not in page


def test_gaze_is_played_back_in_its_order_where_it_was(tmp_path: Path):
    """An image of 40 x 32 pixels is shown 168 wide: 4.2 times as large."""
    table = gaze(tmp_path, "p00,ann,10,20,100", "p00,ann,30,8,300", "p00,bob,1,1,50", "p03,x,2,2,9")
    page = page_of(tmp_path / "data", table)
    first = next(each for each in strips(page) if "<b>p00</b>" in each)
    assert "gaze of ann, 1 more" in first
    assert re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', first) == [
        ("42.0", "83.8"), ("126.0", "33.5")
    ]  # fmt: skip
    assert re.findall(r">(\d+)</text>", first) == ["1", "2"]
    assert re.findall(r"--after: ([\d.]+)s", first) == ["0.0", "0.1"]
    radii = [float(each) for each in re.findall(r' r="([\d.]+)"', first)]
    assert radii[0] < radii[1]
    assert page.count("<polyline") == sum("<svg" in each for each in strips(page))


def test_a_page_with_gaze_needs_no_network_and_escapes_what_people_wrote(tmp_path: Path):
    table = gaze(tmp_path, f'p00,"{HOSTILE.replace(chr(34), chr(34) * 2)}",10,20,100')
    page = page_of(tmp_path / "data", table, label=HOSTILE)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert set(re.findall(r'(?:src|href)="([^"]{5})', page)) == {"data:"}
    assert not re.findall(r"https?://|url\(|@import", page)


def test_a_long_look_is_played_faster_and_cut(tmp_path: Path):
    lines = [f"p00,ann,{number % 40},5,1000" for number in range(60)]
    rows = generated(tmp_path / "data")
    checked = check(write_manifest(tmp_path / "data", rows))
    assert checked.rows is not None
    (path,) = read_scanpaths(gaze(tmp_path, *lines), checked.rows, {}).values()
    looks = path.looks((40, 32), (168, 134))
    assert len(looks) == MOST
    assert [look.after for look in looks] == sorted(look.after for look in looks)
    assert looks[-1].after < SECONDS


def test_gaze_in_shares_and_without_durations_is_placed_too(tmp_path: Path):
    rows = generated(tmp_path / "data")
    checked = check(write_manifest(tmp_path / "data", rows))
    assert checked.rows is not None
    table = gaze(tmp_path, "p01.jpg,0.5,0.25", "unknown.jpg,0.1,0.1", header="image,x,y")
    found = read_scanpaths(table, checked.rows, {"unit": "normalised"})
    assert list(found) == [1]
    (look,) = found[1].looks((40, 32), (160, 128))
    assert (look.x, look.y) == (80, 32)


def test_check_plays_gaze_when_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = write_manifest(tmp_path, generated(tmp_path))
    table = gaze(tmp_path, "p00,ann,100,200,100")
    words = ["data", "check", str(path), "--gaze", str(table), "gaze.width=400", "gaze.height=320"]
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    assert "gaze at 1 of 24 images" in capsys.readouterr().out
    page = (tmp_path / "manifest-check" / "check.html").read_text()
    assert '<circle cx="42.0" cy="83.8"' in page
    with pytest.raises(SystemExit) as caught:
        main([*words, "gaze.widht=3"])
    assert caught.value.code == 2
    assert "width" in capsys.readouterr().err


def test_a_heat_picture_peaks_where_the_map_does():
    drawn = np.zeros((20, 30), np.float32)
    drawn[4, 25] = 0.5
    picture = np.asarray(heated(drawn, (30, 20))).astype(int).sum(-1)
    assert np.unravel_index(picture.argmax(), picture.shape) == (4, 25)
    assert len(np.unique(picture)) == 2


def test_a_heat_picture_is_grey_where_nobody_knows(tmp_path: Path):
    drawn, unknown = np.zeros((20, 30), np.float32), np.zeros((20, 30), bool)
    drawn[4, 25], unknown[:, :10] = 0.5, True
    found = np.asarray(heated(drawn, (30, 20), unknown)).astype(int)
    known = np.asarray(heated(drawn, (30, 20))).astype(int)
    assert np.ptp(found[:, :10], axis=(0, 1)).max() == 0
    assert np.ptp(found[0, 0]) < 30
    np.testing.assert_array_equal(found[:, 10:], known[:, 10:])


def test_what_is_known_not_to_be_evidence_has_an_outline_too():
    drawn, unknown = np.zeros((168, 168), np.float32), np.ones((168, 168), bool)
    drawn[40:80, 50:90] = 1
    unknown[40:80, 50:90] = unknown[100:120, 20:140] = False
    plain = np.zeros((168, 168, 1), np.uint8)
    found, alone = (np.asarray(contoured(plain, drawn, each)) for each in (unknown, None))
    np.testing.assert_array_equal(found[:95], alone[:95])
    stroke = np.zeros((168, 168), bool)
    stroke[100:120, 20:140] = True
    stroke[101:119, 21:139] = False
    np.testing.assert_array_equal(found[95:].any(-1), stroke[95:])
    assert not alone[95:].any()


def test_a_strip_says_where_a_map_is_unknown(tmp_path: Path):
    rows = [{"unknown": "", **row} for row in generated(tmp_path)]
    Image.fromarray(np.eye(32, 40, dtype=np.uint8) * 255).save(tmp_path / "partly.png")
    rows[1]["unknown"] = "partly.png"
    rows[2]["unknown"] = "gone.png"
    checked = check(write_manifest(tmp_path, rows))
    write_page(checked, tmp_path / "check.html")
    found = strips((tmp_path / "check.html").read_text())
    titles = [re.findall("<figcaption>(.*?)</figcaption>", each)[1] for each in found]
    named = dict(zip([re.findall("<b>(.*?)</b>", each)[0] for each in found], titles, strict=True))
    assert named["p01"] == "map (grey: unknown)"
    assert set(named.values()) == {"map", "map (grey: unknown)"}
    assert list(named.values()).count("map (grey: unknown)") == 1


def test_an_outline_runs_where_the_map_ends():
    drawn = np.zeros((168, 168), np.float32)
    drawn[40:80, 50:90] = 1
    found = np.asarray(contoured(np.zeros((168, 168, 1), np.uint8), drawn)).any(-1)
    expected = np.zeros((168, 168), bool)
    expected[40:80, 50:90] = True
    expected[41:79, 51:89] = False
    np.testing.assert_array_equal(found, expected)
    assert isinstance(contoured(np.zeros((8, 8, 3), np.uint16), None), Image.Image)
