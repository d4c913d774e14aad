"""Draw the README's picture from a finished demo: one image, three ways to train.

    lookright demo --out runs/demo && python docs/demo_picture.py runs/demo docs/images/demo.png

Of the shifted test's images that plain training and `energy` get wrong and `decision_energy` gets
right in seed 0, it is the one on which `energy` shows the most for the class that it says, with at
most a third of that outside the digit.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from safetensors.numpy import load_file

from lookright.data import open_source
from lookright.pictures import outlined, overlay
from lookright.run import Run

METHODS = {
    "cross_entropy": "plain",
    "energy": "guided by its true-class map",
    "decision_energy": "guided by its decision",
}


def main(folder: Path, target: Path) -> None:
    """Choose the image and draw, for each method, the map of the class it says and what decides."""
    runs = {name: folder / name / "seed-0" for name in METHODS}
    tables = {name: pl.read_parquet(run / "predictions.parquet") for name, run in runs.items()}
    row = chosen(tables, load_file(runs["energy"] / "maps.safetensors")["false"])
    image, evidence = sample(runs["energy"], tables["energy"]["id"][row])
    figure = Figure(figsize=(9.2, 4.6), dpi=150)
    axes = figure.subplots(2, 4)
    axes[0, 0].imshow(outlined(image, evidence))
    axes[0, 0].set_title(f"the image: a {tables['energy']['label'][row]}", fontsize=9)
    axes[1, 0].axis("off")
    for column, (name, title) in enumerate(METHODS.items(), start=1):
        maps = load_file(runs[name] / "maps.safetensors")
        answer = tables[name]["predicted"][row]
        axes[0, column].set_title(f"{title}\nsays {answer}", fontsize=9)
        said = maps["true" if answer == tables[name]["label"][row] else "false"][row]
        deciding = np.abs(maps["difference"][row])
        axes[0, column].imshow(outlined(overlay(image, said), evidence))
        axes[1, column].imshow(outlined(overlay(image, deciding), evidence))
    for each in axes.flat:
        each.set(xticks=[], yticks=[])
    axes[0, 1].set_ylabel("the map of the class it says", fontsize=9)
    axes[1, 1].set_ylabel("what decides, |difference|", fontsize=9)
    figure.tight_layout()
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)


def chosen(tables: dict[str, pl.DataFrame], shown: np.ndarray) -> int:
    """Return the row of the image that shows the difference best, as the top of the file says."""
    right = {name: (t["predicted"] == t["label"]).to_numpy() for name, t in tables.items()}
    wanted = ~right["cross_entropy"] & ~right["energy"] & right["decision_energy"]
    wanted &= (tables["energy"]["split"] == "test_shifted").to_numpy()
    wanted &= (tables["energy"]["framing_sensitivity"].fill_nan(1.0) < 1 / 3).to_numpy()
    return int(np.where(wanted, shown.max((1, 2)), -np.inf).argmax())


def sample(run: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the image, four times enlarged so that lines are thin, and its evidence."""
    source = open_source(Run.load(run / "run.yaml").data, Path())
    found = source.sample(source.rows["id"].to_list().index(name))
    assert found.map is not None
    large = np.kron(found.image[..., 0], np.ones((4, 4), np.uint8))
    return np.repeat(large[..., None], 3, 2), found.map


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
