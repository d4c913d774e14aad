"""Cells in processes of their own: one that dies takes no other with it."""

import multiprocessing
import os
import sys
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from time import perf_counter

import torch

from lookright.bench.cell import Cell, run_cell
from lookright.bench.ledger import Outcome
from lookright.interruption import end_with_parent

DIED = "Its process died; out of memory or a lost device is the usual reason."


def outcomes(cells: Sequence[Cell], jobs: int) -> Iterator[tuple[Cell, Outcome]]:
    """Run the cells, `jobs` at a time, and say how each ended, in the order of ending.

    A cell whose process dies is tried once more, after all others and in a new process: that one
    has the memory for itself, and sees the devices that are left.
    """
    waiting, died = deque(cells), set[Path]()
    # One pool per process, because a pool gives up all its processes when one of them is killed.
    idle = [_process(jobs) for _ in cells[:jobs]]
    running: dict[Future[str], tuple[Cell, ProcessPoolExecutor, float]] = {}
    try:
        while waiting or running:
            while waiting and idle:
                cell, process = waiting.popleft(), idle.pop()
                running[process.submit(_work, cell)] = cell, process, perf_counter()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                cell, process, began = running.pop(future)
                reason, lives = _reason(future)
                idle.append(process if lives else _process(jobs))
                is_again = not lives and cell.folder not in died
                if is_again:
                    died.add(cell.folder)
                    waiting.append(cell)
                status = "again" if is_again else "failed" if reason else "done"
                yield cell, Outcome(status, perf_counter() - began, reason)
    finally:
        for process in [*idle, *(process for _, process, _ in running.values())]:
            process.shutdown(cancel_futures=True)


def _process(jobs: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    return ProcessPoolExecutor(1, context, _settle, (jobs,))


def _settle(jobs: int) -> None:
    """Share the cores with the other processes, and end with the process that asked."""
    torch.set_num_threads(max(1, torch.get_num_threads() // jobs))
    # Otherwise a killed comparison would leave writers behind, in the folders of the next one.
    end_with_parent()


def _work(cell: Cell) -> str:
    """Run a cell, its output in its log; return why it failed, or nothing."""
    _print_to(cell.log)
    try:
        run_cell(cell)
    except Exception as error:
        traceback.print_exc()
        if _is_lost_device(error):
            sys.stderr.flush()
            os._exit(1)
        return str(error) or type(error).__name__
    return ""


def _is_lost_device(error: Exception) -> bool:
    """Say whether this process can never again use its device, whatever it runs next."""
    known = getattr(torch, "AcceleratorError", ())  # since torch 2.8
    return isinstance(error, known) or "CUDA error" in str(error)


def _print_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        for stream in (1, 2):  # the descriptors, so that native code prints there as well
            os.dup2(file.fileno(), stream)


def _reason(future: "Future[str]") -> tuple[str, bool]:
    """Return why a cell failed, if it did, and whether its process lives."""
    try:
        return future.result(), True
    except BrokenProcessPool:
        return DIED, False
