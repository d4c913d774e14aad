"""Intervals and tests over seeds; knows numbers, not networks.

Fewer than three values give no interval and no p value, and values without any spread give none
either: both are NaN, with a note that says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.stats import rankdata, t

FEWEST = 3  # values below which an interval or a p value would mislead
LEVEL = 0.95
NUMBERS = ("no seed", "one seed", "two seeds", "three seeds", "four seeds", "five seeds")

Values = dict[int, float]  # by seed

COLUMNS = {
    "split": pl.String,
    "measure": pl.String,
    "objective": pl.String,
    "seeds": pl.Int64,  # that gave a value
    "mean": pl.Float64,
    "std": pl.Float64,  # over seeds, n - 1
    "low": pl.Float64,  # 95 % interval of the mean
    "high": pl.Float64,
    "difference": pl.Float64,  # to the first objective, mean over the common seeds
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "effect": pl.Float64,  # mean difference over its standard deviation, d_z
    "p_t": pl.Float64,
    "p_wilcoxon": pl.Float64,
    "p_t_holm": pl.Float64,  # adjusted over the objectives of one split and measure
    "p_wilcoxon_holm": pl.Float64,
    "note": pl.String,  # why something is missing or weak, separated by "; "
}


@dataclass(frozen=True)
class Paired:
    """What the differences between two methods on the same seeds say; NaN where they cannot."""

    difference: float = np.nan
    difference_low: float = np.nan
    difference_high: float = np.nan
    effect: float = np.nan
    p_t: float = np.nan
    p_wilcoxon: float = np.nan


def spread(values: Sequence[float]) -> float:
    """Return the standard deviation (n - 1); NaN for one value, 0 when all are the same number."""
    if len(values) < 2:
        return np.nan
    # Equal numbers have no spread, also where rounding of their mean would leave one.
    return float(np.std(values, ddof=1)) if np.ptp(values) > 0 else 0.0


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by Student's t; NaN below three values or no spread."""
    deviation = spread(values)
    if len(values) < FEWEST or not deviation > 0:
        return np.nan, np.nan
    half = t.ppf((1 + LEVEL) / 2, len(values) - 1) * deviation / len(values) ** 0.5
    middle = float(np.mean(values))
    return float(middle - half), float(middle + half)


def paired(values: Sequence[float], baseline: Sequence[float]) -> Paired:
    """Compare two methods on the same seeds: values[i] and baseline[i] share seed i."""
    assert len(values) == len(baseline), "a pair shares its seed"
    # Measures are of order one: what differs beyond the 12th decimal is rounding, and ties.
    differences = np.round(np.subtract(values, baseline), 12).tolist()
    if not differences:
        return Paired()
    difference, deviation = float(np.mean(differences)), spread(differences)
    found = Paired(difference)
    if len(differences) < FEWEST:
        return found
    found = replace(found, p_wilcoxon=wilcoxon(differences))
    if deviation == 0:
        return found
    low, high = interval(differences)
    effect = difference / deviation
    p_t = float(2 * t.sf(abs(effect) * len(differences) ** 0.5, len(differences) - 1))
    return replace(found, difference_low=low, difference_high=high, effect=effect, p_t=p_t)


def wilcoxon(differences: Sequence[float]) -> float:
    """Return the exact two-sided p of Wilcoxon's signed ranks, also with ties; all zero: NaN.

    Zeros are dropped and ties share their mean rank. The distribution is counted over all signs,
    so that it is exact where tables and normal approximations are not.
    """
    moved = np.asarray(differences, dtype=float)
    moved = moved[moved != 0]
    if not len(moved):
        return np.nan
    ranks = np.rint(2 * rankdata(np.abs(moved))).astype(int)  # doubled: mean ranks have halves
    chances = np.ones(1)
    for rank in ranks:
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    positive = ranks[moved > 0].sum()
    tail = min(chances[: positive + 1].sum(), chances[positive:].sum())
    return float(min(1.0, 2 * tail))


def holm(ps: Sequence[float]) -> list[float]:
    """Adjust p values for being several (Holm, 1979); NaN stays NaN and is not counted."""
    given = np.array(ps, dtype=float)
    tested = np.flatnonzero(~np.isnan(given))
    rising = tested[np.argsort(given[tested], kind="stable")]
    # The smallest is multiplied by how many there are, the next by one less, and so on.
    raised = given[rising] * np.arange(len(rising), 0, -1)
    given[rising] = np.minimum(np.maximum.accumulate(raised), 1)
    return given.tolist()


def seed_warning(seeds: int) -> str:
    """Say what so few seeds cannot show; nothing from six seeds on."""
    lowest = 2.0 ** (1 - seeds)
    if seeds < FEWEST:
        return f"{NUMBERS[seeds]}: no interval and no p value, at least {FEWEST} are needed"
    if lowest > 1 - LEVEL:
        example = "six seeds 0.0312, ten 0.00195"
        return f"{NUMBERS[seeds]}: exact Wilcoxon cannot go below p = {lowest:g} ({example})"
    return ""


def compare(results: pl.DataFrame) -> pl.DataFrame:
    """Compare every objective with the first one, per split and measure, over seeds.

    Takes the long table with columns objective, seed, split, by, measure and value; only rows
    over all images (by = "all") are compared. Differences are over common seeds only.
    """
    order = results["objective"].unique(maintain_order=True).to_list()
    whole = results.filter(pl.col("by") == "all")
    parts = [
        _adjusted(_rows(part, order)).with_columns(split=pl.lit(split), measure=pl.lit(measure))
        for (split, measure), part in whole.group_by("split", "measure", maintain_order=True)
    ]
    empty = pl.DataFrame(schema=COLUMNS)
    return pl.concat([empty, *(part.select(empty.columns) for part in parts)])


def _rows(part: pl.DataFrame, order: list[str]) -> list[dict[str, object]]:
    first = _by_seed(part, order[0])
    rows = [_row(_by_seed(part, objective)) for objective in order[:1]]
    rows += [_row(_by_seed(part, objective), first) for objective in order[1:]]
    return [{"objective": name, **row} for name, row in zip(order, rows, strict=True)]


def _row(values: Values, first: Values | None = None) -> dict[str, object]:
    """Sum up one objective; against the first one unless it is the first one."""
    defined = [value for value in values.values() if not np.isnan(value)]
    low, high = interval(defined)
    common = [] if first is None else _common(values, first)
    pairs = paired([values[seed] for seed in common], [(first or {})[seed] for seed in common])
    notes = _notes(values, defined) + ([] if first is None else _pair_notes(values, first))
    return {
        "seeds": len(defined),
        "mean": float(np.mean(defined)) if defined else np.nan,
        "std": spread(defined),
        "low": low,
        "high": high,
        **vars(pairs),
        "note": "; ".join(notes),
    }


def _adjusted(rows: list[dict[str, object]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema_overrides=COLUMNS)
    holms = [pl.Series(f"{p}_holm", holm(frame[p].to_list())) for p in ("p_t", "p_wilcoxon")]
    return frame.with_columns(holms)


def _by_seed(part: pl.DataFrame, objective: str) -> Values:
    rows = part.filter(pl.col("objective") == objective).sort("seed")
    values = rows["value"].fill_null(np.nan)
    return dict(zip(rows["seed"].to_list(), values.to_list(), strict=True))


def _common(values: Values, first: Values) -> list[int]:
    return [
        seed
        for seed, value in values.items()
        if seed in first and not np.isnan(value) and not np.isnan(first[seed])
    ]


def _notes(values: Values, defined: list[float]) -> list[str]:
    undefined = [str(seed) for seed, value in values.items() if np.isnan(value)]
    notes = [f"undefined for seeds {', '.join(undefined)}"] if undefined else []
    if len(defined) > 1 and spread(defined) == 0:
        notes.append("all seeds agree: no interval")
    return [*notes, *filter(None, [seed_warning(len(defined))])]


def _pair_notes(values: Values, first: Values) -> list[str]:
    common = _common(values, first)
    notes = []
    if set(common) != set(values) | set(first):
        seeds = ", ".join(map(str, common)) or "none"
        notes.append(f"paired on the common seeds only: {seeds}")
    if len(common) > 1 and spread([values[seed] - first[seed] for seed in common]) == 0:
        notes.append("all differences are the same: no interval and no t test")
    return notes
