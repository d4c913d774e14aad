"""Where every pixel of a warped picture comes from: any affine move and an elastic one, at once.

Positions are pixels whose corner is (0, 0), so that the centre of the first one is (0.5, 0.5).
"""

from dataclasses import dataclass
from math import ceil, cos, log, radians, sin, tan

import numpy as np
from jaxtyping import Float32

from lookright.configuration import Augmentation

CELLS = 4  # an elastic warp bends about so many times along a side
BENT = 1 / (4 * CELLS)  # a larger displacement, as a share of the side, could fold the picture

Matrix = Float32[np.ndarray, "2 3"]
Knots = Float32[np.ndarray, "2 knots knots"]
Positions = Float32[np.ndarray, "rows cols 2"]  # x, y


@dataclass(frozen=True, eq=False)
class Warp:
    """A place in the result comes from `matrix` times the place where `knots` displace it to.

    `knots` are displacements in shares of the sides, spread over the picture and smoothed by cubic
    B-splines. No displacement exceeds its knots and no slope their difference, so nothing folds
    while they stay below BENT (Rueckert et al. 1999 and Choi and Lee 2000 for the splines).
    """

    matrix: Matrix
    knots: Knots

    def sources(self, width: int, height: int, finer: int = 1) -> Positions:
        """Return where each pixel of the result lies in the picture before.

        With `finer` samples along each side of a pixel, in rows and columns of samples.
        """
        across, down = _centres(width, finer), _centres(height, finer)
        size = np.array([[[width]], [[height]]], dtype=np.float32)
        bent = _splines(down / height) @ (self.knots * size) @ _splines(across / width).T
        x, y = across + bent[0], down[:, None] + bent[1]
        return np.stack([row[0] * x + row[1] * y + row[2] for row in self.matrix], axis=-1)


def is_asked(how: Augmentation) -> bool:
    """Say whether the settings ask for more than what cropping, flipping and turning do."""
    return any((how.shift, how.scale, how.shear, how.pad, how.elastic))


def draw_warp(
    how: Augmentation, width: int, height: int, angle: float, draw: np.random.Generator
) -> Warp:
    """Draw a warp within the settings; `angle` is a turn, in degrees counter-clockwise."""
    shift = draw.uniform(-how.shift, how.shift, 2)
    zoom = np.exp(draw.uniform(-log(1 + how.scale), log(1 + how.scale)))
    lean = tan(radians(draw.uniform(-how.shear, how.shear)))
    left, right, top, bottom = draw.uniform(0, how.pad, 4)
    knots = draw.uniform(-how.elastic, how.elastic, (2, CELLS + 3, CELLS + 3))
    turned = radians(angle)
    back = np.array([[cos(turned), -sin(turned)], [sin(turned), cos(turned)]])
    back = back @ np.array([[1, lean], [0, 1]]) / zoom
    middle, moved = np.array([width, height]) / 2, shift * (width, height)
    affine = np.column_stack([back, middle - back @ (middle + moved)])
    margins = np.array(
        [[1 + left + right, 0, -left * width], [0, 1 + top + bottom, -top * height], [0, 0, 1]]
    )
    return Warp((affine @ margins).astype(np.float32), knots.astype(np.float32))


def shrinkage(places: Positions) -> int:
    """Return how many samples a pixel needs so that no pixel before falls between them.

    Bilinear samples see two pixels, so that a quarter more than one pixel apart still sees all.
    """
    down = np.hypot(*np.moveaxis(np.diff(places, axis=0), -1, 0)).max(initial=1)
    across = np.hypot(*np.moveaxis(np.diff(places, axis=1), -1, 0)).max(initial=1)
    return max(1, ceil(max(down, across) - 0.25))


def _centres(count: int, finer: int) -> np.ndarray:
    return (np.arange(count * finer, dtype=np.float32) + 0.5) / finer


def _splines(shares: np.ndarray) -> np.ndarray:
    """Weigh the knots of a uniform cubic B-spline at places from 0 to 1; each row sums to one."""
    offsets = shares[:, None] * CELLS + 1 - np.arange(CELLS + 3, dtype=np.float32)
    far = np.abs(offsets)
    near = 2 / 3 - far**2 + far**3 / 2
    return np.where(far < 1, near, np.where(far < 2, (2 - far).clip(0) ** 3 / 6, 0))
