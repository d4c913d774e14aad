"""Pictures with more than 8 bits per colour, of which Pillow would keep the high byte only."""

import re
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from lookright.data.images.deep_png import is_deep_png, read_deep_png
from lookright.data.images.deep_tiff import is_deep_tiff, read_deep_tiff
from lookright.errors import DataError, LookrightError, Problem

_BETWEEN = rb"(?:\s|#[^\n]*\n)+"
_PPM = re.compile(rb"P([36])" + 3 * (_BETWEEN + rb"(\d{1,9})") + rb"\s")
_EXTRA_SAMPLES, _PREMULTIPLIED, _UNSPECIFIED = 338, 1, 0


def is_deep(data: bytes, picture: Image.Image) -> bool:
    """Say whether a picture that Pillow has opened has colours deeper than 8 bits."""
    if picture.format == "PNG":
        return is_deep_png(data)
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        return is_deep_tiff(picture.tag_v2)
    head = _PPM.match(data)
    return head is not None and int(head[4]) > 255


def deep_values(data: bytes, picture: Image.Image, where: str) -> np.ndarray:
    """Decode such a picture to (height, width, channels) uint16, not yet turned upright."""
    if picture.format == "PNG":
        return read_deep_png(data, where)
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return _read_ppm(data, where)
    try:
        return read_deep_tiff(data, picture.tag_v2, picture.size, where)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, LookrightError):
            raise
        what = "Cannot be decoded: its tags contradict each other."
        raise DataError(Problem("IMG-DAMAGED", what, where, "Fetch it again.")) from error


def opacity_kind(picture: Image.Image) -> int | None:
    """Return what TIFF says of a channel beyond the colours: 0 nothing, 1 premultiplied."""
    extra: Any = getattr(picture, "tag_v2", {}).get(_EXTRA_SAMPLES)
    first = next(iter(extra), None) if isinstance(extra, tuple) else extra
    return None if first is None else int(first)


def on_black(values: np.ndarray, opacity: np.ndarray, kind: int | None) -> tuple[np.ndarray, bool]:
    """Show colours on black by their 16-bit opacity; also says whether anything was transparent."""
    if kind == _UNSPECIFIED or (opacity == 65535).all():
        return values, False
    if kind == _PREMULTIPLIED:
        return values, True
    shown = values * (opacity[..., None] / 65535)
    return np.round(shown).astype(np.uint16), True


def _read_ppm(data: bytes, where: str) -> np.ndarray:
    head = _PPM.match(data)
    assert head is not None  # is_deep said so
    if head[1] == b"3":
        what = "A PPM written in words with more than 8 bits is not read."
        raise DataError(Problem("IMG-DEEP-COLOUR", what, where, "Save it as binary PPM or PNG."))
    width, height, white = (int(head[index]) for index in (2, 3, 4))
    count = 3 * width * height
    if white > 65535 or len(data) - head.end() < 2 * count:
        what = "Cannot be decoded: pixels are missing."
        raise DataError(Problem("IMG-TRUNCATED", what, where, "Fetch it again."))
    values = np.frombuffer(data, ">u2", count, head.end()).reshape(height, width, 3)
    scaled = np.round(np.arange(65536) * (65535 / white)).clip(0, 65535).astype(np.uint16)
    return scaled[values]  # as Pillow does for grey
