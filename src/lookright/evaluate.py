"""A trained model and some splits: a table with one row per image, and its averages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import torch
from lightning_fabric import Fabric
from safetensors.numpy import save

from lookright import checkpoint
from lookright.agreed import agreement, class_maps
from lookright.allocator import keep_freed_memory
from lookright.backbones import build
from lookright.causal import answers, causal, find_donors, intervene
from lookright.causal import table as interventions_table
from lookright.configuration import Data, Evaluation
from lookright.data import open_source
from lookright.data.external import open_tests
from lookright.data.geometry import inscribed, turn
from lookright.data.loader import examples
from lookright.data.source import Source, measured, require_parts
from lookright.devices import accelerator
from lookright.errors import ConfigError, DataError, Problem
from lookright.files import write_atomically
from lookright.inference import Looks, View, look, softmax
from lookright.interventions import Scene
from lookright.metrics import robustness
from lookright.metrics.changes import summarise_changes
from lookright.metrics.summary import summarise
from lookright.model import Classifier
from lookright.run import Run
from lookright.run_folder import Facts, count_evaluation
from lookright.types import Images


@dataclass(frozen=True)
class Trained:
    """A run's classifier, in eval mode, with what is needed to use it."""

    run: Run
    facts: Facts
    model: Classifier
    device: torch.device


def load_classifier(folder: Path) -> Trained:
    """Load the selected checkpoint of a run; ConfigError when the folder holds no trained run."""
    facts = Facts.load(folder)
    run = Run.load(folder / "run.yaml")
    root = folder / "checkpoints"
    newest = checkpoint.newest_bundle(root)
    if newest is None:
        what, fix = "This run has no checkpoint yet.", f"lookright train --resume {folder}"
        raise ConfigError(Problem("RUN-UNTRAINED", what, str(folder), fix))
    weights = checkpoint.open_bundle(root, newest.state["best_step"]).tensors("weights")
    model = build(run.model.name, len(facts.classes), "random", run.model.stride)
    own = {key.removeprefix("model."): value for key, value in weights.items()}
    model.load_state_dict({key: own[key] for key in model.state_dict()})
    keep_freed_memory()
    fabric = Fabric(**accelerator(run.training.device))
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return Trained(run, facts, model.to(fabric.device).eval(), fabric.device)


@dataclass(frozen=True)
class Measured:
    """What was found of one split."""

    predictions: pl.DataFrame  # one row per image
    interventions: pl.DataFrame  # one row per changed image
    maps: dict[str, np.ndarray]  # row by row with the predictions


def evaluate(folder: Path, splits: Sequence[str] | None = None) -> pl.DataFrame:
    """Measure a trained run on splits, by default those of its recipe and its further tests.

    Without any in the recipe, those are all splits but train. Writes `predictions.parquet` (one
    row per image), `interventions.parquet` (one per changed image), `maps.safetensors` (class
    maps, row by row) and `results.csv` (averages), replacing what was there, and counts in
    `evaluations.json` how often each split was measured. Returns the first.
    """
    trained = load_classifier(folder)
    wanted = sources(trained.run, splits)
    found = [_measure(trained, source, split) for split, source in wanted.items()]
    predictions = pl.concat((each.predictions for each in found), how="diagonal")
    interventions = pl.concat(each.interventions for each in found)
    maps = [each.maps for each in found]
    joined = {name: np.concatenate([each[name] for each in maps]) for name in maps[0]}
    write_atomically(folder / "maps.safetensors", save(joined))
    write_atomically(folder / "predictions.parquet", _bytes(predictions.write_parquet))
    write_atomically(folder / "interventions.parquet", _bytes(interventions.write_parquet))
    results = _results(trained, predictions, interventions)
    write_atomically(folder / "results.csv", results.write_csv())
    count_evaluation(folder, wanted)
    return predictions


def sources(run: Run, splits: Sequence[str] | None) -> dict[str, Source]:
    """Name the splits that are asked for, each with the data that it is in."""
    own = open_source(run.data, Path())
    require_parts(own, run.evaluation.parts, run.evaluation.shared)
    tests = open_tests(run.evaluation.tests, run.data, own)
    if splits:
        return {name: tests.get(name, own) for name in measured(own, splits, tests)}
    return dict.fromkeys(measured(own, run.evaluation.splits), own) | tests


def _results(
    trained: Trained, predictions: pl.DataFrame, interventions: pl.DataFrame
) -> pl.DataFrame:
    classes, settings = trained.facts.classes, trained.run.evaluation
    results = summarise(predictions, classes, settings.parts, settings.shared)
    changes = summarise_changes(predictions, interventions, classes, results, settings.shared)
    return pl.concat([results, changes])


def _measure(trained: Trained, source: Source, split: str) -> Measured:
    settings = trained.run.evaluation
    images = examples(source, [split], _reading(trained, split))
    if not len(images):
        raise DataError(Problem("SPLIT-EMPTY", f"No image of the split {split!r} can be read."))
    annotated = bool(source.rows["annotated"].gather(images.rows).any())
    views = _views(settings) | intervene(settings.interventions, annotated)
    donors = find_donors(images, trained.device)
    seen = look(
        trained.model,
        images,
        settings.batch,
        trained.device,
        list(views.values()),
        trained.run.training.workers,
        donors,
    )
    logits = {name: seen.views[:, k] for k, name in enumerate(views)}
    changed = answers(seen, logits, settings.interventions, donors)
    columns = _answers(seen, trained.facts.classes)
    columns["annotated"] = np.asarray(np.isfinite(seen.evidence).all((1, 2)))
    maps = class_maps(seen)
    columns |= agreement(seen, maps, settings.iou_threshold)
    columns |= _flips(seen, logits, settings)
    framing = columns["framing_sensitivity"], columns["framing_decision"]
    columns |= causal(seen, changed, *framing)
    table = _table(source, settings.parts)[images.rows]
    return Measured(
        table.hstack(pl.DataFrame(columns)),
        interventions_table(table, changed, trained.facts.classes),
        maps,
    )


def _reading(trained: Trained, split: str) -> Data:
    """Return how images are read; further test sets get the colours that were learnt from."""
    data = trained.run.data
    if split.removeprefix("test_") not in trained.run.evaluation.tests:
        return data
    return data.model_copy(update={"colours": trained.facts.colours})


def _table(source: Source, parts: Sequence[str]) -> pl.DataFrame:
    front = ("id", "split", "label")
    wanted = dict.fromkeys(("group", "source", *parts))
    kept = [name for name in wanted if name in source.rows.columns and name not in front]
    return source.rows.select(*front, pl.col(kept).cast(pl.String))


def _views(settings: Evaluation) -> dict[str, View]:
    """Name every other look at an image: turned, and for the control cut without corners."""
    views: dict[str, View] = {}
    for angle in settings.angles:
        views[f"turned_{angle}"] = _of_images(partial(turn, angle=angle, fill=settings.fill))
        if settings.control:
            views[f"cut_{abs(angle)}"] = _of_images(partial(inscribed, angle=abs(angle)))
            views[f"turned_cut_{angle}"] = _of_images(partial(_turned_cut, angle=angle))
    return views


def _of_images(change: Callable[[Images], Images]) -> View:
    def view(scene: Scene) -> Images:
        """Change the images of a batch; nothing else is looked at."""
        return change(scene.images)

    return view


def _turned_cut(images: torch.Tensor, angle: float) -> torch.Tensor:
    return inscribed(turn(images, angle), angle)


def _answers(seen: Looks, classes: Sequence[str]) -> dict[str, np.ndarray]:
    chances = {f"p_{name}": seen.probabilities[:, k] for k, name in enumerate(classes)}
    return {"predicted": np.array(classes)[seen.predicted], **chances}


def _flips(
    seen: Looks, views: dict[str, np.ndarray], settings: Evaluation
) -> dict[str, np.ndarray]:
    """Compare every turned look with the straight one, and every turned cut with its own cut."""
    images = np.arange(len(seen.labels))
    before = seen.probabilities[images, seen.predicted]
    columns: dict[str, np.ndarray] = {}
    for angle in settings.angles:
        turned = views[f"turned_{angle}"]
        columns[f"flip_{angle}"] = _flipped(seen.logits, turned)
        after = softmax(turned)[images, seen.predicted]
        columns[f"dp_{angle}"] = robustness.changes(before, after[:, None])[:, 0]
        if settings.control:
            cut = views[f"cut_{abs(angle)}"]
            columns[f"control_{angle}"] = _flipped(cut, views[f"turned_cut_{angle}"])
    return columns


def _flipped(straight: np.ndarray, turned: np.ndarray) -> np.ndarray:
    return robustness.flips(straight.argmax(1), turned.argmax(1)[:, None])[:, 0]


def _bytes(write: Callable[[BytesIO], None]) -> bytes:
    buffer = BytesIO()
    write(buffer)
    return buffer.getvalue()
