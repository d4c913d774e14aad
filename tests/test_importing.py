"""From another tool's annotations to maps and a manifest: what is joined, said and refused."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from typer.testing import CliRunner

from lookright.cli import app
from lookright.data import importers
from lookright.data.checks.check import check
from lookright.data.drawings.drawing import UNIT, Drawing, Mark
from lookright.data.drawings.drawn import DrawnMap
from lookright.data.drawings.shapes import Box, Point, Polygon
from lookright.data.images.formats import damage
from lookright.data.importing.joining import Joined, Pictures
from lookright.data.importing.map_cache import MapCache, key_of_marks
from lookright.data.importing.mask_png import encode
from lookright.data.importing.preview import preview
from lookright.data.importing.study import Imported, Wishes, import_drawings
from lookright.data.loader import examples, load
from lookright.data.manifest import Manifest
from lookright.data.reading import Reading
from lookright.errors import ConfigError, DataError, Problem

LEFT, RIGHT = Box(0, 0, 12, 16), Box(12, 0, 24, 16)


def paint(file: Path, size: tuple[int, int] = (24, 16), **save: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(len(file.name)).integers(0, 256, (*size[::-1], 3), np.uint8)
    Image.fromarray(values).save(file, **save)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two classes of two images each, of 24 x 16 pixels."""
    for name in ("cat/one.png", "cat/two.png", "dog/one.png", "dog/three.png"):
        paint(tmp_path / "images" / name)
    return tmp_path


def bring(study: Path, *items: Drawing | DrawnMap | Problem, **wishes: Any) -> Imported:
    manifest = study / "manifest.csv"
    return import_drawings(items, study / "images", manifest, Wishes(**wishes))


def refused(study: Path, *items: Drawing | DrawnMap | Problem, **wishes: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        bring(study, *items, **wishes)
    assert not (study / "manifest.csv").exists()
    return [each.code for each in caught.value.problems]


def box(image: str, *shapes: Box, label: str = "", **changes: Any) -> Drawing:
    return Drawing(image, None, tuple(Mark(each, label) for each in shapes), **changes)


def map_of(done: Imported, image: str, column: str = "mask") -> np.ndarray:
    """Read a map of the manifest by another way than the library's."""
    (row,) = done.rows.filter(pl.col("image") == f"images/{image}").iter_rows(named=True)
    values = np.asarray(Image.open(done.manifest.parent / row[column]))
    return values / (255 if values.dtype == np.uint8 else 65535)


# -- which image ----------------------------------------------------------------------------------


def test_MK10_an_image_is_found_by_path_then_by_a_name_that_only_one_has(study):
    pictures = Pictures(study / "images")
    assert pictures.find("cat/one.png") == Joined("cat/one.png", by_name=False)
    assert pictures.find(r"C:\data\images\cat\one.png") == Joined("cat/one.png", by_name=False)
    assert pictures.find("https://host/x/dog/one.png?size=3") == Joined("dog/one.png", False)
    assert pictures.find("dog/one.jpg") == Joined("dog/one.png", by_name=False)
    assert pictures.find("dog/one") == Joined("dog/one.png", by_name=False)
    assert pictures.find("two.png") == Joined("cat/two.png", by_name=False)
    assert pictures.find("elsewhere/two.png") == Joined("cat/two.png", by_name=True)
    assert pictures.find("three") == Joined("dog/three.png", by_name=False)


def test_MK10_a_name_that_several_images_have_is_an_error_that_lists_them(study):
    found = Pictures(study / "images").find("export/one.png")
    assert isinstance(found, Problem)
    assert (found.code, found.level) == ("JOIN-AMBIGUOUS", "error")
    assert "'cat/one.png', 'dog/one.png'" in found.what
    assert refused(study, box("one.png", LEFT), box("two.png", LEFT)) == ["JOIN-AMBIGUOUS"]


def test_MK10_two_names_cannot_mean_one_image(study):
    drawings = box("train/two.png", LEFT), box("test/two.png", RIGHT)
    assert refused(study, *drawings) == ["JOIN-TWICE"]


def test_images_that_are_not_there_and_images_nobody_drew_on_are_counted(study):
    done = bring(study, box("cat/one.png", LEFT), box("gone.png", LEFT), box("lost.png", LEFT))
    assert done.tally.count("JOIN-ABSENT") == 2
    assert done.tally.count("IMG-UNDRAWN") == 3
    assert done.rows["mask"].to_list().count("") == 3


def test_a_name_that_was_cut_off_or_rounded_says_so(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("4b8c1d2e-77", "4b8c1d2e-78", "9f00", "20210034567"):
        (folder / f"{name}.png").touch()
    pictures = Pictures(folder)
    told = {name: pictures.find(name).fix for name in ("4b8c1d2e", "4b8c1d2e.dcm", "2.02E+10", "9")}
    assert "'4b8c1d2e-77'" in told["4b8c1d2e"]
    assert told["4b8c1d2e.dcm"] == told["4b8c1d2e"]
    assert "'20210034567'" in told["2.02E+10"]
    assert "--images" in told["9"]  # too short to say anything


def test_the_last_number_of_a_uid_is_no_ending(tmp_path):
    """Another instance of the same series is another image."""
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "1.2.840.7.png").touch()
    pictures = Pictures(folder)
    assert (
        pictures.find("1.2.840.7")
        == pictures.find("1.2.840.7.dcm")
        == Joined("1.2.840.7.png", False)
    )
    for other in ("1.2.840.7.1", "a/1.2.840.7.1", "1.2.840", "1.2.840.8"):
        assert pictures.find(other).code == "JOIN-ABSENT"


def test_an_export_of_other_images_is_refused(study):
    assert "JOIN-NONE" in refused(study, box("gone.png", LEFT))


# -- sizes ----------------------------------------------------------------------------------------


def test_MK01_a_drawing_of_a_larger_copy_is_scaled_and_one_of_another_shape_refused(study):
    twice = Drawing("two.png", (48, 32), (Mark(Box(0, 0, 24, 32)),))
    done = bring(study, twice)
    np.testing.assert_array_equal(map_of(done, "cat/two.png")[:, :12], 1)
    assert map_of(done, "cat/two.png").mean() == 0.5
    assert done.tally.count("MASK-SCALED") == 1
    (study / "manifest.csv").unlink()
    assert refused(study, Drawing("two.png", (30, 30), ())) == ["MASK-SIZE"]
    assert refused(study, Drawing("two.png", (0, 16), ())) == ["MASK-SIZE"]


def test_shares_of_the_picture_fit_any_picture(study):
    done = bring(study, Drawing("two.png", UNIT, (Mark(Box(0.5, 0, 1, 1)),)))
    np.testing.assert_array_equal(map_of(done, "cat/two.png"), np.arange(24)[None] >= [[12]] * 16)
    assert done.tally.count("MASK-SCALED") == 0


def test_MK02_a_drawing_on_the_stored_pixels_of_a_turned_photo_is_refused_with_the_reason(study):
    exif = Image.Exif()
    exif[0x0112] = 6
    paint(study / "images/cat/turned.jpg", exif=exif)
    upright = Drawing("turned.jpg", (16, 24), (Mark(Box(0, 0, 16, 12)),))
    assert map_of(bring(study, upright), "cat/turned.jpg").shape == (24, 16)
    with pytest.raises(DataError, match="before its EXIF rotation"):
        bring(study, Drawing("turned.jpg", (24, 16), ()))
    with pytest.raises(DataError, match="transposed"):
        bring(study, Drawing("two.png", (16, 24), ()))


# -- what becomes of marks ------------------------------------------------------------------------


def test_kept_labels_are_evidence_and_the_others_are_counted(study):
    marks = (Mark(LEFT, "lung"), Mark(RIGHT, "heart"), Mark(Point(0.5, 0.5), "", "not_evidence"))
    done = bring(study, Drawing("two.png", None, marks), keep=("lung",))
    found = map_of(done, "cat/two.png")
    assert (found.sum(), found[0, 0]) == (12 * 16 - 1, 0)
    assert done.tally.count("KEEP-DROPPED") == 1


def test_a_label_that_nobody_drew_is_answered_with_the_nearest(study):
    with pytest.raises(DataError, match=r"labelled lnug\. Did you mean 'lung'"):
        bring(study, box("two.png", LEFT, label="lung"), keep=("lnug",))


def test_MK03_who_looked_and_found_nothing_has_an_empty_map(study):
    done = bring(study, box("cat/one.png"), box("two.png", LEFT))
    assert not map_of(done, "cat/one.png").any()
    assert done.tally.count("MASK-EMPTY") == 1
    source = Manifest(done.manifest, reading=Reading(empty_mask="background"))
    assert [source.sample(index).map is None for index in range(4)] == [False, False, True, True]


def test_MK11_everything_that_is_wrong_is_reported_together_or_left_out(study):
    items = [
        box("two.png", Box(3, 3, 3, 9), where="a: 1"),
        Problem("EXPORT-FIELD", "No points.", "a: 2"),
        Drawing("two.png", None, (Mark(Polygon((np.zeros((2, 2)),))),), where="a: 3"),
        box("cat/one.png", LEFT),
    ]
    assert refused(study, *items) == ["SHAPE-AREA", "EXPORT-FIELD", "SHAPE-VERTICES"]
    done = bring(study, *items, leave_out=True)
    assert [line[:3] for line in done.tally.lines()][:3] == [
        ("warning", "EXPORT-FIELD", 1),
        ("warning", "SHAPE-AREA", 1),
        ("warning", "SHAPE-VERTICES", 1),
    ]
    assert (done.rows["mask"] != "").sum() == 1


def test_warnings_about_shapes_are_heard_again_when_the_map_comes_from_the_cache(study):
    clipped = box("two.png", Box(-9, 0, 12, 16), where="a: 1")
    for _ in range(2):
        line = bring(study, clipped).tally.lines()[0]
        assert line[:3] == ("warning", "SHAPE-CLIPPED", 1)
        assert line[3].startswith("a: 1, mark 1: ")


# -- several people -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "left", "middle"),
    [("mean", 0.5, 1), ("union", 1, 1), ("intersection", 0, 1), ("majority", 0, 1)],
)
def test_MK08_several_people_become_one_map_and_are_counted(study, rule, left, middle):
    ann = box("two.png", Box(0, 0, 8, 16), annotator="ann")
    bob = box("two.png", Box(4, 0, 8, 16), annotator="bob")
    done = bring(study, ann, box("cat/one.png", LEFT, annotator="ann"), bob, annotators=rule)
    found = map_of(done, "cat/two.png")
    np.testing.assert_allclose(found[0, [0, 5, 20]], [left, middle, 0], atol=1e-4)
    assert dict(done.rows.select("image", "annotators").iter_rows()) == {
        "images/cat/one.png": 1,
        "images/cat/two.png": 2,
        "images/dog/one.png": 0,
        "images/dog/three.png": 0,
    }


def test_drawings_of_one_person_on_one_image_are_one_drawing(study):
    parts = [box("two.png", each, annotator="ann") for each in (LEFT, RIGHT)]
    done = bring(study, *parts, annotators="intersection")
    assert map_of(done, "cat/two.png").all()
    assert done.tally.count("READER-AGAIN") == 1


# -- labels ---------------------------------------------------------------------------------------


def labels_of(done: Imported) -> dict[str, str]:
    return dict(done.rows.select("image", "label").iter_rows())


def test_labels_are_from_folders_with_their_splits(tmp_path):
    for name in ("train/cat/a.png", "train/dog/b.png", "valid/cat/c.png"):
        paint(tmp_path / "images" / name)
    done = bring(tmp_path, box("a.png", LEFT))
    assert done.label_from == "folder"
    assert done.rows.select("label", "split").rows() == [
        ("cat", "train"),
        ("dog", "train"),
        ("cat", "val"),
    ]


def test_labels_are_from_the_export_where_it_has_some(study):
    drawings = box("two.png", LEFT, labels=("ill",)), box("cat/one.png", labels=("well",))
    done = bring(study, *drawings)
    assert labels_of(done) == {"images/cat/one.png": "well", "images/cat/two.png": "ill"}
    assert done.tally.count("IMG-LEFT-OUT") == 2


def test_labels_are_from_marks_when_asked(study):
    drawings = box("two.png", LEFT, label="person"), box("cat/one.png")
    done = bring(study, *drawings, label_from="marks", unmarked="nobody")
    assert labels_of(done) == {"images/cat/one.png": "nobody", "images/cat/two.png": "person"}


def test_an_image_with_two_labels_or_none_is_refused(study):
    two = Drawing("two.png", None, (Mark(LEFT, "a"), Mark(RIGHT, "b")))
    assert refused(study, two, label_from="marks") == ["LABEL-SEVERAL"]
    assert refused(study, box("two.png", LEFT), label_from="marks") == ["LABEL-NONE"]
    assert refused(study, box("two.png", LEFT), label_from="export") == ["LABEL-NONE"]


def test_labels_are_from_a_table_by_image_or_id_and_its_columns_stay(study):
    table = study / "labels.csv"
    table.write_text("id,label,split,hospital\nthree,ill,train,A\ntwo,well,val,B\nfour,ill,val,C\n")
    done = bring(study, box("two.png", LEFT), box("dog/one.png", LEFT), labels=table)
    assert done.rows.select("id", "image", "label", "split", "hospital").rows() == [
        ("three", "images/dog/three.png", "ill", "train", "A"),
        ("two", "images/cat/two.png", "well", "val", "B"),
    ]
    assert done.rows["mask"][0] == ""
    assert done.tally.count("LABEL-ABSENT") == 1
    assert done.tally.count("LABEL-UNLISTED") == 1


def test_a_table_with_masks_is_not_overwritten(study):
    table = study / "old.csv"
    table.write_text("image,label,mask\ncat/two.png,ill,masks/two.png\n")
    with pytest.raises(DataError, match="has masks already"):
        bring(study, box("two.png", LEFT), labels=table)


# -- files ----------------------------------------------------------------------------------------


def test_importing_again_renders_nothing_and_writes_the_same(study):
    calls = []

    def gaze(size: tuple[int, int]) -> np.ndarray:
        calls.append(size)
        return np.linspace(0, 1, 24 * 16, dtype=np.float32).reshape(16, 24)

    items = DrawnMap("two.png", None, gaze, "recipe 1"), box("cat/one.png", LEFT)
    before = bring(study, *items)
    names = {each.name: each.stat().st_mtime_ns for each in (study / "maps").iterdir()}
    after = bring(study, *items)
    assert calls == [(24, 16)]
    assert {each.name: each.stat().st_mtime_ns for each in (study / "maps").iterdir()} == names
    assert before.rows.equals(after.rows)
    np.testing.assert_allclose(map_of(after, "cat/two.png"), gaze((24, 16)), atol=1e-5)


def test_a_torn_map_is_rendered_again(study):
    done = bring(study, box("two.png", LEFT))
    (file,) = (study / "maps").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    bring(study, box("two.png", LEFT))
    assert file.read_bytes() == whole
    assert map_of(done, "cat/two.png").mean() == 0.5


def test_every_part_of_a_drawing_is_in_its_maps_name():
    marks = (Mark(LEFT), Mark(Polygon((np.eye(3, 2),))))
    others = [
        key_of_marks(marks, None, (24, 16)),
        key_of_marks(marks[:1], None, (24, 16)),
        key_of_marks(marks[::-1], None, (24, 16)),
        key_of_marks((Mark(LEFT, role="unknown"), marks[1]), None, (24, 16)),
        key_of_marks((Mark(LEFT, weight=0.5), marks[1]), None, (24, 16)),
        key_of_marks((Mark(LEFT), Mark(Polygon((np.eye(3, 2) + 1e-9,)))), None, (24, 16)),
        key_of_marks(marks, (48, 32), (24, 16)),
        key_of_marks(marks, None, (48, 32)),
        key_of_marks(marks, None, (24, 16), "unknown"),
    ]
    assert len(set(others)) == len(others)
    assert key_of_marks((Mark(LEFT, "a"), marks[1]), (24, 16), (24, 16)) == others[0]


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (513, 2)])
def test_a_mask_is_written_as_a_png_that_others_read(size):
    mask = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    data = encode(mask, ("about", "a text"))
    assert damage(data, "PNG") is None
    picture = Image.open(BytesIO(data))
    np.testing.assert_array_equal(np.asarray(picture), mask)
    assert (picture.mode, picture.info) == ("L", {"about": "a text"})


def test_a_manifest_that_holds_something_else_stays(study):
    (study / "manifest.csv").write_text("image,label\n")
    with pytest.raises(DataError, match="There is a manifest already"):
        bring(study, box("two.png", LEFT))
    assert (study / "manifest.csv").read_text() == "image,label\n"


def test_a_manifest_elsewhere_is_refused_before_anything_is_drawn(study):
    def never() -> Iterator[Drawing]:
        raise AssertionError
        yield

    with pytest.raises(DataError, match="Let --out be"):
        import_drawings(never(), study / "images", study / "maps" / "manifest.csv")


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5])
def test_values_that_are_no_shares_are_refused(study, value):
    wrong = DrawnMap("two.png", None, np.full((16, 24), value, np.float32), "key")
    assert refused(study, wrong) == ["MASK-VALUES"]


def test_soft_maps_keep_16_bits_and_masks_have_8(tmp_path):
    cache = MapCache(tmp_path)
    soft = np.random.default_rng(0).random((9, 7)).astype(np.float32)
    mask = (soft > 0.5).astype(np.float32)
    np.testing.assert_allclose(cache.read(cache.write("soft", soft, None))[0], soft, atol=1e-5)
    np.testing.assert_array_equal(cache.read(cache.write("mask", mask, soft > 0.9))[0], mask)
    np.testing.assert_array_equal(cache.read(cache.find("mask"))[1], soft > 0.9)
    assert Image.open(tmp_path / "mask.png").mode == "L"
    assert (cache.find("none"), cache.find("mask").empty) == (None, False)


# -- unknown pixels, from a scribble to a batch ---------------------------------------------------


def test_unknown_pixels_arrive_in_the_batch(study):
    marks = (Mark(LEFT), Mark(Box(6, 0, 18, 16), role="unknown"))
    table = study / "labels.csv"
    table.write_text(
        "image,label,split\n"
        + "".join(
            f"{name},{name[:3]},train\n"
            for name in ("cat/one.png", "cat/two.png", "dog/one.png", "dog/three.png")
        )
    )
    done = bring(study, Drawing("two.png", None, marks), box("dog/one.png", LEFT), labels=table)
    source = Manifest(done.manifest)
    sample = source.sample(1)
    np.testing.assert_array_equal(sample.unknown, map_of(done, "cat/two.png", "unknown") > 0)
    assert sample.unknown.sum() == 12 * 16
    (batch,) = load(examples(source, ["train"], _data(32)), [[0, 1, 2, 3]])
    assert batch.images.shape == (4, 3, 32, 32)
    assert batch.annotated.tolist() == [False, True, True, False]
    assert batch.unknown[1].mean() == pytest.approx(0.5, abs=0.01)
    assert batch.maps[1].mean() == pytest.approx(0.25, abs=0.01)
    assert not batch.unknown[[0, 2, 3]].any()
    assert ((batch.maps + batch.unknown) <= 1.01).all()


def test_where_all_is_unknown_nobody_was_asked(study):
    marks = (Mark(Point(1, 1)), Mark(Box(0, 0, 24, 16), role="unknown"))
    table = study / "labels.csv"
    table.write_text("image,label,split\ntwo.png,cat,train\nthree.png,dog,train\n")
    done = bring(study, Drawing("two.png", None, marks), box("three.png", LEFT), labels=table)
    source = Manifest(done.manifest, reading=Reading(empty_mask="background"))
    (batch,) = load(examples(source, ["train"], _data(32)), [[0, 1]])
    assert batch.annotated.tolist() == [False, True]


def test_the_check_reads_unknown_masks(study):
    marks = (Mark(Point(1, 1)), Mark(Box(4, 0, 24, 16), role="unknown"))
    done = bring(study, Drawing("two.png", None, marks), box("dog/one.png", LEFT))
    assert "UNKNOWN-ALL" not in _codes(done.manifest)
    file = study / done.rows["unknown"][1]
    Image.new("L", (24, 16), 255).save(file)
    assert "UNKNOWN-ALL" in _codes(done.manifest)
    Image.new("L", (16, 16)).save(file)
    assert "MASK-SIZE" in _codes(done.manifest)


def _codes(manifest: Path) -> set[str]:
    return {each.problem.code for each in check(manifest).findings}


def test_what_is_unknown_needs_a_map(study):
    paint(study / "masks/two.png")
    (study / "manifest.csv").write_text("image,label,unknown\nimages/cat/two.png,a,masks/two.png\n")
    with pytest.raises(DataError, match="nobody was asked, and nothing is known"):
        Manifest(study / "manifest.csv")


def _data(size: int) -> Any:
    from lookright.configuration import Data

    return Data(manifest="manifest.csv", size=size)


# -- masks and scribbles --------------------------------------------------------------------------


def keep_mask(file: Path, values: Any, mode: str | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.asarray(values))
    if mode == "P":
        picture = picture.convert("L").point(lambda value: value)
        picture.putpalette([7 * each % 256 for each in range(768)])
    picture.save(file)


def read(name: str, path: Path, **settings: Any) -> list[Any]:
    return list(importers.make(name, settings).read(path))


def test_masks_are_read_by_their_images_names_binary_and_soft(study):
    half = np.where(np.arange(24) < 12, 255, 0).astype(np.uint8)[None].repeat(16, 0)
    keep_mask(study / "drawn/cat/one_mask.png", half)
    keep_mask(study / "drawn/cat/two_mask.png", (half > 0) * np.uint16(40000))
    keep_mask(study / "drawn/dog/three.png", half)
    done = bring(study, *read("masks", study / "drawn", suffix="_mask"))
    np.testing.assert_array_equal(map_of(done, "cat/one.png"), half / 255)
    np.testing.assert_allclose(map_of(done, "cat/two.png"), half / 255 * 40000 / 65535, atol=1e-5)
    assert done.tally.count("MASK-IGNORED") == 1


@pytest.mark.parametrize("mode", [None, "P"])
def test_class_numbers_become_marks_with_names(study, mode):
    numbers = np.zeros((16, 24), np.uint8)
    numbers[2:8, 3:9], numbers[9:12, 3:20], numbers[0] = 1, 2, 255
    keep_mask(study / "drawn/cat/two.png", numbers, mode)
    settings = {"kind": "index", "names": {"1": "lung"}, "unknown": 255}
    done = bring(study, *read("masks", study / "drawn", **settings), keep=("lung",))
    np.testing.assert_array_equal(map_of(done, "cat/two.png"), numbers == 1)
    np.testing.assert_array_equal(map_of(done, "cat/two.png", "unknown"), numbers == 255)


def test_MK06_class_numbers_that_are_read_as_a_soft_map_are_refused_with_the_way_out(study):
    keep_mask(study / "drawn/cat/two.png", np.arange(384, dtype=np.uint8).reshape(16, 24) % 3)
    with pytest.raises(DataError, match="kind=index"):
        bring(study, *read("masks", study / "drawn"))


def test_MK08_folders_of_masks_may_name_annotators_or_labels(study):
    values = np.full((16, 24), 255, np.uint8)
    values[:, 12:] = 0
    keep_mask(study / "drawn/ann/cat/two.png", values)
    keep_mask(study / "drawn/bob/cat/two.png", 255 - values)
    done = bring(study, *read("masks", study / "drawn", folders="annotators"))
    assert done.rows.filter(pl.col("mask") != "")["annotators"].to_list() == [2]
    np.testing.assert_allclose(map_of(done, "cat/two.png"), 0.5, atol=1e-4)
    (study / "manifest.csv").unlink()
    done = bring(study, *read("masks", study / "drawn", folders="labels"), keep=("ann",))
    np.testing.assert_array_equal(map_of(done, "cat/two.png"), values / 255)


def test_scribbles_are_for_against_and_elsewhere_unknown(study):
    drawn = np.zeros((16, 24, 4), np.uint8)
    drawn[3, 2:9], drawn[8, 4:20], drawn[9, 4:20] = (
        (0, 255, 0, 255),
        (255, 0, 0, 255),
        (90, 90, 90, 255),
    )
    keep_mask(study / "drawn/cat/two.png", drawn)
    done = bring(study, *read("scribbles", study / "drawn"))
    assert np.argwhere(map_of(done, "cat/two.png")).tolist() == [[3, x] for x in range(2, 9)]
    known = map_of(done, "cat/two.png", "unknown") == 0
    assert known.sum() == 7 + 16
    (study / "manifest.csv").unlink()
    done = bring(study, *read("scribbles", study / "drawn", rest="not_evidence"))
    assert "unknown" not in done.rows.columns


def test_scribbles_in_other_colours_are_refused(study):
    drawn = np.full((16, 24, 3), 200, np.uint8)
    drawn[3] = (250, 200, 0)
    keep_mask(study / "drawn/cat/two.png", drawn)
    (problem,) = read("scribbles", study / "drawn")
    assert problem.code == "SCRIBBLE-COLOURS"
    with pytest.raises(ConfigError, match="no colour"):
        importers.make("scribbles", {"evidence": "grean"})


def test_strokes_of_a_table_are_drawn_in_order(study):
    table = study / "strokes.csv"
    table.write_text(
        "image,stroke,x,y,role,width\n"
        "two.png,1,0,4,evidence,2\ntwo.png,1,24,4,evidence,2\n"
        "two.png,2,12.5,0,not_evidence,\ntwo.png,2,12.5,16,not_evidence,\n"
        "two.png,3,1,1,sure,\n"
    )
    problem, drawing = read("scribbles", table)
    assert (problem.code, problem.where) == ("EXPORT-FIELD", "strokes.csv line 6")
    done = bring(study, drawing)
    found = map_of(done, "cat/two.png")
    assert found[3:5].sum() == found.sum() == 2 * 23
    assert not found[:, 12].any()


# -- the verb -------------------------------------------------------------------------------------


def lookright(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def masks(study) -> Path:
    for name in ("cat/one", "cat/two", "dog/three"):
        keep_mask(study / f"drawn/{name}.png", np.eye(16, 24, dtype=np.uint8))
    return study / "drawn"


def test_one_command_leads_from_masks_to_a_checked_manifest(study, masks):
    said = lookright("data", "import", "masks", masks, "--images", study / "images")
    assert "4 images, 3 with a map (0 empty)" in said
    assert "classes, by folder: cat 2, dog 2" in said
    source = Manifest(study / "manifest.csv")
    np.testing.assert_array_equal(source.sample(0).map, np.eye(16, 24))
    lookright("data", "import", "masks", masks, "--images", study / "images")


def test_a_preview_writes_one_picture_and_nothing_else(study, masks):
    before = {each for each in study.rglob("*")}
    said = lookright("data", "import", "masks", masks, "--images", study / "images", "--preview")
    assert {each for each in study.rglob("*")} - before == {study / "import-preview.png"}
    assert "the first 3 drawings" in said
    assert Image.open(study / "import-preview.png").width > 3 * 168


def test_a_preview_stops_at_twenty(study):
    drawn = []

    def many() -> Iterator[Drawing]:
        for number in range(10_000):
            drawn.append(number)
            yield box("two.png", Box(number % 9, 0, 12, 16))

    assert preview(many(), study / "images").count == 20
    assert len(drawn) < 200


def test_formats_are_listed_with_their_settings():
    assert {"masks", "scribbles"} <= set(importers.names())
    assert "folders = images (images | annotators | labels)" in lookright(
        "list", "formats", "masks"
    )
    with pytest.raises(ConfigError, match="Did you mean 'masks'"):
        importers.find("mask")
