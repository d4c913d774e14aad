"""Pictures that look alike though their pixels differ: copies that were resized or saved again.

A hash of 256 bits: which of the 16 x 16 lowest frequencies of a small grey picture are above their
median (a perceptual hash after Zauner 2010, larger than usual, because radiographs are all alike
at 64 bits). Saving as JPEG, resizing, gamma or brightness change at most about 30 of the bits;
other X-rays and skin lesions differ in more than 36 (docs/data.md says how this was measured).
"""

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image
from scipy.fft import dctn

from lookright.data.sample import Pixels

FREQUENCIES = 16  # along each side
NEAR = 36  # bits; of 256
_AT_ONCE = 512  # rows of the table of all pairs

Hashes = UInt8[np.ndarray, "images bytes"]
Parts = Int64[np.ndarray, " images"]
Pairs = Int64[np.ndarray, "pairs 2"]  # places in the list of images


def likeness(pixels: Pixels) -> bytes:
    """Return 32 bytes that are nearly the same for pictures that look the same."""
    side = 4 * FREQUENCIES
    grey = pixels.mean(2, dtype=np.float32) if pixels.shape[2] > 1 else pixels[:, :, 0]
    small = Image.fromarray(grey.astype(np.float32)).resize((side, side), Image.Resampling.LANCZOS)
    waves = np.asarray(dctn(np.asarray(small)))[:FREQUENCIES, :FREQUENCIES]
    return np.packbits(waves > np.median(waves)).tobytes()


def pairs(hashes: Hashes, parts: Parts, most: int) -> Pairs:
    """List the pairs of different parts whose hashes differ in at most NEAR bits, each once.

    Stops once there are more than `most` of them.
    """
    signs = np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1
    least = signs.shape[1] - 2 * NEAR  # agreeing bits less differing ones
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(signs), _AT_ONCE):
        alike = signs[start : start + _AT_ONCE] @ signs[start:].T >= least
        apart = parts[start : start + _AT_ONCE, None] != parts[None, start:]
        places = np.argwhere(alike & apart)
        found.append(places[places[:, 0] < places[:, 1]] + start)
        if sum(map(len, found)) > most:
            break
    return np.concatenate(found)
