"""Folders of images become a manifest; nothing is lost in silence and nothing overwritten."""

from pathlib import Path

import pytest
from PIL import Image

from lookright.data.folders import describe
from lookright.data.manifest import read_manifest
from lookright.errors import DataError


def draw(folder: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 20), 60 + number).save(file)
    return folder


def test_folders_by_class_become_a_manifest(tmp_path: Path):
    made = describe(draw(tmp_path, "cat/1.png", "cat/2.jpg", "dog/1.png"))
    data = read_manifest(made.manifest)
    assert made.manifest == tmp_path / "manifest.csv"
    assert data.rows["image"].to_list() == ["cat/1.png", "cat/2.jpg", "dog/1.png"]
    assert data.rows["label"].to_list() == ["cat", "cat", "dog"]
    assert made.ignored == ()
    assert not data.rows["annotated"].any()


def test_folders_by_split_are_recognised_by_their_names(tmp_path: Path):
    paths = [f"{split}/{kind}/1.png" for split in ("Train", "validation", "test") for kind in "ab"]
    data = read_manifest(describe(draw(tmp_path, *paths)).manifest)
    assert set(data.rows.select("split", "label").iter_rows()) == {
        (split, kind) for split in ("train", "val", "test") for kind in "ab"
    }


def test_a_class_may_be_called_test_when_not_all_folders_are_splits(tmp_path: Path):
    data = read_manifest(describe(draw(tmp_path, "test/1.png", "control/1.png")).manifest)
    assert data.classes == ("control", "test")


def test_masks_have_the_relative_names_of_their_images(tmp_path: Path):
    images = draw(tmp_path / "images", "cat/1.jpg", "cat/2.jpg", "dog/1.jpg")
    masks = draw(tmp_path / "masks", "cat/1.png", "dog/1.tif", "dog/9.png")
    made = describe(images, masks)
    assert made.manifest == tmp_path / "manifest.csv"
    assert made.rows["mask"].to_list() == ["masks/cat/1.png", "", "masks/dog/1.tif"]
    assert made.ignored == ("masks/dog/9.png",)
    assert read_manifest(made.manifest).rows["annotated"].to_list() == [True, False, True]


def test_masks_of_which_none_fits_are_an_error(tmp_path: Path):
    images = draw(tmp_path / "images", "cat/1.jpg", "dog/1.jpg")
    with pytest.raises(DataError, match="None of the 1 masks"):
        describe(images, draw(tmp_path / "masks", "cat/1_mask.png"))
    assert not (tmp_path / "manifest.csv").exists()


def test_MK10_two_images_cannot_share_a_mask_by_name(tmp_path: Path):
    images = draw(tmp_path / "images", "cat/1.jpg", "cat/1.png", "dog/1.jpg")
    with pytest.raises(DataError, match="cat/1"):
        describe(images, draw(tmp_path / "masks", "cat/1.png"))
    two = draw(tmp_path / "two", "dog/1.png", "dog/1.bmp")
    with pytest.raises(DataError, match="which of them is the mask"):
        describe(draw(tmp_path / "more", "cat/1.jpg", "dog/1.jpg"), two)


def test_MF20_stray_files_are_listed_and_clutter_is_left_out(tmp_path: Path):
    draw(tmp_path, "cat/1.png", "dog/1.png", "stray.png", ".hidden/1.png", "__MACOSX/cat/1.png")
    for name in ("readme.txt", "cat/notes.txt", "cat/.DS_Store", "dog/Thumbs.db"):
        (tmp_path / name).write_text("x")
    made = describe(tmp_path)
    assert made.rows["image"].to_list() == ["cat/1.png", "dog/1.png"]
    assert made.ignored == (
        ".hidden", "__MACOSX", "cat/.DS_Store", "cat/notes.txt", "dog/Thumbs.db", "readme.txt",
        "stray.png",
    )  # fmt: skip


def test_MF20_empty_and_nested_classes_are_errors_at_once(tmp_path: Path):
    draw(tmp_path, "cat/1.png", "dog/puppy/1.png", "dog/1.png")
    (tmp_path / "owl").mkdir()
    with pytest.raises(DataError) as caught:
        describe(tmp_path)
    assert [(each.code, each.where) for each in caught.value.problems] == [
        ("FOLDER-NESTED", "dog/puppy"),
        ("FOLDER-EMPTY", "owl"),
    ]


def test_a_folder_of_images_without_classes_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match="one for each class"):
        describe(draw(tmp_path, "1.png", "2.png"))
    with pytest.raises(DataError, match="no such folder"):
        describe(tmp_path / "nowhere")


def test_an_existing_manifest_is_never_overwritten(tmp_path: Path):
    draw(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "manifest.csv").write_text("mine")
    with pytest.raises(DataError, match="a manifest already"):
        describe(tmp_path)
    assert (tmp_path / "manifest.csv").read_text() == "mine"


def test_MF19_a_name_that_a_spreadsheet_would_run_is_written_as_a_path(tmp_path: Path):
    made = describe(draw(tmp_path, "=cmd()/1.png", "@b/1.png"))
    cells = [line.split(",")[0] for line in made.manifest.read_text().splitlines()[1:]]
    assert cells == ["./=cmd()/1.png", "./@b/1.png"]
    assert read_manifest(made.manifest).sample(0).image.shape == (20, 20, 1)
