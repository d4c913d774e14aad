"""The gallery page of a check: what was found, with the pictures it was found in."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jinja2 import Environment, FileSystemLoader
from PIL import Image

from lookright.data.balance import counts
from lookright.data.check import Checked, summary
from lookright.data.decode import content, decode
from lookright.data.finding import LEVELS, Finding
from lookright.data.maps import read_map
from lookright.data.paths import forbidden, locate
from lookright.data.sample import Evidence, Pixels
from lookright.errors import DataError
from lookright.files import write_atomically

SIDE = 168  # pixels of a thumbnail's longer side
_CARDS = 12  # of each kind of finding
_TWINS = 4  # pictures on one card
_LOOK = 24  # pictures to look at, whatever was found
_CONTOUR = (255, 176, 0)


@dataclass(frozen=True)
class Thumbnail:
    """A small picture for the page."""

    id: str
    about: str  # label, split and group
    source: str  # a data URI; "" where there is no picture


def write_page(checked: Checked, path: Path) -> None:
    """Write one HTML file that needs nothing else: a table, and pictures with contours of maps."""
    shelf = _Shelf(checked)
    kinds = [
        {"level": level, "code": code, "count": count, "fix": fix, "cards": shelf.cards(code)}
        for level, code, count, _, fix in summary(checked)
    ]
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("check_page.html.j2").render(
        name=checked.name,
        passed=checked.passed,
        amounts={level: checked.count(level) for level in LEVELS},
        rows=None if checked.rows is None else len(checked.rows),
        lines=summary(checked),
        splits=_splits(checked.rows),
        kinds=kinds,
        look=shelf.look(),
        shown=_CARDS,
    )
    write_atomically(path, page)


def _splits(rows: pl.DataFrame | None) -> list[dict[str, Any]]:
    if rows is None:
        return []
    most = max(counts(rows)["images"].to_list(), default=1)
    return [{**row, "width": 100 * row["images"] / most} for row in counts(rows).to_dicts()]


class _Shelf:
    """Thumbnails of rows, each made once."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._made: dict[int, Thumbnail] = {}

    def cards(self, code: str) -> list[tuple[Finding, list[Thumbnail]]]:
        """Return the first findings of a kind with their pictures."""
        found = [each for each in self._checked.findings if each.problem.code == code]
        return [(each, self._thumbnails(self._telling(each.rows))) for each in found[:_CARDS]]

    def _telling(self, indices: tuple[int, ...]) -> list[int]:
        """Choose a few rows: the first of every split and label before second ones."""
        if self._checked.rows is None:
            return []
        part = self._checked.rows[list(indices)].select("split", "label")
        ranks = part.select(pl.int_range(pl.len()).over("split", "label")).to_series()
        return [indices[place] for place in ranks.arg_sort()[:_TWINS]]

    def look(self) -> list[Thumbnail]:
        """Return some rows of every split and class, drawn by a fixed seed."""
        rows = self._checked.rows
        if rows is None:
            return []
        kinds = rows.with_row_index("_index").group_by("split", "label", maintain_order=True)
        lists = [part["_index"].sample(fraction=1, shuffle=True, seed=0) for _, part in kinds]
        each = max(1, _LOOK // max(1, len(lists)))
        chosen = [int(index) for part in lists for index in part[:each]]
        return [made for made in self._thumbnails(chosen[:_LOOK]) if made.source]

    def _thumbnails(self, indices: Sequence[int]) -> list[Thumbnail]:
        return [self._thumbnail(index) for index in indices]

    def _thumbnail(self, index: int) -> Thumbnail:
        if index not in self._made:
            self._made[index] = _thumbnail(self._checked, index)
        return self._made[index]


def _thumbnail(checked: Checked, index: int) -> Thumbnail:
    assert checked.rows is not None  # a finding has rows only where there are any
    row = checked.rows.row(index, named=True)
    words = (row[name] for name in ("label", "split", "group") if row.get(name))
    drawn = _drawn(checked, row)
    return Thumbnail(row["id"], " · ".join(words), "" if drawn is None else _uri(drawn))


def _drawn(checked: Checked, row: Mapping[str, Any]) -> Image.Image | None:
    """Read a row again as far as it can be read."""
    assert checked.table is not None
    image, mask, root = row["image"], row["mask"], checked.table.root
    lenient = replace(checked.reading.of_row(row), min_side=1, bits="auto")
    allowed = [path for path in (image, mask) if path and _is_inside(path, root)]
    if image not in allowed:
        return None
    try:
        decoded = decode(content(root / image, image), lenient, image)
    except DataError:
        return None
    evidence = None
    if mask in allowed:
        try:
            evidence = read_map(content(root / mask, mask), checked.reading, decoded, mask).map
        except DataError:
            evidence = None  # the card says what is wrong with the mask
    return contoured(decoded.pixels, evidence)


def _is_inside(path: str, root: Path) -> bool:
    paths = pl.Series([path])
    return not forbidden(paths) and path in locate(paths, root).sizes


def contoured(pixels: Pixels, evidence: Evidence | None) -> Image.Image:
    """Make a small picture with the outline of the map at one half of its peak."""
    eight = (pixels // 257).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    picture = Image.fromarray(eight[:, :, 0] if eight.shape[2] == 1 else eight).convert("RGB")
    scale = SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = np.array(picture.resize(size, Image.Resampling.LANCZOS))
    if evidence is not None and evidence.any():
        grown = Image.fromarray(evidence).resize(size, Image.Resampling.BILINEAR)
        small[_outline(np.asarray(grown) >= evidence.max() / 2)] = _CONTOUR
    return Image.fromarray(small)


def _outline(inside: np.ndarray) -> np.ndarray:
    """Return the pixels inside that have a neighbour outside; the border counts as inside."""
    padded = np.pad(inside, 1, mode="edge")
    neighbours: Iterable[np.ndarray] = (
        padded[1 + down : padded.shape[0] - 1 + down, 1 + right : padded.shape[1] - 1 + right]
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))
    )
    return inside & ~np.logical_and.reduce(list(neighbours))


def _uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
