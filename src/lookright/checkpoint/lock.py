"""One writer per folder: a lock file that says who, where and since when."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO

from lookright.errors import ConfigError, Problem

if sys.platform != "win32":
    import fcntl

LOCK = "lock.json"


@dataclass(frozen=True)
class Holder:
    """A process, told apart from a later one with the same number by when it was started."""

    pid: int
    host: str
    born: str  # boot and clock ticks since boot; empty where the system does not tell
    since: str = ""  # for people


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep every other process from writing into a folder for as long as the block runs.

    A `ConfigError` says who holds it. The lock of a process of this host that is gone is taken
    over; whether a process of another host is gone cannot be known from here.
    """
    _take(folder)
    try:
        yield
    finally:
        _release(folder)


def holder(folder: Path) -> Holder | None:
    """Return who holds a folder, as far as we can know; None when nobody does."""
    try:
        found = Holder(**json.loads((folder / LOCK).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if _may_live(found) else None


def me() -> Holder:
    """Return this process."""
    return Holder(os.getpid(), socket.gethostname(), _born(os.getpid()))


def held_by_another(folder: Path) -> bool:
    """Say whether another process holds a folder."""
    found = holder(folder)
    return found is not None and replace(found, since="") != me()


def probe(folder: Path) -> None:
    """Write, flush and remove a small file: better a `ConfigError` now than after hours."""
    path = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        fix = "Choose a folder that you may write to, or free space."
        what = f"cannot write here: {error.strerror}."
        raise ConfigError(Problem("RUN-WRITE", what, str(folder), fix)) from None
    finally:
        with suppress(OSError):
            path.unlink()


def _take(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / LOCK) as file:
        if found := holder(folder):
            raise ConfigError(_taken(folder, found))
        since = datetime.now(UTC).isoformat(timespec="seconds")
        _rewrite(file, json.dumps(asdict(replace(me(), since=since))))


def _release(folder: Path) -> None:
    """Remove the lock unless a fork or a stranger would be removing somebody else's."""
    if (folder / LOCK).exists() and not held_by_another(folder):
        with _alone(folder / LOCK):
            (folder / LOCK).unlink()


def _taken(folder: Path, found: Holder) -> Problem:
    what = f"process {found.pid} on {found.host} has been writing here since {found.since}."
    fix = "Wait for it, or choose another folder."
    if found.host != socket.gethostname():
        fix = f"Wait for it; if it is gone for sure, delete {folder / LOCK}."
    return Problem("RUN-HELD", what, str(folder), fix)


def _alone(path: Path) -> IO[str]:
    """Open a lock file such that nobody else reads or writes it until it is closed."""
    while True:
        file = path.open("a+", encoding="utf-8")
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_still(file, path):
            return file
        file.close()


def _is_still(file: IO[str], path: Path) -> bool:
    """Say whether the open file is the one on disk: its holder may just have removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _rewrite(file: IO[str], content: str) -> None:
    file.truncate(0)
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _may_live(found: Holder) -> bool:
    if found.host != socket.gethostname():
        return True
    if found.born:
        return _born(found.pid) == found.born
    return _exists(found.pid)


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _born(pid: int) -> str:
    """Say when a process was started, in units that a reboot cannot repeat; empty if unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if state in "ZX" else f"{_boot()} {fields[18]}"


@cache
def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
