"""Devices by name: `auto` takes what is there, a named one must be there."""

from typing import Any

import torch

from lookright.errors import ConfigError, Problem


def accelerator(device: str) -> dict[str, Any]:
    """Turn auto, cpu, mps, cuda or cuda:1 into Fabric's `accelerator` and `devices`.

    Raises ConfigError when a named device is not there: only `auto` falls back.
    """
    kind, _, number = device.partition(":")
    found = _found()
    if device != "auto" and (kind not in found or (number and device not in found)):
        fix = f"Found: {', '.join(found)}. With auto the best of them is taken."
        raise ConfigError(Problem("DEVICE", f"There is no {device} here.", "training.device", fix))
    return {"accelerator": kind, "devices": [int(number)] if number else 1}


def _found() -> list[str]:
    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.append("mps")
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    return found
