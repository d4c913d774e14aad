"""Pictures of different splits that look the same."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lookright.data.finding import Finding
from lookright.data.inspection import Inspection
from lookright.data.likeness import pairs
from lookright.data.table import Table
from lookright.errors import Problem

MOST = 60_000  # images; every pair is compared, which takes minutes then


def near_duplicates(table: Table, rows: pl.DataFrame, seen: Sequence[Inspection]) -> list[Finding]:
    """Find pictures of different splits that look the same; equal pixels are not told again."""
    told = [each for each in seen if each.likeness and rows["split"][each.index]]
    if len({rows["split"][each.index] for each in told}) < 2:
        return []
    if len(told) > MOST:
        what = f"Near-duplicates are looked for among at most {MOST:,} images, here {len(told):,}."
        problem = Problem("IMG-ALIKE-MANY", what, table.path.name, level="notice")
        return [Finding(problem)]
    found = pairs(np.array([np.frombuffer(each.likeness, np.uint64) for each in told]))
    crossing = [
        (one, other)
        for one, other in found
        if told[one].digest != told[other].digest
        and rows["split"][told[one].index] != rows["split"][told[other].index]
    ]
    return [
        _finding(table, rows, tuple(told[place].index for place in places))
        for places in _clusters(crossing, len(told))
    ]


def _clusters(linked: Sequence[tuple[int, int]], count: int) -> list[list[int]]:
    """Join pairs that share a picture."""
    if not linked:
        return []
    ones, others = np.array(linked).T
    graph = coo_array((np.ones(len(linked)), (ones, others)), shape=(count, count))
    _, names = connected_components(graph, directed=False)
    members = np.unique(np.concatenate([ones, others]))
    return [members[names[members] == name].tolist() for name in np.unique(names[members])]


def _finding(table: Table, rows: pl.DataFrame, twins: tuple[int, ...]) -> Finding:
    part = rows[list(twins)]
    splits = ", ".join(sorted(set(part["split"])))
    names = ", ".join(repr(name) for name in part["id"][:4])
    more = f" and {len(twins[4:])} more" if twins[4:] else ""
    what = f"They look the same, in splits {splits}: {names}{more}."
    fix = "Look: if they are one picture or one subject, move them into one split."
    return Finding(Problem("IMG-ALIKE", what, table.where(twins[0]), fix, "warning"), twins)
