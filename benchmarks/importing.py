"""What importing costs: seconds and memory for many polygons, and for a large COCO export.

    python benchmarks/importing.py --images 10000 --polygons 100000

Images are of one colour and 640 x 480; polygons have 20 to 40 vertices. The second import finds
every map in the cache. Memory is the process's peak (maximum resident set) less what it was after
the imports of modules.
"""

import argparse
import json
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from PIL import Image

from lookright.data import importers
from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Polygon
from lookright.data.importing.study import Wishes, import_drawings

SIZE = (640, 480)


def main() -> None:
    """Make the images, import polygons and a COCO file, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--polygons", type=int, default=100_000)
    given = parser.parse_args()
    print(f"{given.polygons} polygons on {given.images} images of {SIZE[0]} x {SIZE[1]}")
    print(f"{'import':28} {'seconds':>8} {'of processor':>13} {'MiB more':>9}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _make_images(root / "images", given.images)
        each = given.polygons // given.images
        _timed("polygons", root, _drawings(given.images, each), "first.csv")
        _timed("polygons, all in the cache", root, _drawings(given.images, each), "first.csv")
        export = root / "instances.json"
        export.write_text(json.dumps(_coco(given.images, each)))
        _timed("COCO", root, importers.make("coco", {}).read(export), "second.csv")


def _timed(name: str, root: Path, items: Iterator, manifest: str) -> None:
    before = _peak()
    began, busy = perf_counter(), process_time()
    done = import_drawings(
        items, root / "images", root / manifest, Wishes(label_from="marks", unmarked="none")
    )
    assert (done.rows["mask"] != "").all()
    taken, used = perf_counter() - began, process_time() - busy
    print(f"{name:28} {taken:8.1f} {used:13.1f} {_peak() - before:9.0f}", flush=True)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _make_images(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    picture = Image.new("L", SIZE, 90)
    for number in range(count):
        picture.save(folder / f"{number:06}.png", compress_level=1)


def _drawings(images: int, each: int) -> Iterator[Drawing]:
    for number in range(images):
        marks = tuple(Mark(Polygon((points,)), "thing") for points in _polygons(number, each))
        yield Drawing(f"{number:06}.png", SIZE, marks)


def _polygons(seed: int, count: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(20, 41)))
        radii = random.uniform(20, 60, len(angles))
        centre = random.uniform((60, 60), (580, 420))
        yield centre + radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])


def _coco(images: int, each: int) -> dict:
    pictures = [
        {"id": number, "file_name": f"{number:06}.png", "width": SIZE[0], "height": SIZE[1]}
        for number in range(images)
    ]
    annotations = [
        {
            "id": number * each + place,
            "image_id": number,
            "category_id": 1,
            "iscrowd": 0,
            "segmentation": [points.round(2).ravel().tolist()],
        }
        for number in range(images)
        for place, points in enumerate(_polygons(number + images, each))
    ]
    categories = [{"id": 1, "name": "thing"}]
    return {"images": pictures, "annotations": annotations, "categories": categories}


if __name__ == "__main__":
    main()
