"""Scribbles: coloured strokes in pictures, or lines in a CSV table, for, against and undecided."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import ImageColor

from lookright.data.drawings.drawing import Drawing, Mark, Role
from lookright.data.drawings.shapes import Raster
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.stroke_table import read_strokes
from lookright.data.folders import files_below, is_image
from lookright.data.images.decode import content, open_picture
from lookright.data.reading import Reading
from lookright.errors import ConfigError, DataError, Problem

_NEAR = 60.0  # how far, in RGB, a pixel may be from its colour: edges of strokes are blended


class Scribbles(Importer):
    """Reads a folder of pictures named as the images are, or a CSV table of points of lines.

    In a picture, `evidence`, `not_evidence` and `unknown` are the colours of strokes, by name or
    as "#00ff00". A table has the columns image, stroke, x and y, in pixels, and perhaps role,
    width, annotator and label. Where nobody scribbled is the `rest`: unknown, so that it teaches
    nothing, or not evidence.
    """

    def __init__(
        self,
        evidence: str = "lime",
        not_evidence: str = "red",
        unknown: str = "blue",
        rest: Literal["unknown", "not_evidence"] = "unknown",
        width: float = 1.0,
        suffix: str | None = None,
    ) -> None:
        self.colours: dict[Role, tuple[int, ...]] = {
            "evidence": _colour(evidence),
            "not_evidence": _colour(not_evidence),
            "unknown": _colour(unknown),
        }
        self.rest: Literal["unknown", "not_evidence"] = rest
        self.width = width
        self.suffix = suffix or ""

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing for each picture, or for each image and annotator of a table."""
        if path.is_file():
            yield from read_strokes(path, self.width, self.rest)
            return
        for file in files_below(path):
            where = file.relative_to(path).as_posix()
            try:
                yield self._picture(file, where)
            except DataError as error:
                yield from error.problems

    def _picture(self, file: Path, where: str) -> Drawing | Problem:
        plain = Path(where).with_suffix("")
        if not is_image(file) or not plain.name.endswith(self.suffix):
            return Problem("MASK-IGNORED", "It is no scribble: left out.", where, level="notice")
        opened = open_picture(content(file, where), Reading(min_side=1), where)
        pixels = np.asarray(opened.picture.convert("RGBA")).astype(np.float32)
        roles = list(self.colours)
        targets = np.array([self.colours[role] for role in roles], np.float32)
        away = np.linalg.norm(pixels[:, :, None, :3] - targets, axis=-1)
        nearest = np.where((away.min(-1) <= _NEAR) & (pixels[:, :, 3] > 127), away.argmin(-1), -1)
        if (nearest < 0).all() and len(np.unique(pixels.reshape(-1, 4), axis=0)) > 1:
            what = "No pixel has the colour of a stroke."
            fix = "Say which colours mean what: evidence=, not_evidence=, unknown=."
            raise DataError(Problem("SCRIBBLE-COLOURS", what, where, fix))
        image = plain.with_name(plain.name.removesuffix(self.suffix)).as_posix()
        height, width = nearest.shape
        strokes = [
            Mark(Raster(nearest == number), role=role)
            for number, role in enumerate(roles)
            if (nearest == number).any()
        ]
        return Drawing(image, (width, height), tuple(strokes), where=where, ground=self.rest)


def _colour(words: str) -> tuple[int, ...]:
    try:
        return ImageColor.getrgb(words)[:3]
    except ValueError:
        fix = 'Write a name, such as lime, or "#00ff00".'
        raise ConfigError(Problem("COLOUR", f"{words!r} is no colour.", fix=fix)) from None
