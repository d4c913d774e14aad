"""A window: which values are black, which are white, and how the ones between are shown."""

from typing import Literal

import numpy as np
from jaxtyping import Float, UInt16

Curve = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


def windowed(
    values: np.ndarray, centre: float, width: float, curve: Curve = "LINEAR_EXACT"
) -> Float[np.ndarray, "..."]:
    """Map values to [0, 1] by one of the three curves of DICOM PS3.3 C.11.2.

    LINEAR_EXACT is black up to centre - width / 2 and white from centre + width / 2 on. LINEAR
    counts whole grey levels: with centre 2048 and width 4096, 0 is black and 4095 white.

    >>> windowed(np.array([-160.0, 40.0, 240.0]), 40, 400).tolist()
    [0.0, 0.5, 1.0]
    """
    if curve == "SIGMOID":
        exponent = np.clip(-4 * (values - centre) / width, -700, 700)  # exp would overflow
        return 1 / (1 + np.exp(exponent))
    if curve == "LINEAR":
        centre, width = centre - 0.5, width - 1
    if width <= 0:  # LINEAR of width 1: a step
        return (values > centre).astype(np.float64)
    shown = (values - centre) / width
    shown += 0.5
    return np.clip(shown, 0, 1, out=shown)


def sixteen(shown: np.ndarray) -> UInt16[np.ndarray, "..."]:
    """Store brightness in [0, 1] with 16 bits."""
    return np.round(shown * 65535).astype(np.uint16)
