"""Training, read top to bottom: prepare, go on where it stopped, then epochs of steps."""

import json
import os
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from signal import SIGINT
from typing import Any

from lookright.torchvision_repair import repair

repair()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from torch import nn  # noqa: E402
from torch.optim import Optimizer  # noqa: E402

from lookright import checkpoint  # noqa: E402
from lookright.allocator import keep_freed_memory  # noqa: E402
from lookright.backbones import build as build_classifier  # noqa: E402
from lookright.data import open_source  # noqa: E402
from lookright.data.loader import Examples, examples, load, order, plan  # noqa: E402
from lookright.display import Display, display  # noqa: E402
from lookright.errors import DataError, Problem, RunError, Stopped  # noqa: E402
from lookright.files import write_atomically  # noqa: E402
from lookright.guided import Guided  # noqa: E402
from lookright.inference import look, on_device  # noqa: E402
from lookright.interruption import Request, listening  # noqa: E402
from lookright.journal import Events, Record, write_history  # noqa: E402
from lookright.model import Classifier, certify  # noqa: E402
from lookright.objectives import build as build_objective  # noqa: E402
from lookright.optimisers import optimiser  # noqa: E402
from lookright.run import Run  # noqa: E402
from lookright.run_folder import Facts, agree, prepare, versions  # noqa: E402
from lookright.schedule import factor  # noqa: E402
from lookright.selection import best, measure, require_measure  # noqa: E402

PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}


@dataclass
class Position:
    """Where training stands; all of it is in every checkpoint."""

    epoch: int = 0
    batch: int = 0  # within the epoch
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # of the terms, over this epoch
    history: list[Record] = field(default_factory=list)  # one record per finished epoch
    finished: bool = False


@dataclass
class Session:
    """Everything that a training run holds while it lasts."""

    run: Run
    folder: Path
    fabric: Fabric
    learnt: Examples  # the images that are learnt from
    watched: Examples  # the images that choose the epoch
    guided: Guided
    network: nn.Module  # `guided`, wrapped for the device, the precision and the processes
    optimisers: list[Optimizer]  # of the model, and of the objective if it has parameters
    rates: list[float]
    position: Position
    request: Request


def train(run: Run, folder: Path, resume: bool = False) -> None:
    """Train one classifier in `folder`; with `resume`, go on from its newest checkpoint.

    Raises ConfigError or DataError before the first step when something cannot be right, RunError
    when the loss or a gradient is no number, Stopped when asked to stop (the run can go on), and
    KeyboardInterrupt after Ctrl-C, when all is saved.
    """
    require_measure(run.training.select)
    prepare(run, folder, resume)
    with checkpoint.hold(folder), listening() as request:
        fabric = _fabric(run)
        fabric.launch()
        session = _open(run, folder, fabric, request)
        if session.position.finished:
            return
        steps = run.training.epochs * len(_plan(session, 0))
        with display(steps, session.position.step, quiet=not fabric.is_global_zero) as shown:
            _epochs(session, shown)


def _epochs(session: Session, shown: Display) -> None:
    """Run epochs until the last, or until validation stops improving."""
    at, training = session.position, session.run.training
    events = Events(session.folder, at.history)
    while not at.finished:
        _epoch(session, shown)
        record = _look_back(session)
        at.history.append(record)
        at.epoch, at.batch, at.sums = at.epoch + 1, 0, {}
        stale = at.epoch - 1 - best(at.history, training.select)
        at.finished = at.epoch == training.epochs or stale >= (training.patience or training.epochs)
        _save(session)
        write_history(session.folder, at.history)
        events.add(record)
        shown.epoch(record, training.epochs)
    events.close()
    timing = {"seconds": shown.seconds, "images": shown.images}
    write_atomically(session.folder / "timing.json", json.dumps(timing) + "\n")


def _epoch(session: Session, shown: Display) -> None:
    """Learn from every training image once, from the batch where training stands."""
    at, training = session.position, session.run.training
    batches = _plan(session, at.epoch)
    rest = load(session.learnt, batches[at.batch :], at.epoch, training.workers)
    for batch, positions in zip(rest, batches[at.batch :], strict=True):
        _set_rates(session, len(batches))
        # Dropout and noise depend on the step alone, so that a resumed run draws the same.
        torch.manual_seed(_seed(session.run.seed, at.step))
        layout = torch.channels_last if training.channels_last else torch.contiguous_format
        batch = on_device(batch, session.fabric.device, layout)
        progress = at.step / (training.epochs * len(batches))
        terms = session.network(*vars(batch).values(), progress)
        session.fabric.backward(torch.stack(list(terms.values())).sum())
        values = _checked(session, terms, positions)
        for each in session.optimisers:
            each.step()
            each.zero_grad(set_to_none=True)
        at.step, at.batch = at.step + 1, at.batch + 1
        at.sums = {name: at.sums.get(name, 0.0) + value for name, value in values.items()}
        shown.step(values, len(positions))
        _pause(session, len(batches))


def _checked(session: Session, terms: dict[str, Any], positions: list[int]) -> dict[str, float]:
    """Read the terms and the gradient's norm, at once; stop before a step that is no number."""
    clip = session.run.training.clip or float("inf")
    norm = nn.utils.clip_grad_norm_(session.guided.model.parameters(), clip)
    log = session.guided.objective.log
    shown = torch.stack([v.detach().float() for v in (norm, *terms.values(), *log.values())])
    gradient, *values = shown.tolist()
    named = dict(zip([*terms, *log], values, strict=True))
    if isfinite(gradient) and all(map(isfinite, values)):
        return named
    ids = [session.learnt.ids[position] for position in positions]
    facts = {"step": session.position.step, "terms": named, "gradient": gradient, "ids": ids}
    write_atomically(session.folder / "failed.json", json.dumps(facts, indent=2) + "\n")
    losses = ", ".join(f"{name} = {value:g}" for name, value in named.items())
    what = f"Step {session.position.step}: {losses}, gradient norm {gradient:g}. Images: {ids}."
    fix = "Nothing was learnt from them. Lower optimiser.lr, or set training.clip."
    raise RunError(Problem("NOT-A-NUMBER", what, str(session.folder), fix))


def _pause(session: Session, batches: int) -> None:
    """Save within an epoch when it is time, and stop when asked to."""
    at, every = session.position, session.run.training.checkpoint_steps
    asked = session.request.signal
    if asked or (every and at.step % every == 0 and at.batch < batches):
        _save(session)
    if asked == SIGINT:
        raise KeyboardInterrupt
    if asked:
        what = f"Stopped by signal {asked} after step {at.step}; everything is saved."
        fix = f"Go on with `lookright train --resume {session.folder}`."
        raise Stopped(Problem("STOPPED", what, str(session.folder), fix))


def _look_back(session: Session) -> Record:
    """Measure the validation split and close the books of an epoch."""
    at = session.position
    seen = look(session.guided.model, session.watched, 128, session.fabric.device)
    means = {name: total / at.batch for name, total in at.sums.items()}
    rate = session.optimisers[0].param_groups[0]["lr"]
    return {"epoch": at.epoch, "step": at.step, "lr": rate, "train": means, "val": measure(seen)}


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _plan(session: Session, epoch: int) -> list[list[int]]:
    shuffled = order(len(session.learnt), session.run.seed, epoch)
    return plan(shuffled, session.run.training.batch)


def _set_rates(session: Session, batches: int) -> None:
    at, run = session.position, session.run
    losses = [record["val"]["loss"] for record in at.history]
    share = at.step / (run.training.epochs * batches)
    scale = factor(run.schedule, share, at.epoch, losses)
    for each, rate in zip(session.optimisers, session.rates, strict=True):
        for group in each.param_groups:
            group["lr"] = rate * scale


def _save(session: Session) -> None:
    """Write a checkpoint; keep the last two and the best."""
    at, root = session.position, session.folder / "checkpoints"
    tensors = {"weights": session.guided.state_dict()}
    skeletons = []
    for number, each in enumerate(session.optimisers):
        tensors[f"optimizer_{number}"], skeleton = checkpoint.flatten_optimizer(each.state_dict())
        skeletons.append(skeleton)
    kept = _best_step(session)
    state = {**vars(at), "optimizers": skeletons, "best_step": kept}
    checkpoint.save_bundle(root, at.step, tensors, state)
    steps = sorted(int(folder.name.split("-")[1]) for folder in root.glob("step-*"))
    checkpoint.prune(root, {*steps[-2:], at.step, kept})


def _best_step(session: Session) -> int:
    history = session.position.history
    if not history:
        return session.position.step
    return history[best(history, session.run.training.select)]["step"]


def _open(run: Run, folder: Path, fabric: Fabric, request: Request) -> Session:
    """Prepare data, network and optimisers, and put everything back to the newest checkpoint."""
    source = open_source(run.data, Path())
    learnt = examples(
        source, ["train"], run.data, run.augmentation, run.seed, run.training.class_weighting
    )
    watched = examples(source, ["val"], run.data)
    _require_images(learnt, watched)
    torch.manual_seed(run.seed)
    model = build_classifier(
        run.model.name, len(source.classes), run.model.weights, run.model.stride
    )
    guided = Guided(model, build_objective(run.objective.name, run.objective.settings))
    contents = learnt.contents | watched.contents
    agree(_facts(run, source, learnt, watched, model), contents, folder)
    owners = [(guided.model, run.optimiser), (guided.objective, guided.objective.learning)]
    owners = [owner for owner in owners if any(p.requires_grad for p in owner[0].parameters())]
    if run.training.channels_last:
        guided.to(memory_format=torch.channels_last)
    bare = [optimiser(module.parameters(), how) for module, how in owners]
    network, *optimisers = fabric.setup(guided, *bare)
    rates = [how.lr for _, how in owners]
    parts = (run, folder, fabric, learnt, watched, guided, network, optimisers, rates)
    session = Session(*parts, Position(), request)
    _restore(session)
    return session


def _restore(session: Session) -> None:
    bundle = checkpoint.newest_bundle(session.folder / "checkpoints")
    if not bundle:
        return
    session.guided.load_state_dict(bundle.tensors("weights"))
    state = dict(bundle.state)
    del state["best_step"]
    for number, skeleton in enumerate(state.pop("optimizers")):
        tensors = bundle.tensors(f"optimizer_{number}")
        session.optimisers[number].load_state_dict(
            checkpoint.unflatten_optimizer(tensors, skeleton)
        )
    session.position = Position(**state)
    write_history(session.folder, session.position.history)


def _facts(run: Run, source: Any, learnt: Examples, watched: Examples, model: Classifier) -> Facts:
    size = run.data.size
    probe = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    return Facts(
        classes=list(source.classes),
        colours=learnt.colours,
        data_fingerprint=source.fingerprint,
        excluded=learnt.excluded + watched.excluded,
        certificate=certify(model, probe).sentence,
        versions=versions(),
    )


def _require_images(learnt: Examples, watched: Examples) -> None:
    problems = [
        Problem("SPLIT-EMPTY", f"No image is in the split {name!r}.", fix=fix)
        for name, images, fix in (
            ("train", learnt, "Fill the split column: `lookright data split` does."),
            ("val", watched, "Validation chooses the epoch: `lookright data split` makes one."),
        )
        if len(images) == 0
    ]
    if problems:
        raise DataError(*problems)


def _fabric(run: Run) -> Fabric:
    keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by deterministic CUDA
    torch.use_deterministic_algorithms(run.training.deterministic)
    kind, _, number = run.training.device.partition(":")
    devices = [int(number)] if number else 1
    return Fabric(accelerator=kind, devices=devices, precision=PRECISIONS[run.training.precision])
