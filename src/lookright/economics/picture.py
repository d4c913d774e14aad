"""One picture of annotation economics: fewer maps on the left, worse maps on the right."""

import io
from collections.abc import Sequence
from math import isfinite

import matplotlib as mpl
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lookright.economics.finding import findings, gains, shown
from lookright.economics.panels import INK, QUIET, colour, fewer, worse
from lookright.report.glossary import measure

WIDTH, HEAD, ROW, FOOT = 13.0, 1.55, 2.3, 0.85  # inches
FEW = "Too few seeds for intervals: directions only."


def draw(table: pl.DataFrame, name: str) -> Figure:
    """Draw `economics.csv`: gains over training without maps, a row per measure and split.

    Gains are turned so that up is better. Lines and dots are means over seeds; bands and bars are
    the 95 % intervals of the paired differences.
    """
    known = gains(table)
    rows = shown(known)
    methods = known.filter(pl.col("kind") != "none")["method"].unique(maintain_order=True).to_list()
    height = HEAD + ROW * len(rows) + FOOT
    figure = Figure(figsize=(WIDTH, height), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), 2, sharey="row", squeeze=False, width_ratios=[5, 8])
    edges = {"top": 1 - HEAD / height, "bottom": FOOT / height}
    figure.subplots_adjust(left=0.055, right=0.99, wspace=0.04, hspace=0.27, **edges)
    _head(figure, [f"What annotation is worth: {name}", *(findings(table) or [FEW])[:3]])
    _legend(figure, methods)
    for number, (what, split) in enumerate(rows):
        part = known.filter(measure=what, split=split)
        first, last = number == 0, number == len(rows) - 1
        fewer(axes[number, 0], part, methods, last)
        worse(axes[number, 1], part, methods, first, last)
        _title(axes[number, 0], part, what, split)
    _foot(figure, table)
    return figure


def encoded(figure: Figure, kind: str) -> bytes:
    """Encode a figure as svg or png; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    plain = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "lookright"}):
        figure.savefig(buffer, format=kind, metadata=plain)
    return buffer.getvalue()


def _head(figure: Figure, lines: Sequence[str]) -> None:
    """Write the title and what was found, on lines from the top."""
    height = figure.get_figheight()
    for number, line in enumerate(lines):
        style = {"size": 10, "color": QUIET} if number else {"size": 14, "color": INK}
        down = 0.3 + (0.08 + 0.23 * number if number else 0)
        figure.text(0.012, 1 - down / height, line, parse_math=False, **style)


def _legend(figure: Figure, methods: Sequence[str]) -> None:
    marks = [
        Line2D([], [], color=colour(number), marker="o", label=method)
        for number, method in enumerate(methods)
    ]
    place = {"loc": "upper right", "bbox_to_anchor": (0.995, 1 - 0.05 / figure.get_figheight())}
    legend = figure.legend(handles=marks, ncols=min(4, len(marks)), frameon=False, **place)
    for text in legend.get_texts():
        text.set(parse_math=False, size=10, color=INK)


def _foot(figure: Figure, table: pl.DataFrame) -> None:
    seeds = table["seeds"].max()
    several = f"means over {seeds} seeds, 95 % intervals of the differences"
    words = f"{several if seeds != 1 else 'one seed, no intervals'}; dotted: all maps as drawn"
    down = 0.12 / figure.get_figheight()
    figure.text(0.988, down, words, size=9, color=QUIET, ha="right")


def _title(axis: Axes, part: pl.DataFrame, what: str, split: str) -> None:
    """Say what goes up, and from where: zero is the training without maps."""
    known = measure(what)
    up = f"less {known.title}" if known.better == "lower" else f"more {known.title}"
    base = part.filter(kind="none").row(0, named=True)
    mean = f" {base['mean']:.3f}" if isfinite(base["mean"]) else ""
    words = f"{up} on {split}   (zero is {base['method']}:{mean})"
    axis.set_title(words, size=10, color=INK, loc="left", pad=7, parse_math=False)
