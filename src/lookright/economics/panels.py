"""Two kinds of panels: gain against how many maps there were, and how they were spoilt."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes

from lookright.economics.finding import DRAWN, state

COLOURS = ("#1f6fb4", "#c8571b", "#1f8a5b", "#8a4fae", "#b8860b", "#0f8b95", "#bd3f72", "#5b6a1f")
INK, QUIET, FAINT = "#1c2430", "#66707d", "#dde2e8"
GROUPS = {"corruption": "maps spoilt on purpose", "noise": "unsteady outlines"}
GAP = 0.4  # between groups of states, in states
ASIDE = 0.16  # between methods, in states


def colour(number: int) -> str:
    """Return the colour of a method, by its place among the methods."""
    return COLOURS[number % len(COLOURS)]


def fewer(axis: Axes, part: pl.DataFrame, methods: Sequence[str], last: bool) -> None:
    """Draw gain against the share of training images with a map; the axis grows by factors."""
    known = part.filter(kind="share").sort("share")
    for number, method in enumerate(methods):
        own = known.filter(method=method)
        shade = {"color": colour(number), "alpha": 0.14, "lw": 0}
        axis.fill_between(own["share"], own["gain_low"], own["gain_high"], **shade)
        axis.plot(own["share"], own["gain"], color=colour(number), marker="o", ms=4.5, lw=1.8)
    ticks = known.select("share", "maps").unique("share", maintain_order=True).rows()
    axis.set_xscale("log")
    axis.set_xticks([share for share, _ in ticks], labels=[_share(*tick) for tick in ticks])
    axis.set_xticks([], minor=True)
    _bare(axis, last)
    if last:
        axis.set_xlabel("training images with a map", size=9, color=QUIET)


def worse(axis: Axes, part: pl.DataFrame, methods: Sequence[str], first: bool, last: bool) -> None:
    """Draw a dot and its interval for maps as drawn, and for each way in which they are worse."""
    known = with_states(part)
    places = _places(known)
    for number, method in enumerate(methods):
        own = known.filter(pl.col("state").is_in(list(places)), method=method)
        aside = ASIDE * (number - (len(methods) - 1) / 2)
        across = [places[each] + aside for each in own["state"]]
        axis.vlines(
            across, own["gain_low"], own["gain_high"], lw=2, alpha=0.5, color=colour(number)
        )
        axis.plot(across, own["gain"], marker="o", ms=5, lw=0, color=colour(number))
        for level in own.filter(state=DRAWN)["gain"]:
            axis.axhline(level, lw=0.9, ls=(0, (2, 3)), zorder=0, color=colour(number))
    words = [each.replace(" ", "\n", 1) for each in places]
    axis.set_xticks(list(places.values()), labels=words)
    _bare(axis, last)
    _groups(axis, known, places, first)


def with_states(part: pl.DataFrame) -> pl.DataFrame:
    """Add `state`, the short name of what was done to the maps, to the rows that show it."""
    whole = (pl.col("kind") == "share") & (pl.col("share") == 1)
    known = part.filter(whole | pl.col("kind").is_in(list(GROUPS)))
    named = [state(row) for row in known.iter_rows(named=True)]
    return known.with_columns(pl.Series("state", named, pl.String))


def _places(known: pl.DataFrame) -> dict[str, float]:
    """Lay the states out from left to right, a gap before each group."""
    kinds = ["share", *GROUPS]
    states = known.select("kind", "state").unique(maintain_order=True).rows()
    ordered = sorted(states, key=lambda each: kinds.index(each[0]))
    return {name: number + GAP * kinds.index(kind) for number, (kind, name) in enumerate(ordered)}


def _groups(axis: Axes, known: pl.DataFrame, places: Mapping[str, float], first: bool) -> None:
    """Part the groups by lines, and name them above the first row of panels."""
    for kind, words in GROUPS.items():
        own = [places[each] for each in known.filter(kind=kind)["state"]]
        if not own:
            continue
        start = min(own) - (1 + GAP) / 2
        axis.axvline(start, color=FAINT, lw=1)
        if first:
            # What stands over a single state at the end would be cut off at the right.
            at_end = len(own) == 1 and own[0] == max(places.values())
            above = axis.get_xaxis_transform()
            place = {"xy": (1, 1), "xycoords": axis.transAxes, "ha": "right"} if at_end else {}
            place = place or {"xy": (start, 1), "xycoords": above}
            offset = {"xytext": (0 if at_end else 5, 5), "textcoords": "offset points"}
            axis.annotate(words, **place, **offset, size=9, color=QUIET)


def _share(share: float, maps: int | None) -> str:
    return f"{100 * share:g} %" + ("" if maps is None else f"\n{maps}")


def _bare(axis: Axes, last: bool) -> None:
    """Keep the zero line and a light grid; words below the last row only."""
    axis.axhline(0, color=INK, lw=1, zorder=1)
    axis.grid(axis="y", color=FAINT, lw=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axis.spines[side].set_visible(False)
    axis.tick_params(length=0, labelsize=8, labelcolor=QUIET, labelbottom=last)
