"""Run every cell, then put their results side by side."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console

from lookright import checkpoint, published
from lookright.bench.cell import Cell, cells
from lookright.bench.folds import compared
from lookright.bench.ledger import Outcome, record, undone
from lookright.bench.paper import beside
from lookright.bench.pool import outcomes
from lookright.bench.row import rows
from lookright.complete import complete
from lookright.data import unarranged
from lookright.data.source import Source
from lookright.errors import Problem, RunError
from lookright.files import write_atomically
from lookright.run import Run

TEXT = {"split": pl.String, "by": pl.String, "value_of": pl.String, "measure": pl.String}
FIX = "Start the same comparison again to repeat only what failed."

Failures = list[tuple[Cell, str]]  # and why


def bench(run: Run, folder: Path) -> Path:
    """Compare objectives over seeds in `folder` and return it; started again, it goes on.

    Cells that are done are skipped when settings, data and version are the same, and refused with
    a ConfigError when they are not. A cell that fails is written down and the others go on; at the
    end a RunError names every failed cell and its log.
    """
    run = complete(run)
    if run.bench.published:
        published.find(run.bench.published)  # a wrong name costs no training
    folder = Path(folder).resolve()
    wanted = cells(run, folder, _source(run))
    with checkpoint.hold(folder):
        waiting = undone(folder, wanted)
        run.save(folder / "bench.yaml")
        failed = _work_off(folder, waiting, len(wanted), run.bench.jobs)
        lost = {cell.folder for cell, _ in failed}
        _collect(run, folder, [cell for cell in wanted if cell.folder not in lost])
    if failed:
        raise RunError(*(_problem(cell, reason) for cell, reason in failed))
    return folder


def _source(run: Run) -> Source:
    """Open the data before any fold; folds make splits of their own, whatever the given ones."""
    free = {"allow_group_overlap": True} if run.bench.folds else {}
    return unarranged(run.data.model_copy(update=free), Path())


def _work_off(folder: Path, waiting: Sequence[Cell], count: int, jobs: int) -> Failures:
    """Run what is left, with a line for each cell; return the failed cells and why."""
    done = count - len(waiting)
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{count} cells, {done} of them done, {jobs} at a time: {folder}")
    failed: Failures = []
    for cell, outcome in outcomes(waiting, jobs):
        record(folder, cell, outcome)
        done += outcome.status != "again"
        if outcome.status == "failed":
            failed.append((cell, outcome.reason))
        console.print(f"[{done}/{count}] {_line(cell, outcome)}")
    return failed


def _line(cell: Cell, outcome: Outcome) -> str:
    line = f"{cell}: {outcome.status} in {outcome.seconds:.0f} s"
    if outcome.status == "again":
        return f"{cell}: {outcome.reason} Once more at the end."
    return f"{line}; see {cell.log}" if outcome.status == "failed" else line


def _collect(run: Run, folder: Path, done: Sequence[Cell]) -> None:
    """Write `results.csv` and what follows from it, from what the cells left in their folders."""
    if not done:
        return
    results = pl.concat([_results(cell) for cell in done])
    write_atomically(folder / "results.csv", results.write_csv())
    write_atomically(folder / "comparison.csv", compared(results).write_csv())
    if run.bench.published:
        methods = {row.label: row.objective.name for row in rows(run) if not row.annotation.title}
        paper = beside(results, published.find(run.bench.published), methods)
        write_atomically(folder / "paper.csv", paper.write_csv())


def _results(cell: Cell) -> pl.DataFrame:
    table = pl.read_csv(cell.folder / "results.csv", schema_overrides=TEXT)
    names = {"objective": cell.label, "seed": cell.run.seed, "fold": cell.fold}
    return table.select(*(pl.lit(value).alias(name) for name, value in names.items()), pl.all())


def _problem(cell: Cell, reason: str) -> Problem:
    return Problem("BENCH-CELL", f"{cell} failed: {reason}", str(cell.log), FIX)
