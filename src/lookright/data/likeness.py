"""Pictures that look alike though their pixels differ: copies that were resized or saved again.

A hash of 256 bits: which of the 16 x 16 lowest frequencies of a small grey picture are above their
median (a perceptual hash after Zauner 2010, larger than usual, because radiographs are all alike
at 64 bits). Saving as JPEG, resizing, gamma or brightness change at most about 30 of the bits;
other X-rays and skin lesions differ in more than 36 (docs/data.md says how this was measured).
"""

import numpy as np
from jaxtyping import UInt64
from PIL import Image
from scipy.fft import dctn

from lookright.data.sample import Pixels

FREQUENCIES = 16  # along each side
NEAR = 36  # bits; of 256
_AT_ONCE = 512  # rows of the table of all pairs

Hashes = UInt64[np.ndarray, "images words"]


def likeness(pixels: Pixels) -> bytes:
    """Return 32 bytes that are nearly the same for pictures that look the same."""
    side = 4 * FREQUENCIES
    grey = pixels.mean(2, dtype=np.float32) if pixels.shape[2] > 1 else pixels[:, :, 0]
    small = Image.fromarray(grey.astype(np.float32)).resize((side, side), Image.Resampling.LANCZOS)
    waves = np.asarray(dctn(np.asarray(small)))[:FREQUENCIES, :FREQUENCIES]
    return np.packbits(waves > np.median(waves)).tobytes()


def pairs(hashes: Hashes) -> list[tuple[int, int]]:
    """List the pairs of hashes that differ in at most NEAR bits, each once."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(hashes), _AT_ONCE):
        part, rest = hashes[start : start + _AT_ONCE], hashes[start:]
        differing = np.zeros((len(part), len(rest)), np.uint16)
        for word in range(hashes.shape[1]):
            differing += np.bitwise_count(part[:, None, word] ^ rest[None, :, word])
        ones, others = np.nonzero(differing <= NEAR)
        later = others > ones
        places = zip((ones[later] + start).tolist(), (others[later] + start).tolist(), strict=True)
        found += places
    return found
