"""A bench over folds: what happens to each that is left out, in the shape of the papers' tables."""

from collections.abc import Sequence

import polars as pl
from markupsafe import Markup

from lookright.report.bench_charts import splits_of, strip_rows
from lookright.report.bench_verdict import main_measure
from lookright.report.glossary import measure
from lookright.report.records import BenchRecords
from lookright.report.seeds import strips
from lookright.report.tables import Cell, Table, plus_minus
from lookright.report.words import signed

SHOWN = ("auroc", "accuracy", "framing_sensitivity", "framing_decision", "causal_outside", "gap")


def table(bench: BenchRecords, split: str) -> Table | None:
    """List every objective under every fold: mean ± standard deviation over seeds, difference."""
    if not bench.folds:
        return None
    part = bench.comparisons.filter(pl.col("split") == split)
    names = [name for name in SHOWN if name in set(part["measure"])]
    found = {(row["fold"], row["objective"], row["measure"]): row
             for row in part.iter_rows(named=True)}  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for fold in [*bench.folds, ""]:
        best = _best(part.filter(pl.col("fold") == fold), names[:1])
        rows.append((Cell(fold or "All folds", strong=True),))
        rows += [
            (Cell(label), *_cells(found, fold, label, names, label == best), _difference(
                found.get((fold, label, names[0] if names else "")), label == bench.labels[0]))
            for label in bench.labels
        ]  # fmt: skip
    head = ("left out", *(measure(name).title for name in names), "difference")
    caption = f"{split}: each fold left out in turn; mean ± standard deviation over seeds"
    note = "Difference: of the first column, to the first objective. Bold: the highest of its fold."
    return Table(caption, head, (tuple(rows),), (note,))


def _best(part: pl.DataFrame, names: Sequence[str]) -> str:
    rows = part.filter(pl.col("measure").is_in(list(names)), pl.col("mean").is_finite())
    return str(rows.sort("mean", descending=True)["objective"][0]) if len(rows) else ""


def _cells(found: dict, fold: str, label: str, names: Sequence[str], best: bool) -> list[Cell]:
    cells = []
    for index, name in enumerate(names):
        row = found.get((fold, label, name)) or {}
        text = plus_minus(row.get("mean"), row.get("std"))
        cells.append(Cell(text, strong=best and index == 0))
    return cells


def _difference(row: dict | None, first: bool) -> Cell:
    return Cell("–" if first else signed((row or {}).get("difference")))


def dots(bench: BenchRecords) -> list[tuple[str, list[tuple[str, Markup]]]]:
    """Draw every seed of every objective as a dot, fold by fold, in the main measure."""
    name = main_measure(bench.folded.filter(pl.col("by") == "all"))
    drawn = []
    for split in splits_of(bench) if bench.folds else []:
        pictures = [(fold, _strip(bench, fold, split, name)) for fold in bench.folds]
        drawn.append((f"{measure(name).title}, {split}", pictures))
    return drawn


def _strip(bench: BenchRecords, fold: str, split: str, name: str) -> Markup:
    here = pl.col("fold") == fold
    rows = strip_rows(
        bench.comparisons.filter(here), bench.folded.filter(here), bench.labels, split, name
    )
    words = f"{measure(name).title} on {split} by seed, {fold} left out"
    return strips(rows, words, 0.5 if name == "auroc" else float("nan"))
