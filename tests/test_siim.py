"""SIIM's run lengths: what its own loop marks, and hints where another variant was meant."""

from pathlib import Path

import numpy as np
import pytest

from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.render import render
from lookright.data.importers import make
from lookright.errors import Problem

WIDTH, HEIGHT = 12, 9


def read(folder: Path, text: str, **settings) -> list[Drawing | Problem]:
    (folder / "rle.csv").write_text(text)
    given = {"size": [WIDTH, HEIGHT], **settings}
    return list(make("siim", given).read(folder / "rle.csv"))


def pixels(drawing: Drawing | Problem) -> np.ndarray:
    assert isinstance(drawing, Drawing)
    return render(drawing, (WIDTH, HEIGHT)).map > 0


def as_published(runs: str) -> np.ndarray:
    """Walk through the runs as the competition describes them: gaps, down the columns."""
    flat = np.zeros(WIDTH * HEIGHT, bool)
    at = 0
    numbers = [int(each) for each in runs.split()]
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        at += gap
        flat[at : at + length] = True
        at += length
    return flat.reshape(WIDTH, HEIGHT).T


def written(cells: np.ndarray, start: int, by_rows: bool) -> str:
    flat = np.concatenate([[False], cells.ravel() if by_rows else cells.T.ravel(), [False]])
    edges = np.flatnonzero(np.diff(flat))
    return " ".join(f"{a + start} {b - a}" for a, b in zip(edges[::2], edges[1::2], strict=True))


def test_the_relative_runs_of_siim_mark_what_its_description_says(tmp_path: Path):
    runs = "3 4 5 2 0 3 20 6"
    (drawing,) = read(tmp_path, f"ImageId, EncodedPixels\n1.2.3,{runs}\n")
    assert (pixels(drawing) == as_published(runs)).all()
    assert isinstance(drawing, Drawing)
    assert (drawing.image, drawing.marks[0].label) == ("1.2.3", "pneumothorax")


@pytest.mark.parametrize("order", ["rows", "columns"])
@pytest.mark.parametrize("first", [0, 1])
def test_absolute_runs_are_read_in_either_order_from_0_or_1(tmp_path: Path, order: str, first: int):
    cells = np.random.default_rng(3).random((HEIGHT, WIDTH)) < 0.4
    text = f"ImageId,EncodedPixels\na,{written(cells, first, order == 'rows')}\n"
    (drawing,) = read(tmp_path, text, offsets="absolute", order=order, first=first)
    assert (pixels(drawing) == cells).all()


def test_the_rows_of_one_image_are_parts_and_minus_one_is_an_empty_map(tmp_path: Path):
    text = "ImageId,EncodedPixels\na,0 2\nb,-1\na,9 3\nc,\n"
    one, other, notice = read(tmp_path, text)
    assert (pixels(one) == as_published("0 2 7 3")).all()
    assert isinstance(other, Drawing)
    assert (other.image, other.marks) == ("b", ())
    assert isinstance(notice, Problem)
    assert notice.level == "notice"


@pytest.mark.parametrize(
    "cell", ["1", "1 2 3", "a b", "-5 3", "0 -2", "0 0", "100 9", "1e300 2", "9007199254740991 1"]
)
def test_MK12_runs_that_do_not_fit_are_errors_with_a_hint(tmp_path: Path, cell: str):
    (found,) = read(tmp_path, f"ImageId,EncodedPixels\na,{cell}\n")
    assert isinstance(found, Problem)
    assert found.level == "error"
    assert "line 2" in found.where


def test_MK12_absolute_runs_read_as_relative_ones_are_pointed_out(tmp_path: Path):
    (found,) = read(tmp_path, "ImageId,EncodedPixels\na,30 5 60 5 90 5\n")
    assert isinstance(found, Problem)
    assert "offsets=absolute" in found.fix
    (found,) = read(tmp_path, "ImageId,EncodedPixels\na,30 5 3 5\n", offsets="absolute")
    assert isinstance(found, Problem)
    assert "offsets=relative" in found.fix
