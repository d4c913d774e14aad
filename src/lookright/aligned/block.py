"""One split of several runs: the images they share, in one order, and what is drawn of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from lookright.aligned.entry import Entry
from lookright.errors import ConfigError, DataError, Problem
from lookright.names import suggestion
from lookright.stats.units import Units, each_group, each_image

NEEDED = ("id", "split", "label", "predicted")
FEWEST_PATIENTS = 30  # fewer groups than this are cameras or hospitals, not patients

Runs = Float[np.ndarray, "runs images"]
Rows = Int[np.ndarray, " images"]  # places in a run's table


@dataclass(frozen=True)
class Block:
    """Some runs on the images of a split that all of them have, in the order of the first run."""

    split: str
    fold: str
    entries: tuple[Entry, ...]
    rows: tuple[Rows, ...]  # for each run
    classes: tuple[str, ...]
    labels: Int[np.ndarray, " images"]
    units: Units
    left_out: int  # images that some run lacks

    @property
    def shape(self) -> tuple[int, int]:
        """How many runs and images."""
        return len(self.entries), len(self.labels)


def read(aligned: Sequence[Block], **numbers: pl.Expr) -> list[dict[str, Runs]]:
    """Read numbers of every run and image of each block, by expressions of a run's columns.

    Each table is opened once, whatever the number of blocks. Empty is NaN.
    """
    exact = [number.cast(pl.Float64).alias(name) for name, number in numbers.items()]
    found = [{name: np.empty(block.shape) for name in numbers} for block in aligned]
    for entry in dict.fromkeys(entry for block in aligned for entry in block.entries):
        table = pl.scan_parquet(entry.predictions).select(exact).collect()
        columns = {name: table[name].fill_null(np.nan).to_numpy() for name in numbers}
        for block, arrays in zip(aligned, found, strict=True):
            if entry in block.entries:
                place = block.entries.index(entry)
                for name, array in arrays.items():
                    array[place] = columns[name][block.rows[place]]
    return found


def blocks(
    entries: Sequence[Entry], splits: Sequence[str] | None = None, by: str | None = None
) -> list[Block]:
    """Line up the runs of each fold on the images of each split that at least one run has.

    A run without the split is left out of its block. `by` names the column that tells patients
    apart; if it is not given, `group` does when it has at least thirty values. Raises ConfigError
    for classes that differ, splits and columns that are missing; DataError for ids that are
    listed twice, labels that differ and runs without a common image.
    """
    _require_columns(entries, by)
    _require_same_classes(entries)
    _require_splits(entries, splits)
    found = []
    for fold in dict.fromkeys(entry.fold for entry in entries):
        runs = [entry for entry in entries if entry.fold == fold]
        found += _of_fold(runs, splits, by)
    return found


def columns(entry: Entry) -> dict[str, bool]:
    """List the columns of a run's table, without reading it, and whether each holds fractions."""
    schema = pl.read_parquet_schema(entry.predictions)
    return {name: kind.is_float() for name, kind in schema.items()}


def classes(entry: Entry) -> tuple[str, ...]:
    """Return the classes in the order of the probabilities."""
    return tuple(name[2:] for name in columns(entry) if name.startswith("p_"))


def _of_fold(runs: list[Entry], splits: Sequence[str] | None, by: str | None) -> list[Block]:
    tables = {}
    for run in runs:  # equal tables are kept once: forty runs of one test set are one table
        table = _index(run)
        tables[run] = next((known for known in tables.values() if known.equals(table)), table)
    names = dict.fromkeys(name for table in tables.values() for name in table["split"].unique())
    order = next(iter(tables.values()))["split"].unique(maintain_order=True).to_list()
    wanted = splits or [*order, *(name for name in names if name not in order)]
    return [_block(tables, split, by) for split in wanted]


def _index(run: Entry) -> pl.DataFrame:
    table = pl.read_parquet(run.predictions, columns=["id", "split", "label"])
    return table.with_row_index("row")


def _block(tables: dict[Entry, pl.DataFrame], split: str, by: str | None) -> Block:
    parts = {run: table.filter(pl.col("split") == split) for run, table in tables.items()}
    parts = {run: part for run, part in parts.items() if len(part)}
    first, *_ = parts.values()
    _require_unique(parts)
    ids = _common(list(parts.values()))
    if not len(ids):
        runs = ", ".join(map(str, parts))
        raise DataError(Problem("COMPARE-IMAGES", "The runs share no image.", f"{split}: {runs}"))
    rows = tuple(_rows(part, ids) for part in parts.values())
    labels = first["label"].gather(_places(first, ids))
    _require_same_labels(parts, ids, labels)
    names = classes(next(iter(parts)))
    codes = labels.replace_strict(list(names), list(range(len(names))), return_dtype=pl.Int64)
    numbers = codes.to_numpy().astype(int)
    units = _units(next(iter(parts)), rows[0], numbers, by)
    unlike = [part["id"] for part in parts.values() if len(part) > len(ids)]
    left_out = pl.concat(unlike).n_unique() - len(ids) if unlike else 0
    run = next(iter(parts))
    return Block(split, run.fold, tuple(parts), rows, names, numbers, units, left_out)


def _common(parts: list[pl.DataFrame]) -> pl.Series:
    ids = parts[0]["id"]
    for part in parts[1:]:
        if not ids.equals(part["id"]):
            ids = ids.filter(ids.is_in(part["id"].implode()))
    return ids


def _places(part: pl.DataFrame, ids: pl.Series) -> Rows:
    if part["id"].equals(ids):
        return np.arange(len(ids))
    places = pl.DataFrame({"id": part["id"], "place": np.arange(len(part))})
    joined = pl.DataFrame({"id": ids}).join(places, on="id", how="left", maintain_order="left")
    return joined["place"].to_numpy().astype(int)


def _rows(part: pl.DataFrame, ids: pl.Series) -> Rows:
    return part["row"].to_numpy().astype(int)[_places(part, ids)]


def _units(run: Entry, rows: Rows, labels: np.ndarray, by: str | None) -> Units:
    if by is None and "group" not in columns(run):
        return each_image(labels)
    name = by or "group"
    column = pl.read_parquet(run.predictions, columns=[name])[name].cast(pl.String)
    # An image whose patient is not known is a patient of its own.
    unknown = pl.Series([f"\0{row}" for row in range(len(column))]) if column.has_nulls() else ""
    groups = (column.fill_null("") if isinstance(unknown, str) else _filled(column, unknown))[rows]
    if by is None and groups.n_unique() < FEWEST_PATIENTS:
        return each_image(labels)
    return each_group(labels, groups.rank("dense").to_numpy().astype(int), name)


def _filled(column: pl.Series, others: pl.Series) -> pl.Series:
    return column.zip_with(column.is_not_null(), others)


def _require_columns(runs: Sequence[Entry], by: str | None) -> None:
    wanted = [*NEEDED, *([by] if by else [])]
    missing = [
        Problem("COMPARE-COLUMN", f"Has no column {name!r}.", str(run), suggestion(name, have))
        for run in runs
        for have in [columns(run)]
        for name in wanted
        if name not in have
    ]
    if missing:
        raise ConfigError(*missing)


def _require_same_classes(runs: Sequence[Entry]) -> None:
    wanted = classes(runs[0])
    others = [run for run in runs if classes(run) != wanted]
    if others:
        what = f"Has the classes {{}}, but {runs[0]} has {', '.join(wanted)}."
        raise ConfigError(
            *(
                Problem("COMPARE-CLASSES", what.format(", ".join(classes(run))), str(run))
                for run in others
            )
        )


def _require_splits(runs: Sequence[Entry], splits: Sequence[str] | None) -> None:
    if not splits:
        return
    there = {run: _splits(run) for run in runs}
    missing = [
        Problem("COMPARE-SPLIT", f"Has no split {name!r}.", str(run), suggestion(name, have))
        for run, have in there.items()
        for name in splits
        if name not in have
    ]
    if missing:
        raise ConfigError(*missing)


def _splits(run: Entry) -> list[str]:
    return pl.read_parquet(run.predictions, columns=["split"])["split"].unique().to_list()


def _require_unique(parts: dict[Entry, pl.DataFrame]) -> None:
    problems = [
        Problem("COMPARE-IDS", f"Lists {count} images more than once.", str(run))
        for run, part in parts.items()
        for count in [len(part) - part["id"].n_unique()]
        if count
    ]
    if problems:
        raise DataError(*problems)


def _require_same_labels(
    parts: dict[Entry, pl.DataFrame], ids: pl.Series, labels: pl.Series
) -> None:
    problems = []
    for run, part in parts.items():
        own = part["label"].gather(_places(part, ids))
        unlike = ids.filter(own != labels)
        if len(unlike):
            some = ", ".join(unlike.head(3).to_list())
            what = f"Labels {len(unlike)} images unlike the first run ({some})."
            problems.append(Problem("COMPARE-LABELS", what, str(run)))
    if problems:
        raise DataError(*problems)
