"""One row looked at closely: its image, its map, and everything remarkable about both."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lookright.data.checks.alignment import Alignment, align
from lookright.data.checks.finding import Level
from lookright.data.checks.likeness import likeness
from lookright.data.drawings.votes import Votes, count_votes
from lookright.data.images.decode import content, decode
from lookright.data.images.decoded import Decoded
from lookright.data.lock import FIX_CHANGED, differs
from lookright.data.maps import ReadMap, read_map
from lookright.data.reading import Reading
from lookright.data.table import LOCKS
from lookright.errors import DataError, Problem

LONGEST_ASPECT = 4.0  # from here on one side of an image is suspiciously long


@dataclass(frozen=True)
class Inspection:
    """What one row turned out to be; fields are empty where it could not be read."""

    index: int
    problems: tuple[Problem, ...]
    digest: str = ""  # of the pixels as they are read
    size: tuple[int, int] = (0, 0)  # width, height
    bits: int = 0
    coloured: bool | None = None  # None: not read; False: grey, also when stored as RGB
    mask_digest: str = ""  # of the map; empty for maps that say nothing
    mask_resized: bool = False
    likeness: bytes = b""  # nearly equal for pictures that look alike
    alignment: Alignment | None = None  # of the map; None for maps that say nothing
    votes: Votes | None = None  # of several annotators, where the map is their mean


@dataclass
class _Notes:
    where: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, code: str, what: str, fix: str = "", level: Level = "warning") -> None:
        """Note a problem of this row."""
        self.problems.append(Problem(code, what, self.where, fix, level))


def inspect(
    index: int, row: Mapping[str, str], root: Path, reading: Reading, where: str
) -> Inspection:
    """Read an image and its map as training would; never raises for what is wrong with them."""
    notes = _Notes(f"{where}, {row['id']}")
    try:
        data = content(root / row["image"], row["image"])
        image = decode(data, reading.of_row(row), row["image"])
    except DataError as error:
        return Inspection(index, tuple(_placed(notes.where, each) for each in error.problems))
    notes.problems += [_placed(notes.where, each) for each in image.notes]
    _judge_hash(data, row, "image", notes)
    _judge_image(image, bool(row["mask"]), notes)
    drawn = _read_mask(row, root, reading, image, notes) if row["mask"] else None
    width, height = image.pixels.shape[1], image.pixels.shape[0]
    says_something = drawn is not None and drawn.map is not None and drawn.map.min() < 1
    evidence = drawn.map if says_something and drawn else None
    return Inspection(
        index,
        tuple(notes.problems),
        _digest(image.pixels),
        (width, height),
        image.bits,
        _is_coloured(image.pixels),
        "" if evidence is None else _digest(evidence),
        drawn is not None and drawn.resized,
        likeness(image.pixels),
        None if evidence is None else align(image.pixels, evidence),
        None if evidence is None else count_votes(evidence, _readers(row)),
    )


def _readers(row: Mapping[str, str]) -> int:
    told = str(row.get("annotators") or "")
    return int(told) if told.isdecimal() else 1


def _placed(where: str, problem: Problem) -> Problem:
    return replace(problem, where=where)


def _judge_hash(data: bytes, row: Mapping[str, str], column: str, notes: _Notes) -> None:
    if differs(data, row.get(LOCKS[column], "")):
        what = f"The file is not the one whose {LOCKS[column]} the manifest names."
        code = "IMG-HASH" if column == "image" else "MASK-HASH"
        notes.add(code, what, FIX_CHANGED, "error")


def _judge_image(image: Decoded, has_mask: bool, notes: _Notes) -> None:
    pixels = image.pixels
    if pixels.min() == pixels.max():
        notes.add("IMG-CONSTANT", f"Every pixel has the value {pixels.min()}.")
    long, short = max(pixels.shape[:2]), min(pixels.shape[:2])
    if long > LONGEST_ASPECT * short:
        notes.add("IMG-ASPECT", f"One side is {long / short:.1f} times the other.")
    if image.bits > 8 or pixels.dtype == np.uint16:
        what = f"Deeper than 8 bits: read with {image.bits} significant bits."
        notes.add("IMG-DEEP", what, level="notice")
    if image.orientation != 1:
        what = f"Turned upright by its EXIF orientation {image.orientation}."
        fix = "Its mask must be drawn on the upright image: look at it." if has_mask else ""
        notes.add("IMG-EXIF", what, fix, "warning" if has_mask else "notice")


def _read_mask(
    row: Mapping[str, str], root: Path, reading: Reading, image: Decoded, notes: _Notes
) -> ReadMap | None:
    try:
        # as background, so that an empty map is seen here and judged below
        rule = replace(reading, empty_mask="background")
        data = content(root / row["mask"], row["mask"])
        _judge_hash(data, row, "mask", notes)
        drawn = read_map(data, rule, image, row["mask"])
    except DataError as error:
        notes.problems += [_placed(notes.where, each) for each in error.problems]
        return None
    notes.problems += [_placed(notes.where, each) for each in drawn.notes]
    if drawn.empty:
        _judge_empty(reading, notes)
        return None
    if drawn.map is not None and drawn.map.min() == 1:
        notes.add("MASK-FULL", "The mask covers the whole image and says nothing.")
    if row.get("unknown") and _all_unknown(row["unknown"], root, reading, image, notes):
        notes.add("UNKNOWN-ALL", "Every pixel is unknown: the image teaches its class only.")
    if drawn.resized:
        notes.add("MASK-RESIZED", "The mask has another size than the image.", level="notice")
    return drawn


def _all_unknown(path: str, root: Path, reading: Reading, image: Decoded, notes: _Notes) -> bool:
    try:
        rule = replace(reading, empty_mask="background")
        drawn = read_map(content(root / path, path), rule, image, path).map
    except DataError as error:
        notes.problems += [_placed(notes.where, each) for each in error.problems]
        return False
    return drawn is not None and bool((drawn >= 0.5).all())


def _judge_empty(reading: Reading, notes: _Notes) -> None:
    meaning: dict[str, tuple[str, Level]] = {
        "ignore": ("it counts as not annotated", "warning"),
        "background": ("it counts as 'nothing here is evidence'", "warning"),
        "error": ("data.empty_mask is error", "error"),
    }
    words, level = meaning[reading.empty_mask]
    notes.add("MASK-EMPTY", f"The mask is empty: {words}.", level=level)


def _is_coloured(pixels: np.ndarray) -> bool:
    return pixels.shape[2] == 3 and bool((pixels != pixels[:, :, :1]).any())


def _digest(values: np.ndarray) -> str:
    words = f"{values.shape}{values.dtype}".encode()
    found = hashlib.blake2b(words, digest_size=16)
    found.update(np.ascontiguousarray(values).data)
    return found.hexdigest()
