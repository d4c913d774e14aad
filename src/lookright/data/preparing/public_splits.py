"""Splits of published sets: as they were published, without their leaks, and with a validation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from lookright.data.preparing.public_set import PublicImage
from lookright.data.split import split
from lookright.errors import DataError, Problem

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}
_VALIDATION = 0.1  # of the training images, where none was published
Settled = tuple[list[PublicImage], list[Problem]]


def without_leaks(images: Sequence[PublicImage], group: str = "patient") -> Settled:
    """Keep each group in one split: of several the last of train, val and test.

    Images of a group that is also in a later split are left out, and counted.
    """
    last: dict[str, int] = {}
    for each in images:
        if each.group:
            last[each.group] = max(last.get(each.group, 0), _rank(each.split))
    kept = [each for each in images if not each.group or _rank(each.split) == last[each.group]]
    if len(kept) == len(images):
        return kept, []
    lost = Counter(each.split for each in images) - Counter(each.split for each in kept)
    told = ", ".join(f"{count} of {name}" for name, count in lost.items())
    pairs = {(each.group, _rank(each.split)) for each in images if each.group}
    both = sum(count > 1 for count in Counter(group for group, _ in pairs).values())
    what = f"The published splits leak: {both} {group}s are in two of them; left out: {told}."
    return kept, [Problem("PUBLIC-LEAK", what, level="warning")]


def with_validation(images: Sequence[PublicImage], seed: int = 0) -> Settled:
    """Draw a validation from the training images where none was published; groups stay whole."""
    learnt = [each for each in images if each.split == "train"]
    if not learnt or any(each.split == "val" for each in images):
        return list(images), []
    drawn, problems = _drawn(learnt, {"train": 1 - _VALIDATION, "val": _VALIDATION}, seed)
    if problems:
        return list(images), problems
    count = sum(each.split == "val" for each in drawn)
    by_id = {each.id: each for each in drawn}
    what = f"No validation was published: {count} training images were drawn for it (seed {seed})."
    notice = Problem("PUBLIC-SPLIT", what, level="notice")
    return [by_id.get(each.id, each) for each in images], [notice]


def drawn_splits(
    images: Sequence[PublicImage], shares: Mapping[str, float] = SHARES, seed: int = 0
) -> Settled:
    """Draw all splits, where none were published; groups stay whole."""
    drawn, problems = _drawn(images, shares, seed)
    told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    what = f"No splits were published: drawn here, {told} (seed {seed})."
    return drawn, problems or [Problem("PUBLIC-SPLIT", what, level="notice")]


def _drawn(
    images: Sequence[PublicImage], shares: Mapping[str, float], seed: int
) -> tuple[list[PublicImage], list[Problem]]:
    rows = pl.DataFrame(
        {"label": [each.label for each in images], "group": [each.group for each in images]},
        schema={"label": pl.String, "group": pl.String},
    )
    try:
        names = split(rows, shares, seed) if len(rows) else []
    except DataError as error:
        problems = [replace(each, level="warning") for each in error.problems]
        return list(images), problems
    return [replace(each, split=name) for each, name in zip(images, names, strict=True)], []


def _rank(name: str) -> int:
    return {"train": 0, "val": 1}.get(name, 2)
