"""Several processes train as one: the same images, the same loss, one end."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, distributed, nn

from lookright import objectives
from lookright.checkpoint import newest_bundle
from lookright.errors import ConfigError, DataError, LookrightError, Problem, RunError, Stopped
from lookright.guided import Guided
from lookright.model import Classifier
from lookright.processes import spread
from lookright.run import Run
from lookright.train import train
from lookright.types import Batch

WORLD = 2
SIZES = (8, 7, 5)  # also batches that two processes cannot share evenly


def small_run(*changes: str) -> Run:
    settings = ["data=digits", "data.side=32", "data.size=32", "data.train=20", "data.val=8"]
    settings += ["data.test=8", "data.test_shifted=8", "model.name=lookright_tiny"]
    settings += ["training.epochs=2", "training.batch=8", "training.device=cpu"]
    return Run.load(None, [*settings, f"training.processes={WORLD}", *changes])


# -- one loss --------------------------------------------------------------------------------


def guided(name: str, processes: int) -> Guided:
    """Make a network without batch norm, whose statistics each process has of its own."""
    torch.manual_seed(0)
    trunk = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.Softplus(), nn.Conv2d(6, 5, 3, stride=2), nn.Tanh()
    )
    settings = {"noise": 0.0, "condition": "image", "delay": 0.0} if name == "adversarial" else {}
    model = Classifier(trunk, nn.Linear(5, 3))
    return Guided(model, objectives.build(name, settings), processes)


def drawn(count: int) -> Batch:
    source = torch.Generator().manual_seed(count)
    return Batch(
        images=torch.rand(count, 1, 20, 20, generator=source),
        labels=torch.arange(count) % 3,
        maps=torch.rand(count, 20, 20, generator=source),
        annotated=torch.arange(count) % 3 > 0,
        weights=torch.rand(count, generator=source),
        unknown=(torch.rand(count, 20, 20, generator=source) > 0.7).float() if count % 2 else None,
    )


def stepped(network: nn.Module, pick: Callable[[Tensor], Tensor]) -> list[dict[str, float]]:
    """Take a step per batch and return its terms."""
    optimiser, told = torch.optim.SGD(network.parameters(), 0.1), []
    for size in SIZES:
        torch.manual_seed(size)
        fields = vars(drawn(size)).values()
        terms = network(*(None if each is None else pick(each) for each in fields), 0.5)
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        optimiser.zero_grad()
        told.append({name: term.item() for name, term in terms.items()})
    return told


def _be_one_of_two(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    distributed.init_process_group("gloo", store, rank=rank, world_size=WORLD)
    for name in objectives.names():
        own = guided(name, WORLD)
        network = nn.parallel.DistributedDataParallel(own)
        terms = stepped(network, lambda each: each[rank::WORLD])
        torch.save((own.state_dict(), terms), folder / f"{name}-{rank}.pt")
    # Taking gloo's group apart waits for ever, once in many times, when the other has ended.
    os._exit(0)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_be_one_of_two, args=(r, folder)) for r in range(WORLD)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    return folder


@pytest.mark.parametrize("name", objectives.names())
def test_CK19_two_processes_learn_what_one_does(together: Path, name: str) -> None:
    """Weighted images, some without a map, batches that cannot be halved: the loss is the same."""
    alone = guided(name, 1)
    terms = stepped(alone, lambda each: each)
    for rank in range(WORLD):
        state, told = torch.load(together / f"{name}-{rank}.pt")
        for mine, theirs in zip(terms, told, strict=True):
            assert mine == pytest.approx(theirs, abs=1e-5)
        for key, value in alone.state_dict().items():
            torch.testing.assert_close(state[key], value, rtol=1e-4, atol=1e-5)


# -- one training ----------------------------------------------------------------------------


def test_CK19_a_training_of_two_processes_goes_on_to_the_same_end(tmp_path: Path) -> None:
    run = small_run("training.checkpoint_steps=1", "training.epochs=1")
    train(run, tmp_path / "whole")
    record = json.loads((tmp_path / "whole" / "metrics.jsonl").read_text())
    alone = small_run("training.processes=1", "training.epochs=1")
    train(alone, tmp_path / "alone")
    single = json.loads((tmp_path / "alone" / "metrics.jsonl").read_text())
    assert record["step"] == single["step"] == 3  # 8, 8 and the 4 that are left
    assert record["train"]["task"] == pytest.approx(single["train"]["task"], abs=0.05)
    # As if it had been killed after its first step:
    (tmp_path / "part").mkdir()
    for name in ("run.yaml", "facts.json", "contents.json"):
        (tmp_path / "part" / name).write_bytes((tmp_path / "whole" / name).read_bytes())
    first = tmp_path / "whole" / "checkpoints"
    kept = sorted(first.glob("step-*"))[0]
    assert kept.name < "step-00000003"
    (tmp_path / "part" / "checkpoints").mkdir()
    kept.rename(tmp_path / "part" / "checkpoints" / kept.name)
    train(run, tmp_path / "part", resume=True)
    ends = [
        load_file(tmp_path / each / "checkpoints/step-00000003/weights.safetensors")
        for each in ("whole", "part")
    ]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
    assert json.loads((tmp_path / "part" / "metrics.jsonl").read_text()) == record


def test_CK06_a_signal_stops_all_processes_at_one_step(tmp_path: Path) -> None:
    run = small_run("training.epochs=1000", "training.checkpoint_steps=1")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_train_and_tell, args=(run, tmp_path / "run", theirs))
    child.start()
    while not list((tmp_path / "run").glob("checkpoints/step-*")):
        assert child.is_alive()
        time.sleep(0.05)
    assert child.pid
    os.kill(child.pid, signal.SIGTERM)
    error = ours.recv()
    child.join()
    assert isinstance(error, Stopped)
    bundle = newest_bundle(tmp_path / "run" / "checkpoints")
    assert bundle
    assert f"after step {bundle.step};" in str(error)


def _train_and_tell(run: Run, folder: Path, told) -> None:
    try:
        train(run, folder)
    except LookrightError as error:
        told.send(error)


def test_a_batch_that_cannot_be_shared_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"batch of 8 .* 3 processes. Set training.batch to 9"):
        train(small_run("training.processes=3"), tmp_path / "run")


# -- one end ---------------------------------------------------------------------------------


def _fail_in_the_second(run, folder, fabric, request) -> None:
    fabric.launch()
    if fabric.global_rank == 1:
        raise DataError(*_problems())
    fabric.barrier()


def _problems() -> list[Problem]:
    return [Problem("IMG-EMPTY", f"Empty file {number}.") for number in range(3000)]


def _die_in_the_second(run, folder, fabric, request) -> None:
    fabric.launch()
    if fabric.global_rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    fabric.barrier()


def _crash_in_the_second(run, folder, fabric, request) -> None:
    fabric.launch()
    assert fabric.global_rank != 1, "a bug"
    fabric.barrier()


def _die_late_in_the_second(run, folder, fabric, request) -> None:
    """The first has long said that it lost the other when the other's end is noticed."""
    fabric.launch()
    if fabric.global_rank == 1:
        torch.distributed.destroy_process_group()
        time.sleep(3)
        os.kill(os.getpid(), signal.SIGKILL)
    fabric.barrier()


def _crash_late_in_the_second(run, folder, fabric, request) -> None:
    fabric.launch()
    if fabric.global_rank == 1:
        torch.distributed.destroy_process_group()
        time.sleep(3)
        raise AssertionError("a bug")
    fabric.barrier()


@pytest.mark.parametrize(
    ("work", "kind", "answer"),
    [
        (_die_late_in_the_second, RunError, "ended by itself"),
        (_crash_late_in_the_second, RunError, "Process 1 failed unexpectedly"),
        (_fail_in_the_second, DataError, "Empty file 0"),
        (_die_in_the_second, RunError, "ended by itself"),
        (_crash_in_the_second, RunError, "Process 1 failed unexpectedly"),
    ],
    ids=["DL02 a late kill", "DL06 a late crash", "DL07 an error", "DL02 a kill", "DL06 a crash"],
)
def test_what_ends_one_process_ends_all(work, kind: type, answer: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(kind, match=answer) as caught:
        spread(work, small_run(), tmp_path)
    assert time.monotonic() - began < 60
    assert not multiprocessing.active_children()
    if kind is DataError:
        assert len(caught.value.problems) == 3000
