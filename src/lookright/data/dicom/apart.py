"""Decoding in a process of its own: GDCM takes its process down when a stream is damaged.

A child is started when the first such file is met, and kept for the next ones. When it dies, its
file is damaged, and another child takes its place.
"""

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from threading import Lock, Timer
from typing import IO

import numpy as np

PATIENCE = 60  # seconds for one frame
_LENGTH = struct.Struct("<Q")
# It answers each DICOM file on its input by an array, or by nothing where it cannot be decoded.
_CHILD = """
import io, struct, sys
import numpy as np
from pydicom import dcmread
from pydicom.pixels.decoders.base import get_decoder
while len(head := sys.stdin.buffer.read(8)) == 8:
    file, answer = io.BytesIO(sys.stdin.buffer.read(*struct.unpack("<Q", head))), io.BytesIO()
    try:
        dataset = dcmread(file)
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        options = dict(index=0, decoding_plugin="gdcm", correct_unused_bits=False)
        np.save(answer, decoder.as_array(dataset, **options)[0], allow_pickle=False)
    except Exception:
        answer = io.BytesIO()
    sys.stdout.buffer.write(struct.pack("<Q", len(answer.getvalue())) + answer.getvalue())
    sys.stdout.buffer.flush()
"""
_idle: list[tuple[int, subprocess.Popen[bytes]]] = []  # each with the process that started it
_lock = Lock()


def decode_apart(file: bytes) -> np.ndarray:
    """Decode the only frame of a DICOM file; raises ValueError when that cannot be done."""
    with _child() as child:
        assert child.stdin is not None  # both are pipes
        assert child.stdout is not None
        patience = Timer(PATIENCE, child.kill)
        patience.start()
        try:
            _send(child.stdin, file)
            answer = _receive(child.stdout)
        finally:
            patience.cancel()
    if not answer:
        raise ValueError("The frame cannot be decoded.")
    return np.load(BytesIO(answer), allow_pickle=False)


@contextmanager
def _child() -> Iterator[subprocess.Popen[bytes]]:
    """Lend a child of this process: a fork of it must not talk through the same pipes."""
    with _lock:
        own = [each for each in _idle if each[0] == os.getpid()]
        _idle[:] = own[1:]
    child = own[0][1] if own else _started()
    try:
        yield child
    except OSError as error:  # a pipe breaks when the child has died
        _end(child)
        raise ValueError("The decoder has died.") from error
    if child.poll() is None:
        with _lock:
            _idle.append((os.getpid(), child))
    else:
        _end(child)


def _started() -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    # What GDCM prints about a stream is of no use to anybody.
    return subprocess.Popen(
        (sys.executable, "-c", _CHILD), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    for stream in (child.stdin, child.stdout):
        with suppress(OSError):
            if stream is not None:
                stream.close()
    child.kill()
    child.wait()


def _send(stream: IO[bytes], content: bytes) -> None:
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    """Return the next message; b"" where there is none."""
    head = stream.read(_LENGTH.size)
    return stream.read(*_LENGTH.unpack(head)) if len(head) == _LENGTH.size else b""
