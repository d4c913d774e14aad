"""Shortcuts to plant: marks beside the evidence that point to a class."""

from typing import Literal

import numpy as np

Marker = Literal["frame", "corner", "text", "texture"]

# Letters of 5 x 3 cells, such as the L and R that radiographers put beside a patient.
_LETTERS = {
    "L": "100 100 100 100 111",
    "A": "010 101 111 101 101",
    "C": "111 100 100 100 111",
    "E": "111 100 110 100 111",
    "F": "111 100 110 100 100",
    "H": "101 101 111 101 101",
    "T": "111 010 010 010 010",
    "U": "101 101 101 101 111",
    "Y": "101 101 010 010 010",
    "R": "110 101 110 101 101",
}


def mark(
    canvas: np.ndarray,
    marker: Marker,
    pointed: float,
    size: int,
    contrast: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Draw a marker on an image in [0, 1].

    `pointed` in [0, 1] is the class that it points to, from the first to the last; `size` is in
    pixels: the frame's width, the spot's side, a letter's cell or the stripes' period.
    """
    drawn = canvas.copy()
    if marker == "frame":
        inner = (slice(size, -size),) * 2
        drawn[:] = 0.5 + contrast * (pointed - 0.5)
        drawn[inner] = canvas[inner]
    elif marker == "corner":
        row, col = _place(pointed, canvas.shape[0] - size)
        drawn[row : row + size, col : col + size] += contrast
    elif marker == "text":
        letter = _letter(pointed, max(1, size // 2))
        rows, cols = letter.shape
        drawn[1 : 1 + rows, 1 : 1 + cols] += contrast * letter
    else:
        drawn += 0.25 * contrast * _stripes(canvas.shape[0], pointed, size, random)
    return drawn


def _place(pointed: float, room: int) -> tuple[int, int]:
    """Walk along the upper and the right border, from the left to the bottom corner."""
    way = round(pointed * 2 * room)
    return max(0, way - room), min(way, room)


def _letter(pointed: float, cell: int) -> np.ndarray:
    text = list(_LETTERS.values())[round(pointed * (len(_LETTERS) - 1))]
    dots = np.array([[float(dot) for dot in line] for line in text.split()])
    return np.kron(dots, np.ones((cell, cell)))


def _stripes(side: int, pointed: float, period: int, random: np.random.Generator) -> np.ndarray:
    """Make stripes all over, whose direction points to the class."""
    angle = np.pi / 2 * pointed
    down, right = np.mgrid[:side, :side]
    along = down * np.sin(angle) + right * np.cos(angle)
    return np.sin(2 * np.pi * along / max(2, period) + random.uniform(0, 2 * np.pi))
