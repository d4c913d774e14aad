"""One row per image -> one row per split, part of it and measure: `results.csv`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from lookright.errors import ConfigError, Problem
from lookright.metrics import biometrics, calibration, classification, robustness
from lookright.names import suggestion

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
    "ece": calibration.calibration_error,
}
OF_ATTACKS = {  # with two classes; the second is the attack
    "eer": biometrics.eer,
    "apcer": biometrics.apcer,
    "bpcer": biometrics.bpcer,
    "acer": biometrics.acer,
}
PER_IMAGE = [
    "framing_sensitivity",
    "framing_sensitivity_true",
    "framing_decision",
    "framing_chance",
    "energy_pointing",
    "pointing_game",
    "iou",
    "iou_otsu",
    "iou_mean",
    "relevance_rank",
    "cc",
    "sim",
    "kl",
    "nss",
    "auc_judd",
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


def summarise(
    predictions: pl.DataFrame,
    classes: Sequence[str],
    by: Sequence[str] = ("group", "source"),
    shared: str | None = None,
) -> pl.DataFrame:
    """Average every measure over each split, and over its groups, sources and classes.

    Takes the columns of `predictions.parquet`: split, label, p_<class> for each class, the
    per-image measures that exist, and the columns to list by; those that are missing are left
    out. A column is listed when it has at most fifty values and, for groups, two images each on
    average: patients are not. The images of the class `shared` join every part of their split, so
    that each generator of fakes is measured against the same real images.
    """
    _known(shared, classes)
    listed = [each for each in by if _is_listed(predictions, each)]
    rows = [
        (split, *row)
        for (split,), part in predictions.group_by("split", maintain_order=True)
        for row in _split_rows(part, classes, listed, shared)
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _known(shared: str | None, classes: Sequence[str]) -> None:
    if shared is not None and shared not in classes:
        what = f"No class is called {shared!r}: its images cannot be shared."
        fix = suggestion(shared, list(classes))
        raise ConfigError(Problem("CLASS-UNKNOWN", what, "shared", fix))


def _split_rows(
    part: pl.DataFrame, classes: Sequence[str], listed: Sequence[str], shared: str | None
) -> Iterator[tuple[str, str, *Row]]:
    images = _images(part, classes)
    parts = {by: _parts(part, by, shared) for by in listed}
    yield from (("all", "", *row) for row in _rows(images))
    yield from (("all", "", *row) for row in _worst_group(images, parts.get("group", {})))
    for by, values in parts.items():
        for value, kept in values.items():
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
    if images.probabilities.shape[1] == 2:
        for name, score in OF_ATTACKS.items():
            value = score(images.labels == 1, images.probabilities[:, 1])
            yield _scored(name, value, len(images.labels))
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


def _worst_group(images: Images, groups: dict[str, np.ndarray]) -> Iterator[Row]:
    """Give the lowest score of a group; groups in which it is undefined are none to be worst."""
    for name in ("accuracy", "auroc") if groups else ():
        parts = (images.only(kept) for kept in groups.values())
        scores = [SCORES[name](each.labels, each.probabilities) for each in parts]
        worst = min((score for score in scores if not np.isnan(score)), default=np.nan)
        yield _scored(f"worst_group_{name}", worst, len(images.labels))


def _is_listed(predictions: pl.DataFrame, by: str) -> bool:
    """Say whether a column's values are few and common enough to be compared."""
    if by not in predictions.columns:
        return False
    count = predictions[by].drop_nulls().n_unique()
    is_rare = by == "group" and 2 * count > len(predictions)
    return 0 < count <= MOST_PARTS and not is_rare


def _parts(part: pl.DataFrame, by: str, shared: str | None) -> dict[str, np.ndarray]:
    """Flag the images of each value of a column; those of the shared class are in every part."""
    column = part[by].cast(pl.String)
    everywhere = (part["label"].cast(pl.String) == shared).to_numpy() if shared else False
    values = column.drop_nulls().unique().sort().to_list()
    return {value: (column == value).fill_null(False).to_numpy() | everywhere for value in values}
