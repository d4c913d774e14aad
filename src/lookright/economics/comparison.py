"""Run the comparison of annotations, then write its table and its picture."""

from pathlib import Path

import polars as pl

from lookright import objectives
from lookright.bench import bench
from lookright.complete import complete
from lookright.economics.benefit import benefit
from lookright.economics.levels import annotations, levels
from lookright.economics.picture import draw, encoded
from lookright.errors import ConfigError, Problem, RunError
from lookright.files import write_atomically
from lookright.run import Run

TEXT = {name: pl.String for name in ("fold", "split", "measure", "objective", "note")}


def economics(run: Run, folder: Path) -> Path:
    """Ask what annotation is worth, in `folder`; started again, it goes on where it stopped.

    The first objective of the recipe learns from no maps and is the baseline; the others learn
    under each of `bench.annotations` (a default list if there are none). Writes `economics.csv`,
    `economics.svg` and `economics.png` beside the comparison's own files, and returns the SVG.
    A cell that failed ends the command with a RunError, after all else is written.
    """
    wanted = planned(run)
    folder = Path(folder).resolve()
    try:
        bench(wanted, folder)
    except RunError:
        if (folder / "comparison.csv").exists():
            _write(wanted, folder)
        raise
    return _write(wanted, folder)


def planned(run: Run) -> Run:
    """Complete a recipe with the default annotations; ConfigError when nothing can be compared."""
    run = complete(run)
    looks = [objectives.find(method.name).uses_maps for method in run.bench.objectives]
    if not looks or looks[0] or not any(looks):
        what = "The first objective must learn without maps, and one other with them."
        fix = "Write for example bench.objectives=[cross_entropy,decision_energy]."
        raise ConfigError(Problem("ECONOMICS-OBJECTIVES", what, "bench.objectives", fix))
    if run.bench.annotations:
        return run
    return run.model_copy(
        update={"bench": run.bench.model_copy(update={"annotations": annotations()})}
    )


def _write(run: Run, folder: Path) -> Path:
    comparison = pl.read_csv(folder / "comparison.csv", schema_overrides=TEXT)
    table = benefit(comparison, levels(run))
    write_atomically(folder / "economics.csv", table.write_csv())
    figure = draw(table, run.name or folder.name)
    for kind in ("png", "svg"):
        write_atomically(folder / f"economics.{kind}", encoded(figure, kind))
    return folder / "economics.svg"
