"""What a run or a bench left behind, read back: the report knows files, not networks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from safetensors.numpy import load_file

from lookright.detector import COLUMNS
from lookright.errors import Problem, RunError
from lookright.files import read_lines

TEXT = ("split", "by", "value_of", "measure", "objective", "note", "fold")
WHOLE = ("seed", "seeds", "count", "undefined")


@dataclass(frozen=True)
class RunRecords:
    """The files of one evaluated run."""

    folder: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The run as it was resolved: run.yaml."""
        return _yaml(self.folder / "run.yaml")

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Versions, classes and the data's fingerprint; empty when not written."""
        return _json(self.folder / "facts.json")

    @cached_property
    def timing(self) -> dict[str, Any]:
        """How long things took; empty when not written."""
        return _json(self.folder / "timing.json")

    @cached_property
    def evaluations(self) -> dict[str, int]:
        """How often each split was measured; empty when not written."""
        return _json(self.folder / "evaluations.json")

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        """One entry per epoch: training terms and validation measures."""
        path = self.folder / "metrics.jsonl"
        return read_lines(path) if path.exists() else []

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """One row per image of every evaluated split."""
        return pl.read_parquet(self.folder / "predictions.parquet").with_row_index("row")

    @cached_property
    def results(self) -> pl.DataFrame:
        """The long table of measures."""
        return _table(self.folder / "results.csv")

    def answers(self, split: str) -> pl.DataFrame:
        """Label, answer and probabilities of a split's images, without keeping the whole table."""
        table = pl.scan_parquet(self.folder / "predictions.parquet")
        names = table.collect_schema().names()
        kept = ["label", "predicted", *(name for name in names if name.startswith("p_"))]
        return table.filter(pl.col("split") == split).select(kept).collect()

    @property
    def shares(self) -> pl.DataFrame:
        """What the detector asks of every image; empty when there are no predictions."""
        path = self.folder / "predictions.parquet"
        if not path.exists():
            return pl.DataFrame(schema={"split": pl.String})
        table = pl.scan_parquet(path)
        names = set(table.collect_schema().names())
        return table.select("split", *(name for name in COLUMNS if name in names)).collect()

    @cached_property
    def maps(self) -> dict[str, np.ndarray]:
        """True, false, difference and human maps, row for row with the predictions; or empty."""
        path = self.folder / "maps.safetensors"
        return load_file(path) if path.exists() else {}

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the logits."""
        names = [name[2:] for name in self.predictions.columns if name.startswith("p_")]
        return tuple(str(name) for name in self.facts.get("classes", names))

    @property
    def name(self) -> str:
        """What people call the run: its given name, or its folder's."""
        return str(self.settings.get("name") or self.folder.resolve().name)


@dataclass(frozen=True)
class BenchRecords:
    """The files of a bench: several objectives, each trained from several seeds."""

    folder: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The recipe of all cells: bench.yaml."""
        return _yaml(self.folder / "bench.yaml")

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        """The last word on every cell: done or failed."""
        path = self.folder / "cells.jsonl"
        lines = read_lines(path) if path.exists() else []
        return list({line.get("folder") or line["key"]: line for line in lines}.values())

    @cached_property
    def folded(self) -> pl.DataFrame:
        """The runs' results, with objective, seed and fold in front; one fold "" without folds."""
        return _with_folds(_table(self.folder / "results.csv"))

    @cached_property
    def results(self) -> pl.DataFrame:
        """The same with the mean over its folds for every seed that has all of them."""
        return averaged(self.folded)

    @cached_property
    def comparisons(self) -> pl.DataFrame:
        """Per fold, split, measure and objective: mean, spread, difference to the first."""
        return _with_folds(_table(self.folder / "comparison.csv"))

    @cached_property
    def comparison(self) -> pl.DataFrame:
        """The comparison over all folds."""
        return self.comparisons.filter(pl.col("fold") == "")

    @cached_property
    def folds(self) -> list[str]:
        """The folds in the order of the table; none without folds."""
        return [name for name in self.folded["fold"].unique(maintain_order=True) if name]

    @cached_property
    def labels(self) -> list[str]:
        """The objectives' names in the recipe's order; the first is the baseline."""
        bench = self.settings.get("bench") or {}
        wanted = [_label(entry) for entry in bench.get("objectives") or []]
        found = self.folded["objective"].unique(maintain_order=True).to_list()
        return [*(name for name in wanted if name in found), *(n for n in found if n not in wanted)]

    @cached_property
    def seeds(self) -> list[int]:
        """Every seed that has results."""
        return self.folded["seed"].unique().sort().to_list()

    @cached_property
    def runs(self) -> dict[tuple[str, int], RunRecords]:
        """One evaluated run that is still there for each objective and seed: the first fold's."""
        return {key: runs[0] for key, runs in self.trainings.items()}

    @cached_property
    def trainings(self) -> dict[tuple[str, int], list[RunRecords]]:
        """Every evaluated run that is still there, by objective and seed: one for each fold."""
        found: dict[tuple[str, int], list[RunRecords]] = {}
        for key, run in self._runs():
            if (run.folder / "run.yaml").exists():
                found.setdefault(key, []).append(run)
        return {key: sorted(runs, key=lambda run: run.folder) for key, runs in found.items()}

    @property
    def name(self) -> str:
        """What people call the bench: its given name, or its folder's."""
        return str(self.settings.get("name") or self.folder.resolve().name)

    def _runs(self) -> Iterator[tuple[tuple[str, int], RunRecords]]:
        for cell in self.cells:
            if cell["status"] == "done":
                usual = self.folder / cell["label"] / f"seed-{cell['seed']}"
                given = self.folder / (cell.get("folder") or "")
                there = given if cell.get("folder") and given.exists() else usual
                yield (cell["label"], int(cell["seed"])), RunRecords(there)


def averaged(results: pl.DataFrame) -> pl.DataFrame:
    """Average each seed over its folds, as the comparison does; undefined when one fold is.

    A seed counts when it has all folds: those that it lacks could be the hard ones.
    """
    folds = results["fold"].n_unique()
    if folds <= 1:
        return results
    keys = ["objective", "seed", "split", "by", "value_of", "measure"]
    sums = [pl.col("count").sum(), pl.col("undefined").sum()]
    means = results.group_by(keys, maintain_order=True).agg(
        pl.col("value").mean(), *sums, pl.len().alias("folds")
    )
    whole = means.filter((pl.col("folds") == folds) | (pl.col("by") != "all")).drop("folds")
    return whole.with_columns(fold=pl.lit(""))


def open_records(folder: Path) -> RunRecords | BenchRecords:
    """Recognise a folder by its files, or raise RunError that says what is missing."""
    for mark, kind in (("bench.yaml", BenchRecords), ("run.yaml", RunRecords)):
        if (folder / mark).exists():
            _require(folder, ["results.csv", *NEEDED[kind]])
            return kind(folder)
    what = "Is neither a run nor a bench: it has no run.yaml and no bench.yaml."
    raise RunError(Problem("REPORT-FOLDER", what, str(folder)))


NEEDED: dict[type, list[str]] = {
    RunRecords: ["predictions.parquet"],
    BenchRecords: ["comparison.csv"],
}


def _require(folder: Path, names: list[str]) -> None:
    fix = "Evaluate first: lookright evaluate DIR (a bench: lookright bench, until it is done)."
    missing = [
        Problem("REPORT-MISSING", f"{name} is missing.", str(folder), fix)
        for name in names
        if not (folder / name).exists()
    ]
    if missing:
        raise RunError(*missing)


def _label(entry: Any) -> str:
    if isinstance(entry, dict):
        return str(entry.get("label") or entry.get("name"))
    return str(entry)


def _with_folds(table: pl.DataFrame) -> pl.DataFrame:
    """Give a table of a bench without folds its one fold, which has no name."""
    return table if "fold" in table.columns else table.with_columns(fold=pl.lit(""))


def _yaml(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _table(path: Path) -> pl.DataFrame:
    """Read a CSV whose names stay strings: a group called 007 is not the number 7."""
    names = pl.read_csv(path, n_rows=0).columns
    kinds = {
        name: pl.String if name in TEXT else pl.Int64 if name in WHOLE else pl.Float64
        for name in names
    }
    return pl.read_csv(path, schema_overrides=kinds).with_columns(pl.col(pl.String).fill_null(""))
