"""Evaluated runs and where they are: single ones, those of one objective, those of a bench."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from lookright.errors import ConfigError, Problem, RunError
from lookright.files import read_lines

TABLES = ("predictions.parquet", "results.csv")
FIX = "Evaluate first: lookright evaluate DIR (a bench: lookright bench, until it is done)."


@dataclass(frozen=True)
class Entry:
    """One evaluated run."""

    objective: str  # what it is an example of; for a run of its own its folder's name
    seed: int
    fold: str  # "" without folds
    folder: Path

    @property
    def predictions(self) -> Path:
        """The table with one row per image."""
        return self.folder / "predictions.parquet"

    def __str__(self) -> str:
        return str(self.folder)


def entries(folders: Sequence[Path]) -> list[Entry]:
    """Find every evaluated run in the given folders, in their order.

    A folder is a run, a bench (its objectives in their order), or a folder of `seed-n` runs of
    one objective. Seeds count within benches and such folders only: two runs that are given one
    by one are two objectives. Raises RunError for all folders in which there is no evaluated run.
    """
    paths = [Path(folder) for folder in folders]
    _refuse_twins(paths)
    found = [_within(path) for path in paths]
    problems = [_nothing(path) for path, runs in zip(paths, found, strict=True) if not runs]
    if problems:
        raise RunError(*problems)
    return _told_apart(paths, found)


def _within(folder: Path) -> list[Entry]:
    if (folder / "run.yaml").exists() or (folder / TABLES[0]).exists():
        name = folder.resolve().name
        return [Entry(name, 0, "", folder)] if _is_evaluated(folder) else []
    if (folder / "bench.yaml").exists():
        return _ordered(folder, list(_of_bench(folder)))
    return [replace(run, objective=folder.resolve().name) for run in _of_objective(folder)]


def _of_bench(folder: Path) -> Iterator[Entry]:
    titles = _titles(folder)
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        for run in _of_objective(each):
            place = run.folder.relative_to(folder).as_posix()
            yield replace(run, objective=titles.get(place, each.name))


def _of_objective(folder: Path) -> list[Entry]:
    """List `seed-n` and `fold/seed-n`, by number."""
    inner = [path for pattern in ("seed-*", "*/seed-*") for path in folder.glob(pattern)]
    named = [path for path in inner if path.name[5:].isdecimal() and _is_evaluated(path)]
    found = [Entry(folder.name, int(p.name[5:]), _fold(p, folder), p) for p in named]
    return sorted(found, key=lambda run: (run.fold, run.seed))


def _fold(path: Path, folder: Path) -> str:
    return "" if path.parent == folder else path.parent.name


def _titles(folder: Path) -> dict[str, str]:
    """Read from the ledger what the cells are called: names of folders are simplified."""
    path = folder / "cells.jsonl"
    lines = read_lines(path) if path.exists() else []
    return {Path(line["folder"]).as_posix(): str(line["label"]) for line in lines}


def _ordered(folder: Path, runs: list[Entry]) -> list[Entry]:
    """Put objectives in the order of the bench's results: the first is the baseline."""
    path = folder / "results.csv"
    if not path.exists():
        return runs
    names = pl.read_csv(path, columns=["objective"], schema_overrides={"objective": pl.String})
    order = names["objective"].unique(maintain_order=True).to_list()
    place = {name: number for number, name in enumerate(order)}
    return sorted(runs, key=lambda run: place.get(run.objective, len(order)))


def _told_apart(paths: Sequence[Path], found: Sequence[list[Entry]]) -> list[Entry]:
    """Name an objective with its folder when another folder has one of the same name."""
    names = Counter(name for runs in found for name in {run.objective for run in runs})
    return [
        run if names[run.objective] == 1 else replace(run, objective=_full_name(path, run))
        for path, runs in zip(paths, found, strict=True)
        for run in runs
    ]


def _full_name(path: Path, run: Entry) -> str:
    is_bench = path.resolve().name != run.objective
    return f"{path}: {run.objective}" if is_bench else str(path)


def _is_evaluated(folder: Path) -> bool:
    return all((folder / name).exists() for name in TABLES)


def _nothing(folder: Path) -> Problem:
    what = "There is no evaluated run here." if folder.is_dir() else "There is no such folder."
    return Problem("RUN-FOLDER", what, str(folder), FIX if folder.is_dir() else "")


def _refuse_twins(paths: Sequence[Path]) -> None:
    twice = [path for path, count in Counter(p.resolve() for p in paths).items() if count > 1]
    if twice:
        raise ConfigError(*(Problem("COMPARE-TWICE", "Is given twice.", str(p)) for p in twice))
