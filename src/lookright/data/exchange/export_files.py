"""Which files an export consists of."""

from collections.abc import Iterator
from pathlib import Path

from lookright.errors import DataError, Problem

_PACKED = b"PK\x03\x04"


def export_files(path: Path, *endings: str) -> list[Path]:
    """Return the file itself, or all files below a folder whose names end so, sorted.

    Raises DataError where there is none, or where the file is a ZIP archive.
    """
    if path.is_dir():
        found = sorted(each for each in _below(path) if each.name.lower().endswith(endings))
        if not found:
            what = f"There is no {' or '.join(endings)} file in this folder."
            raise DataError(Problem("EXPORT-EMPTY", what, str(path)))
        return found
    if not path.is_file():
        raise DataError(Problem("FILE-MISSING", "There is no such file or folder.", str(path)))
    with path.open("rb") as stream:
        if stream.read(4) == _PACKED:
            fix = "Unpack it, and give the folder."
            raise DataError(Problem("EXPORT-ZIP", "This is a ZIP archive.", str(path), fix))
    return [path]


def said(file: Path, export: Path) -> str:
    """Name a file of an export in messages: relative to the folder that was given."""
    return file.name if file == export else file.relative_to(export).as_posix()


def _below(folder: Path) -> Iterator[Path]:
    for each in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in each.relative_to(folder).parts)
        if not hidden and each.is_file():
            yield each
