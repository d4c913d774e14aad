"""Results on a terminal: measures down, splits or objectives across."""

import re
from collections.abc import Iterable, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_PER_ANGLE = re.compile(r".*_-?\d+")


def show_results(folder: Path) -> None:
    """Print the averages over all images of every split of a run."""
    import polars as pl

    found = pl.read_csv(folder / "results.csv", infer_schema_length=None)
    averages = found.filter(pl.col("by") == "all")
    _show(averages, "split", [_number(value) for value in averages["value"]])


def show_comparison(folder: Path) -> None:
    """Print mean and standard deviation over seeds, one table per split."""
    import polars as pl

    text = {"fold": pl.String}
    found = pl.read_csv(folder / "comparison.csv", schema_overrides=text, infer_schema_length=None)
    for note in _in_every_row(found["note"]):
        print(f"Note: {note}.")
    found = found.with_columns(pl.col("fold").fill_null(""))
    for (split, fold), part in found.group_by("split", "fold", maintain_order=True):
        print(f"\n{split}, {fold}" if fold else f"\n{split}")
        values = zip(part["mean"], part["std"], strict=True)
        _show(part, "objective", [_spread(mean, std) for mean, std in values])


def _in_every_row(notes: Iterable[str | None]) -> list[str]:
    rows = [(note or "").split("; ") for note in notes]
    return [each for each in rows[0] if each and all(each in row for row in rows)] if rows else []


def _number(value: float | None) -> str:
    return "-" if value is None or isnan(value) else f"{value:.4f}"


def _spread(mean: float | None, std: float | None) -> str:
    return _number(mean) if std is None or isnan(std) else f"{_number(mean)} ± {_number(std)}"


def show_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a plain table, as wide as the terminal, or on whole lines where there is none."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*titles, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)  # whole lines for whoever reads a pipe
    console.print(table)


def _show(rows: "pl.DataFrame", across: str, values: list[str]) -> None:
    cells = dict(zip(zip(rows["measure"], rows[across], strict=True), values, strict=True))
    columns = list(dict.fromkeys(rows[across]))
    measures = [each for each in dict.fromkeys(rows["measure"]) if not _PER_ANGLE.fullmatch(each)]
    lines = [[each, *(cells.get((each, column), "") for column in columns)] for each in measures]
    show_table(["measure", *columns], lines)
