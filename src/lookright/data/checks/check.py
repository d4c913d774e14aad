"""Everything that is wrong with a data set, found in one go and written down."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from lookright.data.checks import balance
from lookright.data.checks.alike import near_duplicates
from lookright.data.checks.consensus import disagreements
from lookright.data.checks.duplicates import same_masks, same_names, same_pictures
from lookright.data.checks.finding import LEVELS, Finding, Level
from lookright.data.checks.inspection import Inspection, inspect
from lookright.data.checks.misfits import misfits
from lookright.data.checks.privacy import personal_names
from lookright.data.manifest import completed, verify
from lookright.data.reading import WINDOW, Reading
from lookright.data.table import LOCKS, Table, read_table
from lookright.errors import DataError, Problem
from lookright.files import write_atomically

_AT_ONCE = 256  # rows in flight, so that a million rows do not queue up in memory


@dataclass(frozen=True)
class Checked:
    """What a check found; `table` is None when the manifest itself could not be read."""

    name: str  # the manifest's file name
    findings: tuple[Finding, ...]  # errors first
    reading: Reading
    table: Table | None = None
    rows: pl.DataFrame | None = None

    def count(self, level: Level) -> int:
        """Count the findings of a level: error, warning or notice."""
        return sum(each.problem.level == level for each in self.findings)

    @property
    def passed(self) -> bool:
        """True when nothing would stop a training; warnings may remain."""
        return not self.count("error")


def check(
    path: Path,
    classes: Sequence[str] | None = None,
    reading: Reading | None = None,
    allow_group_overlap: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Look at every row, image and map of a manifest; collects problems and raises none."""
    path, reading = Path(path), reading or Reading()
    try:
        table = read_table(path)
    except DataError as error:
        return Checked(path.name, tuple(Finding(each) for each in error.problems), reading)
    verified = verify(table, classes, allow_group_overlap)
    rows = completed(table.rows)
    seen = list(_inspections(table, rows, set(verified.sizes), reading, progress))
    loose = [
        *table.notices,
        *verified.problems,
        *balance.missing_classes(rows, path.name),
        *balance.unequal_annotation(rows, path.name),
        *balance.odd_cells(rows, path.name, "group" in rows.columns),
        *balance.odd_names(rows, path.name),
        *balance.mixed(seen, path.name, reading.bits != "auto"),
    ]
    findings = [
        *_located(table, rows, loose),
        *(Finding(problem, (each.index,)) for each in seen for problem in each.problems),
        *same_pictures(table, rows, seen),
        *near_duplicates(table, rows, seen),
        *same_masks(table, rows, seen),
        *misfits(table, seen),
        *disagreements(table, seen),
        *same_names(table, rows),
        *personal_names(table, rows),
    ]
    findings.sort(key=lambda each: LEVELS.index(each.problem.level))
    return Checked(path.name, tuple(findings), reading, table, rows)


def summary(checked: Checked) -> list[tuple[str, str, int, str, str]]:
    """Return one line per kind of finding: level, code, count, an example and how to fix it."""
    kinds = Counter((each.problem.level, each.problem.code) for each in checked.findings)
    lines = []
    for (level, code), count in kinds.items():
        first = next(each.problem for each in checked.findings if each.problem.code == code)
        example = f"{first.where}: {first.what}" if first.where else first.what
        lines.append((level, code, count, example, first.fix))
    return sorted(lines, key=lambda line: (LEVELS.index(line[0]), -line[2], line[1]))


def write_json(checked: Checked, path: Path) -> None:
    """Write every finding, with the ids that it is about, and the counts by split and class."""
    rows = checked.rows
    content = {
        "manifest": checked.name,
        "passed": checked.passed,
        "counts": {level: checked.count(level) for level in LEVELS},
        "rows": 0 if rows is None else len(rows),
        "splits": [] if rows is None else balance.counts(rows).to_dicts(),
        "findings": [
            {**asdict(each.problem), "ids": [] if rows is None else _ids(rows, each)}
            for each in checked.findings
        ],
    }
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _ids(rows: pl.DataFrame, finding: Finding) -> list[str]:
    return [rows["id"][index] for index in finding.rows]


def _inspections(
    table: Table,
    rows: pl.DataFrame,
    there: set[str],
    reading: Reading,
    progress: Callable[[int, int], None] | None,
) -> Iterator[Inspection]:
    """Inspect the rows whose files are there, a window of them at a time."""
    read = ("id", "image", "mask", "unknown", *LOCKS.values(), "annotators", *WINDOW)
    columns = [name for name in read if name in rows.columns]
    jobs = enumerate(rows.select(columns).iter_rows(named=True))

    def look(job: tuple[int, dict[str, str]]) -> Inspection | None:
        """Inspect a row with those of its files that are there; None without its image."""
        index, row = job
        if row["image"] not in there:
            return None
        row["mask"] = row["mask"] if row["mask"] in there else ""
        row["unknown"] = path if (path := row.get("unknown", "")) in there else ""
        return inspect(index, row, table.root, reading, table.where(index))

    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while window := list(islice(jobs, _AT_ONCE)):
            for each in pool.map(look, window):
                done += 1
                if progress:
                    progress(done, len(rows))
                if each:
                    yield each


def _located(table: Table, rows: pl.DataFrame, problems: Sequence[Problem]) -> Iterator[Finding]:
    """Find the rows that problems of the table name in their place."""
    groups: dict[str, tuple[int, ...]] = {}
    if any(each.code == "GROUP-SPLITS" for each in problems):
        members = rows.with_row_index("_index").group_by("group").agg("_index")
        groups = {repr(group): tuple(indices) for group, indices in members.iter_rows()}
    for problem in problems:
        head, _, number = problem.where.partition(" row ")
        number = number.split(",")[0]
        if head == table.path.name and number.isdigit():
            yield Finding(problem, (int(np.searchsorted(table.numbers, int(number))),))
        else:
            yield Finding(problem, groups.get(problem.where.partition(" group ")[2], ()))
