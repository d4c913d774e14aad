"""The head of a DICOM file: how the rest of it is stored (PS3.10, section 7.1).

It is read here and not by a library, so that a deflated file is inflated under a limit, and a
directory of files is refused before anything follows its references.
"""

import struct
import zlib
from dataclasses import dataclass

from lookright.errors import DataError, Problem

DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT = "1.2.840.10008.1.2.1"
_DIRECTORY = "1.2.840.10008.1.3.10"
_START = 132  # behind the preamble and DICM
_LONG = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT")
_STORAGE, _SYNTAX = 0x0002, 0x0010
_PIECE = 1 << 20  # bytes that are inflated at once


@dataclass(frozen=True)
class Meta:
    """What the head says, and where the rest begins."""

    syntax: str  # the UID of the transfer syntax
    end: int


def read_meta(data: bytes, where: str) -> Meta:
    """Read the head of a DICOM file; raises DataError for directories and damaged heads."""
    found: dict[int, str] = {}
    at = _START
    while data[at : at + 2] == b"\x02\x00" and at + 12 <= len(data):
        element = int.from_bytes(data[at + 2 : at + 4], "little")
        is_long = data[at + 4 : at + 6] in _LONG
        begin = at + (12 if is_long else 8)
        length = int.from_bytes(data[begin - (4 if is_long else 2) : begin], "little")
        if begin + length > len(data):
            break
        found[element] = data[begin : begin + length].rstrip(b"\0 ").decode("ascii", "replace")
        at = begin + length
    if found.get(_STORAGE) == _DIRECTORY:
        what = "This is a DICOMDIR, which names other files and holds no picture."
        raise DataError(Problem("DICOM-DIRECTORY", what, where, "Name the files themselves."))
    if not found.get(_SYNTAX):
        what = "This DICOM file does not say how it is stored (its transfer syntax)."
        raise DataError(Problem("DICOM-DAMAGED", what, where, "Export it again."))
    return Meta(found[_SYNTAX], at)


def inflated(data: bytes, meta: Meta, limit: int, where: str) -> bytes:
    """Return a deflated file as a plain one with a head that says so, piece by piece.

    Raises DataError as soon as there are more than `limit` bytes.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces, total, rest = [_plain_head()], 0, data[meta.end :]
    try:
        while rest and not stream.eof:
            piece = stream.decompress(rest, _PIECE)
            rest = stream.unconsumed_tail
            total += len(piece)
            if total > limit:
                what = f"It inflates to more than {limit / 2**20:g} MiB."
                fix = "If it is meant to be so large, raise data.max_inflated."
                raise DataError(Problem("DICOM-INFLATED", what, where, fix))
            pieces.append(piece)
    except zlib.error:
        raise DataError(_damaged(where)) from None
    if not stream.eof:
        raise DataError(_damaged(where))
    return b"".join(pieces)


def _plain_head() -> bytes:
    syntax = EXPLICIT.encode() + b"\0"
    element = struct.pack("<HH2sH", 2, _SYNTAX, b"UI", len(syntax)) + syntax
    group = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(element))
    return bytes(128) + b"DICM" + group + element


def _damaged(where: str) -> Problem:
    what = "The deflated DICOM file is damaged or cut off."
    return Problem("DICOM-DAMAGED", what, where, "Fetch it again.")
