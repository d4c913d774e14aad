"""What a complete bundle contains: the size and SHA-256 of every file, sealed against flips."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lookright.errors import Problem, RunError

MANIFEST = "MANIFEST.json"


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def text(value: Any) -> bytes:
    """Write JSON in the one form that we write it in, so that equal values are equal bytes."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def manifest(step: int, files: Mapping[str, bytes]) -> bytes:
    """Describe the files of a bundle; the last entry is the SHA-256 of all entries before it."""
    listed = {name: {"bytes": len(data), "sha256": digest(data)} for name, data in files.items()}
    entries = {"step": step, "lookright": version("lookright"), "files": listed}
    return text({**entries, "sha256": digest(text(entries))})


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Read a manifest; None when a single byte of it is not as it was written."""
    try:
        data = (folder / MANIFEST).read_bytes()
        entries = json.loads(data)
        seal = entries.pop("sha256")
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None
    whole = seal == digest(text(entries)) and data == text({**entries, "sha256": seal})
    return entries if whole else None


def faults(folder: Path) -> list[Problem]:
    """Verify a bundle: one problem for each file that is missing, cut or changed."""
    entries = read_manifest(folder)
    if entries is None:
        what = "is damaged" if (folder / MANIFEST).exists() else "is missing"
        return [_fault(folder / MANIFEST, f"the manifest {what}")]
    if folder.name != folder_name(entries["step"]):
        return [_fault(folder, f"this folder was saved as {folder_name(entries['step'])}")]
    found = [file_fault(folder / name, listed) for name, listed in entries["files"].items()]
    return [fault for fault in found if fault]


def file_fault(path: Path, listed: Mapping[str, Any]) -> Problem | None:
    """Compare one file with its entry in the manifest."""
    try:
        return bytes_fault(path, path.read_bytes(), listed)
    except OSError as error:
        return _fault(path, f"cannot be read: {error.strerror}")


def bytes_fault(path: Path, data: bytes, listed: Mapping[str, Any]) -> Problem | None:
    """Compare what a file was read as with its entry in the manifest."""
    if len(data) != listed["bytes"]:
        return _fault(path, f"has {len(data)} bytes instead of {listed['bytes']}")
    if digest(data) != listed["sha256"]:
        return _fault(path, "its content changed after it was saved: the SHA-256 differs")
    return None


def folder_name(step: int) -> str:
    """Return the name of a bundle's folder; `step` counts optimiser steps."""
    return f"step-{step:08d}"


def refuse_newer(folder: Path) -> None:
    """Raise a `RunError` when a newer lookright made a bundle: what it means may have changed."""
    entries = read_manifest(folder)
    made_by, ours = entries["lookright"] if entries else "0.0", version("lookright")
    if _release(made_by) > _release(ours):
        what = f"made by {made_by}, you have {ours}."
        fix = f"Install lookright {made_by} or newer."
        raise RunError(Problem("CKPT-NEWER", what, str(folder), fix))


def _release(number: str) -> tuple[int, int]:
    major, minor = [*number.split("."), "0"][:2]  # a patch never changes what a bundle means
    return int(major), int("".join(filter(str.isdigit, minor)) or 0)


def _fault(path: Path, what: str) -> Problem:
    return Problem("CKPT-HASH", what, str(path))
