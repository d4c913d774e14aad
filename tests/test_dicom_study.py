"""A folder from a hospital becomes a study that trains, and that knows nobody."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import MediaStorageDirectoryStorage

from broken_data import write_manifest
from dicom_files import betrayals, dataset, dicom, file_of, outputs
from lookright.cli import app
from lookright.cli.failure import answer
from lookright.data.dicom import labels
from lookright.data.dicom.pseudonym import pseudonym, read_salt
from lookright.data.dicom.study import Imported, import_dicom
from lookright.data.images.decode import decode, read_image
from lookright.data.manifest import read_manifest
from lookright.data.reading import Reading
from lookright.errors import DataError

SIDE = 32


def picture(number: int, bright: bool) -> np.ndarray:
    """Noise in Hounsfield units; a bright disc in one place or another says which class."""
    random = np.random.default_rng(number)
    values = random.normal(-600, 60, (SIDE, SIDE))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centre = (10, 10) if bright else (22, 22)
    values[(rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 36] += 900
    return values.round().astype(np.int16)


def disc(bright: bool) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centre = 10 if bright else 22
    return 255 * ((rows - centre) ** 2 + (columns - centre) ** 2 < 36).astype(np.uint8)


def hospital(folder: Path, count: int = 12) -> Path:
    """Write one examination of two views for each patient, with a table of labels and masks."""
    source = folder / "from_pacs"
    rows = []
    for number in range(count):
        bright = number % 4 < 2
        patient = f"QZ-4711-77-{number // 2}"
        values = picture(number, bright)
        made = dataset(
            values,
            PatientID=patient,
            WindowCenter=-200,
            WindowWidth=1400,
            PixelSpacing=[0.5, 0.25] if number == 3 else [0.5, 0.5],
            ImageLaterality="LR"[number % 2],
            ViewPosition=("PA", "MLO")[number % 2],
            PatientOrientation=["L", "F"],
        )
        path = source / f"study{number // 2}" / f"IM{number:04d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file_of(made))
        mask = folder / "drawn" / f"{number}.png"
        mask.parent.mkdir(exist_ok=True)
        Image.fromarray(disc(bright)).save(mask)
        split = ("train", "train", "val")[number // 4 % 3]
        rows.append({
            "image": path.relative_to(source).as_posix(), "label": "up" if bright else "down",
            "split": split, "mask": f"drawn/{number}.png", "PatientName": "Zebrowski, Quirina",
        })  # fmt: skip
    write_manifest(folder, rows).rename(folder / "labels.csv")
    return source


def imported(folder: Path, **wishes) -> Imported:
    source = folder / "from_pacs"
    return import_dicom(
        source,
        folder / "study",
        lambda files: labels.by_table(folder / "labels.csv", files),
        **wishes,
    )


def codes(found: Imported) -> list[str]:
    return sorted(each.code for each in found.left_out)


def test_a_study_holds_the_pixels_that_a_manifest_of_the_files_would_give(tmp_path: Path):
    source = hospital(tmp_path)
    found = imported(tmp_path)
    names = pl.read_csv(tmp_path / "labels.csv")["image"]
    assert len(found.rows) == len(names)
    straight = {read_image(source / name).tobytes() for name in names}
    study = read_manifest(found.manifest)
    read = {study.sample(index).image.tobytes() for index in range(len(found.rows))}
    assert read == straight
    assert {each.dtype for each in [study.sample(0).image]} == {np.dtype(np.uint16)}


def test_DC12_rows_keep_labels_masks_patients_laterality_and_spacing(tmp_path: Path):
    hospital(tmp_path)
    found = imported(tmp_path)
    rows = found.rows
    assert rows["group"].n_unique() == 6
    assert rows.group_by("group").len()["len"].to_list() == [2] * 6
    assert sorted(rows["laterality"].unique()) == ["L", "R"]
    assert sorted(rows["view"].unique()) == ["MLO", "PA"]
    assert rows["orientation"].unique().to_list() == ["L/F"]
    uneven = rows.filter(pl.col("row_spacing_mm") != pl.col("column_spacing_mm"))
    assert uneven.select("row_spacing_mm", "column_spacing_mm").rows() == [("0.5", "0.25")]
    for row in rows.iter_rows(named=True):
        mask = np.asarray(Image.open(tmp_path / "study" / row["mask"]))
        np.testing.assert_array_equal(mask, disc(row["label"] == "up"))
        grey = read_image(tmp_path / "study" / row["image"])[:, :, 0]
        assert grey[mask > 0].mean() > grey[mask == 0].mean()


def test_the_same_salt_gives_the_same_names_and_another_gives_others(tmp_path: Path):
    hospital(tmp_path)
    first = imported(tmp_path)
    assert first.salt == tmp_path / "study.salt"
    assert stat.S_IMODE(first.salt.stat().st_mode) == 0o600
    (tmp_path / "study").rename(tmp_path / "before")
    again = imported(tmp_path)
    assert again.rows.equals(first.rows)
    (tmp_path / "study").rename(tmp_path / "between")
    other = imported(tmp_path, salt=tmp_path / "other.salt")
    assert not set(other.rows["group"]) & set(first.rows["group"])
    assert not set(other.rows["id"]) & set(first.rows["id"])
    (tmp_path / "short").write_bytes(b"abc")
    (tmp_path / "study").rename(tmp_path / "third")
    with pytest.raises(DataError, match="at least"):
        imported(tmp_path, salt=tmp_path / "short")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=2, max_size=2, unique=True))
def test_pseudonyms_of_different_words_differ(words: list[str]):
    salt = b"a salt of the tests"
    one, two = (pseudonym(salt, "patient", each) for each in words)
    assert one != two
    assert len(one) == 16
    assert pseudonym(salt, "patient", *words) != pseudonym(salt, "patient", "".join(words))


def test_a_salt_is_drawn_once(tmp_path: Path):
    salt = read_salt(tmp_path / "deep" / "salt")
    assert len(salt) == 64
    assert read_salt(tmp_path / "deep" / "salt") == salt


def test_what_is_no_picture_is_left_out_with_its_reason(tmp_path: Path):
    source = hospital(tmp_path)
    (source / "notes.txt").write_text("not a picture")
    (source / "report.dcm").write_bytes(dicom(picture(0, True), PixelData=None))
    film = dicom(np.stack([picture(0, True)] * 3), NumberOfFrames=3)
    (source / "film.dcm").write_bytes(film)
    burned = dicom(picture(1, True), BurnedInAnnotation="YES")
    (source / "burned.dcm").write_bytes(burned)
    (source / "twin.dcm").write_bytes((source / "study0" / "IM0000").read_bytes())
    (source / "nobody.dcm").write_bytes(dicom(picture(7, True)))
    directory = dataset(picture(0, True), PixelData=None)
    storage = MediaStorageDirectoryStorage
    directory.SOPClassUID = directory.file_meta.MediaStorageSOPClassUID = storage
    (source / "DICOMDIR").write_bytes(file_of(directory))
    table = pl.read_csv(tmp_path / "labels.csv").select("image", "label")
    more = ["report.dcm", "film.dcm", "burned.dcm", "twin.dcm", "DICOMDIR", "gone.dcm"]
    extra = pl.DataFrame({"image": more, "label": ["up"] * len(more)})
    pl.concat([table, extra]).write_csv(tmp_path / "labels.csv")
    found = imported(tmp_path)
    assert codes(found) == [
        "DICOM-BURNED-IN", "DICOM-DIRECTORY", "DICOM-NONE", "DICOM-PIXELS", "DICOM-TWICE",
        "IMG-FRAMES", "LABEL-NONE",
    ]  # fmt: skip
    assert [each.code for each in found.notes] == ["LABEL-ABSENT"]
    assert len(found.rows) == 12
    (tmp_path / "study").rename(tmp_path / "before")
    found = imported(tmp_path, keeps_burned_in=True, reading=Reading(frame=1))
    assert len(found.rows) == 14


def test_DC11_nothing_outside_of_the_folder_is_read(tmp_path: Path):
    source = hospital(tmp_path)
    (tmp_path / "secret").write_bytes(dicom(picture(50, True)))
    (source / "link").symlink_to(tmp_path / "secret")
    (source / "loop").symlink_to(source / "loop")
    os.mkfifo(source / "pipe")
    found = import_dicom(source, tmp_path / "study", labels.unlabelled)
    assert codes(found) == ["IMG-KIND", "PATH", "PATH"]
    assert len(found.rows) == 12


def test_DC10_no_output_of_an_import_knows_the_patient(tmp_path: Path):
    hospital(tmp_path)
    found = imported(tmp_path)
    written = outputs(tmp_path / "study")
    assert len(written) == 25
    for name, content in written.items():
        assert not betrayals(name)
        assert not betrayals(content)
        if name.startswith(("images", "masks")):
            assert Image.open(tmp_path / "study" / name).info == {}
    told = str(found.left_out) + str(found.notes) + str(found.rows.to_dicts())
    assert not betrayals(told.replace("PatientName", ""))
    assert "PatientName" in str(found.notes)  # the column that stays behind


def test_a_table_may_name_files_without_folder_and_ending(tmp_path: Path):
    files = ["a/one.dcm", "b/two.dcm", "b/one.dcm"]
    rows = [
        {"id": "two", "label": "x"},
        {"id": "a/one", "label": "y"},
        {"id": "b/one.dcm", "label": "z"},
    ]
    found = labels.by_table(write_manifest(tmp_path, rows), files)
    assert {path: row["label"] for path, row in found.rows.items()} == {
        "b/two.dcm": "x", "a/one.dcm": "y", "b/one.dcm": "z",
    }  # fmt: skip
    rows = [{"id": "one", "label": "x"}, {"id": "two", "label": "y"}, {"id": "b/two", "label": "y"}]
    with pytest.raises(DataError) as caught:
        labels.by_table(write_manifest(tmp_path, rows), files)
    assert [each.code for each in caught.value.problems] == ["JOIN-AMBIGUOUS"] * 2


def test_masks_outside_of_the_table_are_refused(tmp_path: Path):
    rows = [{"image": "one", "label": "x", "mask": "../secret.png"}]
    with pytest.raises(DataError, match="leaves its folder"):
        labels.by_table(write_manifest(tmp_path, rows), ["one"])
    rows = [{"image": "one", "label": "x", "mask": "absent.png"}]
    with pytest.raises(DataError, match="no file"):
        labels.by_table(write_manifest(tmp_path, rows), ["one"])


def test_folders_may_name_the_classes(tmp_path: Path):
    for name in ("down", "up"):
        (tmp_path / "from_pacs" / name).mkdir(parents=True)
        data = dicom(picture(3, name == "up"), PatientID=None)
        (tmp_path / "from_pacs" / name / "IM").write_bytes(data)
    source = tmp_path / "from_pacs"
    found = import_dicom(source, tmp_path / "study", labels.by_folder)
    assert sorted(found.rows["label"]) == ["down", "up"]
    assert [each.code for each in found.notes] == ["DICOM-PATIENT"]  # groups are examinations
    (source / "IM").write_bytes(dicom(picture(1, True)))
    with pytest.raises(DataError, match="no folder"):
        import_dicom(source, tmp_path / "other", labels.by_folder)


def test_colours_keep_their_bits(tmp_path: Path):
    random = np.random.default_rng(2)
    (tmp_path / "from_pacs").mkdir()
    wanted = set()
    for kind in (np.uint8, np.uint16):
        values = random.integers(0, np.iinfo(kind).max, (SIDE, SIDE, 3), dtype=kind)
        (tmp_path / "from_pacs" / kind.__name__).write_bytes(dicom(values))
        wanted.add(values.tobytes())
    found = import_dicom(tmp_path / "from_pacs", tmp_path / "study", labels.unlabelled)
    files = [tmp_path / "study" / name for name in found.rows["image"]]
    assert {read_image(each).tobytes() for each in files} == wanted


def test_a_folder_without_pictures_is_an_error_that_says_why(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="This is text"):
        import_dicom(tmp_path, tmp_path / "study", labels.unlabelled)
    with pytest.raises(DataError, match="no such folder"):
        import_dicom(tmp_path / "absent", tmp_path / "study", labels.unlabelled)


@pytest.fixture
def lookright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Run a command as a user does, in the folder of the test, and return all that it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        status = answer(app, words)
        told = "".join(capfd.readouterr())
        assert status == 0, told
        return told

    return run


def test_DC10_from_a_hospital_folder_to_a_trained_classifier_nobody_is_named(
    tmp_path: Path, lookright: Callable[..., str]
):
    hospital(tmp_path, 12)
    told = lookright(
        "data", "import-dicom", "from_pacs", "--out", "study", "--labels", "labels.csv"
    )
    assert "12 images of 6 patients, 2 classes" in told
    told += lookright("data", "check", "study/manifest.csv")
    data = ("data.manifest=study/manifest.csv", "data.size=32", "model=lookright_tiny")
    training = ("objective=decision_energy", "training.epochs=2", "training.batch=4")
    told += lookright("train", *data, *training, "--out", "run")
    told += lookright("report", "run")
    for folder in ("study", "run"):
        for name, content in outputs(tmp_path / folder).items():
            assert not betrayals(name), name
            assert not betrayals(content), name
    assert not betrayals(told)


def test_DC04_DC10_dicom_files_train_straight_from_a_manifest_and_the_window_is_recorded(
    tmp_path: Path, lookright: Callable[..., str]
):
    source = hospital(tmp_path, 12)
    rows = pl.read_csv(tmp_path / "labels.csv").drop("PatientName", "mask")
    rows.write_csv(source / "manifest.csv")
    told = lookright("data", "check", "from_pacs/manifest.csv", "dicom_window=auto")
    data = ("data.manifest=from_pacs/manifest.csv", "data.size=32", "model=lookright_tiny")
    training = ("training.epochs=1", "training.batch=4", "data.dicom_window=auto")
    told += lookright("train", *data, *training, "--out", "run")
    found = outputs(tmp_path / "run") | outputs(source / "manifest-check")
    for name, content in found.items():
        assert not betrayals(content), name
    assert not betrayals(told)
    assert b"dicom_window: auto" in (tmp_path / "run" / "run.yaml").read_bytes()


@pytest.mark.parametrize("debug", [False, True])
def test_DC10_a_broken_file_stops_a_training_without_a_name_even_with_debug(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], debug: bool
):
    hospital(tmp_path, 12)
    rows = pl.read_csv(tmp_path / "labels.csv").drop("PatientName", "mask")
    rows.write_csv(tmp_path / "from_pacs" / "manifest.csv")
    for number, name in enumerate(rows["image"][:3]):
        broken = dataset(picture(number, True), PatientID="QZ-4711-77")
        broken.add_new(("WindowCenter", "Rows", "RescaleSlope")[number], "LO", "Zebrowski^Quirina")
        (tmp_path / "from_pacs" / name).write_bytes(file_of(broken))
    words = ["train", f"data.manifest={tmp_path}/from_pacs/manifest.csv", "data.size=32"]
    words += ["model=lookright_tiny", "data.dicom_window=voi", "--out", str(tmp_path / "run")]
    assert answer(app, words, debug) == 3
    out, err = capfd.readouterr()
    assert err.count("DICOM-DAMAGED") >= 2
    assert not betrayals(out + err)
    for name, content in outputs(tmp_path / "run").items() if (tmp_path / "run").exists() else ():
        assert not betrayals(content), name


def test_a_mask_in_a_jpeg_becomes_a_mask_again(tmp_path: Path):
    (tmp_path / "from_pacs").mkdir()
    (tmp_path / "from_pacs" / "one").write_bytes(dicom(picture(0, True)))
    Image.fromarray(disc(True)).save(tmp_path / "m.jpg", quality=80, comment=b"Zebrowski")
    rows = [{"image": "one", "label": "x", "mask": "m.jpg"}]
    write_manifest(tmp_path, rows).rename(tmp_path / "labels.csv")
    found = imported(tmp_path)
    mask = decode((tmp_path / "study" / found.rows["mask"][0]).read_bytes(), Reading(), "mask")
    np.testing.assert_array_equal(mask.pixels[:, :, 0], disc(True))
