"""How the pixels of a DICOM file are stored, and whether that can be true."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookright.data.dicom.dataset import number, numbers, word
from lookright.data.images.bounds import chosen_frame, verify_size
from lookright.data.reading import Reading
from lookright.errors import DataError, Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

GREY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_SAMPLES = {**dict.fromkeys((*GREY, PALETTE), 1), **dict.fromkeys(_COLOURS, 3)}
_REQUIRED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel")
ELEMENTS = (  # what reading a picture needs, and nothing that is about a person
    *_REQUIRED,
    "HighBit",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)


@dataclass(frozen=True)
class Layout:
    """The attributes of the image pixel module (PS3.3 C.7.6.3)."""

    rows: int
    columns: int
    samples: int  # per pixel
    allocated: int  # bits
    stored: int  # bits that are the value
    shift: int  # bits below the value
    signed: bool
    photometric: str
    frames: int
    frame: int  # the one to read, from 0

    @property
    def is_grey(self) -> bool:
        """One value per pixel that means brightness."""
        return self.photometric in GREY

    @property
    def length(self) -> int:
        """Bytes of all frames when they are not compressed, without padding."""
        pixels = self.rows * self.columns * self.frames
        if self.photometric == "YBR_FULL_422":
            return pixels * 2 * self.allocated // 8
        return -(-pixels * self.samples * self.allocated // 8)


def read_layout(dataset: "Dataset", reading: Reading, where: str) -> Layout:
    """Read the layout; raises DataError for what is missing, impossible or not read here."""
    _require_pixels(dataset, where)
    photometric = word(dataset, "PhotometricInterpretation", where)
    missing = [name for name in _REQUIRED if not numbers(dataset, name, where)]
    missing += ["PhotometricInterpretation"] * (not photometric)
    if missing:
        what = f"The DICOM file lacks {', '.join(missing)}."
        raise DataError(Problem("DICOM-DAMAGED", what, where, "Export it again."))
    rows, columns, allocated, stored, samples = (
        int(number(dataset, name, 0, where)) for name in _REQUIRED
    )
    verify_size((columns, rows), reading, where)
    if _SAMPLES.get(photometric) != samples:
        # Its word is not repeated: it may be anything.
        what = f"Its pixels of {samples} values are in colours that are not read."
        fix = f"Read are {', '.join(_SAMPLES)}."
        raise DataError(Problem("DICOM-COLOURS", what, where, fix))
    shift = int(number(dataset, "HighBit", stored - 1, where)) - stored + 1
    if allocated not in (1, 8, 16, 32) or stored < 1 or shift < 0 or shift + stored > allocated:
        what = f"Values of {stored} bits, {shift} of {allocated} bits up, cannot be."
        raise DataError(Problem("DICOM-BITS", what, where, "Export it again."))
    frames = int(number(dataset, "NumberOfFrames", 1, where))
    return Layout(
        rows,
        columns,
        samples,
        allocated,
        stored,
        shift,
        number(dataset, "PixelRepresentation", 0, where) == 1,
        photometric,
        frames,
        chosen_frame(frames, reading, where),
    )


def _require_pixels(dataset: "Dataset", where: str) -> None:
    if "PixelData" in dataset:
        return
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        what, fix = "Its pixels are floats, which are not read.", "Save it as a float TIFF."
    else:
        what, fix = "There are no pixels in this DICOM file.", "Leave it out."
    raise DataError(Problem("DICOM-PIXELS", what, where, fix))
