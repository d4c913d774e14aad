"""Fixations in raw samples of gaze: by their dispersion (I-DT) or by their velocity (I-VT).

Salvucci and Goldberg, Identifying fixations and saccades in eye-tracking protocols, ETRA 2000. A
fixation lasts from its first to its last sample and lies at their mean.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl
from jaxtyping import Float, Int

Track = Float[np.ndarray, " samples"]
Runs = Int[np.ndarray, "fixations first_last"]  # indices of samples, both included


def dispersed(time: Track, x: Track, y: Track, most: float, shortest: float, gap: float) -> Runs:
    """Find fixations by I-DT: the longest runs whose (max x - min x) + (max y - min y) <= most.

    From each sample on, a run must stay together for `shortest`; then it goes on for as long as
    it stays together, and the next one starts after it. A pause longer than `gap` ends a run.
    """
    found: list[tuple[int, int]] = []
    places = x.tolist(), y.tolist()  # single numbers out of lists are several times as fast
    for start, stop in _unbroken(time, gap):
        first = start
        while first < stop:
            last = _together(*places, first, stop, most)
            long_enough = time[last] - time[first] >= shortest
            if long_enough:
                found.append((first, last))
            first = last + 1 if long_enough else first + 1
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def slow(time: Track, x: Track, y: Track, fastest: float, shortest: float, gap: float) -> Runs:
    """Find fixations by I-VT: runs in which every step is slower than `fastest` (per second).

    `time` is in milliseconds. A pause longer than `gap` ends a run; runs shorter than `shortest`
    are none.
    """
    if not len(time):
        return np.zeros((0, 2), dtype=np.int64)
    steps = np.diff(time)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.hypot(np.diff(x), np.diff(y)) / steps * 1000
    apart = np.flatnonzero(~((speed <= fastest) & (steps <= gap)))
    first = np.concatenate([[0], apart + 1])
    last = np.concatenate([apart, [len(time) - 1]])
    kept = (time[last] - time[first] >= shortest) & (last > first)
    return np.column_stack([first, last])[kept]


def fixations(samples: pl.DataFrame, runs: Runs) -> pl.DataFrame:
    """Replace runs of the samples of one person on one image by their fixations.

    Every column is averaged over a run, but for its start and its duration.
    """
    which = np.repeat(np.arange(len(runs)), runs[:, 1] - runs[:, 0] + 1)
    inside = [np.arange(first, last + 1) for first, last in runs]
    index = np.concatenate([*inside, np.zeros(0, dtype=np.int64)])
    rows = samples[index].with_columns(pl.Series("run", which))
    others = [name for name in samples.columns if name not in ("image", "observer", "start")]
    means = [pl.col(name).mean() for name in others if name != "duration"]
    length = (pl.col("start").max() - pl.col("start").min()).alias("duration")
    found = rows.group_by("run", maintain_order=True).agg(
        pl.col("image", "observer").first(), length, pl.col("start").min(), *means
    )
    return found.drop("run")


def _unbroken(time: Track, gap: float) -> Iterator[tuple[int, int]]:
    breaks = np.flatnonzero(np.diff(time) > gap) + 1
    ends = [0, *breaks.tolist(), len(time)]
    return ((start, stop) for start, stop in pairwise(ends) if stop > start)


def _together(x: list[float], y: list[float], first: int, stop: int, most: float) -> int:
    """Return the last sample that still lies with all since the first."""
    low_x = high_x = x[first]
    low_y = high_y = y[first]
    for last in range(first + 1, stop):
        low_x, high_x = min(low_x, x[last]), max(high_x, x[last])
        low_y, high_y = min(low_y, y[last]), max(high_y, y[last])
        if (high_x - low_x) + (high_y - low_y) > most:
            return last - 1
    return stop - 1
