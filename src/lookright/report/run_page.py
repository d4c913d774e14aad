"""What stands on the page of one run, in order."""

from collections.abc import Sequence
from math import nan
from typing import Any

import polars as pl
from markupsafe import Markup

from lookright.report import beside, roc, run_verdict, shaken, tables, truth
from lookright.report.album import Album
from lookright.report.curves import Series, chart, from_zero
from lookright.report.gallery import run_galleries
from lookright.report.glossary import MEASURES, explained, measure
from lookright.report.lanes import lanes
from lookright.report.records import RunRecords
from lookright.report.reproduce import recipe
from lookright.report.splits import judged, ordered
from lookright.report.words import number

CURVES = 6  # validation measures that get a chart of their own


def content(run: RunRecords, pictures: int) -> dict[str, Any]:
    """Gather everything that the template shows."""
    data = run.settings.get("data") or {}
    album = Album(data, run.folder)
    splits = judged(run.results["split"].unique(maintain_order=True).to_list() or [""])
    objective = (run.settings.get("objective") or {}).get("name", "")
    return {
        "title": run.name,
        "kind": "run",
        "facts": _facts(run, objective),
        "cards": run_verdict.cards(run.results, run.predictions),
        "remarks": [*run_verdict.remarks(run.results), *run_verdict.touched(run.evaluations)],
        "galleries": run_galleries(run, album, splits, pictures),
        "no_pictures": album.reason,
        "flips": [(split, flips(run, split)) for split in splits],
        "terms": terms(run.epochs),
        "curves": curves([run.epochs], ["c1"]),
        "splits": tables.by_split(run.results),
        "parts_of": [
            found for by in tables.parts(run.results) if (found := tables.by_part(run.results, by))
        ],
        "confusions": [
            found
            for split in splits
            if (found := tables.confusion(run.predictions, split, run.classes))
        ],
        "recipe": recipe("lookright train run.yaml", run.settings, {**run.facts, **run.timing}),
        "glossary": explained(run.results["measure"].unique(maintain_order=True)),
        "downloads": beside.downloads(run.folder, ("results.csv", "faithfulness.csv", "audit.csv")),
        **_evidence(run, splits),
    }


def _evidence(run: RunRecords, splits: Sequence[str]) -> dict[str, Any]:
    """Gather what needs files or columns that older runs do not have."""
    value = truth.lookup(run.results.filter(pl.col("by") == "all"))
    return {
        "banner": truth.banner_of_run(truth.judged(run.predictions, splits)),
        "rocs": rocs(run, splits),
        "band": roc.RUN_BAND,
        "witnesses": _witnesses(value, splits) if "gap" in set(run.results["measure"]) else [],
        "shaken": shaken.charts(shaken.of_run(run.results), splits, [shaken.Who("", "c1")]),
        "shaken_table": shaken.table(run.results, splits),
        "faithfulness": beside.faithfulness(run.folder),
        "audit": beside.audit(run.folder),
    }


def _witnesses(value: truth.Values, splits: Sequence[str]) -> list[tuple[str, Markup]]:
    words = "Share outside the evidence: what the maps show, and what blurring does"
    return [
        (split, lanes(split, truth.witnesses(value, split), truth.JUDGE, words)) for split in splits
    ]


def rocs(run: RunRecords, splits: Sequence[str]) -> list[tuple[str, Markup]]:
    """Draw the curve of every split that has one."""
    drawn = []
    for split in splits:
        curve = roc.of_run(run.predictions.filter(pl.col("split") == split), run.classes)
        if curve:
            title = f"{split}, AUROC {number(curve.area)}"
            drawn.append((title, roc.chart([curve], split)))
    return drawn


def _facts(run: RunRecords, objective: str) -> list[str]:
    network = (run.settings.get("model") or {}).get("name", "")
    count = len(run.predictions)
    splits = ordered(run.predictions["split"].unique(maintain_order=True).to_list())
    facts = [
        objective,
        network,
        f"seed {run.settings.get('seed', 0)}",
        f"{len(run.classes)} classes",
    ]
    return [each for each in facts if each] + [f"{count:,} images in {', '.join(splits) or 'none'}"]


def flips(run: RunRecords, split: str) -> Markup | None:
    """Draw the flip rate over the angle, and the same on crops without the empty corners."""
    rows = run.predictions.filter(run.predictions["split"] == split)
    series = [
        Series(name, from_zero(points), kind)
        for prefix, name, kind in (
            ("flip_", "rotated", "c1"),
            ("control_", "without the empty corners", "c0"),
        )
        if (points := _per_angle(rows, prefix))
    ]
    if not series:
        return None
    angles = [x for x, _ in series[0].points]
    return chart(series, f"Flip rate per angle on {split}", "degrees", angles)


def _per_angle(rows: Any, prefix: str) -> list[tuple[float, float]]:
    points = []
    for name in rows.columns:
        angle = name.removeprefix(prefix)
        if name.startswith(prefix) and angle.lstrip("-").replace(".", "", 1).isdigit():
            mean = rows[name].fill_nan(None).mean()
            points.append((float(angle), nan if mean is None else float(mean)))
    return sorted(points)


def terms(epochs: Sequence[dict[str, Any]]) -> tuple[Markup, list[tuple[str, str]]] | None:
    """Draw every term of the loss over the epochs, with the key to its colours."""
    names = list(dict.fromkeys(name for line in epochs for name in line.get("train", {})))
    if not names:
        return None
    kinds = [f"c{index % 8 + 1}" for index in range(len(names))]
    series = [
        Series(name, tuple(points(epochs, "train", name)), kind)
        for name, kind in zip(names, kinds, strict=True)
    ]
    return chart(series, "Terms of the loss over epochs", "epoch"), list(
        zip(names, kinds, strict=True)
    )


def curves(
    trainings: Sequence[Sequence[dict[str, Any]]], kinds: Sequence[str]
) -> list[tuple[str, Markup]]:
    """Draw every validation measure over the epochs, one line per training."""
    names = dict.fromkeys(
        name for epochs in trainings for line in epochs for name in line.get("val", {})
    )
    wanted = [name for name in MEASURES if name in names]
    wanted += [name for name in names if name not in MEASURES]
    drawn = []
    for name in wanted[:CURVES]:
        series = [
            Series(name, tuple(points(epochs, "val", name)), kind)
            for epochs, kind in zip(trainings, kinds, strict=True)
        ]
        title = measure(name).title
        drawn.append((title, chart(series, f"Validation {title} over epochs", "epoch")))
    return drawn


def points(epochs: Sequence[dict[str, Any]], part: str, name: str) -> list[tuple[float, float]]:
    """Return one value per epoch, undefined where there is none."""
    values = ((line["epoch"], (line.get(part) or {}).get(name)) for line in epochs)
    return [(float(epoch), nan if value is None else float(value)) for epoch, value in values]
