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
from lookright.configuration import Evaluation
from lookright.data import open_source
from lookright.data.geometry import inscribed, turn
from lookright.data.loader import examples
from lookright.data.source import Source, measured
from lookright.devices import accelerator
from lookright.errors import ConfigError, DataError, Problem
from lookright.files import write_atomically
from lookright.inference import Looks, View, look, softmax
from lookright.metrics import robustness
from lookright.metrics.summary import summarise
from lookright.model import Classifier
from lookright.run import Run
from lookright.run_folder import Facts


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


def evaluate(folder: Path, splits: Sequence[str] | None = None) -> pl.DataFrame:
    """Measure a trained run on splits (default: those of its recipe, else all but train).

    Writes `predictions.parquet` (one row per image), `maps.safetensors` (its class maps, row by
    row) and `results.csv` (their averages), replacing what was there. Returns the first.
    """
    trained = load_classifier(folder)
    source = open_source(trained.run.data, Path())
    wanted = measured(source, splits or trained.run.evaluation.splits)
    tables, maps = zip(*(_measure(trained, source, split) for split in wanted), strict=True)
    predictions = pl.concat(tables)
    summary = summarise(predictions, trained.facts.classes)
    joined = {name: np.concatenate([each[name] for each in maps]) for name in maps[0]}
    write_atomically(folder / "maps.safetensors", save(joined))
    write_atomically(folder / "predictions.parquet", _bytes(predictions.write_parquet))
    write_atomically(folder / "results.csv", summary.write_csv())
    return predictions


def _measure(
    trained: Trained, source: Source, split: str
) -> tuple[pl.DataFrame, dict[str, np.ndarray]]:
    settings = trained.run.evaluation
    images = examples(source, [split], trained.run.data)
    if not len(images):
        raise DataError(Problem("SPLIT-EMPTY", f"No image of the split {split!r} can be read."))
    views = _views(settings)
    seen = look(
        trained.model,
        images,
        settings.batch,
        trained.device,
        list(views.values()),
        trained.run.training.workers,
    )
    columns = _answers(seen, trained.facts.classes)
    columns["annotated"] = np.asarray(np.isfinite(seen.evidence).all((1, 2)))
    maps = class_maps(seen)
    columns |= agreement(seen, maps, settings.iou_threshold)
    columns |= _flips(seen, list(views), settings)
    kept = [name for name in ("group", "source") if name in source.rows.columns]
    table = source.rows[images.rows].select("id", "split", "label", *kept)
    return table.hstack(pl.DataFrame(columns)), maps


def _views(settings: Evaluation) -> dict[str, View]:
    """Name every other look at an image: turned, and for the control cut without corners."""
    views: dict[str, View] = {}
    for angle in settings.angles:
        views[f"turned_{angle}"] = partial(turn, angle=angle, fill=settings.fill)
        if settings.control:
            views[f"cut_{abs(angle)}"] = partial(inscribed, angle=abs(angle))
            views[f"turned_cut_{angle}"] = partial(_turned_cut, angle=angle)
    return views


def _turned_cut(images: torch.Tensor, angle: float) -> torch.Tensor:
    return inscribed(turn(images, angle), angle)


def _answers(seen: Looks, classes: Sequence[str]) -> dict[str, np.ndarray]:
    chances = {f"p_{name}": seen.probabilities[:, k] for k, name in enumerate(classes)}
    return {"predicted": np.array(classes)[seen.predicted], **chances}


def _flips(seen: Looks, names: list[str], settings: Evaluation) -> dict[str, np.ndarray]:
    """Compare every turned look with the straight one, and every turned cut with its own cut."""
    views = {name: seen.views[:, k] for k, name in enumerate(names)}
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
