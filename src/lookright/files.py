"""Files that are either whole or not there, and lines that are never torn."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would otherwise change line ends


def write_atomically(path: Path, content: bytes | str, flush: bool = True) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old one or the new one.

    Text is written as UTF-8. The file and its folder are flushed to disk, unless they can be made
    again and are many (`flush=False`). The folder is made if it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # 0o666 less the umask: the private mode of temporary files would lock colleagues out
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if flush:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if flush:
        flush_folder(path.parent)


def append_line(path: Path, line: Mapping[str, Any] | str) -> None:
    """Append one line of JSON (or text) in one write, after a torn tail has been cut off."""
    text = line if isinstance(line, str) else json.dumps(line)
    if "\n" in text:
        raise ValueError("A line cannot hold a line break.")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _cut_torn_tail(path)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _BINARY, 0o666)
    try:
        _write_all(handle, f"{text}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read_lines(path: Path) -> list[Any]:
    """Read every whole line of JSON; a last line that a crash tore is left out."""
    return [json.loads(line) for line in _whole_lines(Path(path))]


def flush_folder(folder: Path) -> None:
    """Make the disk hold a folder's names, where the system lets folders be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _whole_lines(path: Path) -> Iterator[str]:
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    return (line for line in whole.decode().split("\n") if line)


def _cut_torn_tail(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        if not file.seek(0, os.SEEK_END):
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]
