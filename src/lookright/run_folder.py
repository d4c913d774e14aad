"""A run's folder: what may be in it before training, and the facts written beside its recipe."""

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lookright.checkpoint import probe
from lookright.errors import ConfigError, Problem
from lookright.files import write_atomically
from lookright.run import Run

PACKAGES = ("lookright", "torch", "timm", "numpy")


@dataclass(frozen=True)
class Facts:
    """What a run was made of, beside its settings: `facts.json`."""

    classes: list[str]
    colours: str
    data_fingerprint: str
    excluded: list[str]  # ids that could not be read and were left out on request
    certificate: str  # do the class maps add up to the logits
    versions: dict[str, str]

    def save(self, folder: Path) -> None:
        """Write `facts.json`."""
        write_atomically(folder / "facts.json", json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Facts":
        """Read `facts.json`; ConfigError when the folder holds no run."""
        path = folder / "facts.json"
        if not path.is_file():
            what = "This folder holds no trained run (it has no facts.json)."
            raise ConfigError(Problem("RUN-FOLDER", what, str(folder), "Train one first."))
        return cls(**json.loads(path.read_text()))


def count_evaluation(folder: Path, splits: Iterable[str]) -> None:
    """Add one to how often each split was measured: `evaluations.json`.

    Whoever measures a test again and again, and changes something in between, learns from it.
    """
    path = folder / "evaluations.json"
    counts = json.loads(path.read_text()) if path.is_file() else {}
    for split in splits:
        counts[split] = counts.get(split, 0) + 1
    write_atomically(path, json.dumps(counts, indent=2) + "\n")


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def prepare(run: Run, folder: Path, resume: bool) -> None:
    """Make the folder of a new run, or check that a run can go on in it.

    Raises ConfigError when the folder holds a run and `resume` is False, when the settings differ
    from those of the run that is there, and when nothing can be written.
    """
    recipe = folder / "run.yaml"
    if recipe.exists() and not resume:
        what = "This folder already holds a run."
        fix = f"Go on with `lookright train --resume {folder}`, or choose another --out."
        raise ConfigError(Problem("RUN-EXISTS", what, str(folder), fix))
    probe(folder)
    if recipe.exists():
        _refuse_changes(Run.load(recipe).differences(run), folder)
    else:
        run.save(recipe)


def agree(facts: Facts, contents: Mapping[str, str], folder: Path) -> None:
    """Write the facts of a new run, or refuse data that changed since it began.

    `contents` has a digest for each image that is learnt from or validated on: a file can change
    and keep its name and size. They go into `contents.json`.
    """
    _agree_on_contents(contents, folder / "contents.json")
    if not (folder / "facts.json").exists():
        facts.save(folder)
        return
    before = Facts.load(folder)
    changes = [
        (name, getattr(before, name), getattr(facts, name))
        for name in ("classes", "colours", "data_fingerprint", "excluded")
    ]
    _refuse_changes([change for change in changes if change[1] != change[2]], folder)


def _agree_on_contents(now: Mapping[str, str], path: Path) -> None:
    if not path.exists():
        write_atomically(path, json.dumps(now, indent=0) + "\n")
        return
    before = json.loads(path.read_text())
    changed = [name for name in now if name in before and now[name] != before[name]]
    added, removed = [n for n in now if n not in before], [n for n in before if n not in now]
    if changed or added or removed:
        first = ", ".join([*changed, *added, *removed][:5])
        counts = f"{len(changed)} changed, {len(added)} added, {len(removed)} removed"
        what = f"The images or maps are not those that this run began with: {counts} ({first})."
        fix = "Undo the change, or start a new run."
        raise ConfigError(Problem("RUN-CHANGED", what, str(path.parent), fix))


def _refuse_changes(changes: list[tuple[str, Any, Any]], folder: Path) -> None:
    problems = [
        Problem(
            "RUN-CHANGED",
            f"{key} was {there!r} when this run began and is {here!r} now.",
            str(folder),
            "Undo the change, or start a new run.",
        )
        for key, there, here in changes
    ]
    if problems:
        raise ConfigError(*problems)
