"""A mask or saliency file becomes a human map in [0, 1] on the image grid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from PIL import Image

from lookright.data.images.decode import open_picture
from lookright.data.images.decoded import Decoded, Opened
from lookright.data.reading import MaskChannel, Reading
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem

_CHANNELS = {"red": 0, "green": 1, "blue": 2, "alpha": 3}
_FAINT = 0.05  # a map whose peak is below this share of its depth is on another scale
_FIX_CHANNEL = "Say which channel holds the map: data.mask_channel = red, green, blue or alpha."


@dataclass(frozen=True)
class ReadMap:
    """A human map, or None where the rule for empty masks says that nobody was asked."""

    map: Evidence | None
    notes: tuple[Problem, ...]  # warnings
    empty: bool
    resized: bool


def read_map(data: bytes, reading: Reading, image: Decoded, where: str) -> ReadMap:
    """Read the map of an image from the bytes of a mask file; `where` names it in errors.

    Values are {0, 1}, {0, 255} or {0, 65535}, or soft: 8 or 16 bits by their depth, floats in
    [0, 1]. The map is in the frame in which people see the image.
    """
    values, notes = map_values(data, reading, where)
    height, width = values.shape
    verify_shape((width, height), image.size, image.stored_size, where)
    drawn = fitted(values, image.size)
    empty = not drawn.any()
    if empty and reading.empty_mask == "error":
        fix = "Draw it, or set data.empty_mask to ignore or background."
        raise DataError(Problem("MASK-EMPTY", "The mask is empty.", where, fix))
    kept = None if empty and reading.empty_mask == "ignore" else drawn
    return ReadMap(kept, notes, empty, drawn is not values)


def map_values(data: bytes, reading: Reading, where: str) -> tuple[Evidence, tuple[Problem, ...]]:
    """Read a map in [0, 1] from the bytes of a mask file, on its own grid; and warnings."""
    unbounded = Reading(min_side=1, max_pixels=reading.max_pixels)
    opened = open_picture(data, unbounded, where)
    if opened.deep:
        what = "The mask has 16 bits per colour."
        raise DataError(Problem("MASK-CHANNEL", what, where, "Save it as grey."))
    values, notes = _values(opened, reading.mask_channel, where)
    return values, (*opened.notes, *notes)


def _values(
    opened: Opened, channel: MaskChannel | None, where: str
) -> tuple[Evidence, list[Problem]]:
    raw = _one_channel(opened.picture, channel, where)
    scaled = _scaled(raw, where)
    if opened.format != "JPEG":
        return scaled, []
    what = "A JPEG blurs the edges of a mask; it is cut at one half."
    return (scaled >= 0.5).astype(np.float32), [Problem("MASK-JPEG", what, where, level="warning")]


def _one_channel(picture: Image.Image, channel: MaskChannel | None, where: str) -> np.ndarray:
    if channel == "index" and picture.mode == "P":
        return np.asarray(picture)
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8)
    opaque = not picture.has_transparency_data or _is_opaque(picture)
    if picture.mode in ("L", "F") or picture.mode.startswith("I"):
        if opaque:
            return np.asarray(picture)
    elif picture.mode not in ("P", "RGB", "RGBA", "LA"):
        raise DataError(Problem("MASK-CHANNEL", f"{picture.mode} is no mode for a mask.", where))
    colours = np.asarray(picture.convert("RGBA"))
    if channel in _CHANNELS:
        return colours[:, :, _CHANNELS[channel]]
    red, green, blue = (colours[:, :, each] for each in range(3))
    if opaque and (red == green).all() and (red == blue).all():
        return red
    what = "is in colour" if opaque else "is partly transparent"
    raise DataError(Problem("MASK-CHANNEL", f"The mask {what}.", where, _FIX_CHANNEL))


def _is_opaque(picture: Image.Image) -> bool:
    return picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)


def _scaled(raw: np.ndarray, where: str) -> Evidence:
    """Bring values to [0, 1]: exactly known sets by their maximum, soft maps by their depth."""
    if not np.isfinite(raw).all():
        raise DataError(Problem("MASK-NAN", "There are NaN or infinite values.", where))
    low, high = float(raw.min()), float(raw.max())
    if high in (1.0, 255.0, 65535.0) and low >= 0 and ((raw == 0) | (raw == high)).all():
        return (raw > 0).astype(np.float32)
    depth = 1.0 if raw.dtype.kind == "f" else 255.0 if raw.dtype == np.uint8 else 65535.0
    if low < 0 or high > depth or 0 < high < _FAINT * depth:
        what = f"Values from {low:g} to {high:g} where 0 to {depth:g} is the full scale."
        fix = "Masks are {0, 1} or {0, 255}; for class numbers: `lookright data import masks`."
        raise DataError(Problem("MASK-VALUES", what, where, fix))
    return (raw / np.float32(depth)).astype(np.float32)


def verify_shape(
    size: tuple[int, int], wanted: tuple[int, int], stored: tuple[int, int], where: str
) -> None:
    """Raise DataError when a map's width and height are not those of its image, at any scale.

    `wanted` is the image's size as people see it, `stored` its size before the EXIF rotation.
    """
    if same_aspect(size, wanted):
        return
    what = f"The mask has {size[0]} x {size[1]} pixels, the image {wanted[0]} x {wanted[1]}."
    fix = "Draw it on this image; it may belong to another one."
    if same_aspect(size, stored):
        fix = "It fits the image as stored, before its EXIF rotation: turn the mask upright."
    elif same_aspect((size[1], size[0]), wanted):
        fix = "It fits when turned by 90 degrees: is it transposed?"
    raise DataError(Problem("MASK-SIZE", what, where, fix))


def same_aspect(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Say whether two sizes are one shape at two resolutions, up to a pixel of rounding."""
    small, large = (one, other) if one[0] * one[1] <= other[0] * other[1] else (other, one)
    by_width = large[1] * small[0] / large[0]
    by_height = large[0] * small[1] / large[1]
    return abs(by_width - small[1]) <= 1 or abs(by_height - small[0]) <= 1


def fitted(values: Float32[np.ndarray, "rows cols"], size: tuple[int, int]) -> Evidence:
    """Resize a map to the width and height of its image: by area when it shrinks."""
    height, width = values.shape
    if (width, height) == size:
        return values
    shrinks = size[0] < width
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    picture = Image.fromarray(values)
    return np.clip(np.asarray(picture.resize(size, method)), 0, 1).astype(np.float32)
