"""A DICOM segmentation as frames: which segment, of which image, and how much of each pixel.

DICOM PS3.3 A.51 and C.8.20. Of the patient and of the people nothing is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lookright.data.dicom.dataset import read_dataset
from lookright.data.sample import Evidence
from lookright.errors import DataError, LookrightError, Problem

SEGMENTATION = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # and label map
_WANTED = (
    *("SegmentationType", "SegmentSequence", "MaximumFractionalValue"),
    *("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"),
    *("ReferencedSeriesSequence", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"),
    *("PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelData"),
)
_INFLATED = 1 << 29  # bytes of a file that is deflated as a whole
_MOST_PIXELS = 4_000_000_000  # of all frames
_LARGEST_FRAME = 89_000_000


@dataclass(frozen=True, eq=False)
class Frame:
    """One segment on one image."""

    image: str  # the SOP instance UID of the image that it was drawn on
    segment: str  # its label
    values: Evidence  # in [0, 1]; (rows, cols)
    automatic: bool  # an algorithm drew it


@dataclass(frozen=True)
class Header:
    """What a DICOM file is."""

    uid: str
    is_segmentation: bool


def header(file: Path, where: str) -> Header | None:
    """Read what a file is; None if it is no DICOM."""
    with file.open("rb") as stream:
        if stream.read(132)[128:] != b"DICM":
            return None
    found = read_dataset(file.read_bytes(), ("SOPInstanceUID", "SOPClassUID"), _INFLATED, where)
    with _damage("What it is cannot be read", where):
        uid, kind = str(found.get("SOPInstanceUID", "")), found.get("SOPClassUID")
        return Header(uid, kind in SEGMENTATION)


def frames(file: Path, where: str) -> Iterator[Frame | Problem]:
    """Yield the frames of a segmentation one by one; raises DataError where it cannot be read."""
    found = read_dataset(file.read_bytes(), _WANTED, _INFLATED, where)
    _require_bounds(found, where)
    with _damage("What it says of its frames cannot be read", where):
        groups = found.get("PerFrameFunctionalGroupsSequence", ())
    for number, (group, values) in enumerate(zip(groups, _values(found, where), strict=False), 1):
        here = f"{where} frame {number}"
        try:
            with _damage("What it says of this frame cannot be read", here):
                parts = list(_parts(found, group, values, here))
        except DataError as error:
            yield from error.problems
        else:
            yield from parts


def _parts(found: Any, group: Any, values: np.ndarray, where: str) -> Iterator[Frame]:
    """Take a frame apart: a label map holds several segments, all else one."""
    image = _image(found, group, where)
    if found.get("SegmentationType") == "LABELMAP":
        shares = {int(each): values == each for each in np.unique(values) if each}
    else:
        most = 1.0 if found.BitsAllocated == 1 else float(found.get("MaximumFractionalValue", 1))
        shares = {_segment_number(found, group, where): np.clip(values / most, 0, 1)}
    for number, share in shares.items():
        name, automatic = _segment(found, number, where)
        yield Frame(image, name, share.astype(np.float32), automatic)


def _require_bounds(found: Any, where: str) -> None:
    with _damage("It does not say how large it is", where):
        rows, cols = int(found.Rows), int(found.Columns)
        count = int(found.get("NumberOfFrames", 1))
        whole = float(found.get("MaximumFractionalValue", 1))
    area = rows * cols
    if not 0 < area <= _LARGEST_FRAME or not 0 < area * count <= _MOST_PIXELS or whole <= 0:
        what = f"{count} frames of {cols} x {rows} pixels; {_MOST_PIXELS} in all are the most."
        raise DataError(Problem("MASK-LARGE", what, where))


def _values(found: Any, where: str) -> Iterator[np.ndarray]:
    """Decode one frame after the other."""
    pixels = import_module("pydicom.pixels").iter_pixels(found)
    while True:
        with _damage("Its pixels cannot be decoded", where):
            values = next(pixels, None)
        if values is None:
            return
        if values.ndim != 2:
            raise DataError(Problem("DICOM-DAMAGED", "Its pixels have colours.", where))
        yield values


@contextmanager
def _damage(what: str, where: str) -> Iterator[None]:
    """Say what a damaged element means: elements are converted, and fail, when first used."""
    try:
        yield
    except LookrightError:
        raise
    except Exception:  # a library's words may quote values, so nothing of them is passed on
        fix = 'Fetch it again; compressed pixels need decoders: pip install "lookright[dicom]".'
        raise DataError(Problem("DICOM-DAMAGED", f"{what}.", where, fix)) from None


def _segment_number(found: Any, group: Any, where: str) -> int:
    for each in (group, *found.get("SharedFunctionalGroupsSequence", ())):
        for item in each.get("SegmentIdentificationSequence", ()):
            return int(item.ReferencedSegmentNumber)
    raise DataError(Problem("DICOM-SEGMENT", "It does not say which segment it is.", where))


def _segment(found: Any, number: int, where: str) -> tuple[str, bool]:
    for each in found.get("SegmentSequence", ()):
        if int(each.SegmentNumber) == number:
            label = str(each.get("SegmentLabel", "")).strip() or str(number)
            return label, each.get("SegmentAlgorithmType") == "AUTOMATIC"
    raise DataError(Problem("DICOM-SEGMENT", f"There is no segment {number}.", where))


def _image(found: Any, group: Any, where: str) -> str:
    """Return the one image that a frame was drawn on."""
    sources = [
        source
        for each in (group, *found.get("SharedFunctionalGroupsSequence", ()))
        for derivation in each.get("DerivationImageSequence", ())
        for source in derivation.get("SourceImageSequence", ())
    ] or [
        instance
        for series in found.get("ReferencedSeriesSequence", ())
        for instance in series.get("ReferencedInstanceSequence", ())
    ]
    named = {str(each.get("ReferencedSOPInstanceUID", "")) for each in sources} - {""}
    if len(named) != 1:
        what = f"It names {len(named)} images, not one."
        raise DataError(Problem("DICOM-REFERENCE", what, where))
    parts = {str(each.get("ReferencedFrameNumber", 1)) for each in sources}
    if parts != {"1"}:
        what = "It is of one frame of a multi-frame image; images have one frame each here."
        raise DataError(Problem("DICOM-FRAMES", what, where))
    return named.pop()
