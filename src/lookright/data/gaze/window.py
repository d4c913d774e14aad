"""Which part of the looking counts: a stretch of time, or what came before a first mention."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lookright.data.gaze.table import PEOPLE, dropped, read_times
from lookright.errors import ConfigError, Problem


@dataclass(frozen=True)
class Window:
    """From when to when a look counts, in milliseconds.

    With `mentions` (a table with image, time and perhaps observer) both count from the moment at
    which the finding was first mentioned: until=0 is everything before it, since=0 everything
    after it, and since=-5000, until=0 the last five seconds before it.
    """

    since: float | None = None
    until: float | None = None
    mentions: Path | None = None
    seconds: bool = False  # the unit of the mentions


def within(rows: pl.DataFrame, window: Window, where: str) -> tuple[pl.DataFrame, list[Problem]]:
    """Keep the part of each look that lies in the window; what lies outside is counted."""
    if window == Window(seconds=window.seconds):
        return rows, []
    _require_times(rows, window)
    notes: list[Problem] = []
    if window.mentions:
        rows, notes = _since_mention(rows, window, where)
    start, length = pl.col("start"), pl.col("duration")
    since = pl.lit(-float("inf") if window.since is None else window.since)
    until = pl.lit(float("inf") if window.until is None else window.until)
    # A look of no length counts where it begins inside.
    overlaps = (start < until) & ((start + length > since) | (start >= since))
    kept = rows.filter(overlaps).with_columns(
        duration=pl.min_horizontal(start + length, until) - pl.max_horizontal(start, since)
    )
    if outside := len(rows) - len(kept):
        notes.append(dropped(outside, "outside the window of time", where))
    return kept, notes


def _require_times(rows: pl.DataFrame, window: Window) -> None:
    problems = []
    if not {"start", "duration"} <= set(rows.columns):
        what = "A window of time needs when each look started and how long it was."
        problems.append(Problem("GAZE-TIMES", what, "since, until", "Name the columns."))
    if window.since is not None and window.until is not None and window.until <= window.since:
        what = f"The window ends at {window.until:g}, but starts at {window.since:g}."
        problems.append(Problem("GAZE-WINDOW", what, "since, until"))
    if window.mentions and window.since is None and window.until is None:
        fix = "until=0: before the first mention; since=0: after it."
        what = "Nothing says whether looks before or after the mention count."
        problems.append(Problem("GAZE-WINDOW", what, "since, until", fix))
    if problems:
        raise ConfigError(*problems)


def _since_mention(
    rows: pl.DataFrame, window: Window, where: str
) -> tuple[pl.DataFrame, list[Problem]]:
    """Count times from the first mention; rows without one are dropped."""
    assert window.mentions is not None
    spoken = read_times(window.mentions, window.seconds)
    by = [name for name in PEOPLE if name in spoken.columns]
    first = spoken.group_by(by).agg(pl.col("start").min().alias("mention"))
    timed = rows.join(first, on=by, how="inner", maintain_order="left")
    lost = len(rows) - len(timed)
    notes = [dropped(lost, "nothing was mentioned on their image", where)] if lost else []
    return timed.with_columns(start=pl.col("start") - pl.col("mention")).drop("mention"), notes
