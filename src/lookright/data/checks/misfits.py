"""Maps that may not belong where they lie: on the body, this way round, in these units.

All of it is suspicion, told as warnings with pictures, for people to look at.
"""

from collections.abc import Sequence

import numpy as np

from lookright.data.checks.alignment import Alignment
from lookright.data.checks.finding import Finding
from lookright.data.checks.inspection import Inspection
from lookright.data.table import Table
from lookright.errors import Problem

OFF_BODY = 0.5  # share of a map's mass on empty ground
FEW = 20  # maps; fewer cannot say how maps usually lie
STEADY = 0.95  # of the maps must fit better as they are, or which way round says nothing
PERCENT = 100  # pixels: what percentages reach when they are read as pixels
_TURNS = {
    "mirrored": ("mirrored left to right", "a flip in the annotation tool or while exporting"),
    "overturned": ("turned upside down", "a y axis that points up"),
    "transposed": ("transposed", "rows and columns, or x and y, in the wrong order"),
}


def misfits(table: Table, seen: Sequence[Inspection]) -> list[Finding]:
    """Find maps off the body, in a corner, within percentages of pixels, or turned round."""
    drawn = [each for each in seen if each.alignment is not None]
    return [
        *_off_body(table, drawn),
        *_cornered(table, drawn),
        *_percentages(table, drawn),
        *_turned(table, drawn),
    ]


def _warn(
    table: Table, code: str, what: str, fix: str, rows: tuple[int, ...], alone: bool = True
) -> Finding:
    where = table.where(rows[0]) if alone else table.path.name
    return Finding(Problem(code, what, where, fix, "warning"), rows)


def _off_body(table: Table, drawn: Sequence[Inspection]) -> list[Finding]:
    fix = "Is the map shifted, of another image, or of one before it was cut?"
    return [
        _warn(table, "MASK-OFF", f"{share:.0%} of the map lies on empty ground.", fix, (row,))
        for row, share in ((each.index, _of(each).outside) for each in drawn)
        if share > OFF_BODY
    ]


def _cornered(table: Table, drawn: Sequence[Inspection]) -> list[Finding]:
    what = "All of the map lies at the upper left pixel."
    fix = "Were coordinates from 0 to 1 read as pixels?"
    return [
        _warn(table, "MASK-CORNER", what, fix, (each.index,))
        for each in drawn
        if _of(each).cornered
    ]


def _percentages(table: Table, drawn: Sequence[Inspection]) -> list[Finding]:
    """Find data sets whose every map ends at 100 pixels though the images do not."""
    large = [each for each in drawn if min(each.size) >= 2 * PERCENT and not _of(each).cornered]
    if len(large) < FEW:
        return []
    reach = max(max(_of(each).right, _of(each).bottom) for each in large)
    if not PERCENT / 2 < reach <= PERCENT + 1:
        return []
    what = f"All {len(large)} maps lie within the first {PERCENT} pixels of larger images."
    fix = "Were percentages read as pixels?"
    rows = tuple(each.index for each in large)
    return [_warn(table, "MASK-PERCENT", what, fix, rows, alone=False)]


def _turned(table: Table, drawn: Sequence[Inspection]) -> list[Finding]:
    """Find maps that fit their image better the other way round, where others do not.

    What a map covers is usually brighter, or darker, than its surroundings. Suspected is a map that
    fits as maps do only when it is turned: both by half of what is usual.
    """
    findings = []
    for turn, (words, why) in _TURNS.items():
        known = [each for each in drawn if np.isfinite(getattr(_of(each), turn))]
        if len(known) < FEW:
            continue
        fits, turned = _fits(known, turn)
        gains = turned - fits
        if np.mean(gains > 0) > STEADY:
            rows = tuple(each.index for each in known)
            what = f"Nearly all maps fit their images better when {words}."
            fix = f"Look at them. What does this: {why}."
            findings.append(_warn(table, "MASK-TURNED", what, fix, rows, alone=False))
        elif np.mean(gains < 0) > STEADY:
            odd = (gains > -np.median(gains) / 2) & (turned > np.median(fits) / 2)
            what = f"The map would fit its image better when {words}, unlike the others'."
            fix = f"Look at it. What does this: {why}."
            findings += [
                _warn(table, "MASK-TURNED", what, fix, (known[place].index,))
                for place in np.flatnonzero(odd).tolist()
            ]
    return findings


def _fits(known: Sequence[Inspection], turn: str) -> tuple[np.ndarray, np.ndarray]:
    """Return how much maps stand out as they are and when turned, most of them positive."""
    fits = np.array([_of(each).stands_out for each in known])
    turned = np.array([getattr(_of(each), turn) for each in known])
    usual, other = np.median(fits), np.median(turned)
    sign = np.sign(usual if abs(usual) >= abs(other) else other)
    return sign * fits, sign * turned


def _of(each: Inspection) -> Alignment:
    assert each.alignment is not None
    return each.alignment
