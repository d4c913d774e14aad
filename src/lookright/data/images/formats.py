"""What a file is, by its first bytes, and whether it is whole."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lookright.errors import Problem

ALLOWED = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM")
_ALLOWED_WORDS = "Allowed are PNG, JPEG, TIFF, WebP, BMP, PGM/PPM and DICOM."
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
_KNOWN = (  # first bytes, offset, format of ours or None, what it is
    (b"\x89PNG\r\n\x1a\n", 0, "PNG", "PNG"),
    (b"\xff\xd8\xff\xf7", 0, None, "a lossless JPEG-LS file"),
    (b"\xff\xd8\xff", 0, "JPEG", "JPEG"),
    (b"II*\0", 0, "TIFF", "TIFF"),
    (b"MM\0*", 0, "TIFF", "TIFF"),
    (b"BM", 0, "BMP", "BMP"),
    (b"GIF8", 0, None, "a GIF (often animated)"),
    (b"8BPS", 0, None, "a Photoshop file"),
    (b"%PDF", 0, None, "a PDF"),
    (b"%!PS", 0, None, "PostScript"),
    (b"\xc5\xd0\xd3\xc6", 0, None, "PostScript"),
    (b"DICM", 128, "DICOM", "DICOM"),
    (b"\x08\x00\x05\x00CS", 0, None, "DICOM without its preamble"),
    (b"\x08\x00\x08\x00CS", 0, None, "DICOM without its preamble"),
    (b"\x08\x00\x00\x00\x04\x00\x00\x00", 0, None, "DICOM without its preamble"),
    (b"\x02\x00\x00\x00UL\x04\x00", 0, None, "DICOM without its preamble"),
    (b"ftypheic", 4, None, "HEIC"),
    (b"ftypmif1", 4, None, "HEIC"),
    (b"ftypavif", 4, None, "AVIF"),
    (b"jP  \r\n\x87\n", 4, None, "JPEG 2000"),
    (b"\xff\x4f\xff\x51", 0, None, "JPEG 2000"),
    (b"PK\x03\x04", 0, None, "a ZIP archive"),
    (b"\x1f\x8b", 0, None, "gzip-compressed"),
    (b"\x93NUMPY", 0, None, "a NumPy array"),
)


@dataclass(frozen=True)
class JpegFrame:
    """What the head of a JPEG says."""

    marker: int
    bits: int  # per value
    width: int
    height: int
    colours: int


def recognise(data: bytes) -> str | Problem:
    """Name the format, or say what the file is instead."""
    if not data:
        return Problem("IMG-EMPTY", "The file has 0 bytes.", fix="Fetch it again.")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace():
        return "PPM"
    for start, offset, ours, words in _KNOWN:
        if data[offset : offset + len(start)] == start:
            return ours or _refused(f"This is {words}.")
    return _refused(_text(data[:1024]))


def _refused(what: str) -> Problem:
    return Problem("IMG-FORMAT", what, fix=f"{_ALLOWED_WORDS} Convert it.")


def _text(start: bytes) -> str:
    lower = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if b"<svg" in lower:
        return "This is SVG, a drawing and not pixels."
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in lower:
        return "This looks like HTML (a failed download?)."
    if lower.startswith(b"version https://git-lfs"):
        return "This is a Git LFS pointer: the file itself was never fetched."
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start):
        return "This is text, not an image."
    return "This is no image format that is known here."


def damage(data: bytes, name: str) -> Problem | None:
    """Find damage that decoders let pass: a missing end, or checksums that do not match."""
    if name == "JPEG":
        return _jpeg_damage(data)
    if name == "PNG":
        return _png_damage(data)
    return None


def _jpeg_damage(data: bytes) -> Problem | None:
    if data.find(b"\xff\xd9", data.rfind(b"\xff\xda")) < 0:
        what = "The JPEG has no end: it is truncated."
        return Problem("IMG-TRUNCATED", what, fix="Fetch it again.")
    frame = jpeg_frame(data)
    if frame and (frame.bits != 8 or frame.marker in _LOSSLESS):
        kind = "lossless " if frame.marker in _LOSSLESS else ""
        return _refused(f"This is a {kind}JPEG with {frame.bits} bits per value.")
    return None


def jpeg_frame(data: bytes) -> JpegFrame | None:
    """Read the head of the first frame of a JPEG or JPEG-LS; None where there is none."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            bits, height, width, colours = struct.unpack(">BHHB", data[at + 4 : at + 10])
            return JpegFrame(marker, bits, width, height, colours)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _png_damage(data: bytes) -> Problem | None:
    complete = False
    for kind, body, crc in png_chunks(data):
        if zlib.crc32(body, zlib.crc32(kind)) != crc:
            if kind == b"IEND" or len(body) == 0:
                break
            what = f"The checksum of chunk {kind.decode('latin-1')!r} is wrong: bits have flipped."
            return Problem("IMG-DAMAGED", what, fix="Fetch it again.")
        complete |= kind == b"IEND"
    if complete:
        return None
    what = "The PNG has no end marker (its pixels may be complete)."
    return Problem("IMG-NO-END", what, fix="Fetch it again.", level="warning")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield kind, body and stored checksum of every whole chunk of a PNG."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            return  # cut off; decoding says whether pixels are missing
        body = data[at + 8 : at + 8 + length]
        crc = int.from_bytes(data[at + 8 + length : at + 12 + length], "big")
        yield data[at + 4 : at + 8], body, crc
        at += 12 + length


def significant_bits(data: bytes) -> int | None:
    """Return the depth that a PNG declares in its sBIT chunk, if it does."""
    for kind, body, _ in png_chunks(data):
        if kind == b"sBIT" and body:
            return max(body)
        if kind == b"IDAT":
            return None
    return None
