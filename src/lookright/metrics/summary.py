"""One row per image -> one row per split, part of it and measure: `results.csv`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from lookright.metrics import classification, robustness

COLUMNS = {
    "split": pl.String,
    "by": pl.String,  # all, group, source or class
    "value_of": pl.String,  # which group, source or class; "" for all
    "measure": pl.String,
    "value": pl.Float64,
    "count": pl.Int64,  # images that entered
    "undefined": pl.Int64,  # images whose value is NaN
}
SCORES = {
    "auroc": classification.auroc,
    "average_precision": classification.average_precision,
    "accuracy": classification.accuracy,
    "balanced_accuracy": classification.balanced_accuracy,
    "ece": classification.calibration_error,
}
PER_IMAGE = [
    "framing_sensitivity",
    "framing_sensitivity_true",
    "framing_decision",
    "framing_chance",
    "energy_pointing",
    "pointing_game",
    "iou",
]
MOST_PARTS = 50  # more groups than this are patients, not groups to compare

Row = tuple[str, float, int, int]  # measure, value, count, undefined


@dataclass(frozen=True)
class Images:
    """Some images of one split, as arrays."""

    labels: np.ndarray  # (images,) index of the class
    probabilities: np.ndarray  # (images, classes)
    measures: dict[str, np.ndarray]  # (images,) each, NaN where undefined

    def only(self, kept: np.ndarray) -> "Images":
        """Keep the images that are flagged."""
        measures = {name: values[kept] for name, values in self.measures.items()}
        return Images(self.labels[kept], self.probabilities[kept], measures)

    @property
    def right(self) -> np.ndarray:
        """Flag the images that are classified rightly."""
        return self.probabilities.argmax(1) == self.labels


def summarise(predictions: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Average every measure over each split, and over its groups, sources and classes.

    Takes the columns of `predictions.parquet`: split, label, p_<class> for each class, optional
    group and source, and the per-image measures that exist. Groups and sources are listed when
    there are at most fifty and, for groups, two images each on average: patients are not.
    """
    listed = [by for by in ("group", "source") if _is_listed(predictions, by)]
    rows = [
        (split, *row)
        for (split,), part in predictions.group_by("split", maintain_order=True)
        for row in _split_rows(part, classes, listed)
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _split_rows(
    part: pl.DataFrame, classes: Sequence[str], listed: Sequence[str]
) -> Iterator[tuple[str, str, *Row]]:
    images = _images(part, classes)
    yield from (("all", "", *row) for row in _rows(images))
    if "group" in listed:
        yield from (("all", "", *row) for row in _worst_group(images, part))
    for by in listed:
        for value, kept in _parts(part, by).items():
            yield from ((by, value, *row) for row in _rows(images.only(kept)))
    for index, name in enumerate(classes):
        yield from (("class", name, *row) for row in _class_rows(images, index))


def _images(part: pl.DataFrame, classes: Sequence[str]) -> Images:
    index = {name: number for number, name in enumerate(classes)}
    labels = np.array([index[label] for label in part["label"]], dtype=int)
    probabilities = part.select(f"p_{name}" for name in classes).to_numpy().astype(float)
    return Images(labels, probabilities, _measures(part))


def _measures(part: pl.DataFrame) -> dict[str, np.ndarray]:
    """Collect the per-image columns and make those that are means over angles."""
    given = [name for name in PER_IMAGE if name in part.columns]
    flips, controls, changes = (
        [name for name in part.columns if name.startswith(prefix)]
        for prefix in ("flip_", "control_", "dp_")
    )
    found = {name: _column(part, [name])[:, 0] for name in [*given, *flips]}
    if flips:
        found["flip_rate"] = robustness.flip_rate(_column(part, flips))
        found["flip_rate_any"] = robustness.any_angle(_column(part, flips))
    if controls:
        found["flip_rate_control"] = robustness.flip_rate(_column(part, controls))
    if changes:
        found["mean_dp"] = _column(part, changes).mean(1)
    return found


def _column(part: pl.DataFrame, names: list[str]) -> np.ndarray:
    floats = part.select(pl.col(names).cast(pl.Float64).fill_null(np.nan))
    return floats.to_numpy()


def _rows(images: Images) -> Iterator[Row]:
    for name, score in SCORES.items():
        yield _scored(name, score(images.labels, images.probabilities), len(images.labels))
    yield from _averages(images)


def _class_rows(images: Images, index: int) -> Iterator[Row]:
    """Rank the class against the rest of the split; average the rest over its own images."""
    positive, scores = images.labels == index, images.probabilities[:, index]
    own = images.only(positive)
    precision = classification.average_precision_of(positive, scores)
    yield _scored("auroc", classification.auroc_of(positive, scores), len(scores))
    yield _scored("average_precision", precision, len(scores))
    accuracy = classification.accuracy(own.labels, own.probabilities)
    yield _scored("accuracy", accuracy, len(own.labels))
    yield from _averages(own)


def _averages(images: Images) -> Iterator[Row]:
    for name, values in images.measures.items():
        yield _averaged(name, values)
    if "flip_rate" in images.measures:
        rates = images.measures["flip_rate"]
        yield _averaged("flip_rate_right", rates[images.right])
        yield _averaged("flip_rate_wrong", rates[~images.right])


def _averaged(name: str, values: np.ndarray) -> Row:
    defined = values[~np.isnan(values)]
    value = float(defined.mean()) if len(defined) else np.nan
    return name, value, len(defined), len(values) - len(defined)


def _scored(name: str, value: float, count: int) -> Row:
    return (name, value, 0, count) if np.isnan(value) else (name, value, count, 0)


def _worst_group(images: Images, part: pl.DataFrame) -> Iterator[Row]:
    groups = _parts(part, "group")
    if groups:
        lowest = min(float(images.right[kept].mean()) for kept in groups.values())
        yield "worst_group_accuracy", lowest, len(images.labels), 0


def _is_listed(predictions: pl.DataFrame, by: str) -> bool:
    """Say whether a column's values are few and common enough to be compared."""
    if by not in predictions.columns:
        return False
    count = predictions[by].drop_nulls().n_unique()
    is_rare = by == "group" and 2 * count > len(predictions)
    return 0 < count <= MOST_PARTS and not is_rare


def _parts(part: pl.DataFrame, by: str) -> dict[str, np.ndarray]:
    """Flag the images of each value of a column."""
    column = part[by].cast(pl.String)
    values = column.drop_nulls().unique().sort().to_list()
    return {value: (column == value).fill_null(False).to_numpy() for value in values}
