"""A problem, and the rows of the data set that it is about."""

from dataclasses import dataclass
from typing import Literal

from lookright.errors import Problem

Level = Literal["error", "warning", "notice"]
LEVELS: tuple[Level, ...] = ("error", "warning", "notice")


@dataclass(frozen=True)
class Finding:
    """What a check found; `rows` are indices, empty when it is about the whole table."""

    problem: Problem
    rows: tuple[int, ...] = ()
