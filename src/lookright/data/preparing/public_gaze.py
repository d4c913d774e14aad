"""Gaze of a published set: what the importer of fixations makes of a table, one map per image."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from lookright.data import importers
from lookright.data.drawings.drawn import DrawnMap, Size
from lookright.data.drawings.several import combine
from lookright.data.importing.tally import Tally
from lookright.data.sample import Evidence
from lookright.errors import ConfigError, DataError, Problem


def gaze_maps(file: Path, settings: Mapping[str, Any], tally: Tally) -> dict[str, DrawnMap]:
    """Return the map of each image that a table names; what was dropped is counted in `tally`.

    Raises DataError with everything that is wrong.
    """
    maps = {}
    try:
        for item in importers.make("fixations", settings).read(file):
            if isinstance(item, DrawnMap):
                maps[item.image] = item
            elif isinstance(item, Problem):
                tally.add([item])
    except ConfigError as error:  # the settings are ours: it is the table that lacks something
        raise DataError(*(replace(each, where=str(file)) for each in error.problems)) from error
    if tally.errors:
        raise DataError(*tally.errors)
    return maps


def mean_map(image: str, maps: Sequence[DrawnMap]) -> DrawnMap:
    """Return the mean of several readers' maps of one image, rendered when it is needed."""
    if len(maps) == 1:
        return maps[0]

    def render(size: Size) -> Evidence:
        """Draw every part on the picture, and combine them."""
        return combine([each.map(size) if callable(each.map) else each.map for each in maps])

    def doubts(size: Size) -> tuple[Problem, ...]:
        """Ask every part."""
        return tuple(chain.from_iterable(each.doubts(size) for each in maps))

    key = " ".join(sorted(each.key for each in maps))
    return DrawnMap(image, maps[0].size, render, key, doubts=doubts)
