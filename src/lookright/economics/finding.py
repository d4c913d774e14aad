"""Annotation economics in a sentence, and which of its measures are worth a picture."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from lookright.report.glossary import measure

RIGHT = ("auroc", "accuracy")
SPLITS = 3  # at most
DRAWN = "as drawn"
EVIDENCE = ("causal_outside", "framing_decision", "framing_sensitivity")


def gains(table: pl.DataFrame) -> pl.DataFrame:
    """Add `gain`, `gain_low` and `gain_high`: the difference, turned so that more is better."""
    names = table["measure"].unique().to_list()
    fewer = [name for name in names if measure(name).better == "lower"]
    lower = pl.col("measure").is_in(fewer)
    ends = ("difference_high", "difference_low")
    return table.with_columns(
        gain=pl.when(lower).then(-pl.col("difference")).otherwise("difference"),
        gain_low=pl.when(lower).then(-pl.col(ends[0])).otherwise(ends[1]),
        gain_high=pl.when(lower).then(-pl.col(ends[1])).otherwise(ends[0]),
    )


def shown(table: pl.DataFrame) -> list[tuple[str, str]]:
    """Choose what to show: a measure of being right and one of the evidence, on the tests."""
    splits = table["split"].unique(maintain_order=True).to_list()
    tests = [split for split in splits if split not in ("train", "val")] or splits
    return [(name, split) for name in _measures(table) for split in tests[:SPLITS]]


def _measures(table: pl.DataFrame) -> list[str]:
    known = table.filter(pl.col("mean").is_finite())["measure"].unique().to_list()
    found = [next((name for name in names if name in known), "") for names in (RIGHT, EVIDENCE)]
    return [name for name in found if name]


def state(row: Mapping[str, Any]) -> str:
    """Name the state of the annotation that a row of the table is about, as people would."""
    part = f"{100 * row['share']:g} %" if row["share"] < 1 else ""
    if row["corruption"] == "none":
        return part or DRAWN
    much = f" {100 * row['amount']:g} %" if row["amount"] else ""
    return row["corruption"] + much + (f" of {part}" if part else "")


def findings(table: pl.DataFrame) -> list[str]:
    """Say, method by method, what all maps gained at most, and how few give half of it."""
    right = [(name, split) for name, split in shown(table) if name in RIGHT]
    known = gains(table).filter(kind="share")
    known = pl.concat([known.clear(), *(known.filter(measure=m, split=s) for m, s in right)])
    return [
        _sentence(part, str(method))
        for (method,), part in known.group_by("method", maintain_order=True)
        if part["gain_low"].is_finite().any()
    ]


def _sentence(part: pl.DataFrame, method: str) -> str:
    title = measure(part["measure"][0]).title
    whole = part.filter(pl.col("share") == part["share"].max())
    sure = whole.filter(pl.col("gain_low").is_finite(), pl.col("gain_low") > 0).sort(
        "gain", descending=True
    )
    if not len(sure):
        return f"{method}: no gain in {title} that its interval keeps from zero."
    best = sure.row(0, named=True)
    curve = part.filter(split=best["split"]).sort("share")
    half = curve.filter(pl.col("gain").is_finite(), pl.col("gain") >= best["gain"] / 2).row(
        0, named=True
    )
    words = f"{method}: {title} {best['gain']:+.3f} on {best['split']} with {_maps(best)}"
    return words + ("." if half == best else f", half of that or more with {_maps(half)}.")


def _maps(row: Mapping[str, Any]) -> str:
    share = float(row["share"])
    words = "all maps" if share == 1 else f"{100 * share:g} % of the maps"
    return words if row["maps"] is None else f"{words} ({row['maps']})"
