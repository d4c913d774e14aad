"""Changed images -> rows of `results.csv`: how right the model still is, and how far it moved."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from lookright.metrics import classification
from lookright.metrics.summary import COLUMNS, Row

MEANS = ("causal_outside", "gap", "gap_decision")

Answers = Mapping[str, np.ndarray]  # (images, classes) probabilities by intervention; NaN: none


def summarise_changes(
    predictions: pl.DataFrame,
    interventions: pl.DataFrame,
    classes: Sequence[str],
    results: pl.DataFrame,
    shared: str | None = None,
) -> pl.DataFrame:
    """Score the changed images over every part that `results` lists, but over no single class.

    Takes `predictions.parquet`, `interventions.parquet` and the rows that `summarise` made of the
    first. `auroc_change_<name>` is the AUROC of the changed images minus that of the same images
    unchanged. Images of the class `shared` are in every part.
    """
    parts = results.select("split", "by", "value_of").unique(maintain_order=True)
    columns = [name for name in predictions.columns if name.startswith("changed_")]
    names = [name.removeprefix("changed_") for name in columns]
    rows = [
        (split, by, value, *row)
        for (split,), listed in parts.group_by("split", maintain_order=True)
        for images, answers in [_of_split(predictions, interventions, classes, split, names)]
        for by, value in listed.filter(pl.col("by") != "class").select("by", "value_of").rows()
        for row in _rows(images, answers, classes, _flags(images, by, value, shared))
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _of_split(
    predictions: pl.DataFrame,
    interventions: pl.DataFrame,
    classes: Sequence[str],
    split: object,
    names: Sequence[str],
) -> tuple[pl.DataFrame, Answers]:
    images = predictions.filter(pl.col("split") == split)
    changed = interventions.filter(pl.col("split") == split)
    chances = [f"p_{name}" for name in classes]
    answers = {}
    for name in names:
        own = changed.filter(pl.col("intervention") == name).select("id", *chances)
        joined = images.select("id").join(own, on="id", how="left", maintain_order="left")
        answers[name] = joined.select(pl.col(chances).fill_null(np.nan)).to_numpy()
    return images, answers


def _flags(images: pl.DataFrame, by: str, value: str, shared: str | None) -> np.ndarray:
    if by == "all":
        return np.ones(len(images), bool)
    own = images[by].cast(pl.String) == value
    if shared is not None:
        own = own | (images["label"] == shared)
    return own.fill_null(False).to_numpy()


def _rows(
    images: pl.DataFrame, answers: Answers, classes: Sequence[str], kept: np.ndarray
) -> Iterator[Row]:
    part = images.filter(pl.Series(kept))
    index = {name: number for number, name in enumerate(classes)}
    labels = np.array([index[label] for label in part["label"]], dtype=int)
    before = part.select(f"p_{name}" for name in classes).to_numpy().astype(float)
    for name, every in answers.items():
        after = every[kept]
        there = np.asarray(~np.isnan(after).any(1))
        ranked = classification.auroc(labels[there], after[there])
        unchanged = classification.auroc(labels[there], before[there])
        right = classification.accuracy(labels[there], after[there])
        yield _scored(f"auroc_{name}", ranked, there)
        yield _scored(f"auroc_change_{name}", ranked - unchanged, there)
        yield _scored(f"accuracy_{name}", right, there)
    means = [f"{kind}_{name}" for kind in ("drop", "changed") for name in answers]
    for name in [*means, *(each for each in MEANS if each in part.columns)]:
        values = part[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        known = ~np.isnan(values)
        mean = float(values[known].mean()) if known.any() else np.nan
        yield name, mean, int(known.sum()), int((~known).sum())


def _scored(name: str, value: float, there: np.ndarray) -> Row:
    if np.isnan(value):
        return name, value, 0, len(there)
    return name, value, int(there.sum()), int((~there).sum())
