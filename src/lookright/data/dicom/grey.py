"""Codes become brightness: modality, window, and which end is white (PS3.3 C.11, C.7.6.3)."""

from typing import TYPE_CHECKING, get_args

import numpy as np
from jaxtyping import UInt16

from lookright.data.dicom.dataset import guarded, items, macro, number, numbers, word
from lookright.data.dicom.layout import Layout
from lookright.data.images.window import Curve, sixteen, windowed
from lookright.data.reading import Reading
from lookright.errors import DataError, Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ELEMENTS = (
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "VOILUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "PresentationLUTShape",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
_TABLE = 16  # codes of up to so many bits go through a table of all there are
_FIX = "Set data.dicom_window to full or auto, or give the image a window of its own."


def shown(
    codes: np.ndarray, dataset: "Dataset", layout: Layout, reading: Reading, where: str
) -> tuple[UInt16[np.ndarray, "rows columns"], list[Problem]]:
    """Return brightness, 65535 is white, and what is to be said about the window.

    What happens to a pixel depends on its code alone: it is worked out once for every code.
    """
    if layout.stored <= _TABLE:
        every, places = np.arange(2**layout.stored), codes
        present = np.zeros(len(every), bool)
        present[codes] = True
    else:
        every, places = np.unique(codes, return_inverse=True)
        every, present = every.astype(np.int64), np.ones(len(every), bool)
    levels = every - (2**layout.stored) * (layout.signed & (every >> (layout.stored - 1)))
    table, notes = _table(levels, present, dataset, layout, reading, where)
    return table[places].reshape(codes.shape), notes


def _table(
    levels: np.ndarray,
    present: np.ndarray,
    dataset: "Dataset",
    layout: Layout,
    reading: Reading,
    where: str,
) -> tuple[UInt16[np.ndarray, " levels"], list[Problem]]:
    values = _modality(levels, dataset, layout.frame, where)
    padding = _padding(levels, dataset, where)
    light, notes = _window(values, present & ~padding, dataset, layout.frame, reading, where)
    if layout.photometric == "MONOCHROME1":
        light = 1 - light
    elif word(dataset, "PresentationLUTShape", where) == "INVERSE":
        what = "It is MONOCHROME2 and says that it is inverted: shown as MONOCHROME2."
        notes.append(Problem("DICOM-INVERSE", what, where, "Look at it.", "warning"))
    light[padding] = 0  # what is no part of the picture is black, whichever end is white
    return sixteen(light), notes


def _modality(levels: np.ndarray, dataset: "Dataset", frame: int, where: str) -> np.ndarray:
    """Turn stored values into those of the machine, such as Hounsfield units."""
    if tables := items(dataset, "ModalityLUTSequence", where):
        return _looked_up(levels, tables[0], where)[0]
    own = macro(dataset, frame, "PixelValueTransformationSequence", where)
    slope = number(own, "RescaleSlope", 1, where)
    if slope == 0:
        what = "Its RescaleSlope is 0, which makes every pixel the same."
        raise DataError(Problem("DICOM-RESCALE", what, where, "Export it again."))
    return levels * slope + number(own, "RescaleIntercept", 0, where)


def _padding(levels: np.ndarray, dataset: "Dataset", where: str) -> np.ndarray:
    value = numbers(dataset, "PixelPaddingValue", where)
    if not value:
        return np.zeros(len(levels), bool)
    ends = [value[0], number(dataset, "PixelPaddingRangeLimit", value[0], where)]
    # Some write negative values as if they were unsigned.
    ends = [each - 65536 if each > 32767 and levels.min() < 0 else each for each in ends]
    return (levels >= min(ends)) & (levels <= max(ends))


def _window(
    values: np.ndarray,
    present: np.ndarray,
    dataset: "Dataset",
    frame: int,
    reading: Reading,
    where: str,
) -> tuple[np.ndarray, list[Problem]]:
    """Bring values to [0, 1]: by the manifest's window, the file's own, or a whole range."""
    own = macro(dataset, frame, "FrameVOILUTSequence", where)
    if reading.window:
        return windowed(values, *reading.window, _curve(own, where)), []
    if reading.dicom_window != "full":
        if tables := items(own, "VOILUTSequence", where):
            light, bits = _looked_up(np.round(values), tables[0], where)
            return light / (2**bits - 1), _several(len(tables), where)
        centres, widths = (numbers(own, name, where) for name in ("WindowCenter", "WindowWidth"))
        if centres and widths:
            return _own_window(values, centres, widths, _curve(own, where), where)
    if reading.dicom_window == "auto":
        return _stretched(values, values[present]), []
    notes = [] if reading.dicom_window == "full" else [_no_window(where)]
    return _stretched(values, values), notes


def _own_window(
    values: np.ndarray, centres: list[float], widths: list[float], curve: Curve, where: str
) -> tuple[np.ndarray, list[Problem]]:
    least = 1 if curve == "LINEAR" else 0
    if widths[0] < least or widths[0] == 0:
        what = f"Its window has a width of {widths[0]:g}."
        raise DataError(Problem("DICOM-WINDOW", what, where, _FIX))
    notes = _several(min(len(centres), len(widths)), where)
    return windowed(values, centres[0], widths[0], curve), notes


def _curve(own: "Dataset", where: str) -> Curve:
    found = word(own, "VOILUTFunction", where)
    return found if found in get_args(Curve) else "LINEAR"  # type: ignore[return-value]


def _stretched(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 0.0)
    return np.clip((values - low) / ((high - low) or 1), 0, 1)


def _looked_up(levels: np.ndarray, table: "Dataset", where: str) -> tuple[np.ndarray, int]:
    """Look levels up in a table; also returns the bits of its entries."""
    with guarded("Its modality table or its VOI table is damaged.", where):
        count, first, bits = (int(each) for each in table.LUTDescriptor)
        count = count or 65536
        if first > 32767 and levels.min() < 0:
            first -= 65536  # written as unsigned for want of knowing better
        entries = _entries(table, count)
        if len(entries) != count or not 8 <= bits <= 16 or entries.max() >= 2**bits:
            raise ValueError
        places = np.clip(levels - first, 0, count - 1).astype(np.int64)
        return entries[places].astype(np.float64), bits
    raise AssertionError


def _entries(table: "Dataset", count: int) -> np.ndarray:
    data = table.LUTData
    if not isinstance(data, bytes):
        return np.atleast_1d(np.asarray(data, np.int64))
    order = ">" if table.original_encoding[1] is False else "<"
    kind = "u1" if len(data) < 2 * count else f"{order}u2"
    return np.frombuffer(data, kind, count).astype(np.int64)


def _no_window(where: str) -> Problem:
    what = "It has no window: shown from the lowest to the highest value that it could hold."
    fix = "data.dicom_window=auto takes those that it does hold."
    return Problem("DICOM-WINDOW-NONE", what, where, fix, "notice")


def _several(count: int, where: str) -> list[Problem]:
    what = f"It has {count} windows: the first is taken."
    fix = "Another one goes into the columns window_centre and window_width."
    return [Problem("DICOM-WINDOWS", what, where, fix, "notice")] * (count > 1)
