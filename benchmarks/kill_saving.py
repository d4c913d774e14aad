"""Kill a process that does nothing but save, at random moments: no file may become unloadable.

    python benchmarks/kill_saving.py --kills 500

Each child goes on from the newest bundle, as a resumed run does, and keeps the last two. Prints
how many kills hit a save half way, and exits with 1 at the first bundle that is not as saved.
"""

import argparse
import logging
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch

from lookright.checkpoint import newest_bundle, prune, save_bundle


def content(step: int) -> dict[str, dict[str, torch.Tensor]]:
    """Return tensors that tell which step they belong to."""
    return {
        "weights": {"weight": torch.full((64, 256), float(step))},
        "optimizer": {"momentum": torch.full((64, 256), -float(step))},
    }


def save_forever(root: Path) -> None:
    """Save one bundle after the other, as fast as the disk allows."""
    bundle = newest_bundle(root)
    step = bundle.step if bundle else 0
    while True:
        step += 1
        save_bundle(root, step, content(step), {"step": step})
        prune(root, {step - 1, step})


def kill_one(root: Path, seconds: float) -> bool:
    """Kill a saving child after some time; say whether it was half way through a save."""
    child = os.fork()
    if child == 0:
        try:
            save_forever(root)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit("A child ended by itself: its message is above.")
    return any(root.glob(".step-*"))


def verify(root: Path, least: int) -> int:
    """Return the newest step, after a look at every tensor of its bundle."""
    bundle = newest_bundle(root, strict=True)
    step = bundle.step if bundle else 0
    if step < least:
        sys.exit(f"Step {least} was there before the kill, now the newest is {step}.")
    for stem, expected in content(step).items() if bundle else ():
        found = bundle.tensors(stem) if bundle else {}
        if not all(torch.equal(found[name], tensor) for name, tensor in expected.items()):
            sys.exit(f"{stem} of step {step} is not what was saved.")
    return step


def main() -> None:
    """Kill as often as asked and print the tally."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    draw = random.Random(options.seed)
    halfway = step = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "checkpoints"
        for _ in range(options.kills):
            halfway += kill_one(root, draw.uniform(0.0, 0.06))
            step = verify(root, step)
    print(f"{options.kills} kills, {halfway} of them within a save, {step} steps: all loadable")


if __name__ == "__main__":
    main()
