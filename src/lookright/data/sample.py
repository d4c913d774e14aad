"""What one row of a data set looks like once it is read."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt16

Pixels = UInt8[np.ndarray, "height width colours"] | UInt16[np.ndarray, "height width colours"]
Evidence = Float32[np.ndarray, "height width"]
Unknown = Bool[np.ndarray, "height width"]


@dataclass(frozen=True)
class Sample:
    """An image in the frame in which people see it, and the human map that belongs to it."""

    image: Pixels  # colours is 1 or 3; uint16 for deeper than 8 bits, where 65535 is white
    map: Evidence | None  # in [0, 1], on the image grid; None: nobody was asked
    unknown: Unknown | None = None  # pixels that should teach nothing; None: all is known
