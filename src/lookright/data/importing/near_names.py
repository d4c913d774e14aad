"""Which images a name may mean that was cut off, or that a spreadsheet rounded."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import takewhile

_LONGEST = 300  # digits; a larger number is infinite to a spreadsheet


def nearest(name: str, known: Sequence[str]) -> str:
    """Say in words which of the sorted names one may mean that is none of them, if any.

    >>> nearest("4b8c1d2e", ["4b8c1d2e-77", "4b8c1d2e-78", "9f00"])
    "2 begin like this, such as '4b8c1d2e-77': was it cut off?"
    >>> nearest("2.02E+10", ["20210034567"])
    "1 would be rounded to this, such as '20210034567': has a spreadsheet done it?"
    """
    if longer := _continued(name, known):
        # A name of a few letters begins too many others to say anything.
        likely = 2 * len(name) > len(longer[0])
        return f"{_such(longer, 'begin like this')}: was it cut off?" if likely else ""
    if rounded := _rounded(name, known):
        return f"{_such(rounded, 'would be rounded to this')}: has a spreadsheet done it?"
    return ""


def _continued(name: str, known: Sequence[str]) -> list[str]:
    later = range(bisect_left(known, name), len(known)) if name else range(0)
    return [known[place] for place in takewhile(lambda at: known[at].startswith(name), later)]


def _such(names: list[str], like: str) -> str:
    return f"{len(names)} {like}, such as {names[0]!r}"


def _rounded(name: str, known: Sequence[str]) -> list[str]:
    """Find the numbers that a spreadsheet would have written like `2.02E+10`."""
    if not re.fullmatch(r"\d(\.\d+)?[eE]\+\d{1,3}", name):
        return []
    numbers = [each for each in known if re.fullmatch(rf"[0-9]{{1,{_LONGEST}}}", each)]
    digits = len(re.split("[.eE]", name)[1]) if "." in name else 0
    return [each for each in numbers if float(f"{int(each):.{digits}e}") == float(name)]
