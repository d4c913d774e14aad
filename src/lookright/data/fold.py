"""Which rows a fold learns from and which it is tested on, instead of the manifest's splits."""

import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedGroupKFold

from lookright.configuration import Fold, Folds
from lookright.errors import ConfigError, DataError, Problem
from lookright.names import suggestion


def listed(rows: pl.DataFrame, wanted: Folds) -> list[Fold]:
    """Name every fold that is wanted: one per value of a column, largest first, or K parts.

    Raises ConfigError when the column or a value does not exist.
    """
    if wanted.parts:
        made = {"parts": wanted.parts, "by": wanted.by, "val": wanted.val, "seed": wanted.seed}
        return [Fold(part=part, **made) for part in range(wanted.parts)]
    column = wanted.leave_out or ""
    counts = _values(rows, column).value_counts(sort=True, name="images")
    found = sorted(counts.iter_rows(), key=lambda each: (-each[1], each[0]))
    there = [value for value, _ in found]
    missing = [value for value in wanted.values or () if value not in there]
    if missing:
        fix = suggestion(missing[0], there)
        what = f"No row has {', '.join(map(repr, missing))} in the column {column!r}."
        raise ConfigError(Problem("FOLD", what, "bench.folds.values", fix))
    values = list(wanted.values or there)[: wanted.largest]
    return [Fold(leave_out=column, value=each, val=wanted.val, seed=wanted.seed) for each in values]


def splits(rows: pl.DataFrame, fold: Fold) -> pl.Series:
    """Return the split of every row under a fold.

    Leaving out a value: its rows are `test`, whatever they were; rows without a value (such as
    bona fide samples, when attacks are left out one by one) keep their split; of all others, `val`
    stays and the rest is `train`. Parts: one part of K is `test`, whole groups together.
    Other rows of a group that is tested are in no split ("").
    Where no validation is left, `val` of the training rows becomes it: whole groups where the data
    have them, the same share of each class.
    """
    tested, shared = _held_out(rows, fold)
    given = rows["split"]
    others = pl.when(given == "val").then(given).otherwise(pl.lit("train"))
    kept = pl.when(shared).then(given).otherwise(others)
    made = rows.select(pl.when(tested).then(pl.lit("test")).otherwise(kept).alias("split"))
    column = made["split"].to_numpy().copy().astype(object)
    groups = _groups(rows, _together(fold))
    # Somebody with images on both sides would be learnt from and tested on.
    column[np.isin(groups, groups[column == "test"]) & (column != "test")] = ""
    _verify(column, rows, fold)
    if not (column == "val").any():
        column[_validation(rows, np.flatnonzero(column == "train"), fold)] = "val"
    return pl.Series("split", column.tolist(), dtype=pl.String)


def _held_out(rows: pl.DataFrame, fold: Fold) -> tuple[pl.Series, pl.Series]:
    """Flag the rows that are tested, and those that every fold shares."""
    if fold.leave_out:
        values = _values(rows, fold.leave_out, keep_empty=True)
        tested = values == fold.value
        if not tested.any():
            what = f"No row has {fold.value!r} in the column {fold.leave_out!r}."
            fix = suggestion(fold.value or "", values.unique().to_list())
            raise ConfigError(Problem("FOLD", what, "data.fold.value", fix))
        return tested, values == ""
    groups = _groups(rows, fold.by)
    parts = _parts(rows["label"].to_numpy(), groups, fold.parts or 2, fold)
    tested = np.zeros(len(rows), bool)
    tested[parts[fold.part or 0]] = True
    return pl.Series(tested), pl.Series(np.zeros(len(rows), bool))


def _validation(rows: pl.DataFrame, learnt: np.ndarray, fold: Fold) -> np.ndarray:
    """Choose rows to validate on."""
    groups = _groups(rows, _together(fold))[learnt]
    labels = rows["label"].to_numpy()[learnt]
    return learnt[_parts(labels, groups, max(2, round(1 / fold.val)), fold)[0]]


def _parts(labels: np.ndarray, groups: np.ndarray, count: int, fold: Fold) -> list[np.ndarray]:
    """Cut rows into parts: whole groups together, the same share of each class."""
    fewest = min(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    if fewest < count:
        what = f"{count} parts need {count} groups of every class, and one class has {fewest}."
        fix = "Ask for fewer parts, or a larger share of validation (val)."
        raise DataError(Problem("FOLD-PARTS", what, fold.title, fix))
    cut = StratifiedGroupKFold(count, shuffle=True, random_state=fold.seed)
    return [tested for _, tested in cut.split(groups, labels, groups)]


def _together(fold: Fold) -> str:
    """Return the column of who belongs together: a column that is left out does not say it."""
    return "" if fold.by == fold.leave_out else fold.by


def _groups(rows: pl.DataFrame, by: str) -> np.ndarray:
    """Number the groups; a row without one is a group of its own."""
    alone = np.arange(len(rows))
    if by not in rows.columns:
        return alone
    values = _values(rows, by, keep_empty=True)
    return np.where((values == "").to_numpy(), alone, len(rows) + values.rank("dense").to_numpy())


def _values(rows: pl.DataFrame, column: str, keep_empty: bool = False) -> pl.Series:
    if column not in rows.columns:
        fix = suggestion(column, rows.columns)
        what = f"The data have no column {column!r} to leave values out of."
        raise ConfigError(Problem("FOLD", what, "data.fold.leave_out", fix))
    values = rows[column].cast(pl.String).fill_null("")
    return values if keep_empty else values.filter(values != "")


def _verify(column: np.ndarray, rows: pl.DataFrame, fold: Fold) -> None:
    """Refuse folds whose training rows lack a class: nothing could be learnt of it."""
    labels = rows["label"].to_numpy()
    learnt = set(labels[column == "train"])
    missing = sorted(set(labels) - learnt)
    if missing:
        what = f"Without {fold.title} no training image of {', '.join(map(repr, missing))} is left."
        raise DataError(Problem("FOLD-CLASS", what, fix="Leave out another value."))
