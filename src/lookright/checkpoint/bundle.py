"""Bundles: a folder per checkpoint that is built aside, checksummed, and renamed into place."""

import errno
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from lookright.checkpoint.lock import held_by_another
from lookright.checkpoint.manifest import (
    MANIFEST,
    bytes_fault,
    faults,
    folder_name,
    manifest,
    read_manifest,
    refuse_newer,
    text,
)
from lookright.checkpoint.plain import require_plain
from lookright.errors import Problem, RunError, Stopped, listing
from lookright.files import flush_folder, write_atomically

logger = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LEFTOVER = re.compile(r"\.(step-\d{8,})\.(incomplete|replaced|removed)")


@dataclass(frozen=True)
class Bundle:
    """A checkpoint whose every byte was verified."""

    folder: Path
    step: int
    state: dict[str, Any]

    def tensors(self, stem: str, device: str | torch.device = "cpu") -> dict[str, Tensor]:
        """Read `<stem>.safetensors`: the dtypes, values and memory layouts that were saved."""
        path = self.folder / f"{stem}.safetensors"
        listed = (read_manifest(self.folder) or {"files": {}})["files"]
        if path.name not in listed:
            names = ", ".join(name for name in listed if name.endswith(".safetensors"))
            what = f"this bundle has no {path.name}; it has {names or 'no tensors'}."
            raise RunError(Problem("CKPT-MISSING", what, str(self.folder)))
        data = path.read_bytes()
        if fault := bytes_fault(path, data, listed[path.name]):
            raise RunError(fault)
        return _from_bytes(data, device)


def save_bundle(
    root: Path, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: dict[str, Any]
) -> Path:
    """Write one bundle below `root` and verify it; earlier bundles stay as they are.

    `tensors` has one entry per file (weights, optimizer, ...). `state` is plain JSON, else a
    `RunError` says what is not. A full disk raises `Stopped` and leaves nothing behind.
    """
    require_plain(state)
    files = {f"{stem}.safetensors": _to_bytes(named) for stem, named in tensors.items()}
    files["state.json"] = text(state)
    files[MANIFEST] = manifest(step, files)
    folder = root / folder_name(step)
    root.mkdir(parents=True, exist_ok=True)
    with _told_when_full(root, sum(map(len, files.values()))):
        _put(folder, files)
        write_atomically(root / "latest.txt", folder.name + "\n")
    if found := faults(folder):
        raise RunError(*found)
    return folder


def newest_bundle(root: Path, strict: bool = False) -> Bundle | None:
    """Return the newest complete bundle by step number; None when there never was one.

    Leftovers of interrupted saves are removed, unless another process holds the run. A damaged
    bundle is passed over with a warning (`strict`: with a `RunError`); all damaged: a `RunError`.
    """
    _sweep(root)
    damaged: list[Problem] = []
    for folder in _folders(root):
        if not (found := faults(folder)):
            return _open(folder)
        if strict:
            raise RunError(*found)
        logger.warning("%s\n%s is damaged: falling back to the one before.", listing(found), folder)
        damaged += found
    if damaged:
        raise RunError(*damaged, Problem("CKPT-NONE", "no bundle is whole.", str(root), _SCRATCH))
    return None


_SCRATCH = "Restore one from a backup, or start from scratch in a new folder: --out FOLDER."


def open_bundle(root: Path, step: int) -> Bundle:
    """Return the bundle of one step, say of the best one; a `RunError` when it is not whole."""
    folder = root / folder_name(step)
    if found := faults(folder):
        raise RunError(*found)
    return _open(folder)


def prune(root: Path, keep: set[int]) -> None:
    """Delete all bundles but those of the given steps.

    Nothing is deleted unless the newest of those is verified once more: at every moment, one
    good bundle is on disk.
    """
    folders = _folders(root)
    kept = [folder for folder in folders if _step(folder) in keep]
    if not kept or faults(kept[0]):
        logger.warning("%s: nothing is deleted, for the bundle to keep is not whole.", root)
        return
    for folder in folders:
        if folder not in kept:
            _discard(folder)


def _open(folder: Path) -> Bundle:
    refuse_newer(folder)
    state = json.loads((folder / "state.json").read_bytes())
    return Bundle(folder, _step(folder), state)


def _folders(root: Path) -> list[Path]:
    """List the bundles, whole or not, newest first: by step, for clocks can go back."""
    named = [path for path in root.glob("step-*") if re.fullmatch(r"step-\d{8,}", path.name)]
    return sorted(named, key=_step, reverse=True)


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def _aside(folder: Path, why: str) -> Path:
    return folder.with_name(f".{folder.name}.{why}")


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Build a bundle aside and rename it into place; each step is on disk before the next."""
    new = _aside(folder, "incomplete")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        for name, data in files.items():
            _write(new / name, data)
        flush_folder(new)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if folder.exists():
        _replace(new, folder)
    else:
        new.rename(folder)
    flush_folder(folder.parent)


def _replace(new: Path, folder: Path) -> None:
    old = _aside(folder, "replaced")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)


def _discard(folder: Path) -> None:
    """Delete a bundle such that a half deleted one never looks like a damaged one."""
    old = _aside(folder, "removed")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    shutil.rmtree(old)


def _sweep(root: Path) -> None:
    if held_by_another(root) or held_by_another(root.parent):
        return
    for path in sorted(root.glob(".step-*")):
        found = _LEFTOVER.fullmatch(path.name)
        if found and found[2] == "replaced" and not (root / found[1]).exists():
            path.rename(root / found[1])  # stopped between two renames: the old one counts again
        elif found:
            shutil.rmtree(path)
            logger.warning("removed incomplete %s", root / found[1])
    for path in root.glob(".latest.txt.*"):
        path.unlink()


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _told_when_full(root: Path, needed: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free = shutil.disk_usage(root).free
        what = f"{error.strerror}: saving needs {needed} bytes, {free} are free."
        fix = "Free space, then go on with --resume; earlier checkpoints are untouched."
        raise Stopped(Problem("CKPT-FULL", what, str(root), fix)) from None


def _to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Serialise; memory layouts such as channels-last go along, so that sums round alike."""
    kept = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
    strides = {name: torch.empty_like(t, device="meta").stride() for name, t in kept.items()}
    plain = {name: t.clone(memory_format=torch.contiguous_format) for name, t in kept.items()}
    return save(plain, {"strides": json.dumps(strides)})


def _from_bytes(data: bytes, device: str | torch.device) -> dict[str, Tensor]:
    length = int.from_bytes(data[:8], "little")
    strides = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["strides"])
    return {
        name: torch.empty_strided(t.shape, strides[name], dtype=t.dtype, device=device).copy_(t)
        for name, t in load(data).items()
    }
