"""Classes of DICOM files: from a table that names them, or from the folders they are in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lookright.data.paths import forbidden, locate
from lookright.data.table import Table, read_table
from lookright.errors import DataError, Problem

COPIED = ("label", "split", "source", "weight")  # what a table gives; other columns stay behind


@dataclass(frozen=True)
class Labels:
    """What a study says of its files, by their path below the folder of the DICOM files."""

    rows: dict[str, dict[str, str]]  # label, split, source, weight, mask
    root: Path  # that masks are relative to
    notes: tuple[Problem, ...]  # rows without a file, and columns that stay behind


def by_folder(files: Sequence[str]) -> Labels:
    """Label each file by the folder that it is in."""
    alone = [path for path in files if "/" not in path]
    if alone:
        what = "The file is in no folder that could name its class."
        raise DataError(*(Problem("LABEL-NONE", what, path) for path in alone))
    return Labels({path: {"label": PurePosixPath(path).parts[-2]} for path in files}, Path(), ())


def unlabelled(files: Sequence[str]) -> Labels:
    """Leave the labels empty, for somebody to fill in."""
    return Labels({path: {"label": ""} for path in files}, Path(), ())


def by_table(path: Path, files: Sequence[str]) -> Labels:
    """Read labels from a table whose `image` (or `id`) is the path or the name of a DICOM file.

    A name, with or without its ending, counts when only one file has it. Raises DataError for
    names that several files have, files named twice, and masks that are not there.
    """
    table = read_table(path, required=("label",))
    column = "image" if "image" in table.rows.columns else "id"
    if column not in table.rows.columns:
        what = "There is no column 'image' or 'id' that says which file a row is about."
        raise DataError(Problem("MANIFEST-COLUMN", what, path.name))
    names = _names(files)
    taken = [name for name in (*COPIED, "mask") if name in table.rows.columns]
    rows: dict[str, dict[str, str]] = {}
    notes, problems = _left_behind(table, {*taken, column}), _masks(table)
    for index, row in enumerate(table.rows.iter_rows(named=True)):
        found = names.get(row[column].replace("\\", "/"), [])
        if len(found) == 1 and found[0] not in rows:
            rows[found[0]] = {name: row[name] for name in taken}
        elif not found:
            what = "There is no such DICOM file."
            notes.append(Problem("LABEL-ABSENT", what, table.where(index), level="warning"))
        else:
            what = "Another row names the same file." if len(found) == 1 else "Several files fit."
            fix = "Name each file once, by its path below the folder."
            problems.append(Problem("JOIN-AMBIGUOUS", what, table.where(index), fix))
    if problems:
        raise DataError(*problems)
    return Labels(rows, table.root, tuple(notes))


def _names(files: Sequence[str]) -> dict[str, list[str]]:
    """Return the files by all they may be called; a path comes before a name, it is exact."""
    named: dict[str, list[str]] = {}
    for path in files:
        pure = PurePosixPath(path)
        for name in {pure.name, pure.stem, pure.with_suffix("").as_posix()}:
            named.setdefault(name, []).append(path)
    return named | {path: [path] for path in files}


def _masks(table: Table) -> list[Problem]:
    if "mask" not in table.rows.columns:
        return []
    masks = table.rows["mask"].filter(table.rows["mask"] != "")
    wrong = [Problem(each.code, each.what, table.path.name) for _, each in forbidden(masks)]
    return wrong or list(locate(masks, table.root).problems.values())


def _left_behind(table: Table, taken: set[str]) -> list[Problem]:
    others = [name for name in table.rows.columns if name not in taken]
    what = f"Columns that stay behind, as they may be about people: {', '.join(others)}."
    return [Problem("LABELS-COLUMN", what, table.path.name, level="notice")] * bool(others)
