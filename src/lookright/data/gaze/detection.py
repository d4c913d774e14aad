"""Raw samples of every person on every image become their fixations."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from lookright.data.gaze import events
from lookright.data.gaze.coordinates import Frame
from lookright.data.gaze.making import Making
from lookright.data.gaze.table import PEOPLE
from lookright.errors import ConfigError, Problem


@dataclass(frozen=True)
class Detection:
    """How fixations are told from everything else; lengths as in `Making.lengths`."""

    by: Literal["dispersion", "velocity"] = "dispersion"
    dispersion: float | None = None  # largest width plus height of a fixation
    velocity: float | None = None  # fastest step within a fixation, per second
    shortest: float = 100.0  # ms
    gap: float = 75.0  # ms without a sample that end a fixation: a blink


def detect(rows: pl.DataFrame, detection: Detection, making: Making) -> pl.DataFrame:
    """Return the fixations of all recordings; the rows of each may stand in any order."""
    limit = detection.dispersion if detection.by == "dispersion" else detection.velocity
    problems = []
    if "start" not in rows.columns:
        fix = "Name the column: columns.start=HEADER."
        problems.append(Problem("GAZE-TIMES", "Samples need the time of each.", "columns", fix))
    if limit is None:
        unit = "" if detection.by == "dispersion" else " per second"
        fix = f"Say {detection.by} in {making.lengths}{unit}; 1 degree, 30 to 100 per second."
        what = "Nothing says when eyes rest."
        problems.append(Problem("GAZE-EVENTS", what, detection.by, fix))
    if problems or limit is None:
        raise ConfigError(*problems)
    measured = _measurable(rows, making)
    find = events.dispersed if detection.by == "dispersion" else events.slow
    found = []
    for _, samples in measured.sort("start").group_by(PEOPLE, maintain_order=True):
        time, x, y = (samples[name].to_numpy() for name in ("start", "along", "below"))
        runs = find(time, x, y, limit, detection.shortest, detection.gap)
        found.append(events.fixations(samples.drop("along", "below"), runs))
    return pl.concat(found) if found else rows.with_columns(duration=pl.lit(0.0))


def _measurable(rows: pl.DataFrame, making: Making) -> pl.DataFrame:
    """Add places in the unit of the limits: one step along is one degree, or one pixel."""
    frame: Frame = making.coordinates
    if frame.unit == "normalised" and frame.size is None:
        fix = "Say width and height."
        what = "Shares cannot be measured in pixels."
        raise ConfigError(Problem("GAZE-SIZE", what, "width, height", fix))
    wide, high = frame.size if frame.unit == "normalised" and frame.size else (1, 1)
    across, down = making.lengthened(1.0, rows)
    return rows.with_columns(along=pl.col("x") * wide / across, below=pl.col("y") * high / down)
