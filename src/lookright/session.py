"""What a training holds while it lasts: made, put back to where it stopped, and saved."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from lightning_fabric import Fabric
from rich.console import Console
from torch import nn
from torch.optim import Optimizer

from lookright import checkpoint
from lookright.backbones import build as build_classifier
from lookright.data import open_source
from lookright.data.external import open_tests
from lookright.data.loader import Examples, examples
from lookright.data.source import Source, measured, require_parts
from lookright.errors import DataError, Problem
from lookright.guided import Guided
from lookright.interruption import Request
from lookright.journal import Record, write_history
from lookright.model import Classifier, certify
from lookright.objectives import build as build_objective
from lookright.optimisers import optimiser
from lookright.run import Run
from lookright.run_folder import Facts, agree, versions
from lookright.selection import best


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

    @property
    def writes(self) -> bool:
        """Is this the process that writes? The others compute alike and keep silent."""
        return self.fabric.is_global_zero


def begin(run: Run, folder: Path, fabric: Fabric, request: Request) -> Session:
    """Prepare data, network and optimisers, and put everything back to the newest checkpoint."""
    source = open_source(run.data, Path())
    _require_measurable(run, source)
    learnt = examples(
        source, ["train"], run.data, run.augmentation, run.seed, run.training.class_weighting
    )
    watched = examples(source, ["val"], run.data)
    _require_images(learnt, watched)
    torch.manual_seed(run.seed)
    model = build_classifier(
        run.model.name, len(source.classes), run.model.weights, run.model.stride
    )
    objective = build_objective(run.objective.name, run.objective.settings)
    guided = Guided(model, objective, run.training.processes)
    if fabric.is_global_zero:
        for notice in source.notices:
            Console(stderr=True, highlight=False, markup=False).print(str(notice))
        contents = learnt.contents | watched.contents
        agree(_facts(run, source, learnt, watched, model), contents, folder)
    owners = [(guided.model, run.optimiser), (guided.objective, guided.objective.learning)]
    owners = [owner for owner in owners if any(p.requires_grad for p in owner[0].parameters())]
    if run.training.channels_last:
        guided = guided.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    bare = [optimiser(module.parameters(), how) for module, how in owners]
    network, *optimisers = fabric.setup(guided, *bare)
    rates = [how.lr for _, how in owners]
    parts = (run, folder, fabric, learnt, watched, guided, network, optimisers, rates)
    session = Session(*parts, Position(), request)
    _restore(session)
    return session


def save(session: Session) -> None:
    """Write a checkpoint; keep the last two and the best. All processes wait for the first."""
    if session.writes:
        _write(session)
    session.fabric.barrier()


def _write(session: Session) -> None:
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
    if session.writes:
        write_history(session.folder, session.position.history)


def _best_step(session: Session) -> int:
    history = session.position.history
    if not history:
        return session.position.step
    return history[best(history, session.run.training.select)]["step"]


def _facts(
    run: Run, source: Source, learnt: Examples, watched: Examples, model: Classifier
) -> Facts:
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


def _require_measurable(run: Run, source: Source) -> None:
    """Refuse now, and not after training, what the evaluation could not measure."""
    measured(source, run.evaluation.splits)
    require_parts(source, run.evaluation.parts, run.evaluation.shared)
    open_tests(run.evaluation.tests, run.data, source)


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
