"""One figure that says of one image: what the model decided, and where it looked for it."""

import io
from collections.abc import Mapping

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from lookright.pictures.overlays import (
    COLOURS,
    Grid,
    Photo,
    Picture,
    Scale,
    limits,
    outlined,
    overlay,
    photograph,
)

SIDE = 448  # pixels of each picture before the figure scales it
SHOWN = 6  # classes with a bar; the rest are summed in the last one
INK, QUIET, BAR, CHOSEN = "#1c2430", "#66707d", "#c9d0d8", "#2f6db3"


def panel(
    image: Photo,
    human: Grid | None,
    maps: Mapping[str, tuple[Grid, Scale]],
    probabilities: Mapping[str, float],
    name: str,
    label: str | None = None,
) -> Figure:
    """Draw an image, the human map, the class maps and the probabilities side by side.

    `maps` names each map by what it is, with its kind of colour scale; `label` is None where the
    true class is not known. The prediction is the most probable class.
    """
    figure = Figure(figsize=(2.6 * (len(maps) + 2) - 0.3, 3.75), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    head, body = _bands(figure)
    _head(head, name, label, probabilities)
    axes = body.subplots(1, len(maps) + 2)
    body.subplots_adjust(left=0.012, right=0.985, top=0.9, bottom=0.13, wspace=0.07)
    photo = photograph(image, SIDE)
    _tile(axes[0], outlined(photo, human), "image" if human is None else "image and human evidence")
    _note(axes[0], "no human map" if human is None else "line: where people saw the evidence")
    for axis, (title, (grid, scale)) in zip(axes[1:-1], maps.items(), strict=True):
        _map(axis, photo, human, grid, scale, title)
    _bars(axes[-1], probabilities, label)
    return figure


def png(figure: Figure) -> bytes:
    """Encode a figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _bands(figure: Figure) -> tuple[SubFigure, SubFigure]:
    grid = figure.add_gridspec(2, 1, height_ratios=[0.62, 3.13])
    return figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])


def _head(
    head: SubFigure, name: str, label: str | None, probabilities: Mapping[str, float]
) -> None:
    predicted = max(probabilities, key=lambda key: probabilities[key])
    text = {"va": "center", "parse_math": False}
    head.text(0.012, 0.66, _short(name, 90), size=13, weight="bold", color=INK, **text)
    verdict = f"predicted {_short(predicted)} ({probabilities[predicted]:.2f})"
    if label is None:
        line = f"{verdict}   ·   true class not known"
    else:
        outcome = "right" if predicted == label else "wrong"
        line = f"{verdict}   ·   true class {_short(label)}   ·   {outcome}"
    head.text(0.012, 0.2, line, size=10, color=QUIET, **text)


def _tile(axis: Axes, picture: Picture, title: str) -> None:
    axis.imshow(picture, interpolation="antialiased")
    axis.set_axis_off()
    axis.set_title(_short(title, 38), size=9, color=INK, loc="left", pad=5, parse_math=False)


def _note(axis: Axes, words: str) -> None:
    axis.text(0, -0.055, words, size=7.5, color=QUIET, transform=axis.transAxes, va="top")


def _map(
    axis: Axes, photo: Picture, human: Grid | None, grid: Grid, scale: Scale, title: str
) -> None:
    """Draw one map over the image, and below it the scale that holds for this map alone."""
    _tile(axis, outlined(overlay(photo, grid, scale), human), title)
    low, high = limits(grid, scale)
    colours = ScalarMappable(Normalize(low, high), colormaps[COLOURS[scale]])
    strip = axis.inset_axes((0, -0.07, 1, 0.03))
    assert axis.figure is not None
    bar = axis.figure.colorbar(colours, cax=strip, orientation="horizontal")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    ends = [low, 0.0, high] if low < 0 < high else [low, high]
    bar.set_ticks(ends, labels=[f"{v:.3g}".replace("-", "−") for v in ends])
    strip.tick_params(length=0, labelsize=7, labelcolor=QUIET, pad=2)
    strip.get_xticklabels()[0].set_horizontalalignment("left")
    strip.get_xticklabels()[-1].set_horizontalalignment("right")


def _bars(axis: Axes, probabilities: Mapping[str, float], label: str | None) -> None:
    """Draw the most probable classes as bars; the true one is marked in words, not in colour."""
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    kept = ranked[:SHOWN]
    if len(ranked) > SHOWN:
        rest = ranked[SHOWN - 1 :]
        kept = [*ranked[: SHOWN - 1], (f"{len(rest)} others", sum(value for _, value in rest))]
    axis.set(xlim=(0, 1), ylim=(SHOWN - 0.3, -0.7), box_aspect=1)
    for row, (name, value) in enumerate(kept):
        axis.barh(row, 1, height=0.14, color="#eef1f4")
        axis.barh(row, value, height=0.14, color=CHOSEN if row == 0 else BAR)
        words = _short(name, 22) + ("  (true)" if name == label else "")
        axis.text(0, row - 0.18, words, size=8.5, color=INK, va="bottom", parse_math=False)
        axis.text(1, row - 0.18, f"{value:.2f}", size=8.5, color=INK, va="bottom", ha="right")
    axis.set_axis_off()
    axis.set_title("probability", size=9, color=INK, loc="left", pad=5)


def _short(words: str, most: int = 30) -> str:
    """Keep a name on one line: blanks collapsed, the middle of a long one left out."""
    line = " ".join(words.split())
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[:half]}…{line[-half:]}"
