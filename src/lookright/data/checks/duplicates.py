"""The same thing twice: pictures, masks and names that should differ and do not."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from unicodedata import normalize

import polars as pl

from lookright.data.checks.finding import Finding, Level
from lookright.data.checks.inspection import Inspection
from lookright.data.paths import plain
from lookright.data.table import Table
from lookright.errors import Problem


def same_pictures(table: Table, rows: pl.DataFrame, seen: Sequence[Inspection]) -> list[Finding]:
    """Find pictures with equal pixels: an error across splits or labels, else a warning."""
    findings = []
    for twins in _alike((each.index, each.digest) for each in seen):
        if rows[list(twins)]["image"].n_unique() == 1:
            continue  # one file named twice: the rules of the rows tell
        names = ", ".join(repr(rows["id"][index]) for index in twins[:4])
        more = f" and {len(twins[4:])} more" if twins[4:] else ""
        labels, splits = (sorted(set(rows[name][list(twins)])) for name in ("label", "split"))
        level: Level = "error"
        if len(labels) > 1:
            code, end = "IMG-SAME-LABEL", f" with labels {', '.join(labels)}"
        elif len(splits) > 1:
            code, end = "IMG-SAME-SPLIT", f" in splits {', '.join(splits)}"
        else:
            code, end, level = "IMG-SAME", "", "warning"
        what = f"The same picture{end}: {names}{more}."
        problem = Problem(code, what, table.where(twins[0]), level=level)
        findings.append(Finding(problem, twins))
    return findings


def same_masks(table: Table, rows: pl.DataFrame, seen: Sequence[Inspection]) -> list[Finding]:
    """Find different pictures with one and the same mask: one of them has another's."""
    digest = {each.index: each.digest for each in seen}
    findings = []
    for twins in _alike((each.index, each.mask_digest) for each in seen):
        if len({digest[index] for index in twins}) == 1:
            continue  # one picture, one mask
        names = ", ".join(repr(rows["id"][index]) for index in twins[:4])
        what = f"{len(twins)} different images have the same mask: {names}."
        fix = "A mask belongs to one image: was it copied or named wrongly?"
        problem = Problem("MASK-SAME", what, table.where(twins[0]), fix, "warning")
        findings.append(Finding(problem, twins))
    return findings


def _alike(pairs: Iterable[tuple[int, str]]) -> list[tuple[int, ...]]:
    """Group indices by a digest; empty digests are equal to nothing."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for index, digest in pairs:
        if digest:
            found[digest].append(index)
    return [tuple(twins) for twins in found.values() if len(twins) > 1]


def same_names(table: Table, rows: pl.DataFrame) -> list[Finding]:
    """Find names that only some computers can tell apart, and words written in two ways."""
    return [
        *_clashes(table, rows, "image", plain, "differ only in case or Unicode form"),
        *_clashes(table, rows, "id", plain, "differ only in case or Unicode form"),
        *_spellings(table, rows, "group", _numbered),
        *_spellings(table, rows, "label", _spoken),
        *_spellings(table, rows, "source", _spoken),
    ]


def _clashes(
    table: Table, rows: pl.DataFrame, column: str, key: Callable[[str], str], reason: str
) -> list[Finding]:
    code = {"image": "PATH-CASE", "id": "ID-CASE"}[column]
    if column == "id" and (rows["id"] == rows["image"]).all():
        return []
    findings = []
    for names in _variants(rows[column].unique(maintain_order=True), key):
        indices = tuple(rows[column].is_in(names).arg_true())
        what = f"{', '.join(ascii(name) for name in names)} {reason}."
        fix = "Windows and macOS take them for one: rename."
        problem = Problem(code, what, table.where(indices[0]), fix, "warning")
        findings.append(Finding(problem, indices))
    return findings


def _spellings(
    table: Table, rows: pl.DataFrame, column: str, key: Callable[[str], str]
) -> list[Finding]:
    if column not in rows.columns:
        return []
    findings = []
    for names in _variants(rows[column].unique(maintain_order=True), key):
        indices = tuple(rows[column].is_in(names).arg_true())
        what = f"The {column}s {', '.join(repr(name) for name in names)} may be one."
        problem = Problem(
            f"{column.upper()}-SPELLING",
            what,
            table.where(indices[0]),
            "Spell it one way.",
            "warning",
        )
        findings.append(Finding(problem, indices))
    return findings


def _spoken(name: str) -> str:
    return " ".join(normalize("NFKC", name).casefold().split())


def _numbered(name: str) -> str:
    """Read P1, p-1, P 01 and P_001 alike; 1-11 and 11-1 stay two."""
    parts = re.findall(r"\d+|[^\W\d_]+|[^\w\s.-]", normalize("NFKC", name).casefold())
    return "-".join(str(int(part)) if part.isdecimal() else part for part in parts)


def _variants(names: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        if name:
            found[key(name)].append(name)
    return [sorted(each) for each in found.values() if len(each) > 1]
