"""Is this run as good as it was? A table of limits, and runs that are held against it.

Limits are for another run, not for the mean: of runs without a change, 95 % keep all of them at
once. From three seeds on they are prediction intervals over seeds; from a single run they say what
other images would do, and know nothing of the noise of training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit

from lookright.aligned import Block, Entry, average, blocks, entries, per_image, rankings
from lookright.errors import ConfigError, Problem
from lookright.files import write_atomically
from lookright.names import suggestion
from lookright.stats import FEWEST, bootstrap, delong, spread
from lookright.stats.estimate import Estimate
from lookright.stats.tested import by_normal

BETTER = {
    "auroc": "higher",
    "framing_sensitivity": "lower",
    "framing_decision": "lower",
    "causal_outside": "lower",
    "gap": "zero",
    "pointing_game": "higher",
}
COLUMNS = {
    "split": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "better": pl.String,  # higher, lower, or zero: the nearer the better
    "images": pl.Int64,
    "over": pl.String,  # what the limits allow for: seeds, images, or a column of patients
}
REQUIRED = ("split", "measure", "value", "low", "high", "better")
TOGETHER = 0.05  # of unchanged runs may break a limit
ROUNDING = 1e-9
TEXT = {"split": pl.String, "by": pl.String, "value_of": pl.String, "measure": pl.String}

Key = tuple[str, str]  # split, measure


@dataclass(frozen=True)
class Limit:
    """What a measure was and how far it may go; a row of the table."""

    split: str
    measure: str
    value: float
    low: float
    high: float
    better: str
    images: int
    over: str

    def verdict(self, now: float) -> str:
        """Say ok, better, worse or undefined; the last two close the gate.

        >>> Limit("test", "auroc", 0.9, 0.85, 0.94, "higher", 500, "images").verdict(0.8)
        'worse'
        """
        if np.isnan(now):
            return "undefined"
        if self.better == "zero":
            return "worse" if abs(now) > max(abs(self.low), abs(self.high)) + ROUNDING else "ok"
        below, above = self.low - now, now - self.high
        bad, good = (below, above) if self.better == "higher" else (above, below)
        return "worse" if bad > ROUNDING else "better" if good > ROUNDING else "ok"


@dataclass(frozen=True)
class Checked:
    """A limit and what the run has instead."""

    limit: Limit
    now: float
    images: int

    @property
    def verdict(self) -> str:
        """Ok, better, worse or undefined."""
        return self.limit.verdict(self.now)

    @property
    def is_open(self) -> bool:
        """May the run pass?"""
        return self.verdict in ("ok", "better")


def write_limits(
    folder: Path, path: Path, splits: Sequence[str] | None = None, by: str | None = None
) -> list[Limit]:
    """Write the table of limits of a run, or of a folder of seeds of one objective.

    Measures that are undefined or were not made are left out. `by` is the column of patients.
    """
    runs = entries([folder])
    objectives = list(dict.fromkeys(run.objective for run in runs))
    if len(objectives) > 1:
        what = f"Holds several objectives: {', '.join(objectives)}."
        raise ConfigError(Problem("GATE-OBJECTIVE", what, str(folder), "Give the folder of one."))
    aligned = blocks(runs, splits, by)
    scored = {key: value for block in aligned for key, value in _scored(block)}
    limits = [_limit(key, *each, _by_seed(runs, key), len(scored)) for key, each in scored.items()]
    if not limits:
        what = f"None of {', '.join(BETTER)} is defined."
        raise ConfigError(Problem("GATE-MEASURE", what, str(folder)))
    table = pl.DataFrame([asdict(limit) for limit in limits], schema=COLUMNS)
    write_atomically(path, table.write_csv())
    return limits


def gate(folder: Path, baseline: Path, splits: Sequence[str] | None = None) -> list[Checked]:
    """Hold a run (or the mean of a folder of seeds) against a table of limits.

    Raises ConfigError with everything that the table lacks or that the run does not have.
    """
    limits = read_limits(baseline, splits)
    now = _results(entries([folder]))
    missing = [limit for limit in limits if (limit.split, limit.measure) not in now]
    if missing:
        raise ConfigError(*(_not_there(limit, now, folder) for limit in missing))
    return [Checked(limit, *now[limit.split, limit.measure]) for limit in limits]


def read_limits(path: Path, splits: Sequence[str] | None = None) -> list[Limit]:
    """Read a table of limits, which people may have edited: whole, or some splits of it."""
    if not path.is_file():
        fix = "Make one: lookright gate RUN --write FILE."
        raise ConfigError(Problem("GATE-TABLE", "There is no such table.", str(path), fix))
    table = pl.read_csv(path, infer_schema=False).fill_null("")
    _refuse([f"Has no column {name!r}." for name in REQUIRED if name not in table.columns], path)
    rows = table.to_dicts()
    _refuse([what for row in rows for what in _wrong(row)] or _empty(rows), path)
    limits = [_of_row(row) for row in rows]
    there = list(dict.fromkeys(limit.split for limit in limits))
    unknown = [name for name in splits or () if name not in there]
    _refuse([f"Has no split {name!r}. {suggestion(name, there)}" for name in unknown], path)
    return [limit for limit in limits if not splits or limit.split in splits]


def _scored(block: Block) -> Iterator[tuple[Key, tuple[Estimate, Block]]]:
    """Yield each measure that is defined: its mean over the block's runs."""
    mean = np.full((1, len(block.entries)), 1 / len(block.entries))
    name, found = next(rankings(block))
    every = [(name, found)]
    have = pl.read_parquet_schema(block.entries[0].predictions)
    names = [name for name in BETTER if name in have]
    every += [(name, average(block, values)) for _, name, values in per_image([block], names)]
    for name, found in every:
        combined = found.combined(mean)
        if not np.isnan(combined.values[0]):
            yield (block.split, name), (combined, block)


def _limit(key: Key, found: Estimate, block: Block, seeds: list[float], count: int) -> Limit:
    # All limits together (Bonferroni), and each on its bad side only.
    level, value, over = 1 - 2 * TOGETHER / count, float(found.values[0]), f"{len(seeds)} seeds"
    if len(seeds) >= FEWEST and spread(seeds) > 0:
        value = float(np.mean(seeds))
        low, high = _over_seeds(seeds, level)
    else:
        over = block.units.name
        low, high = over_images(found, block, level)
    least = -1.0 if BETTER[key[1]] == "zero" else 0.0
    low, high = max(low, least), min(high, 1.0)
    return Limit(*key, value, low, high, BETTER[key[1]], int(found.counts[0]), over)


def _over_seeds(seeds: Sequence[float], level: float) -> tuple[float, float]:
    """Return where one more seed falls: the prediction interval of Student's t."""
    half = spread(seeds) * (1 + 1 / len(seeds)) ** 0.5
    half *= float(stdtrit(len(seeds) - 1, (1 + level) / 2))
    return float(np.mean(seeds)) - half, float(np.mean(seeds)) + half


def over_images(found: Estimate, block: Block, level: float) -> tuple[float, float]:
    """Return where the score falls on as many other images.

    Both the old and the new score err, so the interval of the old one is wider by the root of 2.
    """
    value, variance = float(found.values[0]), float(found.covariance(block.units)[0, 0])
    resamples = bootstrap.affordable(found)
    (again,) = bootstrap.intervals(found, block.units, resamples, level=level) or [None]
    if again is None or np.isnan(again.low):
        again = by_normal(value, variance, level)
    if np.isnan(again.low) and value in (0, 1):
        counts = np.bincount(block.labels)
        again = delong.at_the_end(value, int(counts.min()), int(counts.max()), level)
    low, high = np.nan_to_num([again.low, again.high], nan=value)
    return value - 2**0.5 * (value - low), value + 2**0.5 * (high - value)


def _by_seed(runs: Sequence[Entry], key: Key) -> list[float]:
    """Return the value of each seed, as a mean over its folds."""
    found: dict[int, list[float]] = {}
    for run in runs:
        now = _results([run])
        if key in now:
            found.setdefault(run.seed, []).append(now[key][0])
    return [float(np.mean(values)) for values in found.values()]


def _results(runs: Sequence[Entry]) -> dict[Key, tuple[float, int]]:
    """Read value and images of every measure over all images, as means over the runs."""
    tables = [pl.read_csv(run.folder / "results.csv", schema_overrides=TEXT) for run in runs]
    whole = pl.concat(
        table.filter(pl.col("by") == "all").select(
            "split", "measure", pl.col("value").cast(pl.Float64).fill_null(np.nan), "count"
        )
        for table in tables
    )
    means = whole.group_by("split", "measure", maintain_order=True).agg(
        pl.col("value").mean(), pl.col("count").max()
    )
    return {(split, name): (value, count) for split, name, value, count in means.iter_rows()}


def _not_there(limit: Limit, now: dict[Key, tuple[float, int]], folder: Path) -> Problem:
    splits = {split for split, _ in now}
    if limit.split not in splits:
        fix = f"Evaluate it: lookright evaluate {folder} --split {limit.split}"
        return Problem("GATE-SPLIT", f"{limit.split}: {limit.measure}: no such split.", fix=fix)
    fix = suggestion(limit.measure, [name for split, name in now if split == limit.split])
    what = f"{limit.split}: {limit.measure}: no such measure."
    return Problem("GATE-MEASURE", what, str(folder), fix)


def _refuse(whats: Sequence[str], path: Path) -> None:
    if whats:
        raise ConfigError(*(Problem("GATE-TABLE", what, str(path)) for what in whats))


def _empty(rows: Sequence[object]) -> list[str]:
    return [] if rows else ["Has no rows."]


def _wrong(row: dict[str, str]) -> Iterator[str]:
    name = f"{row['split']}: {row['measure']}"
    numbers = {key: _number(row[key]) for key in ("value", "low", "high")}
    yield from (f"{name}: {key} is {row[key]!r}." for key, n in numbers.items() if np.isnan(n))
    if numbers["low"] > numbers["high"]:
        yield f"{name}: low is above high."
    if row["better"] not in BETTER.values():
        yield f"{name}: better is {row['better']!r}. {suggestion(row['better'], BETTER.values())}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _of_row(row: dict[str, Any]) -> Limit:
    numbers = {key: float(row[key]) for key in ("value", "low", "high")}
    more = {"images": int(row.get("images") or 0), "over": row.get("over") or ""}
    return Limit(**{key: row[key] for key in ("split", "measure", "better")}, **numbers, **more)
