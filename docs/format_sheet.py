"""Draw docs/images/formats.png: one drawing, exported in every format that lookright reads.

    python docs/format_sheet.py docs/images/formats.png

The exports are written here, imported as `lookright data import` does, and laid over one picture.
Boxes, outlines and run lengths are exact: their maps must be equal to the pixel, or this fails.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from lookright.data import importers
from lookright.data.importing.study import import_drawings
from lookright.pictures import outlined

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from one_drawing import BOXES, IMAGE, OUTLINES, PIXELS, WRITERS, Scene, Writer, scene

SIDE = 120  # pixels
COLUMNS = 7


def main(target: Path) -> None:
    """Import every export, hold its map against what was drawn, and draw the sheet."""
    drawn = scene(SIDE, SIDE)
    picture = background(drawn)
    rows = -(-len(WRITERS) // COLUMNS)
    figure = Figure(figsize=(1.3 * COLUMNS, 1.5 * rows), dpi=100)
    axes = figure.subplots(rows, COLUMNS).ravel()
    for axis, writer in zip(axes, WRITERS, strict=False):
        found = imported(writer, drawn, picture)
        wanted = drawn.boxed if writer in BOXES else drawn.cells
        np.testing.assert_array_equal(found, wanted, err_msg=writer.__name__)
        axis.imshow(outlined(shaded(picture, found), found.astype(np.float32)))
        axis.set_title(writer.__name__.replace("_", " "), fontsize=5.5, pad=2)
    for axis in axes:
        axis.axis("off")
    figure.tight_layout(pad=0.4)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)
    Image.open(target).convert("RGB").quantize(128).save(target, optimize=True)
    kinds = f"{len(BOXES)} of boxes, {len(OUTLINES)} of outlines, {len(PIXELS)} of pixels"
    print(f"{target}: {len(WRITERS)} exports ({kinds}), all equal to the pixel")


def background(drawn: Scene) -> np.ndarray:
    """Make a grey picture in which the blob is a little brighter."""
    down, across = np.mgrid[0 : drawn.size[1], 0 : drawn.size[0]] / SIDE
    waves = 0.35 + 0.12 * np.sin(9 * across + 3 * np.cos(5 * down)) + 0.15 * down
    return np.clip(255 * (waves + 0.18 * drawn.cells), 0, 255).astype(np.uint8)


def imported(writer: Writer, drawn: Scene, picture: np.ndarray) -> np.ndarray:
    """Write an export, import it and read the map's file."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("images", "export"):
            (folder / each).mkdir()
        Image.fromarray(picture).save(folder / "images" / IMAGE)
        written = writer(folder / "export", drawn)
        items = importers.make(written.format, written.settings).read(written.path)
        done = import_drawings(items, folder / "images", folder / "manifest.csv")
        return np.asarray(Image.open(folder / done.rows["mask"][0])) > 0


def shaded(picture: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Tint the marked pixels."""
    colours = np.repeat(picture[..., None], 3, 2).astype(np.float32)
    tint = np.array([255, 140, 40], np.float32)
    return np.where(found[..., None], 0.6 * colours + 0.4 * tint, colours).astype(np.uint8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
