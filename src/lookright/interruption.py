"""Stop when asked, between two steps and not within one."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_int
from dataclasses import dataclass, field
from types import FrameType


@dataclass
class Request:
    """What the process was asked to do; `cell` may be memory that processes share."""

    cell: c_int = field(default_factory=c_int)

    @property
    def signal(self) -> int:
        """The number of the signal that came; 0 until something comes."""
        return self.cell.value


@contextmanager
def listening(cell: c_int | None = None) -> Iterator[Request]:
    """Note SIGTERM, SIGUSR1 (a cluster's warning) and Ctrl-C; the second one acts at once.

    Outside the main thread Python hears no signals, and nothing changes.
    """
    request = Request() if cell is None else Request(cell)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    names = [name for name in ("SIGTERM", "SIGUSR1", "SIGINT") if hasattr(signal, name)]
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}

    def note(number: int, frame: FrameType | None) -> None:
        """Remember the signal, and let a second one do what it usually does."""
        request.cell.value = number
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_parent() -> None:
    """End this process when the one that started it is gone, as a killed one cannot tell it to."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent, "only started processes have a parent"
    parent.join()
    os._exit(1)
