"""Label Studio's JSON: a list of tasks, to look at or to go on drawing."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from lookright.data.drawings.outlines import outlines
from lookright.data.drawings.shapes import Cells
from lookright.data.exchange.brush import encode
from lookright.data.exchange.exporter import Evidenced, Exporter
from lookright.errors import Problem
from lookright.files import write_atomically

Region = tuple[str, dict[str, Any]]


class LabelStudio(Exporter):
    """One task per image: the evidence as a brush or as polygons, the label as a choice.

    Both give the same pixels when they are read again; a mask with holes is always a brush, as
    polygons have none there. An image that nobody annotated is a task without annotation. `prefix`
    stands before each path: what the server reads local files by. The controls of the project are
    called brush, polygon and label, its image is `image`.
    """

    def __init__(
        self,
        shape: Literal["brush", "polygon"] = "brush",
        prefix: str = "/data/local-files/?d=",
    ) -> None:
        self.shape = shape
        self.prefix = prefix

    def write(
        self, images: Iterable[Evidenced], classes: Sequence[str], file: Path
    ) -> list[Problem]:
        """Write the file; see `Exporter.write`."""
        tasks: list[str] = []
        holes = 0
        for image in images:
            data = {"image": self.prefix + image.image, "id": image.id, "label": image.label}
            task: dict[str, Any] = {"id": len(tasks) + 1, "data": data, "annotations": []}
            if image.cells is not None:
                regions = list(self._regions(image.cells, image))
                holes += self.shape == "polygon" and any(name == "brush" for name, _ in regions)
                task["annotations"] = [{"result": _results(image, regions)}]
            tasks.append(json.dumps(task, separators=(",", ":")))
        write_atomically(file, "[" + ",\n".join(tasks) + "]\n")
        if not holes:
            return []
        what = f"{holes} maps have holes and were written as brushes."
        return [Problem("EXPORT-HOLES", what, file.name, level="notice")]

    def _regions(self, cells: Cells, image: Evidenced) -> Iterator[Region]:
        if not cells.any():
            return
        areas, holes = outlines(cells) if self.shape == "polygon" else ([], [])
        if areas and not holes:
            for area in areas:
                yield "polygon", {"points": (area * 100 / image.size).tolist(), "closed": True}
        else:
            yield "brush", {"format": "rle", "rle": list(encode(cells))}


def _results(image: Evidenced, regions: list[Region]) -> list[dict[str, Any]]:
    about = {
        "to_name": "image",
        "original_width": image.size[0],
        "original_height": image.size[1],
        "image_rotation": 0,
    }
    drawn = [
        {
            "id": f"region{number}",
            "type": f"{name}labels",
            "from_name": name,
            **about,
            "value": {**value, f"{name}labels": [image.label]},
        }
        for number, (name, value) in enumerate(regions, start=1)
    ]
    choice = {"choices": [image.label]}
    chosen = {"id": "label", "type": "choices", "from_name": "label", "to_name": "image"}
    return [*drawn, {**chosen, "value": choice}]
