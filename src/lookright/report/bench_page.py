"""What stands on the page of a bench, in order."""

from dataclasses import dataclass
from math import nan
from typing import Any

import polars as pl
from markupsafe import Markup

from lookright import stats
from lookright.report import side_by_side, tables, words
from lookright.report.album import Album
from lookright.report.bench_verdict import Verdict, main_measure, verdict
from lookright.report.gallery import Gallery
from lookright.report.privacy import without_folders
from lookright.report.records import BenchRecords
from lookright.report.reproduce import recipe
from lookright.report.run_page import curves
from lookright.report.scatter import Cloud, scatter
from lookright.report.seeds import Strip, strips
from lookright.report.side_by_side import Seen
from lookright.report.splits import judged
from lookright.report.words import MEASURES, measure

STRIPS = ["auroc", "accuracy", "framing_sensitivity", "framing_decision", "flip_rate"]
OPEN = 3  # comparisons whose pictures are not folded away


@dataclass(frozen=True)
class Comparison:
    """The galleries of one objective beside the first."""

    label: str
    seed: int | None
    galleries: list[Gallery]
    unfolded: bool


def content(bench: BenchRecords, pictures: int) -> dict[str, Any]:
    """Gather everything that the template shows."""
    said = verdict(bench.results, bench.labels, len(bench.seeds))
    first_run = next(iter(bench.runs.values()), None)
    data = (first_run.settings if first_run else bench.settings).get("data") or {}
    album = Album(data, first_run.folder if first_run else bench.folder)
    facts = {**(first_run.facts if first_run else {}), "seeds": bench.seeds}
    return {
        "title": bench.name,
        "kind": "bench",
        "facts": _facts(bench),
        "verdict": said,
        "kinds": _kinds(bench),
        "first": bench.labels[0],
        "caution": words.sentence(stats.seed_warning(len(bench.seeds))),
        "failed": _failed(bench),
        "clouds": _clouds(bench, said.split),
        "comparisons": _comparisons(bench, album, said, pictures),
        "no_pictures": album.reason,
        "strips": _strips(bench),
        "tables": tables.comparison(bench.comparison, bench.labels),
        "curves": _curves(bench),
        "recipe": recipe("lookright bench bench.yaml", bench.settings, facts),
        "glossary": MEASURES,
    }


def _facts(bench: BenchRecords) -> list[str]:
    network = (bench.settings.get("model") or {}).get("name", "")
    runs = len(bench.results.select("objective", "seed").unique())
    seeds = f"{len(bench.seeds)} seed" + ("s" if len(bench.seeds) != 1 else "")
    facts = [f"{runs} runs: {len(bench.labels)} objectives, {seeds}", str(network)]
    return [each for each in facts if each]


def _kinds(bench: BenchRecords) -> dict[str, str]:
    """Give every objective its colour; the baseline is grey."""
    return {label: f"c{index if index < 9 else 1 + (index - 1) % 8}"
            for index, label in enumerate(bench.labels)}  # fmt: skip


def _failed(bench: BenchRecords) -> list[tuple[str, str]]:
    return [
        (f"{cell['label']}, seed {cell['seed']}", without_folders(str(cell.get("reason") or "")))
        for cell in bench.cells
        if cell["status"] != "done"
    ]


def _clouds(bench: BenchRecords, split: str) -> list[tuple[str, Markup]]:
    """Draw how right each objective is against where its map, and its decision, come from."""
    whole = bench.results.filter(pl.col("by") == "all", pl.col("split") == split)
    main = main_measure(bench.results.filter(pl.col("by") == "all"))
    wide = whole.filter(~pl.col("value").is_nan()).pivot(
        "measure", index=["objective", "seed"], values="value", aggregate_function="first"
    )
    drawn = []
    for what, title in (
        ("framing_sensitivity", "What the map shows"),
        ("framing_decision", "What decides"),
    ):
        if what not in wide.columns or main not in wide.columns:
            continue
        known = wide.drop_nulls([what, main])
        clouds = [
            Cloud(
                label, tuple(_points(known.filter(pl.col("objective") == label), what, main)), kind
            )
            for label, kind in _kinds(bench).items()
        ]
        across = f"share on the evidence, {split}"
        upwards = f"{measure(main).title}, {split}"
        words = f"{title}: {upwards} against {across}, one dot per seed"
        drawn.append((title, scatter(clouds, words, across, upwards)))
    return drawn


def _points(rows: pl.DataFrame, what: str, main: str) -> list[tuple[float, float]]:
    return [(1 - outside, right) for outside, right in rows.select(what, main).rows()]


def _strips(bench: BenchRecords) -> list[tuple[str, list[tuple[str, Markup]]]]:
    """Draw the main measures on every split that judges, every seed a dot."""
    splits = judged(bench.results["split"].unique(maintain_order=True).to_list())
    found = set(bench.results["measure"])
    return [
        (f"{measure(name).title}", [(split, _strip(bench, split, name)) for split in splits])
        for name in STRIPS
        if name in found
    ]


def _strip(bench: BenchRecords, split: str, name: str) -> Markup:
    lines = bench.comparison.filter(pl.col("split") == split, pl.col("measure") == name)
    means = {row["objective"]: row for row in lines.iter_rows(named=True)}
    rows = []
    for label, kind in _kinds(bench).items():
        row = means.get(label, {})
        mean, low, high = (_known(row.get(key)) for key in ("mean", "low", "high"))
        rows.append(Strip(label, _by_seed(bench, split, name, label), mean, low, high, kind))
    return strips(rows, f"{measure(name).title} on {split} by seed", _chance(bench, split, name))


def _chance(bench: BenchRecords, split: str, name: str) -> float:
    if name == "auroc":
        return 0.5
    if not name.startswith("framing"):
        return nan
    values = [
        value
        for label in bench.labels
        for value in _by_seed(bench, split, "framing_chance", label).values()
        if value == value
    ]
    return sum(values) / len(values) if values else nan


def _by_seed(bench: BenchRecords, split: str, name: str, label: str) -> dict[int, float]:
    rows = bench.results.filter(
        pl.col("by") == "all",
        pl.col("split") == split,
        pl.col("measure") == name,
        pl.col("objective") == label,
    ).sort("seed")
    return {seed: _known(value) for seed, value in rows.select("seed", "value").rows()}


def _known(value: float | None) -> float:
    return nan if value is None else float(value)


def _comparisons(
    bench: BenchRecords, album: Album, said: Verdict, pictures: int
) -> list[Comparison]:
    """Put the first objective beside each other one, the telling ones first."""
    order = {"warn": 0, "good": 1, "plain": 2}
    judgements = sorted(said.judgements, key=lambda each: order[each.tone])
    made = []
    for judgement in judgements:
        pair, seed = _pair(bench, judgement.label)
        shown = side_by_side.galleries(*pair, album, said.split, pictures) if pair else []
        if shown:
            made.append(Comparison(judgement.label, seed, shown, len(made) < OPEN))
    return made


def _pair(bench: BenchRecords, label: str) -> tuple[tuple[Seen, Seen] | None, int | None]:
    """Find the first seed that both objectives have finished."""
    kinds, first = _kinds(bench), bench.labels[0]
    for seed in bench.seeds:
        plain, guided = bench.runs.get((first, seed)), bench.runs.get((label, seed))
        if plain is not None and guided is not None:
            pair = Seen(plain, first, kinds[first]), Seen(guided, label, kinds[label])
            return pair, seed
    return None, None


def _curves(bench: BenchRecords) -> list[tuple[str, Markup]]:
    kinds = _kinds(bench)
    runs = [(kinds[label], run) for (label, _), run in bench.runs.items() if label in kinds]
    return curves([run.epochs for _, run in runs], [f"{kind} thin" for kind, _ in runs])
