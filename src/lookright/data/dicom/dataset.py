"""A DICOM file becomes elements, of which only the wanted ones are ever parsed."""

import logging
import warnings
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING

from lookright.data.dicom.meta import DEFLATED, inflated, read_meta
from lookright.errors import DataError, LookrightError, Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

INSTALL = 'Run `pip install "lookright[dicom]"`.'


def read_dataset(data: bytes, wanted: Sequence[str], limit: int, where: str) -> "Dataset":
    """Parse the wanted elements (by keyword) of a DICOM file of at most `limit` inflated bytes."""
    if find_spec("pydicom") is None:
        what = "Reading DICOM needs pydicom, which is not installed."
        raise DataError(Problem("EXTRA", what, where, INSTALL))
    meta = read_meta(data, where)
    if meta.syntax == DEFLATED:
        data = inflated(data, meta, limit, where)
    from pydicom import dcmread

    with guarded("The DICOM file is damaged or cut off.", where):
        return dcmread(BytesIO(data), specific_tags=list(wanted))
    raise AssertionError  # guarded lets nothing through


@contextmanager
def guarded(what: str, where: str) -> Iterator[None]:
    """Turn whatever pydicom raises into one plain sentence.

    Its errors and warnings quote values, and values may be about people: nothing of them is
    passed on.
    """
    # Not taken back: filters belong to the process, and other threads are reading as well.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"pydicom\.")
    try:
        yield
    except LookrightError:
        raise
    except Exception:
        raise DataError(Problem("DICOM-DAMAGED", what, where, "Fetch it again.")) from None


def numbers(dataset: "Dataset", keyword: str, where: str) -> list[float]:
    """Return the numbers of an element; empty where it is absent or empty."""
    with guarded(f"Its {keyword} is not made of numbers.", where):
        value = dataset.get(keyword)
        if value is None or value == "":
            return []
        several = list(value) if isinstance(value, MutableSequence) else [value]
        found = [float(each) for each in several]
        if not all(isfinite(each) for each in found):
            raise ValueError
        return found
    raise AssertionError


def number(dataset: "Dataset", keyword: str, default: float, where: str) -> float:
    """Return the first number of an element, or the default where there is none."""
    return next(iter(numbers(dataset, keyword, where)), default)


def word(dataset: "Dataset", keyword: str, where: str) -> str:
    """Return the first word of an element in capitals; "" where there is none."""
    with guarded(f"Its {keyword} is damaged.", where):
        value = dataset.get(keyword)
        first = next(iter(value), "") if isinstance(value, MutableSequence) else value
        return str(first or "").strip(" \0").upper()
    raise AssertionError


def items(dataset: "Dataset", keyword: str, where: str) -> list["Dataset"]:
    """Return the items of a sequence; none where it is absent."""
    with guarded(f"Its {keyword} is damaged.", where):
        return list(dataset.get(keyword) or [])
    raise AssertionError


def pixel_data(dataset: "Dataset", where: str) -> bytes:
    """Return the pixels as they are stored."""
    with guarded("Its pixels are damaged.", where):
        if not isinstance(dataset.PixelData, bytes):
            raise TypeError
        return dataset.PixelData
    raise AssertionError


def macro(dataset: "Dataset", frame: int, sequence: str, where: str) -> "Dataset":
    """Return where the attributes of a frame stand: its own group, the shared one, or the file.

    Enhanced multi-frame files keep them in functional groups (PS3.3 C.7.6.16).
    """
    shared = items(dataset, "SharedFunctionalGroupsSequence", where)
    own = items(dataset, "PerFrameFunctionalGroupsSequence", where)
    for group in (*own[frame : frame + 1], *shared[:1]):
        if found := items(group, sequence, where):
            return found[0]
    return dataset
