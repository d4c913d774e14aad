"""Where the files of a manifest may lie: under its own folder, and nowhere else."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import numpy as np
import polars as pl

from lookright.errors import Problem

FORBIDDEN = {  # what a path may not look like (Rust regular expressions) and what is wrong
    r"\x00": "has a NUL character",
    r"^[A-Za-z][A-Za-z0-9+.-]+:(//|/)|^file:": "is a URL; only local files are read",
    r"^[A-Za-z]:": "has a drive letter",
    r"^(/|\\)": "is absolute",
    r"^~": "starts in a home folder",
    r"(^|[/\\])\.\.([/\\]|$)": "leaves its folder with '..'",
    r"(?i)%(25)*(2e|2f|5c|00)": "hides dots or slashes behind percent signs",
    r"\\": "has backslashes",
}
_INSIDE = "Write it relative to the manifest's folder, with slashes."


@dataclass(frozen=True)
class Located:
    """What the file system says of every path: whether, how large and since when."""

    problems: dict[str, Problem]  # by path; `where` is left to the caller
    sizes: dict[str, tuple[int, int]]  # bytes and nanoseconds of the last change


def forbidden(paths: pl.Series) -> list[tuple[int, Problem]]:
    """Find the paths that are not plain relative ones, with their index."""
    found: dict[int, Problem] = {}
    for pattern, reason in FORBIDDEN.items():
        for index in paths.str.contains(pattern).fill_null(False).arg_true():
            what = f"The path {paths[index]!r} {reason}."
            found.setdefault(index, Problem("PATH", what, fix=_INSIDE))
    return sorted(found.items())


def locate(paths: pl.Series, root: Path) -> Located:
    """Look for files; `paths` are allowed ones. Follows no link that leads outside the root."""
    located = Located({}, {})
    inside = os.path.realpath(root)
    parents: dict[str, str] = {}
    for path in paths.unique(maintain_order=True):
        parent = os.path.dirname(path)
        if parent not in parents:
            parents[parent] = os.path.realpath(os.path.join(inside, parent))
        if not _is_under(parents[parent], inside):
            located.problems[path] = _escapes(path)
            continue
        try:
            seen = _look(os.path.join(inside, path), inside)
        except OSError:
            located.problems[path] = _missing(path, Path(parents[parent]))
            continue
        if isinstance(seen, Problem):
            located.problems[path] = seen
        else:
            located.sizes[path] = (seen.st_size, seen.st_mtime_ns)
    return located


def _look(file: str, inside: str) -> os.stat_result | Problem:
    seen = os.lstat(file)
    if stat.S_ISLNK(seen.st_mode):
        try:
            target = os.path.realpath(file, strict=True)
        except OSError as error:
            what = f"The link {os.path.basename(file)!r} leads nowhere: {error.strerror}."
            return Problem("PATH", what)
        if not _is_under(target, inside):
            return _escapes(os.path.basename(file))
        seen = os.stat(target)
    if not stat.S_ISREG(seen.st_mode):
        what = f"{os.path.basename(file)!r} is {_kind(seen.st_mode)}, not a file."
        return Problem("IMG-KIND", what)
    return seen


def _is_under(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _escapes(path: str) -> Problem:
    what = f"The path {path!r} leads outside the manifest's folder through a link."
    return Problem("PATH", what, fix="Copy the files into the folder.")


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"


def _missing(path: str, parent: Path) -> Problem:
    name = os.path.basename(path)
    near = next(_near(name, parent), None)
    fix = f"There is {near!r}: names differ in case or in Unicode form." if near else ""
    return Problem("FILE-MISSING", f"There is no file {path!r}.", fix=fix)


def _near(name: str, parent: Path) -> Iterator[str]:
    """Find files of the same name up to case and Unicode composition."""
    if parent.is_dir():
        wanted = plain(name)
        yield from (each for each in sorted(os.listdir(parent)) if plain(each) == wanted)


def plain(name: str) -> str:
    """Return the name as file systems that ignore case and Unicode form see it."""
    return normalize("NFC", normalize("NFC", name).casefold())


def states(paths: pl.Series, sizes: dict[str, tuple[int, int]]) -> np.ndarray:
    """Return (rows, 2) sizes in bytes and times of change; -1 where there is no path."""
    absent = (-1, -1)
    return np.array([sizes.get(path, absent) for path in paths], dtype=np.int64).reshape(-1, 2)
