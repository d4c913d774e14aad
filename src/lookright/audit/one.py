"""The audit of one run: every attack mounted on its classifier, before and after measured."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from lookright import attacks as registry
from lookright.attack import Attack
from lookright.audit.looked import looked, summarise
from lookright.data import open_source
from lookright.data.chosen import choose
from lookright.data.loader import Examples, examples, load, order, plan
from lookright.detector import judge
from lookright.errors import ConfigError, DataError, Problem
from lookright.evaluate import Trained, load_classifier, sources
from lookright.files import write_atomically
from lookright.inference import on_device
from lookright.model import Classifier
from lookright.overrides import parse
from lookright.types import Batch

BATCH = 32  # training images in a step of an attack
COLUMNS = {
    "attack": pl.String,
    "split": pl.String,
    "model": pl.String,  # before or after
    "measure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,  # 95 % interval over images
    "high": pl.Float64,
}

Tables = dict[str, pl.DataFrame]  # by split
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Victim:
    """A trained run with the images that its audit needs."""

    trained: Trained
    learnt: Examples  # what attacks are taught with
    splits: dict[str, Examples]  # what is measured on


def audit(
    folder: Path,
    attacks: Sequence[str] | None = None,
    steps: int = 200,
    splits: Sequence[str] | None = None,
    seed: int = 0,
    most: int = 512,
    tell: Tell = lambda done, total: None,
) -> pl.DataFrame:
    """Mount attacks on copies of a run's classifier and measure them; the run stays as it is.

    An attack is named, with settings behind it if need be: "closed_form target=edge". By default
    all are mounted. Each is taught for `steps` batches of the run's training images and measured
    on at most `most` images of each split, by default of those that `evaluate` measures.

    Writes `audit.csv` (measures before and after each attack) and `audit.json` (settings, and the
    detector's verdict of every model), replacing what was there. Returns the first. `tell` hears
    how many models are done, and of how many.
    """
    made = {spec: _made(spec) for spec in attacks or registry.names()}
    victim = _victim(Path(folder), splits, seed, most)
    before, tables = _measured(victim, victim.trained.model), dict[str, Tables]()
    for done, (spec, attack) in enumerate(made.items(), 1):
        tell(done - 1, len(made))
        lessons = _lessons(victim, seed)
        fooled = registry.mount(attack, victim.trained.model, lessons, steps)
        tables[spec] = _measured(victim, fooled)
    tell(len(made), len(made))
    settings = described(list(made), steps, list(victim.splits), seed, most)
    verdicts = {"verdicts": list(_verdicts(before, tables))}
    found = pl.DataFrame(_rows(before, tables), schema=COLUMNS, orient="row")
    write_atomically(Path(folder) / "audit.csv", found.write_csv())
    written = json.dumps(settings | verdicts, indent=2, ensure_ascii=False)
    write_atomically(Path(folder) / "audit.json", written + "\n")
    return found


def described(
    attacks: Sequence[str], steps: int, splits: Sequence[str], seed: int, most: int
) -> dict[str, Any]:
    """Return the settings of an audit as `audit.json` has them."""
    chosen = {"attacks": list(attacks), "splits": list(splits)}
    return {**chosen, "steps": steps, "seed": seed, "most": most}


def _made(spec: str) -> Attack:
    name, *settings = spec.split()
    return registry.build(name, parse(settings))


def _victim(folder: Path, splits: Sequence[str] | None, seed: int, most: int) -> Victim:
    trained = load_classifier(folder)
    run, wanted = trained.run, sources(trained.run, splits)
    # In the colours of training: which images are probed for colour depends on the choice.
    data = run.data.model_copy(update={"colours": trained.facts.colours})
    measured = {
        split: examples(choose(source, split, most), [split], data)
        for split, source in wanted.items()
    }
    learnt = examples(open_source(run.data, Path()), ["train"], data, run.augmentation, seed)
    problems = [
        Problem("SPLIT-EMPTY", f"No image of the split {split!r} can be read.")
        for split, images in {"train": learnt, **measured}.items()
        if not len(images)
    ]
    if problems:
        raise DataError(*problems)
    _require_maps(learnt, folder)
    return Victim(trained, learnt, measured)


def _require_maps(learnt: Examples, folder: Path) -> None:
    if not learnt.source.rows["annotated"].gather(learnt.rows).any():
        what = "No training image has a human map, so that there is no evidence to lie about."
        raise ConfigError(Problem("AUDIT-MAPS", what, str(folder), "Give the manifest masks."))


def _lessons(victim: Victim, seed: int) -> Iterator[Batch]:
    """Yield training batches for ever: the same ones for every attack."""
    for epoch in count():
        batches = plan(order(len(victim.learnt), seed, epoch), BATCH)
        for batch in load(victim.learnt, batches, epoch):
            yield on_device(batch, victim.trained.device)


def _measured(victim: Victim, model: Classifier) -> Tables:
    trained = victim.trained
    size, classes = trained.run.evaluation.batch, trained.facts.classes
    return {
        split: looked(model, images, size, trained.device, classes)
        for split, images in victim.splits.items()
    }


def _rows(before: Tables, after: dict[str, Tables]) -> Iterator[tuple[Any, ...]]:
    """List before and after each attack; what was before is repeated, so that pairs are whole."""
    for attack, tables in after.items():
        for split, table in tables.items():
            pair = {"before": before[split], "after": table}
            for model, own in pair.items():
                for row in summarise(own, before[split]):
                    yield (attack, split, model, *row)


def _verdicts(before: Tables, after: dict[str, Tables]) -> Iterator[dict[str, Any]]:
    for attack, tables in {"": before, **after}.items():
        for split, table in tables.items():
            model = "after" if attack else "before"
            verdict = judge(table).plain()
            yield {"attack": attack, "split": split, "model": model, **verdict}
