"""A DICOM file becomes an image: brightness as a person at a workstation sees it."""

from typing import TYPE_CHECKING

from lookright.data.dicom import colour, grey, layout, spacing
from lookright.data.dicom.dataset import read_dataset
from lookright.data.dicom.frame import decode_frame
from lookright.data.images.decoded import Decoded
from lookright.data.reading import Reading
from lookright.errors import Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Nothing in here is about a person, so nothing of a person is read.
ELEMENTS = (*layout.ELEMENTS, *grey.ELEMENTS, *colour.ELEMENTS, *spacing.ELEMENTS)


def decode_dicom(data: bytes, reading: Reading, where: str) -> Decoded:
    """Decode the bytes of a DICOM file; `where` names it in errors."""
    return picture_of(read_dataset(data, ELEMENTS, reading.max_inflated, where), reading, where)


def picture_of(dataset: "Dataset", reading: Reading, where: str) -> Decoded:
    """Decode the pixels of a file that has been read, `ELEMENTS` among what was read of it."""
    found = layout.read_layout(dataset, reading, where)
    codes = decode_frame(dataset, found, where)
    notes: list[Problem] = spacing.remarks(dataset, found.frame, where)
    if not found.is_grey:
        pixels = colour.coloured(codes, dataset, found, reading, where)
        return Decoded(pixels, 8 * pixels.dtype.itemsize, "DICOM", 1, tuple(notes))
    light, more = grey.shown(codes, dataset, found, reading, where)
    return Decoded(light[:, :, None], 16, "DICOM", 1, (*notes, *more))
