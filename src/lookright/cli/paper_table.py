"""A comparison in the shape of a paper's tables, the printed numbers beside ours."""

from math import isfinite
from pathlib import Path
from typing import Any

from lookright.cli.tables import show_table

TITLES = ("", "method", "ours", "published", "difference", "95 %", "p (Holm)")


def show_paper(folder: Path) -> None:
    """Print `paper.csv`, table by table; what cannot be tested says why below."""
    import polars as pl

    text = {name: pl.String for name in ("objective", "method", "note", "row", "table")}
    found = pl.read_csv(folder / "paper.csv", schema_overrides=text)
    found = found.with_columns(pl.col(pl.String).fill_null(""))
    for (table, measure, split), part in found.group_by(
        "table", "measure", "split", maintain_order=True
    ):
        print(f"\n{table}: {measure}, ours on {split}")
        show_table(TITLES, [_cells(row) for row in part.iter_rows(named=True)])
        for note in part["note"].unique(maintain_order=True):
            if note:
                rows = part.filter(note=note)["row"].unique(maintain_order=True)
                print(f"{', '.join(rows)}: {note}.")


def _cells(row: dict[str, Any]) -> list[str]:
    names = " = ".join(filter(None, [row["objective"], row["method"]]))
    interval = [_number(row[name], "+.3f") for name in ("low", "high")]
    return [
        row["row"],
        names,
        _spread(row["mean"], row["std"], row["seeds"]),
        _spread(row["published_mean"], row["published_std"], row["published_runs"]),
        _number(row["difference"], "+.3f"),
        " to ".join(filter(None, interval)),
        _number(row["p_holm"], ".4f"),
    ]


def _spread(mean: float | None, std: float | None, count: int | None) -> str:
    words = f"{_number(mean)} ± {_number(std)}".removesuffix(" ± ")
    return f"{words} ({count})" if words and count else ""


def _number(value: float | None, form: str = ".3f") -> str:
    return "" if value is None or not isfinite(value) else f"{value:{form}}"
