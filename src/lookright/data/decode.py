"""An image file becomes an array: whole, upright, without clipping, or with a plain reason."""

import io
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from lookright.data.formats import ALLOWED, damage, recognise, significant_bits
from lookright.data.reading import Bits, Reading
from lookright.data.sample import Pixels
from lookright.errors import DataError, Problem

ORIENTATION = 0x0112  # the EXIF tag
_TURNED = (5, 6, 7, 8)  # orientations that swap width and height
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_DEPTHS = (8, 10, 12, 16)


@dataclass(frozen=True)
class Opened:
    """A decoded picture in its own mode, and what was remarkable about the file."""

    picture: Image.Image  # upright
    format: str
    orientation: int  # EXIF, 1 to 8; already applied
    declared_bits: int | None
    notes: tuple[Problem, ...]

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height before the EXIF orientation was applied."""
        width, height = self.picture.size
        return (height, width) if self.orientation in _TURNED else (width, height)


@dataclass(frozen=True)
class Decoded:
    """An image as pixels."""

    pixels: Pixels  # height width colours
    opened: Opened
    bits: int  # significant bits per value
    notes: tuple[Problem, ...]  # warnings


def content(file: Path, where: str) -> bytes:
    """Read a file; refuses folders, pipes and devices without waiting for them."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(file, flags)
    except OSError as error:
        what = f"Cannot be opened: {error.strerror}."
        raise DataError(Problem("FILE-MISSING", what, where)) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        what = "This is a folder, pipe or device, not a file."
        raise DataError(Problem("IMG-KIND", what, where))
    with os.fdopen(handle, "rb") as stream:
        return stream.read()


def read_image(file: Path, reading: Reading | None = None) -> Pixels:
    """Read an image file: (height, width, 1 or 3), uint8 or, where deeper, uint16."""
    return decode(content(file, str(file)), reading or Reading(), str(file)).pixels


def decode(data: bytes, reading: Reading, where: str) -> Decoded:
    """Decode the bytes of an image; `where` names it in errors."""
    opened = open_picture(data, reading, where)
    pixels, bits, notes = _pixels(opened, reading.bits, where)
    return Decoded(pixels, opened, bits, (*opened.notes, *notes))


def open_picture(data: bytes, reading: Reading, where: str) -> Opened:
    """Recognise, bound and fully decode a picture, and turn it upright."""
    name = recognise(data)
    if isinstance(name, Problem):
        raise DataError(replace(name, where=where))
    harm = damage(data, name)
    if harm and harm.level == "error":
        raise DataError(replace(harm, where=where))
    try:
        picture = Image.open(io.BytesIO(data), formats=ALLOWED)
        _verify_bounds(picture, reading, where)
        orientation = int(picture.getexif().get(ORIENTATION, 1))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(_bomb(str(error), where)) from error
    except Exception as error:  # decoders raise whatever they like on damaged bytes
        raise DataError(_undecodable(error, where)) from error
    orientation = orientation if orientation in range(1, 9) else 1
    notes = (replace(harm, where=where),) if harm else ()
    return Opened(upright, name, orientation, _declared_bits(data, picture), notes)


def _verify_bounds(picture: Image.Image, reading: Reading, where: str) -> None:
    width, height = picture.size
    if width * height > reading.max_pixels:
        raise DataError(_bomb(f"{width} x {height} pixels.", where))
    if min(width, height) < reading.min_side:
        what = f"{width} x {height} pixels; each side must have {reading.min_side} at least."
        raise DataError(Problem("IMG-SMALL", what, where))
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        what = f"The file holds {frames} pictures."
        raise DataError(
            Problem("IMG-FRAMES", what, where, "Save the one you mean as its own file.")
        )


def _bomb(what: str, where: str) -> Problem:
    fix = "If it is meant to be so large, raise data.max_pixels."
    return Problem("IMG-PIXELS", f"Too large: {what}", where, fix)


def _undecodable(error: Exception, where: str) -> Problem:
    words = str(error) or type(error).__name__
    truncated = "truncated" in words.lower() or isinstance(error, EOFError)
    code = "IMG-TRUNCATED" if truncated else "IMG-DAMAGED"
    return Problem(code, f"Cannot be decoded: {words}.", where, "Fetch it again.")


def _declared_bits(data: bytes, picture: Image.Image) -> int | None:
    if picture.format == "PNG":
        return significant_bits(data)
    largest = getattr(picture, "tag_v2", {}).get(281)  # TIFF MaxSampleValue
    largest = largest[0] if isinstance(largest, tuple) else largest
    return int(largest).bit_length() if largest else None


def _pixels(opened: Opened, bits: Bits, where: str) -> tuple[Pixels, int, list[Problem]]:
    picture = opened.picture
    if picture.mode in _DEEP:
        return _deep(np.asarray(picture), bits, opened.declared_bits, where)
    if picture.mode == "F":
        return _float(np.asarray(picture), where)
    notes: list[Problem] = []
    if picture.has_transparency_data:
        picture, notes = _on_black(picture, where)
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode not in ("L", "RGB"):
        picture, more = _converted(picture, where)
        notes += more
    pixels = np.asarray(picture)
    return (pixels[:, :, None] if pixels.ndim == 2 else pixels), 8, notes


def _deep(
    values: np.ndarray, bits: Bits, declared: int | None, where: str
) -> tuple[Pixels, int, list[Problem]]:
    """Stretch the significant bits to 16 by a rule, so that white is 65535."""
    largest = int(values.max())
    if largest > 65535 or values.min() < 0:
        what = f"Values from {values.min()} to {largest} do not fit 16 bits."
        raise DataError(Problem("IMG-BITS", what, where))
    needed = max(1, largest.bit_length())
    if bits == "auto":
        floor = max(needed, declared or 0)
        depth = next(each for each in _DEPTHS if each >= min(floor, 16))
    else:
        depth = bits
    if needed > depth:
        what = f"The value {largest} needs {needed} bits; data.bits says {bits}."
        raise DataError(Problem("IMG-BITS", what, where, "Declare more bits."))
    stretched = np.round(np.arange(2**depth) * (65535 / (2**depth - 1))).astype(np.uint16)
    return stretched[values][:, :, None], depth, []  # a table: floats would take 8 times the memory


def _float(values: np.ndarray, where: str) -> tuple[Pixels, int, list[Problem]]:
    if not np.isfinite(values).all():
        raise DataError(Problem("IMG-NAN", "There are NaN or infinite values.", where))
    if values.min() < 0 or values.max() > 1:
        what = f"Float values from {values.min():g} to {values.max():g}; allowed is 0 to 1."
        raise DataError(Problem("IMG-FLOAT", what, where, "Store it with 8 or 16 bits."))
    return np.round(values * 65535.0).astype(np.uint16)[:, :, None], 16, []


def _on_black(picture: Image.Image, where: str) -> tuple[Image.Image, list[Problem]]:
    """Composite on black, so that colours hidden under transparency stay hidden."""
    grey = picture.mode in ("L", "LA", "1", "La")
    layers = picture.convert("RGBA")
    black = Image.new("RGBA", layers.size, (0, 0, 0, 255))
    seen = Image.alpha_composite(black, layers).convert("RGB")
    flat = seen.getchannel(0) if grey else seen
    if layers.getchannel("A").getextrema() == (255, 255):
        return flat, []
    what = "Transparent pixels are shown on black."
    return flat, [Problem("IMG-TRANSPARENT", what, where, level="warning")]


def _converted(picture: Image.Image, where: str) -> tuple[Image.Image, list[Problem]]:
    if picture.mode == "P":
        return picture.convert("RGB"), []
    if picture.mode in ("CMYK", "YCbCr", "RGBX"):
        what = f"{picture.mode} colours were converted to RGB without a colour profile."
        note = Problem("IMG-COLOURS", what, where, level="warning")
        return picture.convert("RGB"), [note]
    what = f"The colour mode {picture.mode} is not read."
    raise DataError(Problem("IMG-COLOURS", what, where, "Save it as grey or RGB."))
