"""Every public set says what it is and becomes a manifest that stands; one fact of each."""

import csv
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from lookright.cli import app
from lookright.data import public
from lookright.data.checks.check import check
from lookright.data.manifest import read_manifest
from lookright.data.preparing.prepared import Written, prepare
from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import PublicImage
from lookright.data.preparing.public_splits import drawn_splits, with_validation, without_leaks
from lookright.errors import ConfigError, DataError
from lookright.signature import describe
from public_folders import MAKERS, mask, picture, table

REAL = Path(__file__).parents[2] / "shared" / "data"
every_set = pytest.mark.parametrize("name", public.names())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written]:
    """Prepare the tiny folder of every set, each in its own folder."""
    found = {}
    for name in public.names():
        folder = tmp_path_factory.mktemp(name)
        MAKERS[name](folder)
        found[name] = prepare(name, folder)
    return found


def told(written: Written, code: str) -> str:
    return " ".join(each.what for each in written.notices if each.code == code)


def row(written: Written, **wanted: str) -> dict[str, str]:
    """Return the only row with these values."""
    (found,) = written.rows.filter(**wanted).iter_rows(named=True)
    return found


def drawn(written: Written, **wanted: str) -> np.ndarray:
    """Return the map of the only row with these values, in [0, 1]."""
    values = np.asarray(Image.open(written.manifest.parent / row(written, **wanted)["mask"]))
    return values / (65535 if values.dtype != np.uint8 else 255)


# --- what every set promises


@every_set
def test_a_set_says_where_it_is_from_what_it_needs_and_under_which_licence(name: str):
    found = public.find(name)
    assert "://" in found.source or found.source.startswith("http")
    assert len(found.licence) > 3
    assert found.citation[-1].isdigit()
    assert all(each.path and each.holds for each in found.needs)
    assert all((found.classes, found.splits, found.maps))
    if "PhysioNet" in found.licence:
        assert found.credentialed


@every_set
def test_a_set_says_whether_it_was_tried_on_its_real_files(name: str):
    about = " ".join((public.find(name).__doc__ or "").split())
    assert any(word in about for word in ("ried on", "not published", "none was published"))


@every_set
def test_a_folder_of_its_shape_becomes_a_manifest_without_errors(
    name: str, made: dict[str, Written]
):
    checked = check(made[name].manifest)
    errors = [str(each.problem) for each in checked.findings if each.problem.level == "error"]
    assert errors == []
    assert {"id", "image", "label", "split"} <= set(made[name].rows.columns)


@every_set
def test_ids_stay_text_and_no_group_is_in_two_splits(name: str, made: dict[str, Written]):
    data = read_manifest(made[name].manifest)
    assert data.rows["id"].to_list() == made[name].rows["id"].to_list()
    assert data.rows["id"].dtype == pl.String
    if "group" in data.rows.columns:
        splits = data.rows.filter(pl.col("group") != "").group_by("group")
        assert splits.agg(pl.col("split").n_unique())["split"].max() == 1


@every_set
def test_an_empty_folder_is_refused_with_all_that_is_missing_and_where_to_get_it(
    name: str, tmp_path: Path
):
    found = public.find(name)
    with pytest.raises(DataError) as refused:
        prepare(name, tmp_path)
    needed = [each for each in found.needs if not each.optional]
    assert len(refused.value.problems) == len(needed)
    for need, problem in zip(needed, refused.value.problems, strict=True):
        assert need.path.partition(" | ")[0] in problem.what
        assert (need.source or found.source) in problem.fix
    assert os.listdir(tmp_path) == []


@every_set
def test_other_numbers_than_the_published_ones_are_a_warning(name: str, made: dict[str, Written]):
    counts = public.find(name).counts
    warned = [each for each in made[name].notices if each.code == "PUBLIC-COUNT"]
    assert len(warned) == len(counts)
    assert all(str(count) in told(made[name], "PUBLIC-COUNT") for count in counts.values())
    assert all(each.level == "warning" for each in warned)


@every_set
def test_a_set_is_prepared_twice_alike(name: str, made: dict[str, Written], tmp_path: Path):
    shutil.copytree(made[name].manifest.parent, tmp_path / "again")
    (tmp_path / "again" / "manifest.csv").unlink()
    again = prepare(name, tmp_path / "again")
    assert again.rows.equals(made[name].rows)


@every_set
def test_cut_off_tables_are_an_error_and_no_traceback(name: str, tmp_path: Path):
    """Whatever is cut off: a problem, or fewer rows, and nothing else."""
    MAKERS[name](tmp_path)
    tables = (each for each in tmp_path.rglob("*") if each.suffix in (".csv", ".txt", ".gz"))
    for file in {each.name: each for each in tables}.values():  # one of each kind
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) * 2 // 3])
        with suppress(DataError):
            assert len(prepare(name, tmp_path, tmp_path / "out" / file.name).rows)
        file.write_bytes(whole)


# --- what is done with files


def test_images_below_the_manifest_are_named_where_they_are(made: dict[str, Written]):
    assert dict(made["isic2017"].did) == {"named where they are": 32}
    assert made["isic2017"].rows["image"][0].startswith("ISIC-2017_Training_Data/")


def test_images_elsewhere_are_linked_and_take_no_second_place(tmp_path: Path):
    MAKERS["isic2017"](tmp_path / "isic")
    written = prepare("isic2017", tmp_path / "isic", tmp_path / "out")
    assert dict(written.did) == {"linked": 32}
    path = written.rows["image"][0]
    theirs = tmp_path / "isic" / path.removeprefix("files/")
    assert os.stat(tmp_path / "out" / path).st_ino == os.stat(theirs).st_ino
    assert check(written.manifest).passed


def test_images_that_cannot_be_linked_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError("another disk")

    MAKERS["isic2017"](tmp_path / "isic")
    monkeypatch.setattr(os, "link", refuse)
    written = prepare("isic2017", tmp_path / "isic", tmp_path / "out")
    assert dict(written.did) == {"copied": 32}
    assert check(written.manifest).passed


def test_a_link_that_leads_elsewhere_is_replaced_by_a_file_inside(tmp_path: Path):
    MAKERS["isic2017"](tmp_path / "isic")
    file = tmp_path / "isic" / "ISIC-2017_Training_Data" / "ISIC_Tr00000.jpg"
    file.rename(tmp_path / "far.jpg")
    file.symlink_to(tmp_path / "far.jpg")
    written = prepare("isic2017", tmp_path / "isic")
    assert written.did["linked"] == 1
    assert check(written.manifest).passed


def test_images_that_are_not_there_are_counted_and_none_at_all_is_an_error(tmp_path: Path):
    MAKERS["isic2017"](tmp_path)
    data = tmp_path / "ISIC-2017_Training_Data"
    (data / "ISIC_Tr00003.jpg").unlink()
    written = prepare("isic2017", tmp_path, tmp_path / "some")
    assert "1 of 16 images are not in the folder, such as ISIC_Tr00003" in told(
        written, "PUBLIC-ABSENT"
    )
    for part in ("Training", "Validation", "Test_v2"):
        shutil.rmtree(tmp_path / f"ISIC-2017_{part}_Data")
        (tmp_path / f"ISIC-2017_{part}_Data").mkdir()
    with pytest.raises(DataError, match="no image in it that its tables name"):
        prepare("isic2017", tmp_path, tmp_path / "none")


def test_a_manifest_is_never_overwritten(made: dict[str, Written]):
    with pytest.raises(DataError, match="There is a manifest already"):
        prepare("cub", made["cub"].manifest.parent)


def test_the_record_beside_the_manifest_holds_licence_rules_and_what_was_said(
    made: dict[str, Written],
):
    record = json.loads(made["kermany"].manifest.with_name("prepared.json").read_text())
    assert record["licence"] == "CC BY 4.0"
    assert record["rows"] == len(made["kermany"].rows)
    assert {"PUBLIC-LEAK", "PUBLIC-SPLIT"} <= {each["code"] for each in record["notices"]}


def test_an_unknown_set_and_an_unknown_setting_come_with_the_nearest(tmp_path: Path):
    with pytest.raises(ConfigError, match="Did you mean 'chestxray14'"):
        prepare("chestxray", tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'Pneumonia'"):
        prepare("chestxray14", tmp_path, settings={"finding": "Pneumona"})
    with pytest.raises(ConfigError, match="finding"):
        prepare("chestxray14", tmp_path, settings={"findings": "Pneumonia"})


def test_tables_without_the_published_columns_name_all_of_them(tmp_path: Path):
    table(tmp_path / "a.csv", "ImageId,y", "1,2")
    with pytest.raises(DataError) as refused:
        PublicFolder(tmp_path).table("a.csv", ("image_id", "ImageId", "label"))
    assert [each.what.split("'")[1] for each in refused.value.problems] == ["image_id", "label"]


def test_a_picture_is_found_under_another_ending(tmp_path: Path):
    picture(tmp_path / "a" / "x.1.png")
    folder = PublicFolder(tmp_path)
    assert folder.picture("a/x.1.jpg") == "a/x.1.png"
    assert folder.picture("a/x.2.jpg") == ""


# --- splits


def images(*groups_and_splits: tuple[str, str]) -> list[PublicImage]:
    return [
        PublicImage(f"{number}", f"{number}.png", "ab"[number % 2], split, group=group)
        for number, (group, split) in enumerate(groups_and_splits)
    ]


def test_a_leak_is_taken_out_of_the_earlier_split_and_counted():
    given = images(("p1", "train"), ("p1", "test"), ("p2", "train"), ("p2", "val"), ("", "train"))
    kept, (problem,) = without_leaks(given, "patient")
    assert [each.id for each in kept] == ["1", "3", "4"]
    assert "2 patients are in two of them; left out: 2 of train" in problem.what


def test_two_test_sets_may_share_a_group():
    given = images(("p1", "test_a"), ("p1", "test_b"))
    assert without_leaks(given) == (given, [])


def test_a_validation_is_drawn_by_group_only_where_none_was_published():
    given = images(*((f"p{number // 4}", "train") for number in range(200)))
    settled, (notice,) = with_validation(given)
    of_val = {each.group for each in settled if each.split == "val"}
    of_train = {each.group for each in settled if each.split == "train"}
    assert not of_val & of_train
    assert 10 <= sum(each.split == "val" for each in settled) <= 30
    assert "20 training images" in notice.what
    assert with_validation(settled) == (settled, [])


def test_splits_that_cannot_be_drawn_are_said_and_nothing_is_drawn():
    settled, problems = drawn_splits(images(("p1", ""), ("p1", "")))
    assert [each.split for each in settled] == ["", ""]
    assert {each.level for each in problems} == {"warning"}


# --- one fact of each


def test_isic2017_tells_cameras_apart_and_can_have_three_classes(tmp_path: Path):
    MAKERS["isic2017"](tmp_path)
    written = prepare("isic2017", tmp_path, settings={"task": "three"})
    kinds = {"melanoma", "seborrheic_keratosis", "nevus"}
    assert set(written.rows["label"]) == kinds
    assert set(written.rows["camera"]) == {"24x24"}
    assert written.rows["split"].value_counts().sort("split").rows() == [
        ("test", 4), ("train", 8), ("val", 4),
    ]  # fmt: skip


def test_chestxray14_scales_boxes_with_the_image_and_leaves_other_findings_out(
    made: dict[str, Written],
):
    written = made["chestxray14"]
    assert set(written.rows["label"]) == {"pneumonia", "no_finding"}
    assert "20 images of other findings are left out" in told(written, "PUBLIC-LEFT-OUT")
    boxed = drawn(written, id="00000022_001")  # 256, 512, 128 x 256 of 1024, at 32 pixels
    assert boxed.sum() == 4 * 8
    assert boxed[16:24, 8:12].all()
    assert row(written, id="00000022_001")["split"] == "test"
    assert sum(bool(each) for each in written.rows["mask"]) == 1


def test_waterbirds_say_the_background_in_a_column(made: dict[str, Written]):
    crossed = made["waterbirds"].rows.select("label", "background").unique()
    assert len(crossed) == 4
    assert row(made["waterbirds"], id="1")["mask"].startswith("segmentations/001.Bird/")


def test_cub_draws_boxes_and_keeps_asked_species(tmp_path: Path):
    MAKERS["cub"](tmp_path)
    settings = {"species": [2], "evidence": "box"}
    written = prepare("cub", tmp_path, settings=settings)
    assert set(written.rows["label"]) == {"002.Laysan_Albatross"}
    box = drawn(written, id="Laysan_Albatross_0003")
    assert box.sum() == 10 * 12
    assert box[3:15, 2:12].all()


def test_pets_take_the_border_for_what_they_are_told(tmp_path: Path):
    MAKERS["pets"](tmp_path)
    trimap = np.asarray(Image.open(tmp_path / "annotations/trimaps/beagle_1.png"))
    for border, level in (("evidence", 1), ("half", 0.5), ("background", 0)):
        written = prepare("pets", tmp_path, tmp_path / border, {"border": border})
        expected = np.where(trimap == 3, level, trimap == 1)
        np.testing.assert_allclose(drawn(written, id="beagle_1"), expected, atol=1e-5)
        assert row(written, id="beagle_1")["label"] == "dog"


def test_siim_acr_counts_each_start_from_the_run_before(tmp_path: Path):
    """Two runs of 200 down the columns 100 and 101; the other image has one column more."""
    MAKERS["siim_acr"](tmp_path)
    picture(tmp_path / "png/1.2.276.0.0010.png", (1024, 1024))
    picture(tmp_path / "png/1.2.276.0.0019.png", (1024, 1024))
    written = prepare("siim_acr", tmp_path)
    expected = np.zeros((1024, 1024), bool)
    expected[:200, 100:102] = True
    assert (drawn(written, id="1.2.276.0.0010") == expected).all()
    expected = np.roll(expected, 9, axis=0)
    expected[:, 512] = True
    assert (drawn(written, id="1.2.276.0.0019") == expected).all()
    assert row(written, id="1.2.276.0.0001")["mask"] == ""
    assert row(written, id="1.2.276.0.0001")["label"] == "normal"


def test_siim_acr_draws_on_its_dicom_images(tmp_path: Path):
    pytest.importorskip("pydicom", reason="needs lookright[dicom]")
    from dicom_files import dicom

    MAKERS["siim_acr"](tmp_path)
    shutil.rmtree(tmp_path / "png")
    for number in range(20):
        name = f"1.2.276.0.{number:04d}"
        file = tmp_path / "dicom-images-train" / f"study{number}" / "series" / f"{name}.dcm"
        file.parent.mkdir(parents=True)
        level = np.random.default_rng(number).integers(0, 4000, (64, 64), np.uint16)
        file.write_bytes(dicom(level))
    written = prepare("siim_acr", tmp_path)
    assert len(written.rows) == 20
    assert drawn(written, id="1.2.276.0.0010").shape == (64, 64)
    assert check(written.manifest).passed


def test_kermany_leaves_training_images_of_patients_in_test_out(made: dict[str, Written]):
    written = made["kermany"]
    assert "1 patients are in two of them; left out: 1 of train" in told(written, "PUBLIC-LEAK")
    assert "person31_virus_7" not in written.rows["id"]
    assert row(written, id="NORMAL2-IM-0003-0002")["group"] == "NORMAL2-IM-0003"
    assert row(written, id="NORMAL2-IM-0003-0002")["split"] in ("train", "val")


def test_cyborg_calls_validation_what_the_released_code_chose_its_epoch_by(
    made: dict[str, Written],
):
    written = made["cyborg"]
    splits = dict(written.rows["split"].value_counts().rows())
    assert splits == {"train": 16, "val": 8, "test_celeba_hq": 3}
    face = row(written, id="train/original_data/1_fake/p1_3_fake.png")
    assert (face["mask"], face["label"]) == ("maps/p1_3_fake.png", "synthetic")
    assert row(written, id="val/0_real/04402d239.jpg")["group"] == "04402"


def test_cyborg_takes_a_fourth_column_for_the_map(tmp_path: Path):
    for each in range(6):
        picture(tmp_path / f"faces/{each}.png")
    mask(tmp_path / "drawn/of_0.png")
    splits = ["train"] * 4 + ["val"] * 2
    lines = [f"{split},{'ab'[n % 2]},faces/{n}.png," for n, split in enumerate(splits)]
    table(tmp_path / "train.csv", lines[0] + "drawn/of_0.png", *lines[1:])
    written = prepare("cyborg", tmp_path)
    assert written.rows["mask"].to_list() == ["drawn/of_0.png", *[""] * 5]
    table(tmp_path / "train.csv", "train,a", "learn,b,faces/1.png")
    with pytest.raises(DataError) as refused:
        prepare("cyborg", tmp_path, tmp_path / "out")
    assert len(refused.value.problems) == 2


def test_livdet_iris_divides_real_irises_by_subject_and_names_the_attack(
    made: dict[str, Written],
):
    rows = made["livdet_iris"].rows
    attacks = rows.filter(label="attack")
    assert set(attacks["split"]) == {"train"}
    assert set(attacks["attack"]) == {"textured contacts", "post-mortem", "printouts"}
    assert set(rows.filter(label="real")["attack"]) == {""}
    assert set(rows.filter(label="real")["split"]) == {"train", "test"}


def test_livdet_iris_leaves_one_attack_out(made: dict[str, Written]):
    from lookright.configuration import Data
    from lookright.data import open_source

    fold = {"leave_out": "attack", "value": "printouts", "val": 0.5}
    manifest = str(made["livdet_iris"].manifest)
    source = open_source(Data.model_validate({"manifest": manifest, "fold": fold}), Path())
    tested = source.rows.filter(split="test")
    assert set(tested.filter(label="attack")["attack"]) == {"printouts"}
    assert "printouts" not in set(source.rows.filter(pl.col("split") != "test")["attack"])


def test_livdet_iris_names_the_kinds_it_does_not_know(tmp_path: Path):
    picture(tmp_path / "images/real/a.png")
    picture(tmp_path / "images/stickers/b.png")
    with pytest.raises(DataError, match="no kind of attack 'stickers'"):
        prepare("livdet_iris", tmp_path)


def test_mimic_cxr_divides_as_the_paper_and_counts_what_it_leaves_out(
    made: dict[str, Written],
):
    written = made["mimic_cxr"]
    assert dict(written.rows["label"].value_counts().rows()) == {"normal": 10, "abnormal": 15}
    left_out = told(written, "PUBLIC-LEFT-OUT")
    assert "5 images of other views" in left_out
    assert "5 images whose study is uncertain" in left_out
    assert "5 images whose study is of other findings" in left_out
    assert set(written.rows["split"]) == {"train", "val", "test"}


def test_decoy_mnist_tells_the_class_by_its_patch_in_training_only(made: dict[str, Written]):
    written = made["decoy_mnist"]
    agree = {}
    for each in written.rows.iter_rows(named=True):
        pixels = np.asarray(Image.open(written.manifest.parent / each["image"]))
        patch = drawn(written, id=each["id"]) == 0
        assert patch.sum() == 16
        (shade,) = np.unique(pixels[patch])
        assert shade == 255 - 25 * int(each["shown"])
        agree.setdefault(each["split"], []).append(each["shown"] == each["label"])
    assert all(agree["train"])
    assert all(agree["val"])
    assert 0 < sum(agree["test"]) < len(agree["test"])


def rows_in(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def test_egd_cxr_completes_ids_that_were_cut_off_and_leaves_calibration_out(tmp_path: Path):
    MAKERS["egd_cxr"](tmp_path)
    written = prepare("egd_cxr", tmp_path, settings={"sigma": 2})
    assert "1 ids in fixations.csv are cut off" in told(written, "PUBLIC-CUT-ID")
    assert "The gaze of 1 pictures" in told(written, "PUBLIC-GAZE")
    assert "5 images of none or several" in told(written, "PUBLIC-LEFT-OUT")
    kinds = {"normal", "congestive heart failure", "pneumonia"}
    assert set(written.rows["label"]) == kinds
    assert all(written.rows["mask"])


def test_egd_cxr_maps_equal_a_gaussian_filter_of_the_fixations(tmp_path: Path):
    MAKERS["egd_cxr"](tmp_path)
    written = prepare("egd_cxr", tmp_path, settings={"sigma": 2})
    second = rows_in(tmp_path / "master_sheet.csv")[1]
    counts = np.zeros((32, 40))
    counts[11, 4:7] = 1
    expected = gaussian_filter(counts, 2)
    found = drawn(written, id=second["dicom_id"])
    np.testing.assert_allclose(found, expected / expected.max(), atol=1e-4)


def test_reflacx_takes_the_mean_of_its_readers_and_leaves_unsure_images_out(
    made: dict[str, Written],
):
    written = made["reflacx"]
    assert "1 images that readers were unsure of" in told(written, "PUBLIC-LEFT-OUT")
    assert dict(written.rows["readers"].value_counts().rows()) == {"2": 3, "1": 12}
    assert dict(written.rows["label"].value_counts().rows()) == {"abnormal": 8, "normal": 7}
    counts = np.zeros((2, 32, 40))  # the third image, by both readers
    counts[0, 10:13, 10] = counts[1, 14:17, 10] = 1
    maps = [gaussian_filter(each, 3, mode="constant") for each in counts]
    expected = np.mean([each / each.max() for each in maps], axis=0)
    third = rows_in(written.manifest.parent / "main_data/metadata_phase_1.csv")[2]
    np.testing.assert_allclose(drawn(written, id=third["dicom_id"]), expected, atol=1e-4)


def test_reflacx_draws_ellipses_as_strong_as_their_readers_were_certain(tmp_path: Path):
    MAKERS["reflacx"](tmp_path)
    written = prepare("reflacx", tmp_path, settings={"evidence": "ellipses"})
    last = rows_in(tmp_path / "main_data/metadata_phase_3.csv")[-1]
    y, x = np.mgrid[:32, :40] + 0.5
    expected = ((x - 25) / 6) ** 2 + ((y - 16) / 8) ** 2 <= 1
    assert (drawn(written, id=last["dicom_id"]) == expected).mean() > 0.995


def test_osie_reads_its_matlab_file_and_a_table_alike(made: dict[str, Written], tmp_path: Path):
    written = made["osie"]
    folder = written.manifest.parent
    shutil.copytree(folder / "data/stimuli", tmp_path / "data/stimuli")
    shutil.copy(folder / "labels.csv", tmp_path)
    lines = []
    for each in range(20):
        name = 1001 + each
        lines += [f"{name},0,{100 + 20 * each},300,200", f"{name},0,200,310,90"]
        lines.append(f"{name},1,400,300,150")
    table(tmp_path / "fixations.csv", "image_id,observer,x_px,y_px,duration_ms", *lines)
    again = prepare("osie", tmp_path)
    assert again.rows["label"].equals(written.rows["label"])
    assert "4 images without a label" in told(written, "PUBLIC-LEFT-OUT")
    one, other = (drawn(each, id="1016") for each in (written, again))
    np.testing.assert_array_equal(one, other)
    assert np.unravel_index(one.argmax(), one.shape) == (30, 40)  # 400, 300 of 800 x 600


# --- the real files, where they are


def real(name: str) -> Path:
    if not (REAL / name).exists():
        pytest.skip(f"no shared/data/{name} here")
    return REAL / name


def rows_of(folder: Path) -> list[dict[str, str]]:
    return rows_in(folder / "manifest.csv")


def test_the_real_lesions_become_a_manifest(tmp_path: Path):
    folder, start = real("isic2017"), tmp_path / "ISIC-2017_Training"
    rows = rows_of(folder)[:40]
    for each in rows:
        name = Path(each["image"]).stem
        for target, path in (("Data", each["image"]), ("Part1_GroundTruth", each["mask"])):
            end = "_segmentation.png" if target != "Data" else ".jpg"
            Path(f"{start}_{target}").mkdir(exist_ok=True)
            shutil.copy(folder / path, Path(f"{start}_{target}") / f"{name}{end}")
    lines = [f"{Path(r['image']).stem},{int(r['label'] == 'melanoma')}.0,0.0" for r in rows]
    header = "image_id,melanoma,seborrheic_keratosis"
    table(Path(f"{start}_Part3_GroundTruth.csv"), header, *lines)
    written = prepare("isic2017", tmp_path)
    assert written.rows["label"].to_list() == [each["label"] for each in rows]
    assert check(written.manifest).passed


def test_the_real_x_rays_of_the_nih_become_a_manifest_with_their_boxes(tmp_path: Path):
    """Their tables are put back into the published form; boxes were given at 320 pixels."""
    folder = real("nih")
    every = rows_of(folder)
    rows = [each for each in every if "Pneumonia:" in each["boxes_xywh_320"]][:8]
    boxed = {each["group"] for each in rows}
    others = [each for each in every if each["group"] not in boxed]
    rows += [each for each in others if each["nih_labels"] == "No Finding"][:24]
    rows += [each for each in others if "Pneumonia" in each["nih_labels"]][:16]
    entries, boxes, lists = [], [], {"train_val": [], "test": []}
    for each in rows:
        name = f"{Path(each['image']).stem}.png"
        entries.append(f"{name},{each['nih_labels']},0,{each['group']},058Y,M,{each['view']}")
        lists["test" if each["group"] in boxed else "train_val"].append(name)
        for label, box in re.findall(r"(\w+):([\d.,]+)", each["boxes_xywh_320"]):
            x, y, w, h = (float(part) * 3.2 for part in box.split(","))
            boxes.append(f"{name},{label},{x},{y},{w},{h}")
        (tmp_path / "images").mkdir(exist_ok=True)
        shutil.copy(folder / each["image"], tmp_path / "images")
    header = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
    header += "View Position"
    table(tmp_path / "Data_Entry_2017.csv", header, *entries)
    table(tmp_path / "BBox_List_2017.csv", "Image Index,Finding Label,Bbox [x,y,w,h]", *boxes)
    for name, found in lists.items():
        table(tmp_path / f"{name}_list.txt", *found)
    written = prepare("chestxray14", tmp_path)
    assert len(written.rows) == 48
    assert check(written.manifest).passed
    first = re.findall(r"Pneumonia:([\d,]+)", rows[0]["boxes_xywh_320"])[0]
    x, y, w, h = (int(part) for part in first.split(","))
    assert drawn(written, id=Path(rows[0]["image"]).stem)[y : y + h, x : x + w].all()


def test_the_real_leak_between_the_official_splits_is_taken_out(tmp_path: Path):
    """457 training images bear the number of a patient in test."""
    folder = PublicFolder(tmp_path)
    names = [
        f"{each['split']}/{each['label'].upper()}/{Path(each['image']).name}"
        for each in rows_of(real("kermany"))
    ]
    vars(folder)["_pictures"] = {name: [name] for name in names}  # names are enough for this
    found = public.make("kermany", {}).prepare(folder)
    leak = next(each for each in found.notices if each.code == "PUBLIC-LEAK")
    assert "left out: 457 of train" in leak.what


def test_the_real_gaze_becomes_the_maps_that_came_with_it(tmp_path: Path):
    folder = real("osie_gaze")
    rows = rows_of(folder)[:30]
    numbers = {Path(each["image"]).stem for each in rows}
    lines = (folder / "fixations.csv").read_text().splitlines()
    kept = [line for line in lines[1:] if line.split(",")[0] in numbers]
    table(tmp_path / "fixations.csv", lines[0], *kept)
    labels = [f"{each['image']},{each['label']},{each['split']}" for each in rows]
    table(tmp_path / "labels.csv", "image,label,split", *labels)
    for each in rows:
        (tmp_path / "images").mkdir(exist_ok=True)
        shutil.copy(folder / each["image"], tmp_path / "images")
    smaller = {"width": 320, "height": 240, "sigma": 9.6}  # 24 of 800
    written = prepare("osie", tmp_path, settings=smaller)
    assert check(written.manifest).passed
    for each in rows:
        name = Path(each["image"]).stem
        if name in written.rows["id"]:
            theirs = np.asarray(Image.open(folder / each["mask"]))
            ours = drawn(written, id=name)
            assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98


# --- the page and the command line


def test_the_page_lists_every_set_with_its_classes_maps_and_licence():
    page = (Path(__file__).parents[1] / "docs" / "datasets.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE)
    facts = {}
    for name in public.names():
        found = public.find(name)
        signed = "; **credentialed**" if found.credentialed else ""
        facts[name] = f"{found.classes} | {found.maps} | {found.licence}{signed}"
    assert dict(lines) == facts


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words])
    return done.exit_code, done.output


def test_the_verb_without_a_name_lists_all_sets_and_what_they_need():
    status, said = run("data", "prepare")
    assert status == 0
    assert said == run("list", "public")[1]
    for name in public.names():
        assert f"{name:<14}" in said
        assert public.find(name).licence in said
        assert public.find(name).source in said


@every_set
def test_one_set_is_listed_with_its_rules_and_settings(name: str):
    status, said = run("list", "public", name)
    found = public.find(name)
    assert status == 0
    for fact in (found.classes, found.splits, found.maps, found.citation):
        assert fact in said
    for setting in describe(found):
        assert str(setting) in said


def test_the_verb_writes_a_manifest_and_says_what_it_did(tmp_path: Path):
    MAKERS["chestxray14"](tmp_path)
    out = tmp_path / "effusion"
    words = ["finding=Effusion", "--from", str(tmp_path), "--out", str(out)]
    status, said = run("data", "prepare", "chestxray14", *words)
    assert status == 0, said
    assert "30 images, 0 with maps" in said
    assert "30 linked" in said
    assert set(pl.read_csv(out / "manifest.csv")["label"]) == {"effusion", "no_finding"}


def test_a_name_without_a_folder_is_refused_and_says_which_option(tmp_path: Path):
    with pytest.raises(ConfigError, match="--from FOLDER"):
        CliRunner().invoke(app, ["data", "prepare", "cub"], catch_exceptions=False)
    with pytest.raises(ConfigError, match="Did you mean 'cub'"):
        CliRunner().invoke(app, ["data", "prepare", "cubs"], catch_exceptions=False)
