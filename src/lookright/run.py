"""Run: everything that decides a result, as one frozen value. YAML <-> Run."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from lookright.configuration import (
    Augmentation,
    Bench,
    Data,
    Evaluation,
    Method,
    Network,
    Optimiser,
    Schedule,
    Section,
    Seed,
    Text,
    Training,
)
from lookright.errors import ConfigError, Problem
from lookright.files import write_atomically
from lookright.names import suggestion
from lookright.overrides import apply, parse
from lookright.plain_yaml import read_file, write
from lookright.validation import validate

HARMLESS = (
    "name",
    "data.cache",
    "data.maps.label",
    "objective.label",
    "training.workers",
    "training.device",
    "training.processes",
    "training.checkpoint_steps",
    "evaluation",
    "bench",
)
_FILES = ("data.manifest", "model.weights")  # their folders may change, their names not
_TESTS = "evaluation.tests"  # files by name


class Run(Section):
    """Everything that decides the result of one training.

    >>> run = Run.load(None, ["data=digits", "optimiser.lr=0.01", "objective=cyborg"])
    >>> run.optimiser.lr, run.objective.name
    (0.01, 'cyborg')
    """

    name: Text | None = None  # for folder names
    seed: Seed = 0
    data: Data
    augmentation: Augmentation = Augmentation()
    model: Network = Network()
    objective: Method = Method()
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    bench: Bench = Bench()

    @classmethod
    def load(cls, path: Path | str | None, overrides: Iterable[str] = ()) -> "Run":
        """Read a recipe and change it; files in it are relative to it, in overrides to here."""
        recipe = _located(_recipe(Path(path)), Path(path).parent) if path else {}
        changes = parse(overrides)
        for key in _FILES:
            if key in changes:
                section, leaf = key.split(".")
                located = _located({section: {leaf: changes[key]}}, Path())
                changes[key] = located[section][leaf]
        for key, value in changes.items():
            if key == _TESTS:
                changes[key] = _placed(value, Path())
            elif key.startswith(f"{_TESTS}."):
                changes[key] = _place(value, Path())
        return cls.of(apply(recipe, changes))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Run":
        """Make a run of a nested mapping, or raise one ConfigError with all that is wrong."""
        if not given.get("data"):
            what, fix = "Says not where images are.", "Give data.manifest=FILE.csv or data=digits."
            given = {**given, "data": {"name": "digits"}}  # so that the rest is checked as well
            rest = _problems(cls, given)
            raise ConfigError(Problem("CONFIG-MISSING", what, "data", fix), *rest)
        return validate(cls, given)

    def save(self, path: Path) -> None:
        """Write the whole run as YAML, defaults included, whole or not at all."""
        write_atomically(path, write(self.model_dump(mode="json")))

    @property
    def hash(self) -> str:
        """SHA-256 of what decides the result; not of names, workers, devices and folders."""
        text = json.dumps(_deciding(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, other: "Run") -> list[tuple[str, Any, Any]]:
        """List (key, here, there) of the settings that would give another result."""
        mine, theirs = _deciding(self), _deciding(other)
        keys = [*mine, *(key for key in theirs if key not in mine)]
        compared = [(key, mine.get(key), theirs.get(key)) for key in keys]
        return [(key, here, there) for key, here, there in compared if here != there]


def _deciding(run: Run) -> dict[str, Any]:
    """Flatten a run to the dotted keys that decide its result."""
    flat = dict(_flatten(run.model_dump(mode="json"), ""))
    for key in _FILES:
        flat[key] = flat[key] and PurePath(flat[key]).name
    return {key: value for key, value in flat.items() if not _is_harmless(key)}


def _is_harmless(key: str) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in HARMLESS)


def _flatten(given: Mapping[str, Any], above: str) -> Iterable[tuple[str, Any]]:
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _recipe(path: Path) -> dict[str, Any]:
    if not path.exists():
        beside = {each.name: each for each in path.parent.glob("*.y*ml")}
        fix = suggestion(path.name, beside) if beside else "Changes are written key=value."
        raise ConfigError(Problem("RECIPE", "There is no such recipe.", str(path), fix))
    found = read_file(path)
    if found is None or isinstance(found, dict):
        return found or {}
    what = f"Holds {type(found).__name__}, expected settings such as 'seed: 3'."
    raise ConfigError(Problem("CONFIG-YAML", what, str(path)))


def _located(given: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Make the files that a recipe names independent of where the reader stands."""
    located = dict(given)
    for section, leaf in (key.split(".") for key in _FILES):
        inner = located.get(section)
        if not isinstance(inner, Mapping):
            continue
        file = inner.get(leaf)
        if isinstance(file, str) and file not in ("random", "pretrained"):
            located[section] = {**inner, leaf: _place(file, base)}
    section, leaf = _TESTS.split(".")
    inner = located.get(section)
    if isinstance(inner, Mapping) and leaf in inner:
        located[section] = {**inner, leaf: _placed(inner[leaf], base)}
    return located


def _placed(files: Any, base: Path) -> Any:
    if not isinstance(files, Mapping):
        return files  # refused where types are checked
    return {name: _place(file, base) for name, file in files.items()}


def _place(file: Any, base: Path) -> Any:
    return str((base / Path(file).expanduser()).resolve()) if isinstance(file, str) else file


def _problems(model: type[Run], given: Mapping[str, Any]) -> tuple[Problem, ...]:
    try:
        validate(model, given)
    except ConfigError as error:
        return error.problems
    return ()
