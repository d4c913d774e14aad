"""An image file becomes an array: whole, upright, without clipping, or with a plain reason."""

import io
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lookright.data.images.bounds import chosen_frame, too_large, verify_size
from lookright.data.images.decoded import Decoded, Opened
from lookright.data.images.deep_colour import deep_values, is_deep, on_black, opacity_kind
from lookright.data.images.depth import brightness
from lookright.data.images.formats import ALLOWED, damage, recognise, significant_bits
from lookright.data.reading import Reading
from lookright.data.sample import Pixels
from lookright.errors import DataError, Problem

ORIENTATION = 0x0112  # the EXIF tag
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_LARGEST = 258, 262, 281
_WHITE_IS_ZERO = 0


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
    if recognise(data) == "DICOM":
        from lookright.data.dicom.decode import decode_dicom  # an extra

        return decode_dicom(data, reading, where)
    opened = open_picture(data, reading, where)
    if opened.deep:
        pixels, bits, notes = _deep_colour(data, opened, opened.deep, reading, where)
    else:
        pixels, bits, notes = _pixels(opened, reading, where)
    return Decoded(pixels, bits, opened.format, opened.orientation, (*opened.notes, *notes))


def open_picture(data: bytes, reading: Reading, where: str) -> Opened:
    """Recognise, bound and fully decode a picture, and turn it upright."""
    name = recognise(data)
    if name == "DICOM":
        fix = "Save it as PNG; DICOM segmentations are imported: `lookright list formats`."
        name = Problem("IMG-FORMAT", "This is DICOM, which is read as an image only.", fix=fix)
    if isinstance(name, Problem):
        raise DataError(replace(name, where=where))
    harm = damage(data, name)
    if harm and harm.level == "error":
        raise DataError(replace(harm, where=where))
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # it tells of damage, and not of which file
    try:
        picture = Image.open(io.BytesIO(data), formats=ALLOWED)
        verify_size(picture.size, reading, where)
        picture.seek(chosen_frame(getattr(picture, "n_frames", 1), reading, where))
        verify_size(picture.size, reading, where)  # pages of a TIFF have sizes of their own
        orientation = int(picture.getexif().get(ORIENTATION, 1))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        declared, tags = _declared_bits(data, picture), getattr(picture, "tag_v2", {})
        deep = is_deep(data, picture)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(too_large(str(error), where)) from error
    except Exception as error:  # decoders raise whatever they like on damaged bytes
        raise DataError(_undecodable(error, where)) from error
    return Opened(
        upright,
        name,
        orientation if orientation in range(1, 9) else 1,
        declared,
        tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO,
        picture if deep else None,
        (replace(harm, where=where),) if harm else (),
    )


def _undecodable(error: Exception, where: str) -> Problem:
    words = str(error) or type(error).__name__
    if isinstance(error, UnidentifiedImageError):  # its words name an object in memory
        words = "what follows the first bytes is no such picture"
    truncated = "truncated" in words.lower() or isinstance(error, EOFError)
    code = "IMG-TRUNCATED" if truncated else "IMG-DAMAGED"
    return Problem(code, f"Cannot be decoded: {words}.", where, "Fetch it again.")


def _declared_bits(data: bytes, picture: Image.Image) -> int | None:
    if picture.format == "PNG":
        return significant_bits(data)
    tags = getattr(picture, "tag_v2", {})
    largest, stored = (_first(tags.get(each)) for each in (_TIFF_LARGEST, _TIFF_BITS))
    if largest:
        return int(largest).bit_length()
    return int(stored) if stored and 8 < stored < 16 else None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value else value


def _pixels(
    opened: Opened, reading: Reading, where: str
) -> tuple[Pixels, int, tuple[Problem, ...]]:
    picture = opened.picture
    if picture.mode in _DEEP:
        shown, bits = brightness(np.asarray(picture), reading, opened.declared_bits, where)
        return (65535 - shown if opened.white_is_zero else shown)[:, :, None], bits, ()
    notes: tuple[Problem, ...] = ()
    if picture.has_transparency_data:
        picture, notes = _on_black(picture, where)
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode not in ("L", "RGB"):
        picture, more = _converted(picture, where)
        notes = (*notes, *more)
    pixels = np.asarray(picture)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if reading.window is not None:
        return *brightness(pixels, reading, None, where), notes
    return pixels, 8, notes


def _deep_colour(
    data: bytes, opened: Opened, picture: Image.Image, reading: Reading, where: str
) -> tuple[Pixels, int, tuple[Problem, ...]]:
    values = deep_values(data, picture, where)
    colours = 1 if values.shape[2] == 2 else 3
    shown, bits = brightness(values[..., :colours], reading, opened.declared_bits, where)
    seen = False
    if values.shape[2] > colours:
        shown, seen = on_black(shown, values[..., colours], opacity_kind(picture))
    notes = (_transparent(where),) if seen else ()
    return _upright(shown, opened.orientation), bits, notes


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an array as `ImageOps.exif_transpose` turns pictures."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _on_black(picture: Image.Image, where: str) -> tuple[Image.Image, tuple[Problem, ...]]:
    """Composite on black, so that colours hidden under transparency stay hidden."""
    grey = picture.mode in ("L", "LA", "1", "La")
    layers = picture.convert("RGBA")
    black = Image.new("RGBA", layers.size, (0, 0, 0, 255))
    seen = Image.alpha_composite(black, layers).convert("RGB")
    flat = seen.getchannel(0) if grey else seen
    opaque = layers.getchannel("A").getextrema() == (255, 255)
    return flat, () if opaque else (_transparent(where),)


def _transparent(where: str) -> Problem:
    what = "Transparent pixels are shown on black."
    return Problem("IMG-TRANSPARENT", what, where, level="warning")


def _converted(picture: Image.Image, where: str) -> tuple[Image.Image, tuple[Problem, ...]]:
    if picture.mode == "P":
        return picture.convert("RGB"), ()
    if picture.mode in ("CMYK", "YCbCr", "RGBX"):
        what = f"{picture.mode} colours were converted to RGB without a colour profile."
        note = Problem("IMG-COLOURS", what, where, level="warning")
        return picture.convert("RGB"), (note,)
    what = f"The colour mode {picture.mode} is not read."
    raise DataError(Problem("IMG-COLOURS", what, where, "Save it as grey or RGB."))
