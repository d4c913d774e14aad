"""Content hashes in a manifest, so that a changed file is an error and not another data set."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from lookright.data.images.decode import content
from lookright.data.rewrite import beside, write_rows
from lookright.data.table import LOCKS, Table, read_table
from lookright.errors import DataError, Problem

FIX_CHANGED = "Put the old file back; if the new one is meant: lookright data lock --renew."


@dataclass(frozen=True)
class Locked:
    """A manifest whose files are pinned, and how many."""

    manifest: Path
    images: int
    maps: int
    renewed: int  # files that had another hash before


def lock(path: Path, out: Path | None = None, renew: bool = False) -> Locked:
    """Write the SHA-256 of every image and map beside its path; in place unless `out` is given.

    Raises DataError naming every file that cannot be read, or is not the one that was locked
    before, unless these are to be renewed.
    """
    table = read_table(path)
    target = beside(table, out)
    columns, problems, changed = [], [], []
    for column in (name for name in LOCKS if name in table.rows.columns):
        digests, broken = _digests(table, column)
        problems += broken
        changed += _changed(table, column, digests)
        columns.append(pl.Series(LOCKS[column], digests, dtype=pl.String))
    problems += [] if renew else changed
    if problems:
        raise DataError(*problems)
    counts = [sum(bool(each) for each in column) for column in columns]
    write_rows(table.rows.with_columns(columns), target)
    return Locked(target, counts[0], sum(counts[1:]), len(changed))


def differs(data: bytes, wanted: str) -> bool:
    """Say whether these are not the bytes that were locked; an empty hash locks nothing."""
    return bool(wanted) and hashlib.sha256(data).hexdigest() != wanted.strip().lower()


def _digests(table: Table, column: str) -> tuple[list[str], list[Problem]]:
    paths = table.rows[column]
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda path: _digest(table.root, path), paths))
    problems = [
        replace(each, where=f"{table.where(index)}, {column}")
        for index, problem in enumerate(found)
        if isinstance(problem, DataError)
        for each in problem.problems
    ]
    return ["" if isinstance(each, DataError) else each for each in found], problems


def _digest(root: Path, path: str) -> str | DataError:
    try:
        return hashlib.sha256(content(root / path, path)).hexdigest() if path else ""
    except DataError as error:
        return error


def _changed(table: Table, column: str, digests: Sequence[str]) -> list[Problem]:
    if LOCKS[column] not in table.rows.columns:
        return []
    before = table.rows[LOCKS[column]].str.strip_chars().str.to_lowercase()
    pairs = zip(before, digests, strict=True)
    return [
        Problem("LOCK-CHANGED", f"{table.rows[column][index]!r} has changed.", where, FIX_CHANGED)
        for index, (old, new) in enumerate(pairs)
        for where in [table.where(index)]
        if old and new and old != new
    ]
