"""How files become numbers: the settings that reading an image or a map needs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Any, Literal

Bits = Literal["auto", 8, 10, 12, 16]
EmptyMask = Literal["ignore", "background", "error"]
MaskChannel = Literal["red", "green", "blue", "alpha", "index"]
DicomWindow = Literal["voi", "auto", "full"]
WINDOW = ("window_centre", "window_width")  # columns of a manifest


@dataclass(frozen=True)
class Reading:
    """What is allowed, and how what is ambiguous is to be understood."""

    bits: Bits = "auto"  # significant bits of images deeper than 8 bits
    empty_mask: EmptyMask = "ignore"  # ignore: nobody was asked; background: look nowhere
    mask_channel: MaskChannel | None = None  # which channel of a coloured mask holds the map
    min_side: int = 16  # pixels
    max_pixels: int = 89_000_000
    frame: int | None = None  # of files that hold several pictures, from 1; None: refuse them
    nan: Literal["error", "zero"] = "error"  # what NaN and infinity in float images are
    dicom_window: DicomWindow = "voi"  # the file's own; auto: its own extremes without one
    max_inflated: int = 512 * 1024**2  # bytes that a deflated DICOM file may grow to
    window: tuple[float, float] | None = None  # centre and width, of one image

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Reading":
        """Pick the settings of reading out of all settings of the data."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in names})

    def of_row(self, row: Mapping[str, Any]) -> "Reading":
        """Add what a row of a manifest says about its own image: its window, if it has one.

        A window that `rules.windows` reports counts as none.
        """
        try:
            centre, width = (float(row.get(name) or "") for name in WINDOW)
        except ValueError:
            return self
        is_one = isfinite(centre) and isfinite(width) and width > 0
        return replace(self, window=(centre, width)) if is_one else self


def is_split(name: str) -> bool:
    """Say whether this is a split's name: train, val, test, or test_ and any word."""
    return re.fullmatch(r"train|val|test|test_\w[\w.-]*", name) is not None
