"""Processes that die, devices that are lost, and two comparisons in one folder at once."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from lookright.bench import bench, comparison, pool
from lookright.bench.cell import Cell, Key
from lookright.bench.ledger import Outcome
from lookright.bench.pool import DIED, outcomes
from lookright.errors import ConfigError
from lookright.files import read_lines, write_atomically
from lookright.run import Run

RESULTS = "split,by,value_of,measure,value,count,undefined\ntest,all,,auroc,0.5,4,0\n"


class DoomedRun(Run):
    """A run whose first attempt ends its process, and whose others fail by themselves.

    Its name is the file in which it notes its attempts.
    """

    def model_copy(self, **changes) -> Run:  # the first thing that training does with a run
        attempts = Path(str(self.name))
        with attempts.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if len(attempts.read_text().splitlines()) > 1:
            raise ValueError("a second attempt")
        if attempts.stem == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise torch.AcceleratorError("CUDA error: the device is gone")


def doomed(folder: Path) -> Cell:
    name = str(folder.with_suffix(".attempts"))
    run = DoomedRun.model_validate({"data": {"name": "digits"}, "name": name})
    return Cell(run, folder.name, "", folder, Key("", "", "", ""))


def test_BM05_cells_of_a_dead_process_or_a_lost_device_are_tried_once_more_elsewhere(tmp_path):
    killed, lost = doomed(tmp_path / "killed"), doomed(tmp_path / "lost")
    found = [(cell, each.status, each.reason) for cell, each in outcomes([killed, lost], 1)]
    assert found == [
        (killed, "again", DIED),
        (lost, "again", DIED),
        (killed, "failed", "a second attempt"),
        (lost, "failed", "a second attempt"),
    ]
    for cell in (killed, lost):
        first, second = Path(str(cell.run.name)).read_text().split()
        assert first != second
    assert "the device is gone" in lost.log.read_text()


def test_BM07_of_two_comparisons_at_once_one_is_refused_and_each_cell_is_done_once(
    tmp_path, monkeypatch
):
    def quick(cells, jobs):
        for cell in cells:
            time.sleep(0.005)
            write_atomically(cell.folder / "results.csv", RESULTS)
            yield cell, Outcome("done", 0.0)

    monkeypatch.setattr(comparison, "outcomes", quick)
    small = ["data=digits", "data.train=12", "data.val=4", "data.test=4", "data.test_shifted=4"]
    run = Run.load(None, [*small, "model=lookright_tiny", "bench.seeds=[0,1,2]"])
    ends: list[str] = []

    def start(folder, barrier):
        barrier.wait()
        try:
            bench(run, folder)
            ends.append("done")
        except ConfigError as error:
            ends.append(error.code)

    for attempt in range(10):
        folder, barrier = tmp_path / str(attempt), threading.Barrier(2)
        threads = [threading.Thread(target=start, args=(folder, barrier)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = read_lines(folder / "cells.jsonl")
        assert sorted(line["seed"] for line in lines) == [0, 1, 2]
        assert len({line["key"] for line in lines}) == 3
    assert set(ends) <= {"done", "ERR-RUN-HELD"}
    assert "ERR-RUN-HELD" in ends


@pytest.mark.parametrize("message", ["CUDA error: unspecified launch failure", "no device"])
def test_only_a_lost_device_ends_its_process(message, tmp_path, monkeypatch):
    def failing(cell):
        raise RuntimeError(message)

    monkeypatch.setattr(pool, "run_cell", failing)
    monkeypatch.setattr(pool, "_print_to", lambda log: None)
    monkeypatch.setattr(pool.os, "_exit", lambda status: pytest.fail("ended"))
    cell = doomed(tmp_path / "any")
    if message.startswith("CUDA"):
        with pytest.raises(pytest.fail.Exception, match="ended"):
            pool._work(cell)
    else:
        assert pool._work(cell) == message
