"""Which cells are done: `cells.jsonl`, one line per finished or failed attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lookright.bench.cell import Cell, Key
from lookright.errors import ConfigError, Problem
from lookright.files import append_line, read_lines
from lookright.run import Run

LEDGER = "cells.jsonl"


@dataclass(frozen=True)
class Outcome:
    """How a cell ended."""

    status: Literal["done", "failed", "again"]  # again: its process died, another one follows
    seconds: float
    reason: str = ""


def record(folder: Path, cell: Cell, outcome: Outcome) -> None:
    """Write down how a cell ended."""
    line = {
        "key": str(cell.key),
        "label": cell.label,
        "seed": cell.run.seed,
        "status": outcome.status,
        "folder": cell.folder.relative_to(folder).as_posix(),
        "seconds": round(outcome.seconds, 3),
        "reason": outcome.reason,
    }
    append_line(folder / LEDGER, line)


def undone(folder: Path, cells: Sequence[Cell]) -> list[Cell]:
    """List the cells that have no result yet; ConfigError when results of other settings are here.

    A cell whose results were deleted is to be done again.
    """
    ends = _ends(folder)
    done = [(cell, Key.parse(ends[cell.folder]["key"])) for cell in cells if cell.folder in ends]
    problems = [problem for cell, key in done for problem in _mixed(cell, key)]
    if problems:
        raise ConfigError(*problems)
    ready = {cell.folder for cell, key in done if key == cell.key}
    return [cell for cell in cells if cell.folder not in ready]


def _ends(folder: Path) -> dict[Path, dict[str, Any]]:
    """Return the last line of each cell that is done and whose results are still there."""
    lines = read_lines(folder / LEDGER) if (folder / LEDGER).exists() else []
    last = {folder / line["folder"]: line for line in lines}
    return {
        place: line
        for place, line in last.items()
        if line["status"] == "done" and (place / "results.csv").exists()
    }


def _mixed(cell: Cell, key: Key) -> list[Problem]:
    """Name what differs between a result that is there and the one that is wanted."""
    fix = "Undo the change, or compare in a new folder."
    where = str(cell.folder)
    whats = []
    if key.settings != cell.key.settings:
        changes = Run.load(cell.folder / "run.yaml").differences(cell.run)
        whats += [f"{name} was {old!r} and is {new!r} now." for name, old, new in changes]
    if key.data != cell.key.data:
        whats.append("The data have changed since.")
    if key.version != cell.key.version:
        whats.append(f"Made by lookright {key.version}; this is {cell.key.version}.")
    return [Problem("BENCH-MIXED", what, where, fix) for what in whats]
