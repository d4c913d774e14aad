"""The audit of a comparison: every run of a folder, and how well the detector tells them apart."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lookright import attacks as registry
from lookright.audit.one import audit, described
from lookright.detector import Roc, roc
from lookright.errors import ConfigError, Problem
from lookright.evaluate import sources
from lookright.files import write_atomically
from lookright.names import suggestion
from lookright.run import Run

LIARS = ("fooling",)  # objectives whose map is made to lie in training
PARTED = 0.1  # an attack that moves the map this far from the causes made it a lie about evidence
MODELS = {
    "run": pl.String,  # its folder
    "objective": pl.String,
    "split": pl.String,
    "attack": pl.String,  # "" before any
    "fooled": pl.Boolean,  # attacked, or of an objective that lies
    "score": pl.Float64,
    "flagged": pl.Boolean,
    "direction": pl.String,
    "repainted": pl.Float64,
    "unfounded": pl.Float64,
    "auroc": pl.Float64,
    "changed_answers": pl.Float64,  # share of images answered otherwise than before
    "parted": pl.Float64,  # by how much the attack moved the class map away from the causes
}


@dataclass(frozen=True)
class Found:
    """What the audit of a comparison found."""

    models: pl.DataFrame  # one row per model and split; see MODELS
    curves: pl.DataFrame  # split, which, honest, fooled, auroc, threshold, caught, wrongly, ...


def audit_bench(
    folder: Path,
    attacks: Sequence[str] | None = None,
    steps: int = 200,
    splits: Sequence[str] | None = None,
    seed: int = 0,
    most: int = 512,
    liars: Sequence[str] = LIARS,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Found:
    """Audit every run below a folder, and draw the detector's ROC over honest and fooled models.

    Honest are the runs as they were trained, except for those of the objectives in `liars`; fooled
    are these, and the runs after each attack. A run that was audited with the same settings is
    not audited again. Writes `audit.csv` and `detector.csv`, as `Found` has them.
    """
    folder, chosen = Path(folder), list(attacks or registry.names())
    runs = _runs(folder)
    _require_known(liars, runs, folder)
    for done, (place, run) in enumerate(runs.items()):
        tell(done, len(runs))
        wanted = described(chosen, steps, list(sources(run, splits)), seed, most)
        if not _is_audited(place, wanted):
            audit(place, chosen, steps, splits, seed, most)
    rows = [row for place, run in runs.items() for row in _models(folder, place, run, liars)]
    models = pl.DataFrame(rows, schema=MODELS, orient="row")
    found = Found(models, curves(models))
    write_atomically(folder / "audit.csv", found.models.write_csv())
    write_atomically(folder / "detector.csv", found.curves.write_csv())
    return found


def curves(models: pl.DataFrame) -> pl.DataFrame:
    """Draw the ROC per split, of three choices of fooled models against all honest ones.

    `all` takes every fooled model; `parted` those whose class map went at least .1 away from what
    the changed images say, or that were trained to lie: an attack that moves a map from one place
    outside the evidence to another is none that a measure of evidence could see, and neither is
    one that moves the decision along. Then one for each attack.
    """
    parts = []
    for (split,), part in models.group_by("split", maintain_order=True):
        honest, fooled = part.filter(~pl.col("fooled")), part.filter("fooled")
        parted = (pl.col("parted").abs() >= PARTED) | (pl.col("attack") == "")
        chosen = {"all": fooled, "parted": fooled.filter(parted)}
        named = fooled.with_columns(_kind().alias("kind"))
        kinds = named["kind"].unique(maintain_order=True)
        chosen |= {kind: named.filter(kind=kind).drop("kind") for kind in kinds}
        for which, some in chosen.items():
            both = pl.concat([honest, some])
            found = roc(both["score"].to_numpy(), both["fooled"].to_numpy())
            parts.append(_labelled(found, str(split), which))
    return pl.concat(parts)


def _kind() -> pl.Expr:
    trained = pl.col("objective") + pl.lit(" (trained)")
    return pl.when(pl.col("attack") == "").then(trained).otherwise(pl.col("attack"))


def _labelled(found: Roc, split: str, which: str) -> pl.DataFrame:
    front = {"honest": found.honest, "fooled": found.fooled, "auroc": found.auroc}
    named = {"split": split, "which": which, **front}
    return found.table.select(*(pl.lit(value).alias(name) for name, value in named.items()), "*")


def _runs(folder: Path) -> dict[Path, Run]:
    """Find the trained runs below a folder, in the order of their names."""
    places = sorted(path.parent for path in folder.rglob("run.yaml"))
    runs = {
        place: Run.load(place / "run.yaml")
        for place in places
        if (place / "checkpoints" / "latest.txt").is_file()
    }
    if not runs:
        what = "There is no trained run in this folder or below it."
        raise ConfigError(Problem("RUN-FOLDER", what, str(folder)))
    return runs


def _require_known(liars: Sequence[str], runs: dict[Path, Run], folder: Path) -> None:
    titles = {run.objective.title for run in runs.values()}
    unknown = [name for name in liars if name not in titles | set(LIARS)]
    if unknown:
        what = f"No run has the objective {', '.join(map(repr, unknown))}."
        fix = suggestion(unknown[0], titles)
        raise ConfigError(Problem("LIARS", what, str(folder), fix))


def _is_audited(place: Path, wanted: dict[str, Any]) -> bool:
    if not (place / "audit.json").is_file() or not (place / "audit.csv").is_file():
        return False
    written = json.loads((place / "audit.json").read_text())
    return {name: written.get(name) for name in wanted} == wanted


def _models(folder: Path, place: Path, run: Run, liars: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """List the models of one audited run, the untouched one first."""
    measures = pl.read_csv(place / "audit.csv", infer_schema_length=None)
    for verdict in json.loads((place / "audit.json").read_text())["verdicts"]:
        attack, split = verdict["attack"], verdict["split"]
        whole = measures.filter(split=split).filter(attack=attack or measures["attack"][0])
        before, after = (_values(whole.filter(model=model)) for model in ("before", "after"))
        now = after if attack else before
        yield (
            place.relative_to(folder).as_posix(),
            run.objective.title,
            split,
            attack,
            bool(attack) or run.objective.title in liars,
            verdict["score"],
            verdict["flagged"],
            verdict["direction"],
            verdict["repainted"]["value"],
            verdict["unfounded"]["value"],
            now["auroc"],
            now["changed_answers"],
            now["gap"] - before["gap"] if attack else np.nan,
        )


def _values(rows: pl.DataFrame) -> dict[str, float]:
    filled = rows["value"].cast(pl.Float64).fill_null(np.nan)
    return dict(zip(rows["measure"].to_list(), filled.to_list(), strict=True))
