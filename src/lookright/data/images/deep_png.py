"""PNG with 16 bits per colour, read and written exactly: Pillow keeps the high byte of colours.

The format is W3C's Portable Network Graphics, third edition: filters in section 9.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16, UInt8, UInt16

from lookright.data.images.formats import png_chunks
from lookright.errors import DataError, Problem

START = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 4: 2, 6: 4}  # by colour type: RGB, grey with alpha, RGB with alpha
_COLOUR_TYPE = {1: 0, 3: 2}  # by channels


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: int

    @classmethod
    def of(cls, data: bytes) -> "_Header":
        """Read what the IHDR chunk says."""
        width, height, depth, colour_type, *_, interlaced = struct.unpack(">IIBBBBB", data[16:29])
        return cls(width, height, depth, colour_type, interlaced)


def is_deep_png(data: bytes) -> bool:
    """Say whether this PNG has 16 bits per colour, or per grey value beside an alpha channel."""
    header = _Header.of(data)
    return header.depth == 16 and header.colour_type in _CHANNELS


def read_deep_png(data: bytes, where: str) -> UInt16[np.ndarray, "height width channels"]:
    """Decode one; channels are RGB, RGBA, or grey and alpha."""
    header = _Header.of(data)
    if header.interlaced:
        what = "An interlaced PNG with 16 bits per colour is not read."
        raise DataError(Problem("IMG-DEEP-COLOUR", what, where, "Save it without interlacing."))
    channels = _CHANNELS[header.colour_type]
    step = 2 * channels  # bytes of a pixel
    length = header.height * (1 + header.width * step)
    packed = b"".join(body for kind, body, _ in png_chunks(data) if kind == b"IDAT")
    try:
        plain = zlib.decompressobj().decompress(packed, length)
    except zlib.error:
        plain = b""
    if len(plain) < length:
        what = "Cannot be decoded: pixels are missing."
        raise DataError(Problem("IMG-TRUNCATED", what, where, "Fetch it again."))
    lines = np.frombuffer(plain, np.uint8).reshape(header.height, -1)
    shape = (header.height, header.width, step)
    unfiltered = _unfiltered(lines[:, 1:].reshape(shape), lines[:, 0])
    return unfiltered.view(">u2").astype(np.uint16)


def _unfiltered(
    lines: UInt8[np.ndarray, "height width step"], kinds: UInt8[np.ndarray, " height"]
) -> UInt8[np.ndarray, "height width step"]:
    """Add to each byte what its neighbours left, above and in the corner predict.

    A pixel needs only pixels of the two diagonals before its own, so that a whole diagonal is one
    step. Its pixels lie `width` apart in the flat grid, which has a border of zeros.
    """
    height, width, step = lines.shape
    grid = np.zeros(((height + 1) * (width + 1), step), np.int16)
    flat = lines.reshape(height * width, step)
    for diagonal in range(height + width - 1):
        top, bottom = max(0, diagonal - width + 1), min(height, diagonal + 1)
        count = bottom - top
        here = (top + 1) * (width + 1) + (diagonal - top) + 1
        left, above, corner = (
            grid[here - back :: width][:count] for back in (1, width + 1, width + 2)
        )
        own = flat[top * width + diagonal - top :: max(1, width - 1)][:count]
        predicted = _predicted(kinds[top:bottom], left, above, corner)
        grid[here::width][:count] = (own + predicted) & 255
    whole = grid.reshape(height + 1, width + 1, step)[1:, 1:]
    return np.ascontiguousarray(whole.astype(np.uint8))


def _predicted(
    kinds: UInt8[np.ndarray, " n"],
    left: Int16[np.ndarray, "n step"],
    above: Int16[np.ndarray, "n step"],
    corner: Int16[np.ndarray, "n step"],
) -> Int16[np.ndarray, "n step"]:
    """Predict by the filter of each line: none, left, above, their mean, or Paeth's choice."""
    by_left, by_above = abs(above - corner), abs(left - corner)
    by_corner = abs(left + above - 2 * corner)
    other = np.where(by_above <= by_corner, above, corner)
    paeth = np.where((by_left <= by_above) & (by_left <= by_corner), left, other)
    choices = (np.zeros_like(left), left, above, (left + above) >> 1, paeth)
    return np.choose(np.minimum(kinds, 4)[:, None], choices)


def encoded_png(pixels: UInt16[np.ndarray, "height width colours"]) -> bytes:
    """Write grey or RGB with 16 significant bits; nothing but pixels is in the file."""
    height, width, colours = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPE[colours], 0, 0, 0)
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, width, 2 * colours)
    filtered = np.diff(rows, axis=1, prepend=np.zeros_like(rows[:, :1])).reshape(height, -1)
    lines = np.concatenate([np.full((height, 1), 1, np.uint8), filtered], 1)
    body = zlib.compress(lines.tobytes(), 6)
    chunks = ((b"IHDR", header), (b"sBIT", bytes([16] * colours)), (b"IDAT", body), (b"IEND", b""))
    return START + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + crc
