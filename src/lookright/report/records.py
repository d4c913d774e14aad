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
        return list({line["key"]: line for line in lines}.values())

    @cached_property
    def results(self) -> pl.DataFrame:
        """The runs' results, with objective and seed in front."""
        return _table(self.folder / "results.csv")

    @cached_property
    def comparison(self) -> pl.DataFrame:
        """Per split, measure and objective: mean, spread and the difference to the first."""
        return _table(self.folder / "comparison.csv")

    @cached_property
    def labels(self) -> list[str]:
        """The objectives' names in the recipe's order; the first is the baseline."""
        bench = self.settings.get("bench") or {}
        wanted = [_label(entry) for entry in bench.get("objectives") or []]
        found = self.results["objective"].unique(maintain_order=True).to_list()
        return [*(name for name in wanted if name in found), *(n for n in found if n not in wanted)]

    @cached_property
    def seeds(self) -> list[int]:
        """Every seed that has results."""
        return self.results["seed"].unique().sort().to_list()

    @cached_property
    def runs(self) -> dict[tuple[str, int], RunRecords]:
        """The evaluated runs that are still there, by objective and seed."""
        return {key: run for key, run in self._runs() if (run.folder / "run.yaml").exists()}

    @property
    def name(self) -> str:
        """What people call the bench: its given name, or its folder's."""
        return str(self.settings.get("name") or self.folder.resolve().name)

    def _runs(self) -> Iterator[tuple[tuple[str, int], RunRecords]]:
        for cell in self.cells:
            if cell["status"] == "done":
                folder = self.folder / cell["label"] / f"seed-{cell['seed']}"
                given = self.folder / (cell.get("folder") or "")
                there = folder if folder.exists() else given
                yield (cell["label"], int(cell["seed"])), RunRecords(there)


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
