"""Files that are either whole or not there, and lines that are never torn."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old one or the new one.

    Text is written as UTF-8. The file and its folder are flushed to disk; its mode follows the
    umask, or stays what it was. The folder is made if it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            _give_usual_mode(Path(name), path)
            flush(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    flush_folder(path.parent)


def append_line(path: Path, line: Mapping[str, Any] | str) -> None:
    """Append one line of JSON (or text) in one write, after a torn tail has been cut off."""
    text = line if isinstance(line, str) else json.dumps(line)
    if "\n" in text:
        raise ValueError("A line cannot hold a line break.")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _cut_torn_tail(path)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        _write_all(handle, f"{text}\n".encode())
        flush(handle)
    finally:
        os.close(handle)


def read_lines(path: Path) -> list[Any]:
    """Read every whole line of JSON; a last line that a crash tore is left out."""
    return [json.loads(line) for line in _whole_lines(Path(path))]


def flush(handle: int) -> None:
    """Make the disk hold what was written."""
    os.fsync(handle)


def flush_folder(folder: Path) -> None:
    """Make the disk hold a folder's names, where the system lets folders be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        flush(handle)
    finally:
        os.close(handle)


def _whole_lines(path: Path) -> Iterator[str]:
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    return (line for line in whole.decode().split("\n") if line)


def _cut_torn_tail(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


def _give_usual_mode(temporary: Path, path: Path) -> None:
    """Undo the private mode of temporary files (0600), which would lock colleagues out."""
    if path.exists():
        mode = path.stat().st_mode & 0o7777
    else:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    os.chmod(temporary, mode)
