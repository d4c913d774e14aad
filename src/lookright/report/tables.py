"""Numbers in rows and columns, with everything already written as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import polars as pl

from lookright.report.glossary import MEASURES, PER_ANGLE, PER_CHANGE, measure
from lookright.report.splits import ordered
from lookright.report.words import number, probability, signed

PAGE = 25  # rows that are shown at once; the rest is folded away, page by page
PARTS = [
    "auroc", "accuracy", "framing_sensitivity", "framing_chance", "framing_decision",
    "causal_outside", "gap", "flip_rate",
]  # fmt: skip
COMPARED = [
    "auroc", "accuracy", "worst_group_accuracy", "ece", "framing_sensitivity", "framing_decision",
    "causal_outside", "gap", "pointing_game", "flip_rate", "flip_rate_control",
]  # fmt: skip
PER_GROUP = ["auroc", "accuracy", "framing_sensitivity", "causal_outside", "gap"]


@dataclass(frozen=True)
class Cell:
    """One value; `strong` and `tone` say how it is set, `note` is its footnote."""

    text: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A caption, a head and pages of rows; the first cell of a row is its name."""

    caption: str
    head: tuple[str, ...]
    pages: tuple[tuple[tuple[Cell, ...], ...], ...]
    footnotes: tuple[str, ...] = ()
    texts: int = 1  # columns from the left that are words


def paged(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], texts: int = 1
) -> Table:
    """Cut long tables into pages."""
    cut = [tuple(map(tuple, rows[at : at + PAGE])) for at in range(0, len(rows), PAGE)]
    return Table(caption, tuple(head), tuple(cut), texts=texts)


def by_split(results: pl.DataFrame) -> Table:
    """List every measure, one column per split."""
    whole = results.filter(pl.col("by") == "all")
    splits = ordered(whole["split"].unique(maintain_order=True).to_list())
    cells = {(row["measure"], row["split"]): row for row in whole.iter_rows(named=True)}
    names = [name for name in _names(whole) if not _has_a_place_of_its_own(name)]
    rows = [
        [Cell(_titled(name)), *(_counted(cells.get((name, split))) for split in splits)]
        for name in names
    ]
    return paged("Every measure on every split", ["measure", *splits], rows)


def parts(results: pl.DataFrame) -> list[str]:
    """List by what the results are told apart: sources, groups, other columns, classes."""
    found = [by for by in results["by"].unique(maintain_order=True) if by != "all"]
    return sorted(found, key=lambda by: (by == "class", by != "source", by != "group"))


def by_part(results: pl.DataFrame, by: str) -> Table | None:
    """List the main measures of every group, source or class; None where there are none."""
    parts = results.filter(pl.col("by") == by)
    if not len(parts):
        return None
    names = [name for name in PARTS if name in set(parts["measure"])]
    keys = parts.select("split", "value_of").unique(maintain_order=True).rows()
    cells = {
        (row["split"], row["value_of"], row["measure"]): row for row in parts.iter_rows(named=True)
    }
    rank = ordered(parts["split"].unique().to_list())
    rows = [
        [Cell(value), Cell(split), *(_counted(cells.get((split, value, name))) for name in names)]
        for split, value in sorted(keys, key=lambda key: (rank.index(key[0]), key[1]))
    ]
    head = [by, "split", *(measure(name).title for name in names)]
    return paged(f"By {by}", head, rows, texts=2)


def by_part_and_objective(
    results: pl.DataFrame, by: str, labels: Sequence[str], over: str = "seeds"
) -> Table | None:
    """List the main measures of every group, source or class per objective: means over seeds."""
    parts = results.filter(pl.col("by") == by, pl.col("measure").is_in(PER_GROUP))
    if not len(parts):
        return None
    names = [name for name in PER_GROUP if name in set(parts["measure"])]
    keys = ["split", "value_of", "objective", "measure"]
    means = parts.group_by(keys).agg(pl.col("value").fill_nan(None).mean())
    found = {tuple(row[:4]): row[4] for row in means.select(*keys, "value").rows()}
    rank = ordered(parts["split"].unique().to_list())
    pairs = parts.select("split", "value_of").unique().rows()
    rows = [
        [Cell(value), Cell(split), Cell(label),
         *(Cell(number(found.get((split, value, label, name)))) for name in names)]
        for split, value in sorted(pairs, key=lambda pair: (rank.index(pair[0]), pair[1]))
        for label in labels
        if any((split, value, label, name) in found for name in names)
    ]  # fmt: skip
    head = [by, "split", "objective", *(measure(name).title for name in names)]
    return paged(f"By {by}, mean over {over}", head, rows, texts=3)


def comparison(table: pl.DataFrame, labels: Sequence[str]) -> list[Table]:
    """List every objective, one table per split: mean, interval, difference and p."""
    splits = ordered(table["split"].unique(maintain_order=True).to_list())
    return [_compared(table.filter(pl.col("split") == split), split, labels) for split in splits]


HEAD = (
    "objective", "mean ± std", "95 % interval", "difference", "95 % interval", "effect (d_z)",
    "p (t, Holm)", "p (Wilcoxon, Holm)", "seeds",
)  # fmt: skip


def _compared(part: pl.DataFrame, split: str, labels: Sequence[str]) -> Table:
    notes = _footnotes(part)
    rows = []
    for name in [name for name in COMPARED if name in set(part["measure"])]:
        lines = part.filter(pl.col("measure") == name)
        found = {row["objective"]: row for row in lines.iter_rows(named=True)}
        rows.append((Cell(_titled(name), strong=True),))
        rows += [
            tuple(_compared_row(found[label], label == labels[0], notes, measure(name).signed))
            for label in labels
            if label in found
        ]
    # Pages would tear a measure from its objectives: this table is never long.
    caption = f"{split}: every objective against {labels[0] if labels else 'none'}"
    return Table(caption, HEAD, (tuple(rows),) if rows else (), tuple(notes))


def _footnotes(part: pl.DataFrame) -> list[str]:
    """Collect what is noted about single rows; what all rows share stands above the table."""
    shown = part.filter(pl.col("measure").is_in(COMPARED))
    several = [_remarks(note) for note in shown["note"].to_list()]
    shared = set.intersection(*map(set, several)) if len(several) > 1 else set()
    return list(dict.fromkeys(note for notes in several for note in notes if note not in shared))


def _remarks(note: str | None) -> list[str]:
    return [each for each in (note or "").split("; ") if each]


def _compared_row(row: dict, first: bool, notes: Sequence[str], free: bool) -> list[Cell]:
    marks = [f"{notes.index(each) + 1}" for each in _remarks(row["note"]) if each in notes]
    low, high = row["low"], row["high"]
    ends = (low, high) if free else (_cut(low), _cut(high))
    own = [
        Cell(row["objective"], note=", ".join(marks)),
        Cell(plus_minus(row["mean"], row["std"])),
        Cell(_interval(*ends)),
    ]
    against = [
        Cell(signed(row["difference"])),
        Cell(_interval(row["difference_low"], row["difference_high"], sign=True)),
        Cell(signed(row["effect"], 1)),
        Cell(probability(row["p_t_holm"])),
        Cell(probability(row["p_wilcoxon_holm"])),
    ]
    return [*own, *([Cell("–")] * len(against) if first else against), Cell(f"{row['seeds']}")]


def _cut(share: float | None) -> float | None:
    """Keep the interval of a share from promising what cannot be; NaN stays NaN."""
    return share if share is None or not isfinite(share) else min(max(share, 0.0), 1.0)


def confusion(predictions: pl.DataFrame, split: str, classes: Sequence[str]) -> Table | None:
    """Count answers by true class; above twelve classes list the commonest confusions instead."""
    rows = predictions.filter(pl.col("split") == split)
    if not len(rows):
        return None
    counts = {
        (label, predicted): count
        for label, predicted, count in rows.group_by("label", "predicted").len().rows()
    }
    if len(classes) > 12:
        return _confusions(counts, split)
    lines = [
        [
            Cell(label),
            *(Cell(f"{counts.get((label, name), 0):,}", strong=label == name) for name in classes),
        ]
        for label in classes
    ]
    return paged(f"{split}: true class down, answer across", ["", *classes], lines)


def _confusions(counts: dict[tuple[str, str], int], split: str) -> Table:
    wrong = sorted(((n, *pair) for pair, n in counts.items() if pair[0] != pair[1]), reverse=True)
    lines = [[Cell(label), Cell(predicted), Cell(f"{n:,}")] for n, label, predicted in wrong]
    return paged(f"{split}: commonest confusions", ["true class", "answer", "images"], lines, 2)


def _names(whole: pl.DataFrame) -> list[str]:
    found = whole["measure"].unique(maintain_order=True).to_list()
    known = [name for name in MEASURES if name in found]
    return [*known, *(name for name in found if name not in MEASURES)]


def _has_a_place_of_its_own(name: str) -> bool:
    return bool(PER_ANGLE.fullmatch(name) or PER_CHANGE.fullmatch(name))


def _titled(name: str) -> str:
    arrow = {"higher": " ↑", "lower": " ↓", "": ""}[measure(name).better]
    return measure(name).title + arrow


def _counted(row: dict | None) -> Cell:
    """Write a value; the note says how many images it stands on when some are undefined."""
    if row is None:
        return Cell(number(None))
    missing = row["undefined"] or 0
    note = f"n = {row['count']} of {row['count'] + missing}" if missing else ""
    return Cell(number(row["value"]), note)


def plus_minus(mean: float | None, std: float | None) -> str:
    """Write a mean with the standard deviation of what it was taken over."""
    spread = f" ± {number(std)}" if std is not None and isfinite(std) else ""
    return number(mean) + spread


def _interval(low: float | None, high: float | None, sign: bool = False) -> str:
    write = signed if sign else number
    if low is None or high is None or not isfinite(low) or not isfinite(high):
        return number(None)
    return f"{write(low)} to {write(high)}"
