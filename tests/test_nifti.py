"""Masks of ITK-SNAP: their axes, their labels, and volumes of one slice."""

import numpy as np
import pytest

from lookright.data import importers
from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.render import render
from lookright.errors import Problem

nibabel = pytest.importorskip("nibabel")

CLASSES = np.random.default_rng(0).integers(0, 4, (12, 20))  # rows, cols
DESCRIPTIONS = """\
# ITK-SnAP Label Description File
    0     0    0    0        0  0  0    "Clear Label"
    1   255    0    0        1  1  1    "left lung"
    2     0  255    0      0.5  1  1    "mass"
"""


def save(path, values: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([-1.0, -1.0, 1.0, 1.0])), path)


def read(path, **choices: object) -> list[Drawing | Problem]:
    return list(importers.make("nifti", choices).read(path))


def test_the_first_axis_runs_along_the_rows(tmp_path):
    save(tmp_path / "case.nii.gz", CLASSES.T[:, :, None].astype(np.uint8))
    (drawing,) = read(tmp_path)
    assert isinstance(drawing, Drawing)
    assert (drawing.image, drawing.size) == ("case", (20, 12))
    for mark in drawing.marks:
        drawn = render(Drawing("", drawing.size, (mark,)), (20, 12)).map
        np.testing.assert_array_equal(drawn, int(mark.label) == CLASSES)
    assert [mark.label for mark in drawing.marks] == ["1", "2", "3"]


def test_labels_have_the_names_of_their_descriptions_and_files_a_suffix(tmp_path):
    (tmp_path / "labels.txt").write_text(DESCRIPTIONS)
    save(tmp_path / "masks" / "case_seg.nii", CLASSES.astype(np.int16))
    choices = {"descriptions": str(tmp_path / "labels.txt"), "suffix": "_seg", "transposed": True}
    (drawing,) = read(tmp_path / "masks", **choices)
    assert isinstance(drawing, Drawing)
    assert [mark.label for mark in drawing.marks] == ["left lung", "mass", "3"]
    assert (drawing.image, drawing.size) == ("case", (20, 12))


def test_of_a_volume_one_slice_is_picked(tmp_path):
    volume = np.zeros((20, 12, 3), np.uint8)
    volume[:, :, 2] = CLASSES.T
    save(tmp_path / "case.nii.gz", volume)
    (drawing,) = read(tmp_path, slice=2)
    assert isinstance(drawing, Drawing)
    assert len(drawing.marks) == 3
    assert [each.code for each in read(tmp_path)] == ["NIFTI-SLICES"]  # type: ignore[union-attr]
    assert [each.code for each in read(tmp_path, slice=3)] == ["NIFTI-SLICES"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.full((4, 4, 1), 0.5, np.float32), "MASK-VALUES"),
        (np.full((4, 4, 1), np.nan, np.float32), "MASK-VALUES"),
        (np.full((4, 4, 1), -1, np.int16), "MASK-VALUES"),
        (np.zeros((4, 4, 1, 3), np.uint8), "NIFTI-AXES"),
    ],
)
def test_what_is_no_mask_is_named(tmp_path, values, code):
    save(tmp_path / "case.nii.gz", values)
    assert [each.code for each in read(tmp_path)] == [code]  # type: ignore[union-attr]


def test_damaged_files_are_errors(tmp_path):
    save(tmp_path / "case.nii.gz", CLASSES.T[:, :, None].astype(np.uint8))
    whole = (tmp_path / "case.nii.gz").read_bytes()
    for data in (whole[: len(whole) // 2], b"no picture", b""):
        (tmp_path / "case.nii.gz").write_bytes(data)
        assert [each.code for each in read(tmp_path)] == ["NIFTI-DAMAGED"]  # type: ignore[union-attr]


def test_MK18_a_header_that_promises_too_many_pixels_is_refused_before_they_are_read(tmp_path):
    header = nibabel.Nifti1Header()
    header.set_data_shape((30_000, 30_000, 1))
    header.set_data_dtype(np.uint8)
    (tmp_path / "case.nii").write_bytes(header.binaryblock + bytes(4))
    assert [each.code for each in read(tmp_path)] == ["MASK-LARGE"]  # type: ignore[union-attr]
