"""A cell of a comparison: one training and its evaluation, in a folder of its own."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from lookright.bench.row import Row, rows
from lookright.configuration import Bench, Data, Fold
from lookright.data import arrange
from lookright.data.external import open_tests
from lookright.data.fold import listed
from lookright.data.source import Source
from lookright.errors import ConfigError, Problem
from lookright.evaluate import evaluate
from lookright.run import Run
from lookright.run_folder import Facts
from lookright.train import train

LETTERS = 16  # of a hash: enough to tell cells apart, short enough to read


@dataclass(frozen=True)
class Key:
    """What decides a cell's content; equal keys are the same result."""

    settings: str
    data: str
    version: str
    evaluation: str

    def __str__(self) -> str:
        return "/".join(vars(self).values())

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read what `str` wrote."""
        return cls(*text.split("/"))


@dataclass(frozen=True)
class Cell:
    """One training and its evaluation."""

    run: Run
    label: str  # of its row in the comparison
    fold: str  # the value that is left out, or the part; "" without folds
    folder: Path
    key: Key

    @property
    def log(self) -> Path:
        """The file that holds what the cell printed."""
        return self.folder.with_suffix(".log")

    def __str__(self) -> str:
        parts = [self.label, self.fold, f"seed {self.run.seed}"]
        return ", ".join(part for part in parts if part)


def cells(run: Run, folder: Path, source: Source) -> list[Cell]:
    """List every row of the comparison with every fold and every seed; `source` is its data set."""
    lines, folds = rows(run), _folds(run, source)
    _require_distinct([row.label for row in lines], "row")
    _require_distinct([fold.title for fold in folds if fold], "fold")
    prints = {
        (row.annotation, fold): arrange(source, _data(run, row, fold)).fingerprint
        for row in lines
        for fold in folds
    }
    evaluation = _hash(_evaluation(run, source))
    return [
        _cell(run, row, fold, seed, folder, prints[row.annotation, fold], evaluation)
        for row in lines
        for fold in folds
        for seed in run.bench.seeds
    ]


def run_cell(cell: Cell) -> None:
    """Train and evaluate, from the newest checkpoint if there is one."""
    if _is_stale(cell):
        shutil.rmtree(cell.folder)
    train(cell.run, cell.folder, resume=True)
    # How a classifier is evaluated may change after it was trained; the recipe says the newest.
    cell.run.save(cell.folder / "run.yaml")
    evaluate(cell.folder)


def _folds(run: Run, source: Source) -> list[Fold | None]:
    if run.bench.folds is None:
        return [run.data.fold]
    return list(listed(source.rows, run.bench.folds))


def _data(run: Run, row: Row, fold: Fold | None) -> Data:
    return run.data.model_copy(update={"maps": row.annotation, "fold": fold})


def _cell(
    run: Run,
    row: Row,
    fold: Fold | None,
    seed: int,
    folder: Path,
    fingerprint: str,
    evaluation: str,
) -> Cell:
    title = fold.title if fold and run.bench.folds else ""
    place = folder / _file_name(row.label) / _file_name(title, "") / f"seed-{seed}"
    changes = {"objective": row.objective, "data": _data(run, row, fold), "seed": seed}
    own = run.model_copy(update={**changes, "bench": Bench()})
    key = Key(own.hash[:LETTERS], _hash(fingerprint), version("lookright"), evaluation)
    return Cell(own, row.label, title, place, key)


def _evaluation(run: Run, source: Source) -> str:
    """Say how a cell is evaluated and on which further test sets, with what is in them."""
    settings = json.dumps(run.evaluation.model_dump(mode="json"), sort_keys=True)
    tests = open_tests(run.evaluation.tests, run.data, source)
    return settings + "".join(each.fingerprint for each in tests.values())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:LETTERS]


def _is_stale(cell: Cell) -> bool:
    """Say whether an unfinished training of other settings, data or code is in the way."""
    if not (cell.folder / "run.yaml").exists():
        return False
    if Run.load(cell.folder / "run.yaml").differences(cell.run):
        return True
    if not (cell.folder / "facts.json").exists():
        return False
    facts = Facts.load(cell.folder)
    return (_hash(facts.data_fingerprint), facts.versions["lookright"]) != (
        cell.key.data,
        cell.key.version,
    )


def _file_name(label: str, nothing: str = "objective") -> str:
    return re.sub(r"[^\w.=+-]+", "-", label).strip(".-") or nothing


def _require_distinct(labels: list[str], what: str) -> None:
    names = [_file_name(label).lower() for label in labels]
    problems = [
        Problem("BENCH-LABEL", f"The {what} {label!r} would share its folder {name!r}.", fix=fix)
        for label, name in zip(labels, names, strict=True)
        for fix in ["Give it a label of other letters."]
        if names.count(name) > 1
    ]
    if problems:
        raise ConfigError(*problems)
