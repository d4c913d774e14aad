"""Maps in files that are named by what they follow from, so that none is rendered twice."""

import io
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lookright.data.drawings.drawing import Mark
from lookright.data.drawings.drawn import Size
from lookright.data.drawings.shapes import Cells
from lookright.data.importing.mask_png import encode
from lookright.data.sample import Evidence
from lookright.errors import Problem
from lookright.files import write_atomically

RULE = "1"  # of rasterising; a new number renders everything anew
_FIELD = "lookright"  # the PNG text that says what the map is like
_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class CachedMap:
    """A map that lies in the cache."""

    key: str
    empty: bool
    has_unknown: bool
    notes: tuple[Problem, ...] = ()  # what was said when it was rendered

    @property
    def file(self) -> str:
        """The map's file name."""
        return f"{self.key}.png"

    @property
    def unknown(self) -> str:
        """The name of the file of pixels that teach nothing; empty when there are none."""
        return f"{self.key}-unknown.png" if self.has_unknown else ""


class MapCache:
    """A folder of PNG files: 8 bits for masks, 16 bits for soft maps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> CachedMap | None:
        """Return the map of this key if it is there and whole."""
        try:
            with (self.folder / f"{key}.png").open("rb") as file:
                file.seek(-len(_END), io.SEEK_END)
                whole = file.read() == _END
                file.seek(0)
                with Image.open(file, formats=["PNG"]) as picture:
                    about = json.loads(picture.info[_FIELD])
            notes = tuple(Problem(*each) for each in about["notes"])
            found = CachedMap(key, about["empty"], about["unknown"], notes)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there, torn, or somebody else's: rendered again
        there = not found.unknown or (self.folder / found.unknown).is_file()
        return found if whole and there else None

    def write(
        self, key: str, drawn: Evidence, unknown: Cells | None, notes: Iterable[Problem] = ()
    ) -> CachedMap:
        """Write a map, and beside it the pixels that teach nothing if there are any."""
        kept = CachedMap(key, not drawn.any(), unknown is not None, tuple(notes))
        if unknown is not None:
            blank = encode(unknown * np.uint8(255))
            write_atomically(self.folder / kept.unknown, blank, flush=False)
        write_atomically(self.folder / kept.file, _png(_values(drawn), _about(kept)), flush=False)
        return kept

    def read(self, kept: CachedMap) -> tuple[Evidence, Cells | None]:
        """Read a map back."""
        with Image.open(self.folder / kept.file, formats=["PNG"]) as picture:
            values = np.asarray(picture)
        depth = np.float32(255 if values.dtype == np.uint8 else 65535)
        drawn = values.astype(np.float32) / depth
        if not kept.unknown:
            return drawn, None
        with Image.open(self.folder / kept.unknown, formats=["PNG"]) as picture:
            return drawn, np.asarray(picture) > 0


def key_of_marks(
    marks: Iterable[Mark], drawn_on: Size | None, size: Size, ground: str = "not_evidence"
) -> str:
    """Name the map of some marks, drawn on a picture of one size, for an image of another."""
    digest = blake2b(repr((RULE, drawn_on or size, size, ground)).encode(), digest_size=16)
    for mark in marks:
        digest.update(repr((type(mark.shape).__name__, mark.role, float(mark.weight))).encode())
        for value in vars(mark.shape).values():
            _digest(digest, value)
    return digest.hexdigest()


def key_of_words(*words: object) -> str:
    """Name a map that follows from these words."""
    return blake2b(repr((RULE, *words)).encode(), digest_size=16).hexdigest()


def _digest(digest: Any, value: object) -> None:
    if isinstance(value, tuple):
        digest.update(b"(%d" % len(value))
        for each in value:
            _digest(digest, each)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    else:
        digest.update(repr(value).encode() + b",")


def _about(kept: CachedMap) -> str:
    notes = [astuple(each) for each in kept.notes]
    return json.dumps({"empty": kept.empty, "unknown": kept.has_unknown, "notes": notes})


def _values(drawn: Evidence) -> np.ndarray:
    levels = (drawn * np.float32(255)).astype(np.uint8)
    if (levels == drawn * np.float32(255)).all() and ((levels == 0) | (levels == 255)).all():
        return levels
    return np.round(drawn * np.float32(65535)).astype(np.uint16)


def _png(values: np.ndarray, about: str) -> bytes:
    if values.dtype == np.uint8:
        return encode(values, (_FIELD, about))
    buffer, field = io.BytesIO(), PngInfo()
    field.add_text(_FIELD, about)
    Image.fromarray(values).save(buffer, "PNG", compress_level=1, pnginfo=field)
    return buffer.getvalue()
