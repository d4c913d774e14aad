"""Where somebody looked, one place after the other, for a page to play back."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from lookright.data.gaze.coordinates import Size, place
from lookright.data.gaze.table import read_gaze
from lookright.data.importers.fixations import Fixations
from lookright.signature import build

MOST = 40  # looks of one scanpath; more cannot be told apart
SECONDS = 6.0  # a longer look at an image is played faster
SMALLEST, LARGEST = 0.02, 0.05  # radii, in shares of the longer side


@dataclass(frozen=True)
class Look:
    """One fixation on a picture of a given size."""

    x: float
    y: float
    radius: float  # by its duration
    after: float  # seconds, from the start of the replay


@dataclass(frozen=True)
class Scanpath:
    """The looks of one observer at one image, in their order."""

    observer: str
    rows: pl.DataFrame  # x, y and perhaps start and duration, in milliseconds
    extent: Size | None  # what x and y count in; None: pixels of the image
    others: int  # observers whose looks are not shown

    def looks(self, image: Size, shown: Size) -> list[Look]:
        """Bring the first looks at an image to a picture of it."""
        rows = self.rows.head(MOST)
        extent = self.extent or image
        durations = _durations(rows)
        starts = _starts(rows, durations)
        fast = max(1.0, (starts[-1] + durations[-1]) / 1000 / SECONDS)
        most, side = max(durations), max(shown)
        return [
            Look(
                x * shown[0] / extent[0],
                y * shown[1] / extent[1],
                side * (SMALLEST + (LARGEST - SMALLEST) * (duration / most) ** 0.5),
                round(start / 1000 / fast, 3),
            )
            for x, y, start, duration in zip(rows["x"], rows["y"], starts, durations, strict=True)
        ]


def read_scanpaths(
    path: Path, rows: pl.DataFrame, settings: Mapping[str, Any]
) -> dict[int, Scanpath]:
    """Read a table of fixations, and find the first observer of every row of a manifest.

    `settings` are those of `lookright list formats fixations`. An image is found by its id, its
    path, or a name that only one row has.
    """
    making = build(Fixations, {"sigma": 1.0, **settings}, "gaze").making
    gaze = read_gaze(path, making.columns, making.seconds)
    unused = [pl.lit(1.0).alias(name) for name in ("sigma_x", "sigma_y")]
    placed = place(gaze.rows.with_columns(unused), making.coordinates)
    known = _names(rows)
    found: dict[int, Scanpath] = {}
    for (image,), own in placed.rows.drop_nulls(["x", "y"]).group_by("image", maintain_order=True):
        index = known.get(str(image), known.get(PurePosixPath(str(image)).name))
        if index is None:
            continue
        people = own["observer"].unique(maintain_order=True)
        first = own.filter(pl.col("observer") == people[0])
        first = first.sort("start", maintain_order=True) if "start" in first.columns else first
        found[index] = Scanpath(str(people[0]), first, placed.extent, len(people) - 1)
    return found


def _names(rows: pl.DataFrame) -> dict[str, int]:
    """Return the row that each name means, where it means one only."""
    meant: defaultdict[str, set[int]] = defaultdict(set)
    for index, (name, image) in enumerate(rows.select("id", "image").iter_rows()):
        path = PurePosixPath(image)
        for each in (name, image, path.name, path.stem):
            meant[each].add(index)
    return {name: min(indices) for name, indices in meant.items() if len(indices) == 1}


def _durations(rows: pl.DataFrame) -> list[float]:
    if "duration" not in rows.columns:
        return [200.0] * len(rows)  # an ordinary fixation
    return [max(1.0, float(each)) for each in rows["duration"]]


def _starts(rows: pl.DataFrame, durations: list[float]) -> list[float]:
    if "start" in rows.columns:
        return (rows["start"] - rows["start"][0]).to_list()
    return [sum(durations[:number]) for number in range(len(durations))]
