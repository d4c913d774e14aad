"""See the point in two minutes: digits with a planted shortcut, three ways to train, one report."""

from pathlib import Path
from typing import Any

from lookright.bench import bench
from lookright.report import write_report
from lookright.run import Run

# Sizes chosen so that nine trainings take about a minute on two cores. `energy` is the
# true-class objective: it moves the map, and the decision stays at the frame.
RECIPE: dict[str, Any] = {
    "name": "demo",
    "data": {"name": "digits", "size": 64},
    "model": {"name": "lookright_tiny"},
    "optimiser": {"name": "adamw", "lr": 2e-3},
    "schedule": {"name": "one_cycle", "warmup": 0.3},
    "training": {"epochs": 12, "batch": 32},
    "evaluation": {
        "splits": ["test", "test_shifted"],
        "angles": [-10, 10],
        "control": False,
        "interventions": ["occlude_inside", "occlude_outside", "border_paint"],
        "batch": 100,
    },
    "bench": {
        "objectives": ["cross_entropy", "energy", "decision_energy"],
        "seeds": [0, 1, 2],
    },
}


def demo(folder: Path, jobs: int = 2) -> Path:
    """Train plain, true-class and decision-level classifiers, three seeds each; write a report.

    Returns the path of the report. Started again in the same folder, it goes on where it stopped.
    """
    settings = {**RECIPE, "bench": {**RECIPE["bench"], "jobs": jobs}}
    bench(Run.of(settings), folder)
    return write_report(folder)
