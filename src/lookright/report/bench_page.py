"""What stands on the page of a bench, in order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from lookright import stats
from lookright.detector import Verdict
from lookright.report import (
    bench_charts,
    beside,
    folds,
    roc,
    shaken,
    side_by_side,
    tables,
    truth,
    words,
)
from lookright.report.album import Album
from lookright.report.bench_verdict import TAGS, Judgement, verdict
from lookright.report.bench_verdict import Verdict as Said
from lookright.report.gallery import Gallery
from lookright.report.glossary import explained
from lookright.report.privacy import without_folders
from lookright.report.records import BenchRecords, RunRecords
from lookright.report.reproduce import recipe
from lookright.report.run_page import curves
from lookright.report.side_by_side import Seen

OPEN = 3  # comparisons whose pictures are not folded away


@dataclass(frozen=True)
class Comparison:
    """The galleries of one objective beside the first."""

    label: str
    training: str  # which seed, and which fold
    galleries: list[Gallery]
    unfolded: bool


def content(bench: BenchRecords, pictures: int) -> dict[str, Any]:
    """Gather everything that the template shows."""
    said = verdict(bench.results, bench.labels, len(bench.seeds), len(bench.folds))
    verdicts = _verdicts(bench, bench_charts.splits_of(bench))
    first_run = next(iter(bench.runs.values()), None)
    data = (first_run.settings if first_run else bench.settings).get("data") or {}
    album = Album(data, first_run.folder if first_run else bench.folder)
    facts = {**(first_run.facts if first_run else {}), "seeds": bench.seeds}
    return {
        "title": bench.name,
        "kind": "bench",
        "facts": _facts(bench),
        "verdict": said,
        "kinds": bench_charts.colours(bench.labels),
        "first": bench.labels[0],
        "banner": truth.banner_of_bench(verdicts),
        "flags": truth.flags(verdicts),
        "caution": _caution(len(bench.seeds)),
        "failed": _failed(bench),
        "comparisons": _comparisons(bench, album, said, truth.flags(verdicts), pictures),
        "no_pictures": album.reason,
        "recipe": recipe("lookright bench bench.yaml", bench.settings, facts),
        "glossary": explained(bench.folded["measure"].unique(maintain_order=True)),
        "downloads": beside.downloads(
            bench.folder, ("comparison.csv", "results.csv", "economics.csv")
        ),
        **_charts(bench, said.split),
        **_numbers(bench),
    }


def _charts(bench: BenchRecords, split: str) -> dict[str, Any]:
    splits = bench_charts.splits_of(bench)
    whose = [shaken.Who(*each) for each in bench_charts.colours(bench.labels).items()]
    return {
        "clouds": bench_charts.clouds(bench, split),
        "truths": bench_charts.truths(bench, splits),
        "rocs": bench_charts.rocs(bench),
        "band": roc.BENCH_BAND,
        "forests": bench_charts.forests(bench),
        "strips": bench_charts.every_seed(bench),
        "fold_dots": folds.dots(bench),
        "shaken": shaken.charts(shaken.of_bench(bench.comparison), splits, whose),
        "flips": bench_charts.angles(bench),
        "economics": beside.economics(bench.folder),
        "curves": _curves(bench),
    }


def _numbers(bench: BenchRecords) -> dict[str, Any]:
    splits = bench_charts.splits_of(bench)
    over = "seeds and folds" if bench.folds else "seeds"
    return {
        "tables": tables.comparison(bench.comparison, bench.labels),
        "fold_tables": [found for split in splits if (found := folds.table(bench, split))],
        "parts_of": [
            found
            for by in tables.parts(bench.results)
            if (found := tables.by_part_and_objective(bench.results, by, bench.labels, over))
        ],
    }


def _verdicts(bench: BenchRecords, splits: Sequence[str]) -> dict[tuple[str, str], list[Verdict]]:
    """Ask the detector about every training of every objective on every split."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for (label, _), runs in bench.trainings.items():
        for run in runs if label in bench.labels else []:
            for split, judged in truth.judged(run.shares, splits).items():
                found.setdefault((label, split), []).append(judged)
    return found


def _caution(seeds: int) -> str:
    warning = words.sentence(stats.seed_warning(seeds))
    return f"{warning} Read the direction and the spread of the dots." if seeds > 1 else warning


def _facts(bench: BenchRecords) -> list[str]:
    network = (bench.settings.get("model") or {}).get("name", "")
    runs = len(bench.folded.select("objective", "seed", "fold").unique())
    parts = [_several(len(bench.labels), "objective"), _several(len(bench.seeds), "seed")]
    parts += [_several(len(bench.folds), "fold")] if bench.folds else []
    facts = [f"{_several(runs, 'run')}: {', '.join(parts)}", str(network)]
    return [each for each in facts if each]


def _several(count: int, what: str) -> str:
    return f"{count} {what}" + ("s" if count != 1 else "")


def _failed(bench: BenchRecords) -> list[tuple[str, str]]:
    return [
        (f"{cell['label']}, seed {cell['seed']}", without_folders(str(cell.get("reason") or "")))
        for cell in bench.cells
        if cell["status"] != "done"
    ]


def _comparisons(
    bench: BenchRecords, album: Album, said: Said, flags: Collection[str], pictures: int
) -> list[Comparison]:
    """Put the first objective beside each other one, the telling ones first."""
    made = []
    for judgement in sorted(said.judgements, key=lambda each: _dullness(each, flags)):
        pair, seed = _pair(bench, judgement.label)
        shown = side_by_side.galleries(*pair, album, said.split, pictures) if pair else []
        if pair and shown:
            fold = _fold(bench, pair[0])
            named = f"seed {seed}" + (f", {fold} left out" if fold else "")
            made.append(Comparison(judgement.label, named, shown, len(made) < OPEN))
    return made


def _dullness(judgement: Judgement, flags: Collection[str]) -> tuple[int, bool, bool]:
    order = {"warn": 0, "good": 1, "plain": 2}
    changed = judgement.tag != TAGS["none"][0]
    return order[judgement.tone], not changed, judgement.label not in flags


def _pair(bench: BenchRecords, label: str) -> tuple[tuple[Seen, Seen] | None, int | None]:
    """Find the first seed that both objectives have finished, on the same fold if there are any."""
    kinds, first = bench_charts.colours(bench.labels), bench.labels[0]
    for seed in bench.seeds:
        plains = bench.trainings.get((first, seed), [])
        others = {_folder(bench, run): run for run in bench.trainings.get((label, seed), [])}
        for plain in plains:
            guided = others.get(_folder(bench, plain))
            if guided is not None:
                pair = Seen(plain, first, kinds[first]), Seen(guided, label, kinds[label])
                return pair, seed
    return None, None


def _folder(bench: BenchRecords, run: RunRecords) -> str:
    return run.folder.parent.name if bench.folds else ""


def _fold(bench: BenchRecords, seen: Seen) -> str:
    """Return the fold's own name, which its folder may spell otherwise."""
    given = (seen.run.settings.get("data") or {}).get("fold") or {}
    return str(given.get("value") or _folder(bench, seen.run))


def _curves(bench: BenchRecords) -> bench_charts.Titled:
    kinds = bench_charts.colours(bench.labels)
    runs = [(kinds[label], run) for (label, _), run in bench.runs.items() if label in kinds]
    return curves([run.epochs for _, run in runs], [f"{kind} thin" for kind, _ in runs])
