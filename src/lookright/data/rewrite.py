"""Writing manifests: whole or not at all, and never over one that holds something else."""

import io
from pathlib import Path

import polars as pl

from lookright.data.table import Table
from lookright.errors import DataError, Problem
from lookright.files import write_atomically


def write_rows(rows: pl.DataFrame, path: Path) -> Path:
    """Write a manifest as CSV or, by its suffix, as Parquet."""
    buffer = io.BytesIO()
    if path.suffix.lower() in (".parquet", ".pq"):
        rows.write_parquet(buffer)
    else:
        rows.write_csv(buffer)
    write_atomically(path, buffer.getvalue())
    return path


def refuse_existing(path: Path) -> None:
    """Raise DataError when there is a file already."""
    if path.exists():
        fix = "Move it away or choose another name."
        raise DataError(Problem("MANIFEST-EXISTS", "There is a manifest already.", str(path), fix))


def beside(table: Table, out: Path | None) -> Path:
    """Return where a changed table goes: in place, or to a new file in the same folder."""
    if out is None:
        return table.path
    if out.resolve().parent != table.path.resolve().parent:
        what = "A manifest's paths are relative to its folder."
        fix = f"Write it beside {table.path.name}."
        raise DataError(Problem("MANIFEST-FOLDER", what, str(out), fix))
    refuse_existing(out)
    return out
