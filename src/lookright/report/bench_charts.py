"""The charts of a bench: every seed, every difference, right against looking right, ROC curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import polars as pl
from markupsafe import Markup

from lookright.report import roc
from lookright.report.bench_verdict import main_measure
from lookright.report.curves import Series, chart, from_zero
from lookright.report.forest import Difference, forest
from lookright.report.glossary import PER_ANGLE, measure
from lookright.report.records import BenchRecords
from lookright.report.scatter import Cloud, scatter
from lookright.report.seeds import Strip, strips
from lookright.report.splits import judged
from lookright.report.words import number

STRIPS = [
    "auroc", "accuracy", "worst_group_accuracy", "framing_sensitivity", "framing_decision",
    "causal_outside", "gap", "flip_rate",
]  # fmt: skip
COLOURS = 13  # that style.css can tell apart, without the baseline's grey
CHANCES = {"framing_sensitivity": "framing_chance", "framing_decision": "framing_chance"}

Kinds = Mapping[str, str]  # objective -> its colour
Titled = list[tuple[str, Markup]]


def colours(labels: Sequence[str]) -> dict[str, str]:
    """Give every objective its colour; the baseline is grey."""
    return {label: f"c{index and 1 + (index - 1) % COLOURS}"
            for index, label in enumerate(labels)}  # fmt: skip


def splits_of(bench: BenchRecords) -> list[str]:
    """List the splits that judge."""
    return judged(bench.folded["split"].unique(maintain_order=True).to_list())


def clouds(bench: BenchRecords, split: str) -> Titled:
    """Draw how right each objective is against where its map, and its decision, come from."""
    whole = bench.results.filter(pl.col("by") == "all")
    main = main_measure(whole)
    drawn = []
    for what, title in (
        ("framing_sensitivity", "What the map shows"),
        ("framing_decision", "What decides"),
    ):
        points = _points(bench, split, what, main)
        if any(points.values()):
            shown = [
                Cloud(label, tuple((1 - x, y) for x, y in points[label]), kind)
                for label, kind in colours(bench.labels).items()
            ]
            across, upwards = f"share on the evidence, {split}", f"{measure(main).title}, {split}"
            words = f"{title}: {upwards} against {across}, one dot per seed"
            guessing = 0.5 if main == "auroc" else nan
            picture = scatter(shown, words, across, upwards, guessing=guessing)
            drawn.append((title, picture))
    return drawn


def truths(bench: BenchRecords, splits: Sequence[str]) -> Titled:
    """Draw what the effect of the outside is against what the map shows of it, per split."""
    drawn = []
    for split in splits:
        points = _points(bench, split, "framing_sensitivity", "causal_outside")
        if any(points.values()):
            shown = [
                Cloud(label, tuple(points[label]), kind)
                for label, kind in colours(bench.labels).items()
            ]
            words = f"Effect of the outside against the share of the map outside on {split}"
            picture = scatter(shown, words, "map outside", "effect of the outside", "diagonal")
            drawn.append((split, picture))
    return drawn


def _points(
    bench: BenchRecords, split: str, across: str, upwards: str
) -> dict[str, list[tuple[float, float]]]:
    """Pair two measures seed by seed, where both are defined."""
    found = {}
    for label in bench.labels:
        xs, ys = (by_seed(bench.results, split, name, label) for name in (across, upwards))
        pairs = [(xs[seed], ys[seed]) for seed in xs if seed in ys]
        found[label] = [(x, y) for x, y in pairs if x == x and y == y]
    return found


def every_seed(bench: BenchRecords) -> list[tuple[str, Titled]]:
    """Draw the main measures on every split that judges, every seed a dot."""
    found = set(bench.results["measure"])
    return [
        (measure(name).title, [(split, _strip(bench, split, name)) for split in splits_of(bench)])
        for name in STRIPS
        if name in found
    ]


def _strip(bench: BenchRecords, split: str, name: str) -> Markup:
    rows = strip_rows(bench.comparison, bench.results, bench.labels, split, name)
    title, signed = measure(name).title, measure(name).signed
    return strips(rows, f"{title} on {split} by seed", _chance(bench, split, name), signed)


def strip_rows(
    comparison: pl.DataFrame, results: pl.DataFrame, labels: Sequence[str], split: str, name: str
) -> list[Strip]:
    """Gather mean, interval and seeds of every objective for one measure on one split."""
    lines = comparison.filter(pl.col("split") == split, pl.col("measure") == name)
    means = {row["objective"]: row for row in lines.iter_rows(named=True)}
    rows = []
    for label, kind in colours(labels).items():
        row = means.get(label, {})
        mean, low, high = (_known(row.get(key)) for key in ("mean", "low", "high"))
        rows.append(Strip(label, by_seed(results, split, name, label), mean, low, high, kind))
    return rows


def _chance(bench: BenchRecords, split: str, name: str) -> float:
    if name in ("auroc", "gap"):
        return 0.5 if name == "auroc" else 0.0
    values = [
        value
        for label in bench.labels
        for value in by_seed(bench.results, split, CHANCES.get(name, ""), label).values()
        if value == value
    ]
    return sum(values) / len(values) if values else nan


def forests(bench: BenchRecords) -> list[tuple[str, Titled]]:
    """Draw the difference of every objective to the first, per measure and split."""
    found = set(bench.comparison["measure"])
    return [
        (measure(name).title, [(split, _forest(bench, split, name)) for split in splits_of(bench)])
        for name in STRIPS
        if name in found and len(bench.labels) > 1
    ]


def _forest(bench: BenchRecords, split: str, name: str) -> Markup:
    lines = bench.comparison.filter(pl.col("split") == split, pl.col("measure") == name)
    found = {row["objective"]: row for row in lines.iter_rows(named=True)}
    rows = []
    for label, kind in list(colours(bench.labels).items())[1:]:
        row = found.get(label, {})
        keys = ("difference", "difference_low", "difference_high", "p_t_holm")
        mean, low, high, p = (_known(row.get(key)) for key in keys)
        rows.append(Difference(label, mean, low, high, p, kind))
    return forest(rows, split, measure(name))


@dataclass(frozen=True)
class Curves:
    """The ROC curves of a split: all together with their key, and each beside the first."""

    split: str
    together: Markup
    key: list[tuple[str, str]]
    pairs: Titled
    banded: bool  # bands are drawn in the pairs


def rocs(bench: BenchRecords) -> list[Curves]:
    """Draw each split's curves; a seed's curve is the mean over its folds."""
    drawn = []
    for split in splits_of(bench):
        curves = [
            curve
            for label, kind in colours(bench.labels).items()
            if (curve := roc.over_seeds(_seeds(bench, label, split), label, kind))
        ]
        if curves:
            key = [(f"{curve.name} {number(curve.area)}", curve.kind) for curve in curves]
            first, others = curves[0], curves[1:]
            # The first objective is drawn last, above the others.
            together = roc.chart([*others, first], split)
            pairs = [(each.name, roc.chart([first, each], split)) for each in others]
            banded = any(curve.banded for curve in curves)
            shown = pairs if len(curves) > roc.FEW else []
            drawn.append(Curves(split, together, key, shown, banded))
    return drawn


def _seeds(bench: BenchRecords, label: str, split: str) -> list[roc.Curve]:
    found = []
    for seed in bench.seeds:
        runs = bench.trainings.get((label, seed), [])
        folds = [
            curve
            for run in runs
            if (run.folder / "predictions.parquet").exists()
            and (curve := roc.of_run(run.answers(split), run.classes))
        ]
        if folds and len(folds) == len(runs):
            found.append(roc.over_seeds(folds, label, ""))
    return [curve for curve in found if curve]


def angles(bench: BenchRecords) -> Titled:
    """Draw the mean flip rate over the angle, a line for each objective."""
    names = [name for name in set(bench.comparison["measure"]) if PER_ANGLE.fullmatch(name)]
    ticks = sorted(float(name[5:]) for name in names if name.startswith("flip_"))
    drawn = []
    for split in splits_of(bench) if ticks else []:
        rows = bench.comparison.filter(pl.col("split") == split)
        means = rows.select("objective", "measure", "mean").rows()
        keyed = {(who, name): _known(mean) for who, name, mean in means}
        series = [
            Series(label, from_zero(_curve(keyed, label, ticks)), kind)
            for label, kind in colours(bench.labels).items()
        ]
        words = f"Flip rate per angle on {split}"
        angles = [x for x, _ in series[0].points]
        drawn.append((f"flip rate, {split}", chart(series, words, "degrees", angles)))
    return drawn


def _curve(
    means: Mapping[tuple[str, str], float], label: str, angles: Sequence[float]
) -> list[tuple[float, float]]:
    return [(angle, means.get((label, f"flip_{angle:g}"), nan)) for angle in angles]


def by_seed(results: pl.DataFrame, split: str, name: str, label: str) -> dict[int, float]:
    """Return the values over all images, seed by seed."""
    rows = results.filter(
        pl.col("by") == "all",
        pl.col("split") == split,
        pl.col("measure") == name,
        pl.col("objective") == label,
    ).sort("seed")
    return {seed: _known(value) for seed, value in rows.select("seed", "value").rows()}


def _known(value: float | None) -> float:
    return nan if value is None else float(value)
