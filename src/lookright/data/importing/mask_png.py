"""Masks as PNG files, several times faster than an encoder that searches for row filters.

A mask is runs of equal bytes: no filter, and zlib's run-length strategy, make it smallest too.
The layout is that of the PNG specification (W3C, third edition, sections 5 and 11).
"""

import zlib

import numpy as np
from jaxtyping import UInt8

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(mask: UInt8[np.ndarray, "rows cols"], about: tuple[str, str] | None = None) -> bytes:
    """Return the bytes of a grey 8-bit PNG; `about` is a keyword and a Latin-1 text in it."""
    rows, cols = mask.shape
    head = rows.to_bytes(4), bytes([8, 0, 0, 0, 0])  # depth, grey, and the only methods there are
    lines = np.zeros((rows, cols + 1), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = mask
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    body = packer.compress(lines.data) + packer.flush()
    text = b"" if about is None else _chunk(b"tEXt", "\0".join(about).encode("latin-1"))
    start = _SIGNATURE + _chunk(b"IHDR", cols.to_bytes(4) + b"".join(head)) + text
    return start + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(body, zlib.crc32(kind))
    return len(body).to_bytes(4) + kind + body + crc.to_bytes(4)
