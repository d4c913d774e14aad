"""One frame of a DICOM file is decoded, when its length and its size are what the file says."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from lookright.data.dicom.apart import decode_apart
from lookright.data.dicom.dataset import INSTALL, guarded, pixel_data
from lookright.data.dicom.layout import ELEMENTS, Layout
from lookright.data.images.formats import jpeg_frame
from lookright.errors import DataError, Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

_RLE = "1.2.840.10008.1.2.5"
_APART = "gdcm"  # the only free decoder of the rest, JPEG-LS and lossless JPEG: see apart.py
_PLUGINS = {  # which of pydicom's plugins decode what, the better first
    _RLE: ("pydicom",),
    "1.2.840.10008.1.2.4.50": ("pillow",),  # JPEG with 8 bits
    "1.2.840.10008.1.2.4.90": ("pylibjpeg", "pillow"),  # JPEG 2000
    "1.2.840.10008.1.2.4.91": ("pylibjpeg", "pillow"),
    "1.2.840.10008.1.2.4.201": ("pylibjpeg",),  # high-throughput JPEG 2000
    "1.2.840.10008.1.2.4.202": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.203": ("pylibjpeg",),
}
_OF_FRAMES = ("PixelData", "NumberOfFrames", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_FETCH = "Fetch it again."


def decode_frame(dataset: "Dataset", layout: Layout, where: str) -> np.ndarray:
    """Decode the frame of the layout: (rows, columns), or (rows, columns, 3) as RGB.

    Values are unsigned codes of `layout.stored` bits; what negative ones mean is up to the caller.
    """
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    with guarded("How it is stored (its transfer syntax) is damaged.", where):
        syntax = UID(dataset.file_meta.TransferSyntaxUID)
    plugin = _plugin(syntax, where)
    if not plugin:
        _verify_length(dataset, layout, where)
        stream = b""
    else:
        stream = _verified_stream(dataset, layout, syntax != _RLE, where)
    with guarded("Its pixels cannot be decoded.", where):
        if plugin == _APART:
            values = decode_apart(_alone(dataset, stream))
        else:
            # Bits that are no part of a value are cut off below, for compressed data as well.
            options: Any = {"decoding_plugin": plugin, "correct_unused_bits": False}
            values, _ = get_decoder(syntax).as_array(dataset, index=layout.frame, **options)
        wanted = (layout.rows, layout.columns, 3)[: 2 if layout.samples == 1 else 3]
        if values.shape != wanted:
            raise ValueError
        return _codes(values, layout, 0 if plugin else layout.shift)
    raise AssertionError


def _plugin(syntax: "UID", where: str) -> str:
    """Choose what decodes a syntax; "" where nothing is compressed."""
    from pydicom.pixels.decoders.base import get_decoder

    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        what = "Its pixels are stored in a way (transfer syntax) that is not read."
        fix = "Convert it to Explicit VR Little Endian."
        raise DataError(Problem("DICOM-SYNTAX", what, where, fix)) from None
    if not syntax.is_encapsulated:
        return ""
    able = [each for each in _PLUGINS.get(syntax, (_APART,)) if each in decoder.available_plugins]
    if not able:
        what = f"Its pixels are compressed ({syntax.name}), and no decoder is installed."
        raise DataError(Problem("EXTRA", what, where, INSTALL))
    return able[0]


def _alone(dataset: "Dataset", stream: bytes) -> bytes:
    """Write a file of one frame, with what a decoder needs to know."""
    from pydicom import dcmwrite
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    alone = Dataset()
    alone.preamble, alone.file_meta = bytes(128), FileMetaDataset()
    alone.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    for keyword in ELEMENTS:
        if keyword in dataset and keyword not in _OF_FRAMES:
            setattr(alone, keyword, dataset[keyword].value)
    alone.PixelData = encapsulate([stream])
    alone["PixelData"].is_undefined_length = True
    buffer = BytesIO()
    dcmwrite(buffer, alone)
    return buffer.getvalue()


def _verify_length(dataset: "Dataset", layout: Layout, where: str) -> None:
    """Rows and columns that lie would shear the picture, or show one with a piece missing."""
    length = len(pixel_data(dataset, where))
    if length in (layout.length, layout.length + layout.length % 2):
        return
    what = f"{length} bytes of pixels, where its rows and columns need {layout.length}."
    if length < layout.length:
        raise DataError(Problem("DICOM-TRUNCATED", f"It is cut off: {what}", where, _FETCH))
    raise DataError(Problem("DICOM-SIZE", what, where, "Export it again."))


def _verified_stream(dataset: "Dataset", layout: Layout, has_head: bool, where: str) -> bytes:
    """Return compressed pixels whose head says what the file does, before room is made for them."""
    from pydicom.encaps import get_frame

    packed = pixel_data(dataset, where)
    with guarded("Its compressed pixels are damaged or cut off.", where):
        stream = get_frame(packed, layout.frame, number_of_frames=layout.frames)
    if not has_head:
        return stream
    size = _stream_size(stream)
    if size is None:
        what = "Its compressed pixels have no head."
        raise DataError(Problem("DICOM-DAMAGED", what, where, _FETCH))
    if size != (layout.columns, layout.rows, layout.samples):
        told = "{} x {} pixels of {} values".format(*size)
        what = f"Its compressed pixels are {told}, the file says otherwise."
        raise DataError(Problem("DICOM-SIZE", what, where, "Export it again."))
    if stream.rfind(b"\xff\xd9", max(0, len(stream) - 64)) < 0:
        what = "It is cut off: its compressed pixels have no end."
        raise DataError(Problem("DICOM-TRUNCATED", what, where, _FETCH))
    return stream


def _stream_size(stream: bytes) -> tuple[int, int, int] | None:
    """Return width, height and values per pixel from the head of a JPEG or a JPEG 2000 stream."""
    if stream[:4] == b"\xff\x4f\xff\x51" and len(stream) >= 42:  # its sizes are ISO 15444-1, A.5.1
        right, bottom, left, top = np.frombuffer(stream, ">u4", 4, 8).tolist()
        return right - left, bottom - top, int.from_bytes(stream[40:42], "big")
    head = jpeg_frame(stream) if stream[:2] == b"\xff\xd8" else None
    return (head.width, head.height, head.colours) if head else None


def _codes(values: np.ndarray, layout: Layout, shift: int) -> np.ndarray:
    """Keep the bits that are the value: overlays may lie above it (PS3.5, section 8.1.1)."""
    kind = f"u{values.dtype.itemsize}"
    codes = values.astype(values.dtype.newbyteorder("="), copy=False).view(kind)
    if shift == 0 and layout.stored == 8 * values.dtype.itemsize:
        return codes
    return (codes >> np.array(shift, kind)) & np.array(2**layout.stored - 1, kind)
