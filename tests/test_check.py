"""A check finds everything at once."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from broken_data import PLANTED, REAL, break_everything, copied, generated, write_manifest
from lookright.data.checks.check import Checked, check, summary, write_json
from lookright.data.checks.check_page import write_page
from lookright.data.manifest import read_manifest
from lookright.data.reading import Reading
from lookright.errors import DataError

needs_real = pytest.mark.skipif(not REAL.exists(), reason="no shared/data/kermany here")


def codes(checked: Checked, level: str | None = None) -> set[str]:
    return {each.problem.code for each in checked.findings if level in (None, each.problem.level)}


def about(checked: Checked, code: str) -> set[str]:
    assert checked.rows is not None
    return {
        checked.rows["id"][index]
        for each in checked.findings
        if each.problem.code == code
        for index in each.rows
    }


@pytest.mark.parametrize("make", [generated, pytest.param(copied, marks=needs_real)])
def test_every_planted_problem_is_in_one_report(tmp_path: Path, make):
    rows = make(tmp_path / "data")
    planted = break_everything(tmp_path / "data", rows)
    path = write_manifest(tmp_path / "data", rows)
    with pytest.raises(DataError):
        read_manifest(path)
    checked = check(path)
    write_json(checked, tmp_path / "check.json")
    told = json.loads((tmp_path / "check.json").read_text())
    for fault, code in PLANTED.items():
        found = [each for each in told["findings"] if each["code"] == code]
        assert found, fault
        if code not in ("PATH-SPACE",):  # told once, with a count
            assert any(planted[fault] in each["ids"] for each in found), fault
    assert not checked.passed
    assert not told["passed"]


@pytest.mark.parametrize("make", [generated, pytest.param(copied, marks=needs_real)])
def test_sound_data_pass_without_a_warning(tmp_path: Path, make):
    checked = check(write_manifest(tmp_path, make(tmp_path)))
    assert checked.passed
    assert codes(checked, "warning") == set()


@needs_real
def test_the_real_leak_between_the_official_splits_is_found(tmp_path: Path):
    real = REAL / "manifest.csv"
    lines = real.read_text().splitlines()
    kept = [line for line in lines[1:] if re.search(r"images/person1(0\d)?_", line)]
    (tmp_path / "manifest.csv").write_text("\n".join([lines[0], *kept]) + "\n")
    checked = check(tmp_path / "manifest.csv")
    groups = [each for each in checked.findings if each.problem.code == "GROUP-SPLITS"]
    assert any("'person1'" in each.problem.where for each in groups)


def test_the_page_needs_no_network_and_escapes_what_people_wrote(tmp_path: Path):
    rows = generated(tmp_path)
    rows[0]["label"] = "<script>alert(1)</script>"
    rows[1]["id"] = '"><img src=x onerror=alert(2)>'
    rows[1]["mask"] = rows[2]["mask"]
    write_page(check(write_manifest(tmp_path, rows)), tmp_path / "check.html")
    page = (tmp_path / "check.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page
    assert set(re.findall(r'(?:src|href)="([^"]{5})', page)) == {"data:"}


def test_the_page_of_a_manifest_that_cannot_be_read_says_why(tmp_path: Path):
    (tmp_path / "manifest.csv").write_text("imgae,label\na.png,x\n")
    checked = check(tmp_path / "manifest.csv")
    write_page(checked, tmp_path / "check.html")
    write_json(checked, tmp_path / "check.json")
    assert "imgae" in (tmp_path / "check.html").read_text()
    assert json.loads((tmp_path / "check.json").read_text())["rows"] == 0


def test_the_page_never_shows_a_file_outside_the_folder(tmp_path: Path):
    rows = generated(tmp_path / "data")
    Image.new("L", (40, 32), 90).save(tmp_path / "secret.png")
    (tmp_path / "data" / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    rows[0]["image"], rows[1]["image"] = "../secret.png", "images/link.png"
    write_page(check(write_manifest(tmp_path / "data", rows)), tmp_path / "check.html")
    assert (tmp_path / "check.html").read_text().count("no picture") >= 2


def test_the_summary_counts_each_kind_once_and_errors_come_first(tmp_path: Path):
    rows = generated(tmp_path)
    break_everything(tmp_path, rows)
    lines = summary(check(write_manifest(tmp_path, rows)))
    levels = [line[0] for line in lines]
    assert levels == sorted(levels, key=("error", "warning", "notice").index)
    assert len({(line[0], line[1]) for line in lines}) == len(lines)


def test_progress_counts_every_row(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    check(write_manifest(tmp_path, generated(tmp_path, 8)), progress=lambda *now: seen.append(now))
    assert seen == [(number, 8) for number in range(1, 9)]


def with_images(folder: Path, *pictures: Image.Image) -> Path:
    """A manifest of generated rows whose first images are replaced."""
    rows = generated(folder)
    for row, picture in zip(rows, pictures, strict=False):
        row["image"] = row["image"].replace(".jpg", "-new.png")
        picture.save(folder / row["image"])
        row["mask"] = ""
    return write_manifest(folder, rows)


def test_IM16_an_extreme_aspect_is_a_warning(tmp_path: Path):
    long = Image.effect_noise((400, 20), 50)
    assert "IMG-ASPECT" in codes(check(with_images(tmp_path, long)), "warning")


def test_IM12_an_exif_turned_image_with_a_mask_is_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down: the size tells nothing
    file = tmp_path / rows[0]["image"]
    Image.open(file).copy().save(file, exif=exif)
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "IMG-EXIF") == {rows[0]["id"]}
    assert "IMG-EXIF" in codes(checked, "warning")


def test_IM21_mixed_colours_are_a_warning_but_grey_stored_as_rgb_is_grey(tmp_path: Path):
    grey = Image.effect_noise((40, 32), 50).convert("RGB")
    assert "MIXED-COLOURS" not in codes(check(with_images(tmp_path / "a", grey)))
    red = Image.merge("RGB", [Image.effect_noise((40, 32), 50) for _ in range(3)])
    assert "MIXED-COLOURS" in codes(check(with_images(tmp_path / "b", red)), "warning")


def test_IM07_depths_that_differ_under_auto_are_a_warning(tmp_path: Path):
    deep = [np.linspace(0, top, 1280).reshape(32, 40).astype(np.uint16) for top in (900, 4000)]
    path = with_images(tmp_path, *(Image.fromarray(each) for each in deep))
    assert "MIXED-BITS" in codes(check(path), "warning")
    assert "MIXED-BITS" not in codes(check(path, reading=Reading(bits=16)))


def test_IM24_names_that_windows_cannot_hold_are_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    for row, name in zip(rows, ["a.", "what?.jpg", "émoji 🫁.jpg"], strict=False):
        (tmp_path / row["image"]).rename(tmp_path / "images" / name)
        row["image"] = f"images/{name}"
    checked = check(write_manifest(tmp_path, rows))
    told = {each.problem.code: each.problem.what for each in checked.findings}
    assert told["PATH-PORTABLE"].startswith("2 paths")
    assert told["PATH-UNICODE"].startswith("1 paths")
    assert checked.passed


def test_IM26_constant_images_are_a_warning(tmp_path: Path):
    checked = check(with_images(tmp_path, Image.new("L", (40, 32)), Image.new("L", (40, 33), 9)))
    assert len(about(checked, "IMG-CONSTANT")) == 2
    assert checked.passed


def test_MF07_the_same_pixels_twice_are_worse_across_labels_and_splits(tmp_path: Path):
    rows = generated(tmp_path)
    trained = [row for row in rows if row["split"] == "train"]
    tested = [row for row in rows if row["split"] == "test"]
    calm = [row for row in trained if row["label"] == "calm"]
    wild = [row for row in trained if row["label"] == "wild"]
    pairs = [(calm[0], calm[1]), (calm[2], wild[0]), (wild[1], tested[1])]
    assert tested[1]["label"] == "wild"
    for one, other in pairs:
        same = Image.open(tmp_path / one["image"]).convert("L")
        other["image"] = other["image"].replace(".jpg", "-again.png")
        same.save(tmp_path / other["image"])  # another file format, the same pixels
    checked = check(write_manifest(tmp_path, rows))
    for code, (one, other) in zip(
        ("IMG-SAME", "IMG-SAME-LABEL", "IMG-SAME-SPLIT"), pairs, strict=True
    ):
        assert about(checked, code) == {one["id"], other["id"]}
    assert codes(checked, "error") == {"IMG-SAME-LABEL", "IMG-SAME-SPLIT"}


def test_MF08_a_group_in_two_splits_is_an_error_unless_allowed(tmp_path: Path):
    rows = generated(tmp_path)
    rows[0]["group"] = rows[6]["group"]
    assert {rows[0]["split"], rows[6]["split"]} == {"train", "test"}
    path = write_manifest(tmp_path, rows)
    checked = check(path)
    assert about(checked, "GROUP-SPLITS") == {rows[0]["id"], rows[6]["id"]}
    assert not checked.passed
    assert "GROUP-SPLITS" in codes(check(path, allow_group_overlap=True), "warning")


def test_MF10_without_groups_a_notice_says_what_cannot_be_seen(tmp_path: Path):
    rows = generated(tmp_path)
    for row in rows:
        del row["group"]
    assert "GROUP-NONE" in codes(check(write_manifest(tmp_path, rows)), "notice")


def test_MF11_a_group_spelled_in_two_ways_is_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    for row, name in zip(rows, ("P1", "p1", "P1 "), strict=False):
        row["group"] = name
    checked = check(write_manifest(tmp_path, rows))
    assert len(about(checked, "GROUP-SPELLING")) == 3
    assert checked.passed


def test_MF12_a_label_that_looks_like_a_missing_value_is_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    rows[0]["label"] = "NaN"
    assert "LABEL-NOTHING" in codes(check(write_manifest(tmp_path, rows)), "warning")


def test_MF15_names_that_differ_in_case_or_composition_are_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    for row, name in zip(rows, ("A.jpg", "a.jpg", "\u00e9.jpg", "e\u0301.jpg"), strict=False):
        (tmp_path / row["image"]).rename(tmp_path / "images" / name)
        row["image"] = f"images/{name}"
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "PATH-CASE") == {row["id"] for row in rows[:4]}


def test_TR09_a_class_that_training_lacks_is_an_error_and_one_that_a_test_lacks_a_warning(
    tmp_path: Path,
):
    rows = generated(tmp_path)
    kept = [row for row in rows if (row["split"], row["label"]) != ("test", "wild")]
    assert "CLASS-MISSING" in codes(check(write_manifest(tmp_path, kept)), "warning")
    kept = [row for row in rows if (row["split"], row["label"]) != ("train", "wild")]
    assert "CLASS-MISSING" in codes(check(write_manifest(tmp_path, kept)), "error")


def test_annotation_that_depends_on_the_class_is_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    for row in [row for row in rows if row["label"] == "wild"][:9]:
        row["mask"] = ""
    told = [
        each.problem.what
        for each in check(write_manifest(tmp_path, rows)).findings
        if each.problem.code == "ANNOTATION-CLASS"
    ]
    assert told == ["Whether an image is annotated depends on its class: calm 100.0%, wild 25.0%."]


def test_MK03_empty_masks_are_counted_and_judged_by_the_policy(tmp_path: Path):
    rows = generated(tmp_path)
    Image.new("L", (40, 32)).save(tmp_path / rows[0]["mask"])
    path = write_manifest(tmp_path, rows)
    assert about(check(path), "MASK-EMPTY") == {rows[0]["id"]}
    assert "MASK-EMPTY" in codes(check(path), "warning")
    assert "MASK-EMPTY" in codes(check(path, reading=Reading(empty_mask="error")), "error")


def test_MK04_full_masks_are_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    for row in rows[:2]:
        Image.new("L", (40, 32), 255).save(tmp_path / row["mask"])
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "MASK-FULL") == {rows[0]["id"], rows[1]["id"]}
    assert "MASK-SAME" not in codes(checked)


def test_MK10_two_images_with_one_mask_are_a_warning(tmp_path: Path):
    rows = generated(tmp_path)
    rows[0]["mask"] = rows[1]["mask"]
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "MASK-SAME") == {rows[0]["id"], rows[1]["id"]}


def test_MK01_resized_masks_are_counted(tmp_path: Path):
    rows = generated(tmp_path)
    mask = Image.open(tmp_path / rows[0]["mask"])
    mask.resize((80, 64)).save(tmp_path / rows[0]["mask"])
    assert "MASK-RESIZED" in codes(check(write_manifest(tmp_path, rows)), "notice")


def test_MF16_the_rows_of_a_check_are_inspected_in_windows(tmp_path: Path):
    rows = generated(tmp_path)
    many = [{**row, "id": f"{row['id']}-{copy}"} for copy in range(30) for row in rows]
    checked = check(write_manifest(tmp_path, many))
    assert checked.rows is not None
    assert len(checked.rows) == 720
    assert checked.passed
