"""Small exports in every format, for `fuzz.py` to damage."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lookright.data import importers

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from one_drawing import WRITERS, Scene, Written, scene

SIZE = 24, 18  # width, height


class Seed(NamedTuple):
    """An export as bytes, and how it is read."""

    name: str
    format: str
    files: dict[str, bytes]  # by path relative to the export's folder
    path: str  # of the export itself: one of the files, or "" for the folder
    settings: dict[str, Any]


def seeds() -> dict[str, list[Seed]]:
    """Return the exports of each format; raises where a format has none."""
    found: dict[str, list[Seed]] = {name: [] for name in importers.names()}
    drawn = scene(*SIZE)
    for writer in (*WRITERS, fixations, gaze_samples, scribbles, stroke_table, label_studio_min):
        seed = _seed(writer, drawn)
        found[seed.format].append(seed)
    bare = [name for name, each in found.items() if not each]
    if bare:
        raise SystemExit(f"No seeds for {', '.join(bare)}: write one in fuzz_seeds.py.")
    return found


def _seed(writer: Callable[[Path, Scene], Written], drawn: Scene) -> Seed:
    with TemporaryDirectory() as name:
        folder = Path(name)
        written = writer(folder, drawn)
        files = {
            each.relative_to(folder).as_posix(): each.read_bytes()
            for each in sorted(folder.rglob("*"))
            if each.is_file()
        }
        path = written.path.relative_to(folder).as_posix().removeprefix(".")
        return Seed(writer.__name__, written.format, files, path, written.settings)


def fixations(folder: Path, drawn: Scene) -> Written:
    """Fixations of two observers on the marked pixels."""
    lines = ["image,observer,x,y,duration"]
    for number, (y, x) in enumerate(np.argwhere(drawn.cells)[::9]):
        lines.append(f"scene.png,o{number % 2},{x + 0.5},{y + 0.5},{150 + number}")
    (folder / "fixations.csv").write_text("\n".join(lines))
    return Written("fixations", folder / "fixations.csv", {"sigma": 2.0})


def gaze_samples(folder: Path, drawn: Scene) -> Written:
    """Samples every 20 ms at three places."""
    lines = ["image,observer,x,y,time"]
    for number in range(60):
        x, y = ((5, 5), (12, 9), (20, 14))[number // 20]
        lines.append(f"scene.png,o,{x + number % 3 / 4},{y},{20 * number}")
    (folder / "samples.csv").write_text("\n".join(lines))
    return Written("gaze_samples", folder / "samples.csv", {"sigma": 2.0, "dispersion": 3.0})


def scribbles(folder: Path, drawn: Scene) -> Written:
    """Strokes in the three colours."""
    picture = np.zeros((*drawn.cells.shape, 3), np.uint8)
    picture[2:4, 2:12] = (0, 255, 0)
    picture[8:10, 2:12] = (255, 0, 0)
    picture[12:14, 2:12] = (0, 0, 255)
    (folder / "strokes").mkdir()
    Image.fromarray(picture).save(folder / "strokes" / "scene.png")
    return Written("scribbles", folder / "strokes", {})


def stroke_table(folder: Path, drawn: Scene) -> Written:
    """Lines in a table."""
    lines = ["image,stroke,x,y,role,width,annotator,label"]
    for stroke, role in enumerate(("evidence", "not_evidence", "unknown")):
        lines += [f"scene.png,{stroke},{x},{3 + 4 * stroke},{role},2,me,a" for x in range(2, 12)]
    (folder / "strokes.csv").write_text("\n".join(lines))
    return Written("scribbles", folder / "strokes.csv", {})


def label_studio_min(folder: Path, drawn: Scene) -> Written:
    """Ellipse, turned rectangle and key point, in the smaller of the two forms."""
    sizes = f'"original_width": {SIZE[0]}, "original_height": {SIZE[1]}'
    text = f"""[{{"image": "/data/upload/1/0123abcd-scene.png", "id": 1, "annotator": 2,
      "a": [{{"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 30, {sizes}}}],
      "b": [{{"x": 50, "y": 20, "width": 20, "height": 10, "rotation": 30,
              "rectanglelabels": ["x"], {sizes}}}],
      "c": [{{"x": 50, "y": 20, "width": 0.5, "keypointlabels": ["x"], {sizes}}}],
      "d": {{"choices": ["e", "f"]}}}}]"""
    (folder / "min.json").write_text(text)
    return Written("label_studio", folder / "min.json", {})
