"""How files become numbers: the settings that reading an image or a map needs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

Bits = Literal["auto", 8, 10, 12, 16]
EmptyMask = Literal["ignore", "background", "error"]
MaskChannel = Literal["red", "green", "blue", "alpha", "index"]


@dataclass(frozen=True)
class Reading:
    """What is allowed, and how what is ambiguous is to be understood."""

    bits: Bits = "auto"  # significant bits of images deeper than 8 bits
    empty_mask: EmptyMask = "ignore"  # ignore: nobody was asked; background: look nowhere
    mask_channel: MaskChannel | None = None  # which channel of a coloured mask holds the map
    min_side: int = 16  # pixels
    max_pixels: int = 89_000_000

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Reading":
        """Pick the settings of reading out of all settings of the data."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in names})


def is_split(name: str) -> bool:
    """Say whether this is a split's name: train, val, test, or test_ and any word."""
    return re.fullmatch(r"train|val|test|test_\w[\w.-]*", name) is not None
