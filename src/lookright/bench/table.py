"""A comparison for the terminal."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import polars as pl
from rich.table import Table

SHOWN = (
    "auroc",
    "accuracy",
    "worst_group_accuracy",
    "framing_sensitivity",
    "framing_decision",
    "flip_rate",
)
NOTHING = "–"


def table(comparison: pl.DataFrame) -> Table:
    """Draw the main measures of `comparison.csv`, with every warning under them."""
    shown = comparison.filter(pl.col("measure").is_in(SHOWN))
    drawn = Table(caption="\n".join(_notes(shown)) or None, caption_justify="left")
    for name in ("split", "measure", "objective"):
        drawn.add_column(name)
    for name in ("mean ± std", "95 %", "difference", "95 %", "p (t)", "p (Wilcoxon)"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for (split, measure), part in shown.group_by("split", "measure", maintain_order=True):
        names = [(str(split), str(measure)), *[("", "")] * (len(part) - 1)]
        for (first, second), row in zip(names, part.iter_rows(named=True), strict=True):
            drawn.add_row(first, second, *_cells(row))
        drawn.add_section()
    return drawn


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    std = "" if isnan(row["std"]) else f" ± {row['std']:.3f}"
    return (
        row["objective"],
        _number(row["mean"]) + std,
        _range(row["low"], row["high"]),
        _number(row["difference"], "+.3f"),
        _range(row["difference_low"], row["difference_high"], "+.3f"),
        _number(row["p_t_holm"], ".4f"),
        _number(row["p_wilcoxon_holm"], ".4f"),
    )


def _notes(shown: pl.DataFrame) -> list[str]:
    """Say once what holds for many rows."""
    notes = shown.filter(pl.col("note").fill_null("") != "").group_by("note", maintain_order=True)
    every = shown["objective"].n_unique()
    lines = ["p values are adjusted over the objectives (Holm)."] if every > 2 else []
    for (note,), part in notes:
        names = part["objective"].unique(maintain_order=True).to_list()
        lines.append(str(note) if len(names) == every else f"{', '.join(names)}: {note}")
    return lines


def _range(low: float, high: float, form: str = ".3f") -> str:
    return NOTHING if isnan(low) else f"{low:{form}} to {high:{form}}"


def _number(value: float, form: str = ".3f") -> str:
    return NOTHING if isnan(value) else f"{value:{form}}"
