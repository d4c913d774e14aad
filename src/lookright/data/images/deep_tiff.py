"""TIFF with 16 bits per colour, read exactly: Pillow keeps the high byte of colours.

Pillow reads the tags; the pixels of strips and tiles are put together here. The format is Adobe's
TIFF, revision 6.0.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt16

from lookright.errors import DataError, Problem

_BITS, _COMPRESSION, _SAMPLES, _ROWS_PER_STRIP = 258, 259, 277, 278
_PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_LENGTH = 284, 317, 322, 323
_STRIPS, _TILES = (273, 279), (324, 325)  # tags of offsets and of byte counts
_PLAIN, _DEFLATE = 1, (8, 32946)


@dataclass(frozen=True)
class _Layout:
    """How pixels lie in blocks: tiles, or strips as wide as the image."""

    width: int
    height: int
    samples: int  # per pixel of one block
    across: int  # width of a block
    down: int  # height of a block
    compression: int
    predictor: int
    order: str  # of bytes: < or >


def is_deep_tiff(tags: Mapping[int, Any]) -> bool:
    """Say whether this TIFF has several values per pixel that are deeper than 8 bits."""
    bits = _several(tags.get(_BITS, 1))
    return len(bits) > 1 and max(bits) > 8


def read_deep_tiff(
    data: bytes, tags: Mapping[int, Any], size: tuple[int, int], where: str
) -> UInt16[np.ndarray, "height width channels"]:
    """Decode one whose values have 16 bits, stored plainly or with Deflate.

    Raises DataError for others; tags that make no sense raise whatever they lead to.
    """
    compression = int(tags.get(_COMPRESSION, _PLAIN))
    if set(_several(tags[_BITS])) != {16} or compression not in (_PLAIN, *_DEFLATE):
        what = "A TIFF with deep colours is read when it has 16 bits, plain or with Deflate."
        raise DataError(Problem("IMG-DEEP-COLOUR", what, where, "Save it as such, or as PNG."))
    samples, planes = int(tags.get(_SAMPLES, 1)), int(tags.get(_PLANAR, 1)) == 2
    if samples != len(_several(tags[_BITS])) or samples > 4:
        raise ValueError("Samples and their bits differ.")
    tiled = _TILE_WIDTH in tags
    layout = _Layout(
        *size,
        1 if planes else samples,
        int(tags[_TILE_WIDTH]) if tiled else size[0],
        int(tags[_TILE_LENGTH]) if tiled else min(int(tags.get(_ROWS_PER_STRIP, size[1])), size[1]),
        compression,
        int(tags.get(_PREDICTOR, 1)),
        "<" if data[:2] == b"II" else ">",
    )
    offsets, counts = (_several(tags[each]) for each in (_TILES if tiled else _STRIPS))
    blocks = [data[at : at + count] for at, count in zip(offsets, counts, strict=True)]
    parts = samples if planes else 1
    share = len(blocks) // parts
    read = [_plane(blocks[at * share : (at + 1) * share], layout, where) for at in range(parts)]
    return np.concatenate(read, axis=2)


def _plane(blocks: list[bytes], layout: _Layout, where: str) -> np.ndarray:
    wide = -(-layout.width // layout.across)
    tall = -(-layout.height // layout.down)
    if len(blocks) != wide * tall:
        raise DataError(_truncated(where))
    whole = np.zeros((layout.height, layout.width, layout.samples), np.uint16)
    for index, block in enumerate(blocks):
        top, left = index // wide * layout.down, index % wide * layout.across
        target = whole[top : top + layout.down, left : left + layout.across]
        target[:] = _block(block, layout, len(target), where)[:, : target.shape[1]]
    return whole


def _block(block: bytes, layout: _Layout, rows: int, where: str) -> np.ndarray:
    """Decode a block; of the last strip, and of tiles over the edge, only `rows` are wanted."""
    shape = (rows, layout.across, layout.samples)
    length = 2 * rows * layout.across * layout.samples
    if layout.compression in _DEFLATE:
        try:
            block = zlib.decompressobj().decompress(block, length)
        except zlib.error:
            block = b""
    if len(block) < length:
        raise DataError(_truncated(where))
    values = np.frombuffer(block[:length], f"{layout.order}u2").reshape(shape).astype(np.uint16)
    # wraps around, as the differences did
    return np.cumsum(values, axis=1, dtype=np.uint16) if layout.predictor == 2 else values


def _several(value: Any) -> list[int]:
    return [int(each) for each in (value if isinstance(value, tuple) else (value,))]


def _truncated(where: str) -> Problem:
    what = "Cannot be decoded: pixels are missing."
    return Problem("IMG-TRUNCATED", what, where, "Fetch it again.")
