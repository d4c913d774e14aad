"""Segments of DICOM files: as two libraries write them, on the images that they name."""

import numpy as np
import pytest

from lookright.data import importers
from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.drawn import DrawnMap
from lookright.data.drawings.render import render
from lookright.errors import DataError, Problem

pydicom = pytest.importorskip("pydicom")
highdicom = pytest.importorskip("highdicom")

from highdicom.seg import Segmentation, SegmentDescription  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.sr.codedict import codes  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, generate_uid  # noqa: E402

SHAPE = (24, 32)
PERSON = "Planted^Patient"


def source(number: int = 1) -> Dataset:
    """Make an image of a patient, whose name must not come out again."""
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID = found.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    found.SOPInstanceUID = found.file_meta.MediaStorageSOPInstanceUID = generate_uid(
        entropy_srcs=[str(number)]
    )
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(found, name, generate_uid(entropy_srcs=[name]))
    for name in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        setattr(found, name, "")
    found.AccessionNumber = found.ReferringPhysicianName = found.PositionReferenceIndicator = ""
    found.Modality, found.PatientID, found.PatientName = "CT", "P-1", PERSON
    found.Rows, found.Columns = SHAPE
    found.BitsAllocated = found.BitsStored = 16
    found.HighBit, found.PixelRepresentation, found.SamplesPerPixel = 15, 0, 1
    found.PhotometricInterpretation = "MONOCHROME2"
    found.PixelSpacing, found.SliceThickness = [1, 1], 1
    found.ImagePositionPatient, found.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    found.SeriesNumber, found.InstanceNumber = 1, number
    found.PixelData = np.zeros(SHAPE, np.uint16).tobytes()
    return found


def segmentation(
    images: list[Dataset], pixels: np.ndarray, kind: str, labels: list[str]
) -> Dataset:
    tissue = codes.SCT.Tissue
    described = [
        SegmentDescription(number, label, tissue, tissue, "MANUAL")
        for number, label in enumerate(labels, start=1)
    ]
    series, own = generate_uid(), generate_uid()
    return Segmentation(images, pixels, kind, described, series, 2, own, 1, "M", "M", "1", "1")


def cells() -> tuple[np.ndarray, np.ndarray]:
    noise = np.random.default_rng(0).random((2, *SHAPE))
    return noise[0] > 0.6, (noise[1] > 0.7) & (noise[0] <= 0.6)


def read(path, **choices: object) -> list[Drawing | DrawnMap | Problem]:
    return list(importers.make("dicom_seg", choices).read(path))


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments_come_back_pixel_by_pixel_with_their_labels(tmp_path, kind):
    one, other = cells()
    image = source()
    stacked = np.stack([one, other], -1)[None].astype(np.uint8)
    segmentation([image], stacked, kind, ["lesion", "tube"]).save_as(tmp_path / "seg.dcm")
    (drawing,) = read(tmp_path)
    assert isinstance(drawing, Drawing)
    assert [mark.label for mark in drawing.marks] == ["lesion", "tube"]
    assert drawing.image == image.SOPInstanceUID
    for mark, wanted in zip(drawing.marks, (one, other), strict=True):
        single = Drawing("", drawing.size, (mark,))
        np.testing.assert_array_equal(render(single, SHAPE[::-1]).map, wanted)


def test_each_frame_belongs_to_the_image_that_it_names(tmp_path):
    one, other = cells()
    images = [source(1), source(2)]
    for number, image in enumerate(images):
        image.save_as(tmp_path / f"im{number}.dcm", enforce_file_format=True)
    pixels = np.stack([one, other]).astype(np.uint8)
    segmentation(images, pixels, "BINARY", ["lesion"]).save_as(tmp_path / "seg.dcm")
    found = {each.image: each for each in read(tmp_path) if isinstance(each, Drawing)}
    assert set(found) == {"im0.dcm", "im1.dcm"}
    np.testing.assert_array_equal(render(found["im1.dcm"], SHAPE[::-1]).map, other)


def test_fractions_become_a_soft_map_of_the_segments_that_are_asked_for(tmp_path):
    soft = np.linspace(0, 1, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    stacked = np.stack([soft, soft[::-1]], -1)[None]
    segmentation([source()], stacked, "FRACTIONAL", ["a", "b"]).save_as(tmp_path / "seg.dcm")
    (both,) = read(tmp_path)
    (first,) = read(tmp_path, segments="a")
    assert isinstance(both, DrawnMap)
    assert isinstance(first, DrawnMap)
    np.testing.assert_allclose(first.map, soft, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(both.map, np.maximum(soft, soft[::-1]), atol=0.5 / 255 + 1e-6)
    assert first.key != both.key


def test_a_segment_that_is_not_there_is_named_with_those_that_are(tmp_path):
    pixels = cells()[0][None].astype(np.uint8)
    segmentation([source()], pixels, "BINARY", ["lesion"]).save_as(tmp_path / "seg.dcm")
    found = [each for each in read(tmp_path, segments="lesions") if isinstance(each, Problem)]
    assert "lesion" in found[0].fix


def test_readers_are_files_only_where_that_is_said(tmp_path):
    image = source()
    for name, each in zip("ab", cells(), strict=True):
        pixels = each[None].astype(np.uint8)
        segmentation([image], pixels, "BINARY", ["x"]).save_as(tmp_path / f"{name}.dcm")
    (together,) = read(tmp_path)
    assert isinstance(together, Drawing)
    assert len(together.marks) == 2
    apart = [each.annotator for each in read(tmp_path, readers="file") if isinstance(each, Drawing)]
    assert apart == ["a.dcm", "b.dcm"]


def test_DC10_of_the_patient_nothing_is_passed_on(tmp_path):
    image = source()
    image.save_as(tmp_path / "im.dcm", enforce_file_format=True)
    pixels = cells()[0][None].astype(np.uint8)
    segmentation([image], pixels, "BINARY", ["x"]).save_as(tmp_path / "seg.dcm")
    assert PERSON.split("^")[0] not in repr(read(tmp_path))


def test_a_damaged_segmentation_is_an_error_and_not_a_part_of_a_map(tmp_path):
    pixels = cells()[0][None].astype(np.uint8)
    made = segmentation([source()], pixels, "BINARY", ["x"])
    made.PixelData = made.PixelData[:10]
    made.save_as(tmp_path / "seg.dcm")
    assert [each.code for each in read(tmp_path) if isinstance(each, Problem)] == ["DICOM-DAMAGED"]


def test_MK18_frames_larger_than_any_image_are_refused(tmp_path):
    pixels = cells()[0][None].astype(np.uint8)
    made = segmentation([source()], pixels, "BINARY", ["x"])
    made.Rows = made.Columns = 60_000
    made.save_as(tmp_path / "seg.dcm")
    assert [each.code for each in read(tmp_path) if isinstance(each, Problem)] == ["MASK-LARGE"]


def test_a_folder_without_segmentations_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="no DICOM segmentation"):
        read(tmp_path)
