"""Training in one process or in several on this machine, which end as one.

Fabric can start processes itself, but then an error arrives as the text of a traceback, and a
signal reaches some processes and not others.
"""

import logging
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_int
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from socket import socket
from time import monotonic
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy

from lookright.allocator import keep_freed_memory
from lookright.devices import accelerator
from lookright.errors import ConfigError, LookrightError, Problem, RunError
from lookright.interruption import Request, end_with_parent, listening
from lookright.run import Run

Work = Callable[[Run, Path, Fabric, Request], None]

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"32": "32-true", "bf16": "bf16-mixed"}
GRACE = 30.0  # seconds that the others have to end by themselves once one has failed


def spread(work: Work, run: Run, folder: Path) -> None:
    """Do a training's work in as many processes as it asks for; raise what ends it in any.

    Raises ConfigError when a batch or the devices do not suffice for all, and RunError when a
    process is killed.
    """
    count = run.training.processes
    if count == 1:
        with listening() as request:
            work(run, folder, fabric(run), request)
        return
    _require_shares(run)
    asked = RawValue(c_int, 0)
    with listening(asked), _processes(work, run, folder, asked) as running:
        failed = _ends(running)
    if failed:
        raise _chosen(failed)


def fabric(run: Run) -> Fabric:
    """Make Fabric for the device, the precision and the processes of a run."""
    keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by deterministic CUDA
    torch.use_deterministic_algorithms(run.training.deterministic)
    precision, count = PRECISIONS[run.training.precision], run.training.processes
    where = accelerator(run.training.device)
    if count == 1:
        return Fabric(**where, precision=precision)
    together = DDPStrategy(cluster_environment=LightningEnvironment())
    where["devices"] = count
    return Fabric(**where, precision=precision, strategy=together)


Running = dict[Connection, BaseProcess]


@contextmanager
def _processes(work: Work, run: Run, folder: Path, asked: Any) -> Iterator[Running]:
    """Start the processes, and leave none behind."""
    context, port, count = get_context("spawn"), _free_port(), run.training.processes
    threads = max(1, torch.get_num_threads() // count)
    running: Running = {}
    try:
        for rank in range(count):
            ours, theirs = context.Pipe(duplex=False)
            place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": str(rank)}
            arguments = (theirs, place, threads, work, run, folder, asked)
            process = context.Process(target=_take_part, args=arguments)
            process.start()
            theirs.close()
            running[ours] = process
        yield running
    finally:
        for process in running.values():
            process.kill()
            process.join()


def _take_part(
    told: Connection,
    place: dict[str, str],
    threads: int,
    work: Work,
    run: Run,
    folder: Path,
    asked: Any,
) -> None:
    """Be one of the processes: do the work and tell how it ended."""
    end_with_parent()
    for name in ("SIGTERM", "SIGUSR1", "SIGINT"):
        if hasattr(signal, name):  # the first process hears them, and tells all through `asked`
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # no banners
    os.environ.update(place)
    torch.set_num_threads(threads)
    try:
        work(run, folder, fabric(run), Request(asked))
        told.send(None)
    except (LookrightError, KeyboardInterrupt) as error:
        told.send(error)
    except Exception as error:
        told.send(_crash(place["LOCAL_RANK"], error))


def _ends(running: Running) -> list[BaseException]:
    """Wait until all have ended, or for a while after the first failed; return the failures."""
    waiting, failed, deadline = dict(running), [], None
    while waiting:
        rest = None if deadline is None else max(0, deadline - monotonic())
        heard = wait(list(waiting), rest)
        ready = [connection for connection in waiting if connection in heard]
        if not ready:
            break  # the others hang
        for connection in ready:
            error = _outcome(connection, waiting.pop(connection))
            if error:
                failed.append(error)
                deadline = deadline or monotonic() + GRACE
    return failed


def _outcome(connection: Connection, process: BaseProcess) -> BaseException | None:
    try:
        return connection.recv()
    except EOFError:
        process.join()
        what = f"A training process ended by itself (exit code {process.exitcode})."
        return RunError(Problem("PROCESS", what, fix="Out of memory is the usual reason."))


def _crash(rank: str, error: Exception) -> RunError:
    trace = "".join(traceback.format_exception(error))
    lost = isinstance(error, torch.distributed.DistError) or "gloo" in str(error)
    code, what = ("PROCESS-LOST", "lost the others") if lost else ("PROCESS", "failed unexpectedly")
    return RunError(Problem(code, f"Process {rank} {what}.\n{trace}"))


def _chosen(failed: list[BaseException]) -> BaseException:
    """Return the failure that explains the others, whichever came first.

    Where one process ends, the others lose the connection to it, and may be the first to say so.
    """
    later = ["ERR-PROCESS", "ERR-PROCESS-LOST"]  # anything else explains itself
    codes = [error.code if isinstance(error, RunError) else "" for error in failed]
    order = [later.index(code) + 1 if code in later else 0 for code in codes]
    return failed[order.index(min(order))]


def _free_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _require_shares(run: Run) -> None:
    training, problems = run.training, []
    count = training.processes
    if training.batch % count:
        what = f"A batch of {training.batch} images cannot be shared evenly by {count} processes."
        fix = f"Set training.batch to {-(-training.batch // count) * count}."
        problems.append(Problem("PROCESSES", what, "training.processes", fix))
    kind = accelerator(training.device)["accelerator"]
    found = torch.cuda.device_count()
    takes_gpus = kind == "cuda" or (kind == "auto" and found)
    if kind == "mps" or ":" in training.device or (takes_gpus and found < count):
        what = f"{count} processes need a device each; {training.device} has not so many."
        fix = "Set training.device to cpu or cuda, or fewer processes."
        problems.append(Problem("PROCESSES", what, "training.processes", fix))
    if problems:
        raise ConfigError(*problems)
