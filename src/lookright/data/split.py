"""Splits: whole groups, the same share of every class, drawn by a seed and written down."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from lookright.data.reading import is_split
from lookright.data.rewrite import beside, write_rows
from lookright.data.table import Table, read_table
from lookright.errors import ConfigError, DataError, Problem

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def write_split(
    path: Path,
    shares: Mapping[str, float] | None = None,
    seed: int = 0,
    within: str | None = None,
    out: Path | None = None,
) -> Path:
    """Fill a manifest's split column, in place or as a new manifest beside it.

    `within` divides the rows of one split only, such as train into train and val, and leaves the
    others. Raises DataError when there are splits already and neither `within` nor `out` is given.
    """
    table = read_table(Path(path))
    shares = SHARES if shares is None else shares
    _verify(shares)
    given = table.rows["split"] if "split" in table.rows.columns else None
    if given is not None and (given != "").any() and within is None and out is None:
        fix = "Name a new manifest, or the split to divide."
        raise DataError(Problem("SPLIT-GIVEN", "There are splits already.", table.path.name, fix))
    target = beside(table, out)
    chosen = _chosen(table, given, within)
    drawn = np.array(given if given is not None else [""] * len(table.rows), dtype=object)
    drawn[chosen] = split(table.rows[chosen.tolist()], shares, seed)
    column = pl.Series("split", drawn.tolist(), dtype=pl.String)
    return write_rows(table.rows.with_columns(column), target)


def split(rows: pl.DataFrame, shares: Mapping[str, float], seed: int) -> np.ndarray:
    """Return the split of each row: groups stay whole, every class gets its shares.

    Rows without a group are groups of their own. Large groups are placed first, each where it
    leaves the classes closest to their shares; single images then fill up what is missing. Raises
    DataError when a class has fewer groups than there are splits.
    """
    random = np.random.default_rng(seed)
    kinds = np.unique(rows["label"].to_numpy(), return_inverse=True)[1]
    groups = _groups(rows)
    names = list(shares)
    _verify_possible(rows, groups, len(names))
    goal = np.array([shares[name] for name in names])
    goal = goal[:, None] / goal.sum() * np.bincount(kinds)[None]
    placed = _place(groups, kinds, goal, random)
    _complete(placed, groups, kinds, len(names))
    return np.array(names, dtype=object)[placed]


def _groups(rows: pl.DataFrame) -> np.ndarray:
    """Number the groups; rows without one are alone."""
    if "group" not in rows.columns:
        return np.arange(len(rows))
    alone = [f"\0{index}" for index in range(len(rows))]
    keys = pl.select(pl.when(rows["group"] == "").then(pl.Series(alone)).otherwise(rows["group"]))
    return np.unique(keys.to_series().to_numpy(), return_inverse=True)[1]


def _place(
    groups: np.ndarray, kinds: np.ndarray, goal: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    sizes = np.bincount(groups)
    placed = np.zeros(len(kinds), int)
    have = np.zeros_like(goal)
    order = random.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    by_group = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    for number in order[sizes[order] > 1]:
        members = by_group[number]
        added = np.bincount(kinds[members], minlength=goal.shape[1])
        # how much closer each split comes to its goal, relative to the goal
        gain = ((goal - have - added / 2) * added / np.maximum(goal, 1e-9)).sum(1)
        best = int(np.argmax(gain))
        have[best] += added
        placed[members] = best
    single = np.flatnonzero(sizes[groups] == 1)
    for kind in range(goal.shape[1]):
        own = random.permutation(single[kinds[single] == kind])
        placed[own] = np.repeat(
            np.arange(len(goal)), _fill(goal[:, kind] - have[:, kind], len(own))
        )
    return placed


def _complete(placed: np.ndarray, groups: np.ndarray, kinds: np.ndarray, splits: int) -> None:
    """Give a split that lacks a class the smallest group of the split that has most of it."""
    for kind in range(kinds.max() + 1):
        own = kinds == kind
        for split in range(splits):
            if (own & (placed == split)).any():
                continue
            held = [np.unique(groups[own & (placed == each)]) for each in range(splits)]
            most = max(held, key=len)
            if len(most) > 1:
                smallest = min(most, key=lambda group: (groups == group).sum())
                placed[groups == smallest] = split


def _fill(missing: np.ndarray, count: int) -> np.ndarray:
    """Share out `count` images as the gaps ask, the fractions to the largest remainders."""
    missing = np.maximum(missing, 0)
    total = missing.sum()
    wanted = missing / total * count if total else np.full(len(missing), count / len(missing))
    whole = np.floor(wanted).astype(int)
    rest = np.argsort(whole - wanted, kind="stable")[: count - whole.sum()]
    whole[rest] += 1
    return whole


def _chosen(table: Table, given: pl.Series | None, within: str | None) -> np.ndarray:
    if within is None:
        return np.arange(len(table.rows))
    chosen = (given == within).arg_true().to_numpy() if given is not None else np.array([], int)
    if not len(chosen):
        found = sorted(given.unique()) if given is not None else []
        what = f"No row is in split {within!r}."
        fix = f"There are: {', '.join(found) or 'none'}."
        raise DataError(Problem("SPLIT", what, table.path.name, fix))
    return chosen


def _verify(shares: Mapping[str, float]) -> None:
    wrong = [name for name in shares if not is_split(name)]
    problems = [
        Problem("SPLIT", f"{name!r} is no split.", fix="Use train, val, test or test_<word>.")
        for name in wrong
    ]
    if len(shares) < 2 or any(not share > 0 for share in shares.values()):
        what = f"Got {dict(shares)}, expected two splits or more with shares above 0."
        problems.append(Problem("SPLIT", what))
    if problems:
        raise ConfigError(*problems)


def _verify_possible(rows: pl.DataFrame, groups: np.ndarray, splits: int) -> None:
    counts = (
        pl.DataFrame({"label": rows["label"], "group": groups})
        .group_by("label")
        .agg(pl.col("group").n_unique(), pl.len())
        .sort("label")
    )
    problems = [
        Problem(
            "SPLIT-IMPOSSIBLE",
            f"Class {label!r} has {count} images in {number} groups; {splits} splits need more.",
            fix="Ask for fewer splits, or collect more subjects.",
        )
        for label, number, count in counts.iter_rows()
        if number < splits
    ]
    if problems:
        raise DataError(*problems)
