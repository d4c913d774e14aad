"""Tables of eye trackers: whatever their headers are called, rows with one meaning."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lookright.data.gaze.export import Table, read_export
from lookright.data.gaze.headers import TEXTS, match, require_known
from lookright.errors import DataError, Problem

PEOPLE = list(TEXTS)  # image, observer
_BLANK = ("", "nan", "na", "n/a", "null", "none", ".", "-")


@dataclass(frozen=True)
class Gaze:
    """Where people looked, row by row, and what was dropped on the way.

    `rows` has the texts image and observer, the numbers x and y, and start and duration in
    milliseconds where the table tells them; pixels per degree (degree_x, degree_y), the part of
    the image that was shown (left, top, right, bottom) and its place on the screen (screen_left,
    ...) only where all of them are there. `asked` lists each image and observer that the table
    names, also those whose rows were all dropped: they looked, and nothing is known of where.
    """

    rows: pl.DataFrame
    asked: pl.DataFrame
    notes: tuple[Problem, ...] = ()


def read_gaze(path: Path, columns: Mapping[str, str], seconds: bool = False) -> Gaze:
    """Read a CSV or Parquet table, or a folder of them, one row per fixation or sample.

    `columns` names headers that are not recognised by themselves. Without a column of images, a
    file's name is that of its image, or its folder's name where all files are called the same.
    Blinks (NaN, blank), numbers that are none, negative times and rows at the same time are
    dropped and counted. Raises DataError when nothing can be read.
    """
    require_known(columns)
    return gathered(read_export(path), columns, seconds, path.name)


def gathered(
    tables: Iterable[Table], columns: Mapping[str, str], seconds: bool, where: str
) -> Gaze:
    """Put the tables of one export together; see `read_gaze`."""
    parts, asked, notes = [], [], []
    for table in tables:
        found = match(table.rows.columns, columns, table.where)
        parts.append(_numbers(table, found))
        asked.append(_asked(parts[-1], "" if "image" in found else table.name))
        notes += table.notes
    people = pl.concat(asked).filter(pl.col("image") != "").unique(maintain_order=True)
    if not len(people):
        raise DataError(Problem("GAZE-EMPTY", "There is no row: nobody looked.", where))
    timed = _timed(pl.concat(parts, how="diagonal"), 1000 if seconds else 1)
    rows, dropped = _clean(timed, where)
    return Gaze(rows, people, (*notes, *dropped))


def _numbers(table: Table, found: Mapping[str, str]) -> pl.DataFrame:
    """Give the columns their names here, as texts and as numbers (null: none)."""
    given = table.rows
    rows = pl.DataFrame(
        [_text(given[found[name]]).alias(name) for name in TEXTS if name in found]
        + [_number(given[header], table).alias(name) for name, header in _others(found)]
        + [(_is_junk(given[found["x"]]) | _is_junk(given[found["y"]])).alias("junk")]
    )
    names = {"image": table.name, "observer": ""}
    filled = [pl.lit(names[name]).alias(name) for name in TEXTS if name not in found]
    return rows.with_columns(*filled, pl.lit(table.where).alias("file"))


def _others(found: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, header) for name, header in found.items() if name not in TEXTS]


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).fill_null("").str.strip_chars()


def _number(column: pl.Series, table: Table) -> pl.Series:
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        column = text.str.replace(",", ".", literal=True) if table.decimal_comma else text
    number = column.cast(pl.Float64, strict=False)
    return number.set((number.is_nan() | number.is_infinite()).fill_null(False), None)


def _is_junk(column: pl.Series) -> pl.Series:
    """Flag what is neither a number nor one of the words for none."""
    text = column.cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
    number = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return number.is_null() & ~text.is_in(_BLANK)


def _asked(rows: pl.DataFrame, only: str) -> pl.DataFrame:
    """List who looked at what; a file about one image names it without having a row."""
    if only and not len(rows):
        return pl.DataFrame({"image": [only], "observer": [""]})
    return rows.select(PEOPLE).unique(maintain_order=True)


def _timed(rows: pl.DataFrame, factor: int) -> pl.DataFrame:
    """Bring times to milliseconds, and make the duration where only its ends are given."""
    times = [name for name in ("start", "end", "duration") if name in rows.columns]
    rows = rows.with_columns(pl.col(times) * factor)
    if "duration" not in times and {"start", "end"} <= set(times):
        rows = rows.with_columns((pl.col("end") - pl.col("start")).alias("duration"))
    return rows.drop("end", strict=False)


def _clean(rows: pl.DataFrame, where: str) -> tuple[pl.DataFrame, list[Problem]]:
    """Drop what says nothing, and say how much of it there was."""
    notes: list[Problem] = []
    for what, wrong in _rules(rows.columns):
        kept = rows.filter(~wrong)
        if count := len(rows) - len(kept):
            notes.append(dropped(count, what, where))
        rows = kept
    return rows.drop("junk", "file"), notes


def dropped(count: int, reason: str, where: str) -> Problem:
    """Say how many rows were left out, and why."""
    what = f"{count:,} {'row was' if count == 1 else 'rows were'} dropped: {reason}."
    return Problem("GAZE-DROPPED", what, where, level="warning")


def _rules(columns: list[str]) -> list[tuple[str, pl.Expr]]:
    nowhere = pl.col("x").is_null() | pl.col("y").is_null()
    rules = [
        ("x or y is no number", pl.col("junk")),
        ("x or y is blank or NaN (a blink, or the eye was lost)", nowhere),
        ("no image is named", pl.col("image") == ""),
    ]
    for name in ("start", "duration"):
        if name in columns:
            rules.append((f"there is no {name}", pl.col(name).is_null()))
            rules.append((f"the {name} is negative", pl.col(name) < 0))
    if "start" in columns:
        again = ~pl.struct("file", *PEOPLE, "start").is_first_distinct()
        rules.append(("the same person looked elsewhere at the same time", again))
    return rules


def read_times(path: Path, seconds: bool) -> pl.DataFrame:
    """Read the times at which things were said: image, perhaps observer, start in milliseconds."""
    table = read_export(path)[0]
    found = match(table.rows.columns, {}, table.where, needed=("image", "start"))
    texts = [_text(table.rows[found[name]]).alias(name) for name in TEXTS if name in found]
    times = _number(table.rows[found["start"]], table) * (1000 if seconds else 1)
    return pl.DataFrame([*texts, times.alias("start")]).drop_nulls("start")
