"""A grid of planted shortcuts whose truth is known: correlation x marker x size, plain and guided.

    python recipes/shortcut_grid.py --out runs/shortcut_grid

Each point of the grid is a comparison (`lookright bench`) on the embedded digits; stopped, it goes
on where it was. Writes grid.csv (one row per point, objective and measure) and grid.png.
Result: docs/results/shortcuts.md
"""

from argparse import ArgumentParser
from itertools import product
from pathlib import Path

import matplotlib
import polars as pl

from lookright.bench import bench
from lookright.run import Run

matplotlib.use("Agg")
from matplotlib import pyplot

CORRELATIONS = (0.5, 0.7, 0.85, 0.95)  # 0.5: the marker says nothing
MARKERS = ("frame", "corner", "text")
SIZES = (2, 4)  # pixels
OBJECTIVES = ("cross_entropy", "decision_energy")
RECIPE = {
    "data": {"name": "digits", "size": 64, "train": 800, "test": 300, "test_shifted": 300},
    "model": {"name": "lookright_tiny"},
    "optimiser": {"name": "adamw", "lr": 2e-3},
    "schedule": {"name": "one_cycle", "warmup": 0.3},
    "training": {"epochs": 12, "batch": 32},
    "evaluation": {
        "splits": ["test", "test_shifted"],
        "angles": [-10, 10],
        "control": False,
        "interventions": ["occlude_inside", "occlude_outside", "background_swap"],
        "batch": 100,
    },
    "bench": {"objectives": list(OBJECTIVES), "seeds": [0, 1]},
}
TEXT = {"objective": pl.String, "fold": pl.String, "value_of": pl.String}


def point(out: Path, correlation: float, marker: str, size: int, jobs: int) -> pl.DataFrame:
    """Compare plain and guided training under one planted shortcut."""
    planted = {"correlation": correlation, "marker": marker, "marker_size": size}
    recipe = {
        **RECIPE,
        "data": {**RECIPE["data"], **planted},
        "bench": {**RECIPE["bench"], "jobs": jobs},
    }
    folder = bench(Run.of(recipe), out / f"{marker}-{size}-{correlation:g}")
    results = pl.read_csv(folder / "results.csv", schema_overrides=TEXT)
    named = {name: pl.lit(value) for name, value in planted.items()}
    whole = results.filter(pl.col("by") == "all").with_columns(**named)
    return whole.select(*planted, "objective", "seed", "split", "measure", "value")


def picture(grid: pl.DataFrame, path: Path) -> None:
    """Draw accuracy where the marker contradicts the class over how often it agreed in training."""
    figure, axes = pyplot.subplots(
        len(SIZES), len(MARKERS), figsize=(9, 5.2), sharex=True, sharey=True, layout="constrained"
    )
    shown = grid.filter(pl.col("split") == "test_shifted", pl.col("measure") == "accuracy")
    for (row, size), (col, marker) in product(enumerate(SIZES), enumerate(MARKERS)):
        panel = axes[row, col]
        own = shown.filter(pl.col("marker") == marker, pl.col("marker_size") == size)
        for objective, colour in zip(OBJECTIVES, ("#777777", "#0072b2"), strict=True):
            line = own.filter(pl.col("objective") == objective)
            panel.plot(line["correlation"], line["value"], ".", color=colour, alpha=0.6)
            means = line.group_by("correlation").agg(pl.col("value").mean()).sort("correlation")
            panel.plot(means["correlation"], means["value"], color=colour, label=objective)
        panel.axhline(0.5, color="#bbbbbb", lw=0.8, zorder=0)
        panel.set_title(f"{marker}, {size} pixels", fontsize=10)
    axes[0, 0].legend(frameon=False, fontsize=9)
    axes[0, 0].set_ylim(0, 1)
    figure.supxlabel("share of training images on which the marker agrees with the class")
    figure.supylabel("accuracy where it contradicts")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Work off the grid, then put its points into one table and one picture."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/shortcut_grid"))
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    points = [
        point(given.out, correlation, marker, size, given.jobs)
        for marker, size, correlation in product(MARKERS, SIZES, CORRELATIONS)
    ]
    grid = pl.concat(points)
    grid.write_csv(given.out / "grid.csv")
    picture(grid, given.out / "grid.png")


if __name__ == "__main__":
    main()
