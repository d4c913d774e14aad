"""Training, read top to bottom: prepare, go on where it stopped, then epochs of steps."""

import json
from contextlib import nullcontext
from math import isfinite
from pathlib import Path
from signal import SIGINT
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from lookright import checkpoint
from lookright.complete import complete
from lookright.data.loader import load, order, plan
from lookright.display import Display, display
from lookright.errors import Problem, RunError, Stopped
from lookright.files import write_atomically
from lookright.inference import look, on_device
from lookright.interruption import Request
from lookright.journal import Events, Record, write_history
from lookright.processes import spread
from lookright.run import Run
from lookright.run_folder import prepare
from lookright.schedule import factor
from lookright.selection import best, measure, require_measure
from lookright.session import Session, begin, save


def train(run: Run, folder: Path, resume: bool = False) -> None:
    """Train one classifier in `folder`; with `resume`, go on from its newest checkpoint.

    Raises ConfigError or DataError before the first step when something cannot be right, RunError
    when the loss or a gradient is no number, Stopped when asked to stop (the run can go on), and
    KeyboardInterrupt after Ctrl-C, when all is saved.
    """
    run = complete(run)
    require_measure(run.training.select)
    prepare(run, folder, resume)
    spread(_work, run, folder)


def _work(run: Run, folder: Path, fabric: Fabric, request: Request) -> None:
    """Take part in a training, alone or as one of several processes; the first one writes."""
    with checkpoint.hold(folder) if fabric.is_global_zero else nullcontext():
        fabric.launch()
        session = begin(run, folder, fabric, request)
        if session.position.finished:
            return
        steps = run.training.epochs * len(_plan(session, 0))
        with display(steps, session.position.step, quiet=not fabric.is_global_zero) as shown:
            _epochs(session, shown)


def _epochs(session: Session, shown: Display) -> None:
    """Run epochs until the last, or until validation stops improving."""
    at, training = session.position, session.run.training
    events = Events(session.folder, at.history) if session.writes else None
    while not at.finished:
        _epoch(session, shown)
        record = _look_back(session)
        at.history.append(record)
        at.epoch, at.batch, at.sums = at.epoch + 1, 0, {}
        stale = at.epoch - 1 - best(at.history, training.select)
        at.finished = at.epoch == training.epochs or stale >= (training.patience or training.epochs)
        save(session)
        if events:
            write_history(session.folder, at.history)
            events.add(record)
        shown.epoch(record, training.epochs)
    if events:
        events.close()
        timing = {"seconds": shown.seconds, "images": shown.images}
        write_atomically(session.folder / "timing.json", json.dumps(timing) + "\n")


def _epoch(session: Session, shown: Display) -> None:
    """Learn from every training image once, from the batch where training stands."""
    at, training = session.position, session.run.training
    batches = _plan(session, at.epoch)
    rest = batches[at.batch :]
    shares = [positions[session.fabric.global_rank :: training.processes] for positions in rest]
    loaded = load(session.learnt, shares, at.epoch, training.workers)
    for batch, positions in zip(loaded, rest, strict=True):
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
    model, objective = session.guided.model, session.guided.objective
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
    # Zero, and on the CPU, for an objective without parameters; torch warns of empty generators.
    own = nn.utils.clip_grad_norm_(list(objective.parameters()), float("inf")).to(norm.device)
    read = (norm + own, *terms.values(), *objective.log.values())
    gradient, *values = torch.stack([value.detach().float() for value in read]).tolist()
    named = dict(zip([*terms, *objective.log], values, strict=True))
    if isfinite(gradient) and all(map(isfinite, values)):
        return named
    ids = [session.learnt.ids[position] for position in positions]
    facts = {"step": session.position.step, "terms": named, "gradient": gradient, "ids": ids}
    if session.writes:
        write_atomically(session.folder / "failed.json", json.dumps(facts, indent=2) + "\n")
    losses = ", ".join(f"{name} = {value:g}" for name, value in named.items())
    what = f"Step {session.position.step}: {losses}, gradient norm {gradient:g}. Images: {ids}."
    fix = "Nothing was learnt from them. Lower optimiser.lr, or set training.clip."
    raise RunError(Problem("NOT-A-NUMBER", what, str(session.folder), fix))


def _pause(session: Session, batches: int) -> None:
    """Save within an epoch when it is time, and stop when asked to."""
    at, every = session.position, session.run.training.checkpoint_steps
    asked = _agreed(session)
    if asked or (every and at.step % every == 0 and at.batch < batches):
        save(session)
    if asked == SIGINT:
        raise KeyboardInterrupt
    if asked:
        what = f"Stopped by signal {asked} after step {at.step}; everything is saved."
        fix = f"Go on with `lookright train --resume {session.folder}`."
        raise Stopped(Problem("STOPPED", what, str(session.folder), fix))


def _look_back(session: Session) -> Record:
    """Measure the validation split and close the books of an epoch."""
    at = session.position
    values = {}
    if session.writes:
        values = measure(look(session.guided.model, session.watched, 128, session.fabric.device))
    values = session.fabric.broadcast(values)  # who stops must not be left to each process
    means = {name: total / at.batch for name, total in at.sums.items()}
    rate = session.optimisers[0].param_groups[0]["lr"]
    return {"epoch": at.epoch, "step": at.step, "lr": rate, "train": means, "val": values}


def _agreed(session: Session) -> int:
    """Return the signal that all processes heed at this step; 0 for none."""
    if session.run.training.processes == 1:
        return session.request.signal
    asked = torch.tensor(session.request.signal, device=session.fabric.device)
    latest = session.fabric.all_reduce(asked, reduce_op="max")
    assert isinstance(latest, torch.Tensor)
    return int(latest)


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _plan(session: Session, epoch: int) -> list[list[int]]:
    shuffled = order(len(session.learnt), session.run.seed, epoch)
    training = session.run.training
    return plan(shuffled, training.batch, least=2 * training.processes)


def _set_rates(session: Session, batches: int) -> None:
    at, run = session.position, session.run
    losses = [record["val"]["loss"] for record in at.history]
    share = at.step / (run.training.epochs * batches)
    scale = factor(run.schedule, share, at.epoch, losses)
    for each, rate in zip(session.optimisers, session.rates, strict=True):
        for group in each.param_groups:
            group["lr"] = rate * scale
