"""Text becomes numbers that can be drawn with, or a plain reason why not."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from lookright.data.drawings.shapes import Vertices
from lookright.errors import DataError, Problem

Counts = Int64[np.ndarray, " runs"]


def number(given: object, name: str, where: str) -> float:
    """Read a finite number; raises DataError with what it is called and where it stands.

    >>> number(" 2.5", "xmin", "a.xml")
    2.5
    """
    try:
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise TypeError
        value = float(given)
        if not math.isfinite(value):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        what = f"{name} is missing." if given in (None, "") else _refused(given, name)
        raise DataError(Problem("NUMBER", what, where)) from None
    return value


def whole(given: object, name: str, where: str) -> int:
    """Read a whole number; `7.0` is one."""
    value = number(given, name, where)
    if value != int(value) or abs(value) >= 2**53:
        raise DataError(Problem("NUMBER", f"{name} is {value:g}, not a whole number.", where))
    return int(value)


def wholes(given: Sequence[str], name: str, where: str) -> Counts:
    """Read many whole numbers at once."""
    try:
        found = np.array(given, dtype=np.float64)
        if not (np.abs(found) < 2**53).all() or (found != np.floor(found)).any():
            raise ValueError
    except ValueError:
        what = f"{name} holds what is no whole number: {_short(list(given[:5]))}."
        raise DataError(Problem("NUMBER", what, where)) from None
    return found.astype(np.int64)


def vertices(given: Sequence[object], name: str, where: str) -> Vertices:
    """Read pairs of x and y, of shape (vertices, 2), all finite."""
    try:
        found = np.array(given, dtype=np.float64)
        if found.ndim != 2 or found.shape[1] != 2 or not np.isfinite(found).all():
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        what = f"{name} are no pairs of finite numbers: {_short(list(given[:5]))}."
        raise DataError(Problem("NUMBER", what, where)) from None
    return found


def _refused(given: object, name: str) -> str:
    return f"{name} is {_short(given)}, not a finite number."


def _short(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:60]}..."
