"""Make the data of osie_gaze.yaml of a table of fixations, and measure its runs on fixations.

    python recipes/osie_gaze.py make FROM OUT
    python recipes/osie_gaze.py agree OUT runs/osie_gaze

FROM holds fixations.csv (image_id, observer, x_px, y_px, duration_ms), images/ and a table of
labels, manifest.csv (image, label, split); images labelled `ambiguous` are left out. OUT gets
copies of the images, maps rendered from the fixations, and a manifest whose `val` is 15 % of the
training images. Fixations count on photographs of 800 x 600 as published, unless FROM/images holds
smaller ones and no fixation lies off them: then on those.
"""

import shutil
import sys
from pathlib import Path

import matplotlib
import polars as pl
from PIL import Image

from lookright.data.gaze.drawing import find_looks
from lookright.data.importers.fixations import Fixations
from lookright.data.importing.study import Wishes, import_drawings
from lookright.data.split import write_split
from lookright.looked_at import gaze_agreement

matplotlib.use("Agg")
from matplotlib import pyplot

PUBLISHED = (800, 600)


def make(source: Path, target: Path) -> None:
    """Write images, maps and a manifest."""
    rows = pl.read_csv(source / "manifest.csv", columns=["image", "label", "split"])
    rows = rows.filter(pl.col("label") != "ambiguous")
    (target / "images").mkdir(parents=True, exist_ok=True)
    for image in rows["image"]:
        shutil.copyfile(source / image, target / "images" / Path(image).name)
    names = pl.col("image").str.split("/").list.last()
    labels = target / "labels.csv"
    rows.with_columns(names).write_csv(labels)
    shutil.copyfile(source / "fixations.csv", target / "fixations.csv")
    items = fixations(target).read(target / "fixations.csv")
    known = (item for item in items if getattr(item, "image", None) is None or drawn(item, target))
    wishes = Wishes(labels=labels, label_from="table")
    done = import_drawings(known, target / "images", target / "manifest.csv", wishes)
    for note in done.tally.first.values():
        print(note)
    print(write_split(done.manifest, {"train": 0.85, "val": 0.15}, 0, "train", None))


def agree(data: Path, runs: Path) -> None:
    """Print NSS, AUC-Judd and shuffled AUC on the fixations of the test split, run by run."""
    looks = find_looks(data / "fixations.csv", fixations(data).making)
    lines = []
    for folder in sorted(each.parent for each in runs.rglob("predictions.parquet")):
        means = gaze_agreement(folder, looks).select("nss", "auc_judd", "shuffled_auc").mean()
        lines.append(
            {"objective": folder.parent.name, "seed": folder.name, **means.row(0, named=True)}
        )
    found = pl.DataFrame(lines)
    found.write_csv(runs / "gaze_agreement.csv")
    with pl.Config(tbl_rows=-1):
        print(found)
        print(found.group_by("objective", maintain_order=True).agg(pl.exclude("seed").mean()))
    picture(found, runs / "gaze_agreement.png")


def picture(found: pl.DataFrame, path: Path) -> None:
    """Draw one dot per training, and where chance and the readers are."""
    panels = {
        "nss": ("NSS", 0),
        "auc_judd": ("AUC-Judd", 0.5),
        "shuffled_auc": ("shuffled AUC", 0.5),
    }
    names = sorted(found["objective"].unique().to_list(), reverse=True)
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(9, 2.6), layout="constrained", sharey=True
    )
    for axis, (measure, (title, chance)) in zip(axes, panels.items(), strict=True):
        places = [names.index(name) for name in found["objective"]]
        axis.plot(found[measure], places, "o", color="#0072b2", alpha=0.6)
        axis.axvline(chance, color="#888888", lw=1)
        axis.set_title(f"{title} (line: chance)", fontsize=10)
        axis.set_yticks(range(len(names)), names)
    figure.savefig(path, dpi=150)


def fixations(data: Path) -> Fixations:
    """Return the importer of the fixations, in the frame that they count in."""
    table = pl.read_csv(data / "fixations.csv", columns=["x_px", "y_px"])
    first = next(iter(sorted((data / "images").iterdir())))
    with Image.open(first) as picture:
        width, height = picture.size
    if table["x_px"].max() < width and table["y_px"].max() < height:  # type: ignore[operator]
        sigma = 24 * width / PUBLISHED[0]
        return Fixations("osie", width=width, height=height, sigma=sigma)
    return Fixations("osie")


def drawn(item: object, data: Path) -> bool:
    """Say whether the image of a map was copied."""
    return (data / "images" / f"{Path(item.image).stem}.jpg").is_file()  # type: ignore[attr-defined]


if __name__ == "__main__":
    verb, *paths = sys.argv[1:]
    {"make": make, "agree": agree}[verb](*map(Path, paths))
