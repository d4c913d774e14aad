"""A comparison as Markdown: what people print, paste and read."""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import polars as pl

HEADLINES = (
    "auroc",
    "accuracy",
    "framing_sensitivity",
    "framing_decision",
    "causal_outside",
    "gap",
    "pointing_game",
    "flip_rate",
)
LEGEND = """\
Brackets are 95 % intervals, p values are adjusted over the objectives (Holm). "Over" says what
would have to be drawn again for them to speak: other images or patients for these trained networks,
other trainings on these images, or both. Over images, AUROC is DeLong's; averages are bootstrapped
(BCa) where images are few enough and by normal theory where not. The rest is in compare.csv.
"""

Row = dict[str, Any]


def page(lines: pl.DataFrame, notes: Sequence[str]) -> str:
    """Write notes and, for each split and fold, a table of the main measures."""
    parts = ["# Head to head", "\n".join(f"- {note}" for note in notes)]
    for title, titles, rows in tables(lines):
        parts += [f"## {title}", _markdown(titles, rows)]
    return "\n\n".join([*parts, LEGEND])


def tables(lines: pl.DataFrame) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield the title, the columns and the rows of each split and fold: its main measures."""
    for (split, fold), part in lines.group_by("split", "fold", maintain_order=True):
        yield f"{split}, {fold}" if fold else str(split), *_table(part)


def _table(part: pl.DataFrame) -> tuple[list[str], list[list[str]]]:
    overs = part["over"].unique(maintain_order=True).to_list()
    titles = ["measure", "objective", "value", f"over {overs[0]}", "difference"]
    titles += [title for over in overs for title in (f"difference over {over}", "p")]
    rows = list(_rows(part.filter(pl.col("seed").is_null()), overs))
    kept = [place for place in range(len(titles)) if any(row[place] for row in rows)]
    return [titles[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _rows(means: pl.DataFrame, overs: list[str]) -> Iterator[list[str]]:
    there = means["measure"].unique(maintain_order=True).to_list()
    shown = [name for name in HEADLINES if name in there] or there
    for (measure, objective), part in means.group_by("measure", "objective", maintain_order=True):
        if measure in shown:
            lines = part.to_dicts()
            own = [line for line in lines if not line["baseline"]]
            pairs = [line for line in lines if line["baseline"]]
            found = [(_best(pairs, over), _tested(pairs, over)) for over in overs]
            cells = [cell for line, tested in found for cell in (_span(line, "+"), _p(tested))]
            own_span = _span(_best(own, overs[0]))
            yield [measure, objective, _value(own), own_span, _value(pairs, "+"), *cells]


def _best(lines: list[Row], over: str) -> Row | None:
    """Choose whose interval is shown: DeLong's for AUROC, else the bootstrap's if there is one."""
    kept = [line for line in lines if line["over"] == over and line["how"] != "exact Wilcoxon"]
    kept.sort(key=lambda line: not line["how"].startswith(("DeLong", "BCa")))
    return kept[0] if kept else None


def _tested(lines: list[Row], over: str) -> Row | None:
    """Choose whose p is shown: exact for accuracies, else that of the interval's theory."""
    kept = [line for line in lines if line["over"] == over and line["p"] is not None]
    kept = [line for line in kept if not isnan(line["p"]) and line["how"] != "exact Wilcoxon"]
    kept.sort(key=lambda line: line["how"] != "McNemar exact")
    return kept[0] if kept else None


def _value(lines: list[Row], sign: str = "") -> str:
    value = lines[0]["estimate"] if lines else None
    return "" if value is None or isnan(value) else format(value, f"{sign}.4f")


def _span(line: Row | None, sign: str = "") -> str:
    if line is None or line["low"] is None or isnan(line["low"]):
        return ""
    return f"[{line['low']:{sign}.4f}, {line['high']:{sign}.4f}]"


def _p(line: Row | None) -> str:
    if line is None:
        return ""
    value = line["p_holm"]
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
