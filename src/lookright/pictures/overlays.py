"""Images and class maps as pictures that people can read.

Colours never depend on a theme, and on another picture only when both are given the same ends: a
map's own scale, or the shared one of a gallery, is written beside it. Evidence for a class runs
from transparent (zero and below) to bright (the map's highest value); a difference of two maps is
blue below zero, transparent at zero and red above it.
"""

import io
from base64 import b64encode
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from matplotlib import colormaps
from PIL import Image

# Axes have no names: a class map, a human map and an image meet here with grids of their own.
Grid = Float[np.ndarray, "_ _"]  # rows cols: a class map, or a human map in [0, 1]
Photo = Shaped[np.ndarray, "_ _ _"]  # height width colours: uint8 or uint16; 1 or 3 colours
Picture = UInt8[np.ndarray, "_ _ 3"]  # height width rgb
Scale = Literal["evidence", "difference"]

COLOURS = {"evidence": "inferno", "difference": "RdBu_r"}
VEIL = {"evidence": 0.75, "difference": 0.9}  # below 1 lets middling values show
FAINT = 0.1  # share of a map's magnitude below which what speaks for a class is noise
STRENGTH = 0.75  # how opaque the strongest value of an overlay is
OUTLINE = (64, 224, 208)  # turquoise: on no colour scale used here, and visible on black and white


def enlarge(grid: Grid, size: tuple[int, int]) -> Grid:
    """Interpolate a map to `size` = (height, width): bilinear, pixel centres, edges repeated."""
    height, width = size
    picture = Image.fromarray(np.ascontiguousarray(grid, dtype=np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def photograph(image: Photo, side: int) -> Picture:
    """Bring an image of any depth to 8-bit RGB, squashed to `side` x `side` pixels."""
    eight = (image / 257).round().astype(np.uint8) if image.dtype == np.uint16 else image
    colours = np.repeat(eight, 3, axis=2) if eight.shape[2] == 1 else eight
    resized = Image.fromarray(np.ascontiguousarray(colours)).resize(
        (side, side),
        Image.Resampling.LANCZOS if side < image.shape[0] else Image.Resampling.BICUBIC,
    )
    return np.asarray(resized)


def limits(grid: Grid, scale: Scale) -> tuple[float, float]:
    """Return the values that the two ends of a map's colour scale stand for.

    evidence: 0 and the highest value; what speaks against the class is not drawn, as the measures
    do not count it. A map that hardly rises above zero is not blown up: its scale ends at a tenth
    of its largest magnitude. difference: minus and plus the largest magnitude.
    """
    finite = grid[np.isfinite(grid)]
    reach = float(np.abs(finite).max(initial=0)) or 1.0
    if scale == "difference":
        return -reach, reach
    return 0.0, max(float(finite.max(initial=0)), FAINT * reach)


def overlay(
    picture: Picture, grid: Grid, scale: Scale = "evidence", ends: tuple[float, float] | None = None
) -> Picture:
    """Lay a map in colours over a greyed picture; the stronger a value, the less shows through.

    `ends` are the values of the scale's two ends, the map's own limits if not given; values beyond
    them get the colour of the end.
    """
    low, high = ends or limits(grid, scale)
    values = enlarge(np.nan_to_num(grid), picture.shape[:2])
    position = ((values - low) / (high - low)).clip(0, 1)
    paint = colormaps[COLOURS[scale]](position)[..., :3] * 255
    strength = position if scale == "evidence" else np.abs(2 * position - 1)
    opacity = STRENGTH * strength[..., None] ** VEIL[scale]
    grey = np.asarray(Image.fromarray(picture).convert("L"))[..., None]
    return (grey * (1 - opacity) + paint * opacity).round().astype(np.uint8)


def outlined(picture: Picture, human: Grid | None, level: float = 0.5) -> Picture:
    """Draw where the human map crosses `level` times its maximum; None: nobody was asked."""
    if human is None or not np.nanmax(human, initial=0.0) > 0:
        return picture
    inside = enlarge(np.nan_to_num(human), (2 * picture.shape[0], 2 * picture.shape[1]))
    edge = _edge(inside >= level * np.nanmax(human))
    width = max(1, picture.shape[0] // 160)
    # The dark seam keeps the line apart from bright images.
    for colour, reach, strength in ((0, width + 2, 0.45), (np.array(OUTLINE), width, 1.0)):
        opacity = strength * _halved(_grown(edge, reach))[..., None]
        picture = (picture * (1 - opacity) + colour * opacity).round().astype(np.uint8)
    return picture


def _edge(inside: np.ndarray) -> np.ndarray:
    """Flag the pixels whose neighbour below or to the right is on the other side."""
    edge = np.zeros_like(inside)
    edge[:-1] |= inside[:-1] != inside[1:]
    edge[:, :-1] |= inside[:, :-1] != inside[:, 1:]
    return edge


def _grown(edge: np.ndarray, reach: int) -> np.ndarray:
    """Widen a line by `reach` pixels to all sides, as a diamond."""
    for _ in range(reach):
        wide = edge.copy()
        wide[1:] |= edge[:-1]
        wide[:-1] |= edge[1:]
        wide[:, 1:] |= edge[:, :-1]
        wide[:, :-1] |= edge[:, 1:]
        edge = wide
    return edge


def _halved(mask: np.ndarray) -> np.ndarray:
    """Average every 2 x 2 pixels: smooth lines from hard ones."""
    return mask.reshape(mask.shape[0] // 2, 2, mask.shape[1] // 2, 2).mean((1, 3))


def jpeg(picture: Picture, quality: int = 84) -> bytes:
    """Encode a picture as a small JPEG, for pages with many of them."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def data_uri(encoded: bytes, kind: str = "image/jpeg") -> str:
    """Turn an encoded picture into an address that carries the picture itself."""
    return f"data:{kind};base64,{b64encode(encoded).decode()}"
