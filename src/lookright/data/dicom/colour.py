"""Colours of DICOM files: RGB, YBR that a decoder turned to RGB, and palettes."""

from typing import TYPE_CHECKING

import numpy as np

from lookright.data.dicom.dataset import guarded
from lookright.data.dicom.layout import PALETTE, Layout
from lookright.data.images.window import sixteen, windowed
from lookright.data.reading import Reading
from lookright.data.sample import Pixels
from lookright.errors import DataError, Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ELEMENTS = tuple(
    f"{colour}PaletteColorLookupTable{part}"
    for colour in ("Red", "Green", "Blue")
    for part in ("Descriptor", "Data")
)


def coloured(
    codes: np.ndarray, dataset: "Dataset", layout: Layout, reading: Reading, where: str
) -> Pixels:
    """Return RGB with 8 bits, or with 16 where the file or a window of the image has more."""
    bits = layout.stored
    if layout.photometric == PALETTE:
        codes, bits = _from_palette(codes, dataset, layout, where)
    if bits == 8 and reading.window is None:
        return codes.astype(np.uint8, copy=False)
    if bits > 16:
        what = f"Colours of {bits} bits are not read."
        raise DataError(Problem("DICOM-BITS", what, where, "Store 16 bits at most."))
    levels = np.arange(2**bits)
    light = windowed(levels, *reading.window) if reading.window else levels / (2**bits - 1)
    return sixteen(light)[codes]


def _from_palette(
    codes: np.ndarray, dataset: "Dataset", layout: Layout, where: str
) -> tuple[np.ndarray, int]:
    """Look every code up once; also returns the bits of the colours."""
    from pydicom.pixels.processing import apply_color_lut

    if layout.stored > 16 or layout.signed:
        what = "A palette is read for unsigned values of up to 16 bits."
        raise DataError(Problem("DICOM-BITS", what, where))
    with guarded("Its palette is damaged, or of a kind that is not read.", where):
        every = np.arange(2**layout.stored, dtype=np.uint16)
        table = apply_color_lut(every[None], dataset)[0, :, :3]
        return table[codes], 8 * table.dtype.itemsize
    raise AssertionError
