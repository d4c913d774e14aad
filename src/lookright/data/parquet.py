"""A Parquet table, read where damage in it can do no harm."""

import subprocess
import sys
from pathlib import Path

import polars as pl

from lookright.errors import DataError, Problem

MOST_ROWS = 20_000_000
PATIENCE = 120  # seconds
# Damaged Parquet can abort the whole process inside the decoder, which nothing in Python catches.
_TRIAL = """
import sys
import polars as pl
try:
    table = pl.scan_parquet(sys.argv[1], glob=False)
    count = table.select(pl.len()).collect().item()
    if count > int(sys.argv[2]):
        sys.exit(f"{count:,} rows; at most {int(sys.argv[2]):,} are read")
    table.collect()
except (pl.exceptions.PolarsError, OSError) as error:
    sys.exit(str(error).splitlines()[0])
"""


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a flat Parquet table; tries it in a process of its own first."""
    command = [sys.executable, "-c", _TRIAL, str(path), str(MOST_ROWS)]
    try:
        trial = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise _refused(path, f"reading it takes more than {PATIENCE} s") from None
    if trial.returncode:
        told = trial.stderr.decode(errors="replace").strip()
        raise _refused(
            path, told if trial.returncode == 1 and "\n" not in told else "it is damaged"
        )
    rows = pl.read_parquet(path, glob=False)
    nested = [name for name, kind in rows.schema.items() if kind.is_nested() or kind == pl.Binary]
    if nested:
        what = f"Columns that hold lists, structures or bytes: {', '.join(nested)}."
        raise DataError(Problem("MANIFEST-TYPE", what, path.name, "Leave them out."))
    return rows


def _refused(path: Path, reason: str) -> DataError:
    what = f"Not a Parquet file that can be read: {reason}."
    return DataError(Problem("MANIFEST-PARQUET", what, path.name))
