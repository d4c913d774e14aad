"""COCO instances (Lin et al. 2014): one JSON file of images, annotations and categories."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lookright.data.drawings.outlines import outlines
from lookright.data.drawings.shapes import Cells
from lookright.data.exchange.exporter import Evidenced, Exporter
from lookright.data.exchange.run_lengths import counts_of, cropped, text_of_counts
from lookright.errors import Problem
from lookright.files import write_atomically


class Coco(Exporter):
    """One annotation per image, whose category is the image's label.

    `shape="rle"` writes compressed run lengths, `polygon` outlines along the edges of pixels. Both
    give the same pixels when they are read again; a mask with holes is always run lengths, as
    COCO's polygons have none. Images that nobody annotated are left out, since COCO cannot say so;
    one whose map is empty has no annotation.
    """

    def __init__(self, shape: Literal["rle", "polygon"] = "rle") -> None:
        self.shape = shape

    def write(
        self, images: Iterable[Evidenced], classes: Sequence[str], file: Path
    ) -> list[Problem]:
        """Write the file; see `Exporter.write`."""
        categories = {name: number for number, name in enumerate(classes, start=1)}
        listed: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        left_out = holes = 0
        for image in images:
            if image.cells is None:
                left_out += 1
                continue
            width, height = image.size
            number = len(listed) + 1
            listed.append(
                {"id": number, "file_name": image.image, "width": width, "height": height}
            )
            if image.cells.any():
                drawn = self._drawn(image.cells)
                holes += self.shape == "polygon" and isinstance(drawn, dict)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": categories[image.label],
                        **_measured(image.cells),
                        "iscrowd": 0,
                        "segmentation": drawn,
                    }
                )
        kinds = [{"id": number, "name": name} for name, number in categories.items()]
        whole = {"images": listed, "annotations": annotations, "categories": kinds}
        write_atomically(file, json.dumps(whole, separators=(",", ":")))
        return _remarks(left_out, holes, file.name)

    def _drawn(self, cells: Cells) -> Any:
        if self.shape == "polygon":
            areas, holes = outlines(cells)
            if not holes:
                return [area.astype(int).ravel().tolist() for area in areas]
        return {"size": list(cells.shape), "counts": text_of_counts(counts_of(cells.T))}


def _measured(cells: Cells) -> dict[str, Any]:
    box = cropped(cells)
    rows, cols = box.cells.shape
    return {"area": int(np.count_nonzero(cells)), "bbox": [box.left, box.top, cols, rows]}


def _remarks(left_out: int, holes: int, where: str) -> list[Problem]:
    found = []
    if left_out:
        what = f"{left_out} images without a map were left out: COCO cannot say that nobody looked."
        found.append(Problem("EXPORT-UNASKED", what, where, level="notice"))
    if holes:
        what = f"{holes} maps have holes and were written as run lengths."
        found.append(Problem("EXPORT-HOLES", what, where, level="notice"))
    return found
