"""Who may be recognised: people, dates and numbers in names that travel with every result.

Ids and file names are written into predictions, reports and pictures. What looks personal is
counted and its place is told; the name itself is not printed again.
"""

import re

import polars as pl

from lookright.data.checks.finding import Finding
from lookright.data.table import Table
from lookright.errors import Problem

_NAMED = ("id", "image", "mask", "group", "source")
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_BEFORE, _AFTER = r"(?:^|[^0-9])", r"(?:[^0-9]|$)"
_PATTERNS = {  # what it may be: Rust regular expressions
    "a date": rf"{_BEFORE}(?:{_YEAR}[-_.]{_MONTH}[-_.]{_DAY}"
    rf"|{_DAY}[-_.]{_MONTH}[-_.]{_YEAR}){_AFTER}",
    "a person's name": r"[A-Za-z]\^[A-Za-z]|[A-Z][a-z]+, ?[A-Z][a-z]+",
    "a birthday, a name or a number of a person, by its own words": r"(?i)(?:^|[^a-z])"
    r"(?:dob|birth(?:day|date)?|born|geb|mrn|ssn|(?:patient|first|last|sur)[-_ ]?name)[^a-z]",
    "a social security number": rf"{_BEFORE}\d{{3}}-\d{{2}}-\d{{4}}{_AFTER}",
}
_COMPACT = rf"{_BEFORE}{_YEAR}{_MONTH}{_DAY}{_AFTER}"
_OFTEN = 0.05  # of the names: eight digits are a date by chance in less than one of a thousand
_TWO_WORDS = r"(?:^|[^A-Za-z])([A-Z][a-z]{2,}[_\- .][A-Z][a-z]{2,})(?:[^A-Za-z]|$)"
_PEOPLE = 5  # different pairs of capitalised words: fewer may well be kinds of things
_COLUMN = re.compile(
    r"(?i)(patient|first|last|sur)[-_ ]?name|birth|\bdob\b|\bmrn\b|\bssn\b|address|phone"
)
_FIX = "Rename with numbers that mean nothing elsewhere, before results are shared."


def personal_names(table: Table, rows: pl.DataFrame) -> list[Finding]:
    """Find names of people, dates and such in ids, paths, groups and columns, without telling."""
    findings = []
    for column in (name for name in _NAMED if name in rows.columns):
        if column == "id" and (rows["id"] == rows["image"]).all():
            continue
        for words, places in _looks_like(rows[column]).items():
            what = f"{len(places)} of the {column}s look as if they held {words}."
            where = f"{table.where(places[0])}, {column}"
            problem = Problem("NAME-PERSONAL", what, where, _FIX, "warning")
            findings.append(Finding(problem, tuple(places)))
    for column in filter(_COLUMN.search, rows.columns):
        what = f"Column {column!r} sounds personal, and all columns are kept."
        fix = "Leave it out of the manifest."
        findings.append(Finding(Problem("NAME-COLUMN", what, table.path.name, fix, "warning")))
    return findings


def _looks_like(names: pl.Series) -> dict[str, list[int]]:
    found = {words: names.str.contains(each).arg_true() for words, each in _PATTERNS.items()}
    compact = names.str.contains(_COMPACT).arg_true()
    if len(compact) >= max(1, _OFTEN * len(names)):
        found["a date"] = pl.concat([found["a date"], compact]).unique().sort()
    pairs = names.str.extract(_TWO_WORDS)
    people = pairs.drop_nulls()
    # Classes and places are said again and again; people are nearly as many as their names.
    if people.n_unique() >= max(_PEOPLE, len(people) / 4):
        own = found["a person's name"]
        found["a person's name"] = pl.concat([own, pairs.is_not_null().arg_true()]).unique().sort()
    return {words: places.to_list() for words, places in found.items() if len(places)}
