"""A comparison for the terminal."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import polars as pl
from rich import box
from rich.markup import escape
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
    """Draw the main measures of `comparison.csv`, intervals under their means, warnings below."""
    whole = pl.col("fold").fill_null("") == ""
    shown = comparison.filter(pl.col("measure").is_in(SHOWN), whole)
    drawn = Table(box=box.SIMPLE, caption=_caption(shown), caption_justify="left")
    drawn.add_column("objective", overflow="fold")
    for name in ("mean ± std\n95 %", "difference\n95 %", "t\nHolm p", "Wilcoxon\nHolm p"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for (split, measure), part in shown.group_by("split", "measure", maintain_order=True):
        drawn.add_row(f"[bold]{measure}[/]\n[italic]{escape(str(split))}[/]")
        for row in part.iter_rows(named=True):
            drawn.add_row(*_cells(row))
        drawn.add_section()
    return drawn


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    std = "" if isnan(row["std"]) else f" ± {row['std']:.3f}"
    return (
        escape(row["objective"]),
        _number(row["mean"]) + std + _range(row["low"], row["high"]),
        _number(row["difference"], "+.3f")
        + _range(row["difference_low"], row["difference_high"], "+.3f"),
        _number(row["p_t_holm"], ".4f"),
        _number(row["p_wilcoxon_holm"], ".4f"),
    )


def _caption(shown: pl.DataFrame) -> str | None:
    """Say once what holds for many rows, and of whom unless it holds for all."""
    notes = shown.select("objective", pl.col("note").str.split("; ")).explode("note")
    every = shown["objective"].n_unique()
    lines = []
    for (note,), part in notes.group_by("note", maintain_order=True):
        names = part["objective"].unique(maintain_order=True).to_list()
        of = "" if len(names) == every else f"{', '.join(names)}: "
        lines += [f"{of}{note}"] if note else []
    return escape("\n".join(lines)) or None


def _range(low: float, high: float, form: str = ".3f") -> str:
    return "" if isnan(low) else f"\n{low:{form}} to {high:{form}}"


def _number(value: float, form: str = ".3f") -> str:
    return NOTHING if isnan(value) else f"{value:{form}}"
