"""Content hashes in a manifest, so that a changed picture is an error and not another picture."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from lookright.data.decode import content
from lookright.data.rewrite import beside, write_rows
from lookright.data.table import read_table


def lock(path: Path, out: Path | None = None) -> Path:
    """Write the SHA-256 of every image into the column sha256; in place unless `out` is given."""
    table = read_table(path)
    target = beside(table, out)
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda image: _digest(table.root / image, image), table.rows["image"])
        digests = pl.Series("sha256", list(found), dtype=pl.String)
    return write_rows(table.rows.with_columns(digests), target)


def _digest(file: Path, where: str) -> str:
    return hashlib.sha256(content(file, where)).hexdigest()
