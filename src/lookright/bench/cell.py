"""A cell of a comparison: one objective with one seed, in a folder of its own."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from lookright.configuration import Bench
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
    label: str  # of the objective
    folder: Path
    key: Key

    @property
    def log(self) -> Path:
        """The file that holds what the cell printed."""
        return self.folder.with_suffix(".log")

    def __str__(self) -> str:
        return f"{self.label}, seed {self.run.seed}"


def cells(run: Run, folder: Path, fingerprint: str) -> list[Cell]:
    """List every objective with every seed; the run's own objective when none are named."""
    methods = run.bench.objectives or (run.objective,)
    _require_distinct([method.title for method in methods])
    return [
        _cell(
            run.model_copy(update={"objective": method, "seed": seed, "bench": Bench()}),
            folder / _file_name(method.title) / f"seed-{seed}",
            fingerprint,
        )
        for method in methods
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


def _cell(run: Run, folder: Path, fingerprint: str) -> Cell:
    evaluation = json.dumps(run.evaluation.model_dump(mode="json"), sort_keys=True)
    key = Key(
        run.hash[:LETTERS],
        hashlib.sha256(fingerprint.encode()).hexdigest()[:LETTERS],
        version("lookright"),
        hashlib.sha256(evaluation.encode()).hexdigest()[:LETTERS],
    )
    return Cell(run, run.objective.title, folder, key)


def _is_stale(cell: Cell) -> bool:
    """Say whether an unfinished training of other settings, data or code is in the way."""
    if not (cell.folder / "run.yaml").exists():
        return False
    if Run.load(cell.folder / "run.yaml").differences(cell.run):
        return True
    if not (cell.folder / "facts.json").exists():
        return False
    facts = Facts.load(cell.folder)
    data = hashlib.sha256(facts.data_fingerprint.encode()).hexdigest()[:LETTERS]
    return (data, facts.versions["lookright"]) != (cell.key.data, cell.key.version)


def _file_name(label: str) -> str:
    return re.sub(r"[^\w.=+-]+", "-", label).strip(".-") or "objective"


def _require_distinct(labels: list[str]) -> None:
    names = [_file_name(label).lower() for label in labels]
    problems = [
        Problem("BENCH-LABEL", f"The row {label!r} would share its folder {name!r}.", fix=fix)
        for label, name in zip(labels, names, strict=True)
        for fix in ["Give it a label of other letters."]
        if names.count(name) > 1
    ]
    if problems:
        raise ConfigError(*problems)
