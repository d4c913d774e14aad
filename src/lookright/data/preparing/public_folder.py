"""The folder into which somebody put a published data set: its tables and its pictures."""

import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from lookright.data.folders import ENDINGS
from lookright.data.preparing.public_set import Needed
from lookright.errors import DataError, Problem

_LONGEST = 16 * 2**20  # characters in a cell: a run-length encoded mask is long
Row = dict[str, str]


class PublicFolder:
    """Reads what lies below a folder; paths are relative to it, with slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def require(self, needs: Sequence[Needed], source: str, terms: str) -> None:
        """Raise DataError with everything that is not there, and where to get it."""
        problems = [
            Problem(
                "PUBLIC-MISSING",
                f"There is no {each.path.replace(' | ', ' or ')}: {each.holds}.",
                str(self.root),
                f"Get it from {each.source or source} ({terms}); nothing is downloaded for you.",
            )
            for each in needs
            if not each.optional and not self.first(each.path)
        ]
        if problems:
            raise DataError(*problems)

    def first(self, paths: str) -> str:
        """Return the first of some paths ("a.csv | a.csv.gz") that is there, or nothing."""
        each = (path.strip() for path in paths.split("|"))
        return next((path for path in each if (self.root / path).exists()), "")

    def table(self, paths: str, columns: Sequence[str]) -> list[Row]:
        """Read a CSV table with a header as text, ids included; raises for columns it lacks."""
        path = self.first(paths)
        lines = csv.DictReader(self._lines(path), skipinitialspace=True)
        try:
            header = [name.strip() for name in lines.fieldnames or ()]
            lines.fieldnames = header
            rows = [{key: (row[key] or "").strip() for key in header} for row in lines]
        except csv.Error as error:
            raise DataError(Problem("PUBLIC-TABLE", f"Not CSV: {error}.", path)) from error
        absent = [name for name in columns if name not in header]
        if absent:
            fix = f"Columns are: {', '.join(header)}."
            what = "There is no column {!r}: is this the file that was published?"
            raise DataError(
                *(Problem("PUBLIC-COLUMN", what.format(name), path, fix) for name in absent)
            )
        return rows

    def cells(self, paths: str, separator: str | None = ",") -> list[list[str]]:
        """Read a table without a header; `separator` None: any white space."""
        lines = (line.strip() for line in self._lines(self.first(paths)))
        return [[cell.strip() for cell in line.split(separator)] for line in lines if line]

    def picture(self, path: str) -> str:
        """Return the file of this path, or the one beside it with another picture's ending."""
        found = self._pictures.get(_key(path), [])
        return path if path in found else next(iter(found), "")

    def pictures(self, below: str = "") -> list[str]:
        """List all pictures below a folder, sorted."""
        start = f"{below}/" if below else ""
        found = (path for same in self._pictures.values() for path in same)
        return sorted(path for path in found if path.startswith(start))

    @cached_property
    def by_stem(self) -> dict[str, str]:
        """All pictures by their name without ending; of two, the first by path."""
        return {PurePosixPath(path).stem: path for path in reversed(self.pictures())}

    @cached_property
    def _pictures(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for parent, folders, files in os.walk(self.root):
            folders[:] = [each for each in sorted(folders) if not each.startswith((".", "__"))]
            place = Path(parent).relative_to(self.root).as_posix().removeprefix(".")
            for name in sorted(files):
                if name.lower().endswith(ENDINGS) and not name.startswith("."):
                    path = f"{place}/{name}" if place else name
                    found.setdefault(_key(path), []).append(path)
        return found

    def _lines(self, path: str) -> Iterator[str]:
        try:
            data = (self.root / path).read_bytes()
            data = gzip.decompress(data) if path.endswith(".gz") else data
            text = data.decode("utf-8-sig")
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            what = f"The table cannot be read: {error}."
            raise DataError(Problem("PUBLIC-TABLE", what, path, "Fetch it again.")) from error
        csv.field_size_limit(_LONGEST)
        return iter(io.StringIO(text, newline=""))


def _key(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))
