"""Further test sets: manifests beside a run's own data, read in the same way, never learnt from."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from lookright.configuration import Data
from lookright.data.manifest import Manifest
from lookright.data.reading import Reading
from lookright.data.source import Source
from lookright.errors import ConfigError, LookrightError, Problem


def open_tests(tests: Mapping[str, Path], data: Data, own: Source) -> dict[str, Source]:
    """Open manifests by name as splits `test_<name>`; all rows of each belong to its split.

    They are read as `data` says; their classes are some of those of the run's own data. Raises one
    ConfigError with everything that is wrong in any of them.
    """
    taken = set(own.rows["split"])
    opened: dict[str, Source] = {}
    problems: list[Problem] = []
    for name, path in tests.items():
        split, where = f"test_{name}", f"evaluation.tests.{name}"
        if split in taken:
            what = f"The data have a split {split!r} of their own."
            problems.append(Problem("SPLIT", what, where, "Choose another name."))
            continue
        try:
            opened[split] = _open(path, split, data, own.classes)
        except LookrightError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return opened


def _open(path: Path, split: str, data: Data, classes: tuple[str, ...]) -> Source:
    reading = Reading.of(data.model_dump())
    # Its own splits are of no matter here, nor are groups that lie in two of them.
    source = Manifest(path, classes, reading, True, forgiven=["LABEL-UNUSED"])
    source.rows = source.rows.with_columns(pl.lit(split).alias("split"))
    return source
