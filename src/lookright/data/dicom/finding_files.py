"""The DICOM files below a folder, by what they are and not by their names."""

import os
from pathlib import Path

import polars as pl

from lookright.data.images.formats import recognise
from lookright.data.paths import locate
from lookright.errors import DataError, Problem

_HEAD = 1024  # bytes that tell what a file is


def dicom_files(folder: Path) -> tuple[list[str], list[Problem]]:
    """List the DICOM files by their path below the folder, and what was left out and why.

    No reference is followed: neither those of a DICOMDIR nor links that leave the folder.
    """
    if not folder.is_dir():
        raise DataError(Problem("FOLDER-MISSING", "There is no such folder.", str(folder)))
    every = [
        Path(parent, name).relative_to(folder).as_posix()
        for parent, _, names in os.walk(folder)
        for name in names
    ]
    located = locate(pl.Series(sorted(every), dtype=pl.String), folder)
    left_out = [
        Problem(each.code, each.what, path, each.fix) for path, each in located.problems.items()
    ]
    found = []
    for path in located.sizes:
        with (folder / path).open("rb") as file:
            kind = recognise(file.read(_HEAD))
        if kind == "DICOM":
            found.append(path)
            continue
        what = kind.what if isinstance(kind, Problem) else f"This is {kind}, not DICOM."
        left_out.append(Problem("DICOM-NONE", what, path))
    return found, left_out
