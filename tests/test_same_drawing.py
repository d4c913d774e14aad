"""The same drawing, whichever tool wrote it, is the same map: pixel by pixel, not nearly."""

import numpy as np
import pytest
from PIL import Image

from lookright.data import importers
from lookright.data.importing.study import import_drawings
from one_drawing import BOXES, IMAGE, OUTLINES, PIXELS, WRITERS, Scene, Writer, Written, scene

SCENE = scene(47, 47)  # square for NIH's list; odd, so that shares are no round numbers
OBLONG = scene(61, 38)
NO_SHAPES = {"fixations", "gaze_samples", "scribbles"}  # their maps are held elsewhere


def imported(tmp_path, written: Written) -> np.ndarray:
    """Import as `lookright data import` does, and read the map from its file."""
    items = importers.make(written.format, written.settings).read(written.path)
    done = import_drawings(items, tmp_path / "images", tmp_path / "manifest.csv")
    (mask,) = done.rows["mask"]
    return np.asarray(Image.open(tmp_path / mask)) > 0


def wanted(writer: Writer, drawn: Scene) -> np.ndarray:
    return drawn.boxed if writer in BOXES else drawn.cells


@pytest.mark.parametrize("writer", WRITERS, ids=lambda each: each.__name__)
def test_the_same_drawing_is_the_same_map(tmp_path, writer):
    drawn = SCENE if writer.__name__ == "nih_boxes" else OBLONG
    (tmp_path / "images").mkdir()
    Image.new("L", drawn.size, 99).save(tmp_path / "images" / IMAGE)
    (tmp_path / "export").mkdir()
    found = imported(tmp_path, writer(tmp_path / "export", drawn))
    np.testing.assert_array_equal(found, wanted(writer, drawn))


def test_every_format_that_holds_shapes_is_among_them(tmp_path):
    made = set()
    for number, writer in enumerate((*BOXES, *OUTLINES, *PIXELS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        made.add(writer(folder, SCENE).format)
    assert made == set(importers.names()) - NO_SHAPES
