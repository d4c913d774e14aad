"""Pictures of different splits that look the same."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lookright.data.checks.finding import Finding
from lookright.data.checks.inspection import Inspection
from lookright.data.checks.likeness import Pairs, pairs
from lookright.data.table import Table
from lookright.errors import Problem

MOST = 60_000  # images; every pair is compared, which takes half a minute then
MOST_PAIRS = 100_000  # that look the same; more, and all pictures are nearly one


def near_duplicates(table: Table, rows: pl.DataFrame, seen: Sequence[Inspection]) -> list[Finding]:
    """Find pictures of different splits that look the same; equal pixels are not told again."""
    splits = {each.index: rows["split"][each.index] for each in seen if each.likeness}
    # Equal pictures of one split look like others alike: one of them is enough.
    once = {(each.digest, splits[each.index]): each for each in seen if splits.get(each.index)}
    told = list(once.values())
    parts = np.unique([splits[each.index] for each in told], return_inverse=True)[1]
    if len(told) > MOST:
        what = f"Near-duplicates are looked for among at most {MOST:,} images, here {len(told):,}."
        return [_given_up(table, what)]
    if not len(parts) or not parts.any():
        return []
    hashes = np.array([np.frombuffer(each.likeness, np.uint8) for each in told])
    found = pairs(hashes, parts.astype(np.int64), MOST_PAIRS)
    if len(found) > MOST_PAIRS:
        what = "Too many pictures look the same: near-duplicates between splits cannot be told."
        return [_given_up(table, what)]
    different = [told[one].digest != told[other].digest for one, other in found.tolist()]
    clusters = _clusters(found[np.array(different, bool)], len(told))
    return [
        _finding(table, rows, tuple(told[place].index for place in places)) for places in clusters
    ]


def _given_up(table: Table, what: str) -> Finding:
    return Finding(Problem("IMG-ALIKE-MANY", what, table.path.name, level="notice"))


def _clusters(linked: Pairs, count: int) -> list[list[int]]:
    """Join pairs that share a picture."""
    if not len(linked):
        return []
    graph = coo_array((np.ones(len(linked)), tuple(linked.T)), shape=(count, count))
    _, names = connected_components(graph, directed=False)
    members = np.unique(linked)
    return [members[names[members] == name].tolist() for name in np.unique(names[members])]


def _finding(table: Table, rows: pl.DataFrame, twins: tuple[int, ...]) -> Finding:
    part = rows[list(twins)]
    splits = ", ".join(sorted(set(part["split"])))
    names = ", ".join(repr(name) for name in part["id"][:4])
    more = f" and {len(twins[4:])} more" if twins[4:] else ""
    what = f"They look the same, in splits {splits}: {names}{more}."
    fix = "Look: if they are one picture or one subject, move them into one split."
    return Finding(Problem("IMG-ALIKE", what, table.where(twins[0]), fix, "warning"), twins)
