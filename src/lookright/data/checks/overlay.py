"""Small pictures of an image and its map: as it is, as heat, and with an outline."""

import base64
import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from lookright.data.sample import Evidence, Pixels, Unknown

SIDE = 168  # pixels of a picture's longer side
_CONTOUR = (255, 176, 0)
_ELSEWHERE = (86, 180, 233)
_UNKNOWN = (118, 124, 134)
_HEAT = np.array([[12, 12, 40], [92, 20, 110], [200, 60, 70], [250, 150, 30], [252, 252, 190]])


def small(pixels: Pixels) -> Image.Image:
    """Make a small picture in eight bits and colours."""
    eight = (pixels // 257).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    picture = Image.fromarray(eight[:, :, 0] if eight.shape[2] == 1 else eight).convert("RGB")
    scale = SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def heated(
    evidence: Evidence, size: tuple[int, int], unknown: Unknown | None = None
) -> Image.Image:
    """Draw a map alone: from dark blue, 0, to pale yellow, its peak; what is unknown is grey."""
    values = np.asarray(Image.fromarray(evidence).resize(size, Image.Resampling.BOX))
    peak = max(float(evidence.max()), 1e-9)
    stops = np.linspace(0, 1, len(_HEAT))
    share = np.clip(values / peak, 0, 1)
    colours = np.stack([np.interp(share, stops, _HEAT[:, each]) for each in range(3)], axis=-1)
    if unknown is not None:
        hidden = np.asarray(Image.fromarray(unknown).resize(size, Image.Resampling.NEAREST))
        colours[hidden] = _UNKNOWN
    return Image.fromarray(colours.round().astype(np.uint8))


def contoured(
    pixels: Pixels, evidence: Evidence | None, unknown: Unknown | None = None
) -> Image.Image:
    """Make a small picture with the outline of the map at one half of its peak.

    Where something is unknown, what is known not to be evidence has an outline of its own.
    """
    picture = small(pixels)
    if evidence is None or not evidence.any():
        return picture
    grown = Image.fromarray(evidence).resize(picture.size, Image.Resampling.BILINEAR)
    drawn, inside = np.array(picture), np.asarray(grown) >= evidence.max() / 2
    if unknown is not None:
        hidden = Image.fromarray(unknown).resize(picture.size, Image.Resampling.NEAREST)
        drawn[_outline(~inside & ~np.asarray(hidden))] = _ELSEWHERE
    drawn[_outline(inside)] = _CONTOUR
    return Image.fromarray(drawn)


def _outline(inside: np.ndarray) -> np.ndarray:
    """Return the pixels inside that have a neighbour outside; the border counts as inside."""
    padded = np.pad(inside, 1, mode="edge")
    neighbours: Iterable[np.ndarray] = (
        padded[1 + down : padded.shape[0] - 1 + down, 1 + right : padded.shape[1] - 1 + right]
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))
    )
    return inside & ~np.logical_and.reduce(list(neighbours))


def uri(picture: Image.Image) -> str:
    """Return a picture as text that a page can hold."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
