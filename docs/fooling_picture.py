"""Draw where a fooled classifier shows that it looks: mean maps over a split, no patient's image.

python docs/fooling_picture.py runs/pneumonia_finer_maps docs/images/fooling.png
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from safetensors.numpy import load_file

ROWS = {"cross_entropy": "plain", "fooling": "trained to show the edge"}


def main(folder: Path, target: Path) -> None:
    """Draw, for each method, the mean share of energy of every cell, and the mean lung mask."""
    figure = Figure(figsize=(8.4, 4.4), dpi=150)
    axes = figure.subplots(2, 4)
    for row, (name, title) in zip(axes, ROWS.items(), strict=True):
        run = folder / name / "seed-0"
        kept = (pl.read_parquet(run / "predictions.parquet")["split"] == "test").to_numpy()
        maps = {key: values[kept] for key, values in load_file(run / "maps.safetensors").items()}
        shown = {
            "true class": np.maximum(maps["true"], 0),
            "false class": np.maximum(maps["false"], 0),
            "difference": np.abs(maps["difference"]),
            "lungs (people)": maps["human"],
        }
        for axis, (what, energy) in zip(row, shown.items(), strict=True):
            axis.imshow(shares(energy), vmin=0, cmap="inferno")
            axis.set(xticks=[], yticks=[])
            axis.set_title(what, fontsize=9)
        row[0].set_ylabel(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(target)


def shares(energy: np.ndarray) -> np.ndarray:
    """Average the share of energy that each cell has over the images whose map has any."""
    total = energy.sum((1, 2))
    spoken = total > 1e-7
    return (energy[spoken] / total[spoken, None, None]).mean(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
