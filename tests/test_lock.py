"""One writer per folder: who holds it, and when a lock is nobody's any more."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lookright.checkpoint import hold, lock
from lookright.checkpoint.lock import LOCK, me
from lookright.errors import ConfigError

HOLD = """
import sys, time
from pathlib import Path
from lookright.checkpoint.lock import hold
from lookright.errors import ConfigError
try:
    with hold(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
except ConfigError as error:
    print(error)
    sys.exit(error.exit_status)
"""


def test_CK20_a_second_process_is_refused_and_a_dead_one_is_not_waited_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    with pytest.raises(ConfigError, match=f"process {first.pid} on ") as caught, hold(tmp_path):
        pass
    assert caught.value.exit_status == 2
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    assert (tmp_path / LOCK).exists()
    with hold(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert not (tmp_path / LOCK).exists()


def test_CK20_a_process_that_got_the_same_number_later_is_not_the_holder(tmp_path: Path) -> None:
    if not me().born:
        pytest.skip("this system does not tell when a process was started")
    stale = replace(me(), born="an earlier boot 12345")
    (tmp_path / LOCK).write_text(json.dumps(asdict(stale)))
    with hold(tmp_path):
        pass


def test_CK20_a_torn_lock_is_stale(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text('{"pid": 1')
    with hold(tmp_path):
        pass


def test_CK20_the_lock_of_another_host_is_respected(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(json.dumps({"pid": 1, "host": "elsewhere", "born": ""}))
    with (
        pytest.raises(ConfigError, match=r"if it is gone for sure, delete .*lock\.json"),
        hold(tmp_path),
    ):
        pass
    assert socket.gethostname() != "elsewhere"


def test_CK20_a_process_cannot_hold_a_folder_twice(tmp_path: Path) -> None:
    with hold(tmp_path):
        with pytest.raises(ConfigError), hold(tmp_path):
            pass
        assert (tmp_path / LOCK).exists()


def test_CK20_of_many_that_start_at_once_one_wins(tmp_path: Path) -> None:
    stale = {"pid": 2**22 + 1, "host": socket.gethostname(), "born": "long ago"}
    (tmp_path / LOCK).write_text(json.dumps(stale))
    waiting, go = os.pipe()
    children = set()
    for _ in range(12):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(go)
                with hold(tmp_path):
                    status = 0
                    os.read(waiting, 1)  # ends when the parent closes its end
            finally:
                os._exit(status)
        children.add(child)
    refused = reaped(children, leave=1)
    os.close(go)
    assert refused == [1] * 11
    assert reaped(children, leave=0) == [0]
    os.close(waiting)


def reaped(children: set[int], leave: int) -> list[int]:
    """Wait until all but some children have ended, and return their exit codes."""
    codes = []
    while len(children) > leave:
        for child in tuple(children):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                children.remove(child)
                codes.append(os.waitstatus_to_exitcode(status))
        time.sleep(0.01)
    return codes


def test_a_failed_block_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold(tmp_path):
        _ = 1 / 0
    with hold(tmp_path):
        pass


def test_a_fork_does_not_let_go_of_its_parents_lock(tmp_path: Path) -> None:
    with hold(tmp_path):
        child = os.fork()
        if child == 0:
            try:
                lock._release(tmp_path)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert (tmp_path / LOCK).exists()
