"""Numbers that papers printed, to hold ours against. One YAML file per paper.

The directory is the registry: `divisive_decisions.yaml` with a task `iris_pad` is what a recipe
calls `published: divisive_decisions.iris_pad`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lookright.errors import ConfigError, Problem
from lookright.names import suggestion
from lookright.plain_yaml import read_file

FOLDER = Path(__file__).parent
RUNS = 10  # trainings behind a mean, where a file says nothing else


@dataclass(frozen=True)
class Printed:
    """A mean and its ±, to as many digits as the paper has."""

    mean: float
    std: float


@dataclass(frozen=True)
class Table:
    """One table of a paper, as far as it is about one task.

    `of` says which of our numbers belong beside it: over all test images, one fold each, or one
    named part of the test images each. `spread` says what its ± is: over trainings, or between
    the means of the rows below (then there is nothing to test).
    """

    title: str  # "Table 3"
    of: Literal["all", "fold", "part"]
    spread: Literal["runs", "rows"]
    measure: str
    runs: int
    rows: Mapping[str, Mapping[str, Printed]]  # by the row's name, then by our objective's name


@dataclass(frozen=True)
class Task:
    """What one comparison can reproduce: some tables of one paper."""

    paper: str
    title: str
    methods: Mapping[str, str]  # our objective's name: what the paper calls it
    tables: tuple[Table, ...]


def names() -> list[str]:
    """List what there is to compare with, as `paper.task`."""
    papers = {path.stem: read_file(path) for path in sorted(FOLDER.glob("*.yaml"))}
    return [f"{name}.{task}" for name, paper in papers.items() for task in paper["tasks"]]


def find(name: str) -> Task:
    """Return the tables of `paper.task`; ConfigError with what there is when there is none."""
    if name not in names():
        what = f"No published numbers are called {name!r}."
        raise ConfigError(Problem("PUBLISHED", what, "bench.published", suggestion(name, names())))
    paper, _, task = name.partition(".")
    found = read_file(FOLDER / f"{paper}.yaml")
    given = found["tasks"][task]
    tables = tuple(_table(title, table) for title, table in given["tables"].items())
    return Task(found["paper"], given["title"], found["methods"], tables)


def _table(title: str, given: Mapping[str, Any]) -> Table:
    rows = {
        name: {method: Printed(*numbers) for method, numbers in row.items()}
        for name, row in given["rows"].items()
    }
    measure, runs = given.get("measure", "auroc"), given.get("runs", RUNS)
    return Table(title, given["of"], given["spread"], measure, runs, rows)
