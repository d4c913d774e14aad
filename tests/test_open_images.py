"""Open Images: boxes in shares of the image's sides, and masks that a table lists."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.render import render
from lookright.data.importers import make
from lookright.errors import DataError, Problem

HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
MASKS = "MaskPath,ImageID,LabelName,BoxID\n"
SIZE = 40, 20


def read(file: Path, text: str, **settings) -> list[Drawing | Problem]:
    file.write_text(text)
    return list(make("open_images", settings).read(file))


def pixels(drawing: Drawing | Problem, size: tuple[int, int] = SIZE) -> np.ndarray:
    assert isinstance(drawing, Drawing)
    return render(drawing, size).map > 0


def test_boxes_are_shares_of_each_images_own_sides(tmp_path: Path):
    rows = "a,x,/m/1,1,0.25,0.5,0.1,0.6,0\nb,x,/m/2,1,0,1,0,1,1\na,x,/m/2,1,0.9,1,0.9,1,0\n"
    one, other = read(tmp_path / "boxes.csv", HEADER + rows)
    wanted = np.zeros((20, 40), bool)
    wanted[2:12, 10:20] = wanted[18:, 36:] = True
    assert (pixels(one) == wanted).all()
    assert pixels(other).all()
    assert isinstance(one, Drawing)
    assert [mark.label for mark in one.marks] == ["/m/1", "/m/2"]


def test_classes_get_their_names_and_groups_may_be_unknown(tmp_path: Path):
    (tmp_path / "names.csv").write_text('/m/1,Cat\n/m/2,"Cat, large"\n')
    rows = "a,x,/m/1,1,0,1,0,1,0\na,x,/m/2,1,0,1,0,1,1\n"
    names = str(tmp_path / "names.csv")
    (found,) = read(tmp_path / "boxes.csv", HEADER + rows, classes=names, groups="unknown")
    assert isinstance(found, Drawing)
    marks = [(mark.label, mark.role) for mark in found.marks]
    assert marks == [("Cat", "evidence"), ("Cat, large", "unknown")]


@pytest.mark.parametrize("folder", ["", "masks", "elsewhere"])
def test_MK12_masks_are_read_from_their_files_exactly(tmp_path: Path, folder: str):
    cells = np.random.default_rng(0).random((20, 40)) < 0.2
    (tmp_path / folder).mkdir(exist_ok=True)
    Image.fromarray(cells).save(tmp_path / folder / "m1.png")
    Image.fromarray(cells[:, ::-1].astype(np.uint8) * 255).save(tmp_path / folder / "m2.png")
    rows = "m1.png,a,/m/1,b1\nm2.png,a,/m/1,b2\n"
    settings = {"masks": str(tmp_path / folder)} if folder == "elsewhere" else {}
    (drawing,) = read(tmp_path / "masks.csv", MASKS + rows, **settings)
    assert (pixels(drawing) == cells | cells[:, ::-1]).all()


def test_a_mask_of_half_the_size_is_scaled(tmp_path: Path):
    Image.fromarray(np.eye(10, 20, dtype=bool)).save(tmp_path / "m.png")
    (drawing,) = read(tmp_path / "masks.csv", MASKS + "m.png,a,/m/1,b\n")
    assert (pixels(drawing) == np.eye(10, 20, dtype=bool).repeat(2, 0).repeat(2, 1)).all()


def test_MK12_masks_that_are_absent_broken_or_of_two_sizes_are_errors(tmp_path: Path):
    Image.fromarray(np.ones((10, 20), bool)).save(tmp_path / "m.png")
    Image.fromarray(np.ones((10, 21), bool)).save(tmp_path / "n.png")
    (tmp_path / "o.png").write_bytes((tmp_path / "m.png").read_bytes()[:50])
    rows = "m.png,a,/m/1,b\nn.png,a,/m/1,b\no.png,c,/m/1,b\n../x/p.png,d,/m/1,b\n"
    rows += "x" * 999 + ",e,/m/1,b\n"  # longer than a file's name may be
    found = read(tmp_path / "masks.csv", MASKS + rows)
    assert [each.code for each in found if isinstance(each, Problem)][::2] == [
        "MASK-SIZE",
        "FILE-MISSING",
    ]
    assert [each.code for each in found if isinstance(each, Problem)][-1] == "FILE-MISSING"
    assert len(found) == 4


def test_boxes_with_wrong_numbers_are_named_by_their_line(tmp_path: Path):
    items = read(tmp_path / "boxes.csv", HEADER + "a,x,/m/1,1,0,1,zero,1,0\nb,x,/m/1,1,0,1,0,1,0\n")
    problems = [each for each in items if isinstance(each, Problem)]
    assert ["line 2" in each.where for each in problems] == [True]


def test_a_table_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="neither XMin nor MaskPath"):
        read(tmp_path / "labels.csv", "ImageID,LabelName\na,/m/1\n")
