"""A picture that was opened, and an image as pixels."""

from dataclasses import dataclass

from PIL import Image

from lookright.data.sample import Pixels
from lookright.errors import Problem

_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height


@dataclass(frozen=True)
class Opened:
    """A decoded picture in its own mode, and what was remarkable about the file."""

    picture: Image.Image  # upright
    format: str
    orientation: int  # EXIF, 1 to 8; already applied
    declared_bits: int | None
    white_is_zero: bool  # TIFF: Pillow inverts 8 bits, but neither 16 bits nor floats
    # As the file has it, where `picture` has only the high byte of colours deeper than 8 bits.
    deep: Image.Image | None
    notes: tuple[Problem, ...]


@dataclass(frozen=True)
class Decoded:
    """An image as pixels."""

    pixels: Pixels  # height width colours
    bits: int  # significant bits per value
    format: str
    orientation: int  # EXIF, 1 to 8; already applied
    notes: tuple[Problem, ...]  # warnings

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright image."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height before the EXIF orientation was applied."""
        width, height = self.size
        return (height, width) if self.orientation in _TURNED else (width, height)
