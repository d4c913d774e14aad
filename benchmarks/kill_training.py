"""Kill training at random moments and go on with another number of workers: nothing may change.

    python benchmarks/kill_training.py --kills 200

Each run is killed a few times and then left to finish. Its last checkpoint (weights, optimisers,
position) and its metrics.jsonl must equal those of a run that nobody killed, byte for byte.

Children are forks of a parent that has imported torch and computed nothing, so that a kill costs
no import; all use one thread.
"""

import argparse
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
import torch
import torch.utils.tensorboard  # here, so that no child spends its short life importing it
from PIL import Image

from lookright.checkpoint import newest_bundle
from lookright.run import Run
from lookright.train import train

OBJECTIVES = ("adversarial", "cross_entropy", "decision_energy")  # the first owns an optimiser
KILLS_PER_RUN = 5


def draw_images(folder: Path, count: int = 40, side: int = 32) -> Path:
    """Draw noisy images with a bright square, its place as the human map; every fifth is `val`."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    lines = ["image,label,split,mask"]
    for number in range(count):
        image = noise.integers(0, 128, (side, side), dtype=np.uint8)
        mask = np.zeros((side, side), dtype=np.uint8)
        top, left = noise.integers(0, side - 8, 2)
        mask[top : top + 8, left : left + 8] = 255
        image[mask > 0] += np.uint8(100) if number % 2 else np.uint8(30)
        Image.fromarray(image).save(folder / f"{number}.png")
        Image.fromarray(mask).save(folder / f"{number}-map.png")
        split = "val" if number % 5 == 0 else "train"
        lines.append(f"{number}.png,{'bright' if number % 2 else 'dim'},{split},{number}-map.png")
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    return folder / "images.csv"


def small_run(manifest: Path, *changes: str) -> Run:
    """Return a run of seconds that uses all that has a state: augmentation, momentum, schedule."""
    return Run.load(
        None,
        [
            f"data.manifest={manifest}",
            "data.size=32",
            "model.name=lookright_tiny",
            "optimiser.lr=0.001",
            "training.epochs=3",
            "training.batch=8",
            "training.checkpoint_steps=2",
            "training.device=cpu",
            "augmentation.flip=0.5",
            "augmentation.rotate=10",
            "augmentation.crop=0.8",
            "augmentation.brightness=0.1",
            *changes,
        ],
    )


def attempt(run: Run, folder: Path, seconds: float | None) -> bool:
    """Train in a child, killed after some seconds; say whether it finished before."""
    child = os.fork()
    if child == 0:
        talk_to(folder.with_suffix(".log"))
        status = 1
        try:
            train(run, folder, resume=True)
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    end = wait(child, seconds)
    if end == 1:
        sys.exit("Training failed by itself:\n" + folder.with_suffix(".log").read_text())
    return end == 0


def talk_to(log: Path) -> None:
    """Send what this process prints to a file."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, sys.stdout.fileno())
    os.dup2(handle, sys.stderr.fileno())


def wait(child: int, seconds: float | None) -> int:
    """Wait for a child, kill it when its time is over, and return its exit code."""
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.001)


def result(folder: Path) -> dict[str, bytes]:
    """Return what must be equal: the metrics, and the manifest of the last checkpoint."""
    last = max((folder / "checkpoints").glob("step-*"))
    manifest = (last / "MANIFEST.json").read_bytes()
    return {last.name: manifest, "metrics": (folder / "metrics.jsonl").read_bytes()}


def interrupted(run: Run, folder: Path, kills: int, whole: float, draw: random.Random) -> list[str]:
    """Train with kills at random moments; tell the workers of each attempt and how far it got."""
    story = []
    for seconds in [draw.uniform(0, whole) for _ in range(kills)] + [None]:
        workers = draw.choice((0, 0, 1, 2))
        training = run.training.model_copy(update={"workers": workers})
        done = attempt(run.model_copy(update={"training": training}), folder, seconds)
        bundle = newest_bundle(folder / "checkpoints")
        reached = f"step {bundle.step if bundle else 0}"
        story.append(f"{workers} workers {'finish' if done else 'killed after'} {reached}")
        if done:
            break
    return story


def main() -> None:
    """Kill as often as asked, print one line per run, and exit with 1 at the first difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    draw, kills, number, whole = random.Random(options.seed), 0, 0, 0.0
    with tempfile.TemporaryDirectory() as place:
        manifest = draw_images(Path(place) / "images")
        runs = [small_run(manifest, f"objective.name={name}") for name in OBJECTIVES]
        expected: list[dict[str, bytes]] = []
        for name, run in zip(OBJECTIVES, runs, strict=True):
            began = time.monotonic()
            attempt(run, Path(place) / name, None)
            whole = time.monotonic() - began
            expected.append(result(Path(place) / name))
        while kills < options.kills:
            which, folder = number % len(runs), Path(place) / f"run-{number}"
            wanted = min(KILLS_PER_RUN, options.kills - kills)
            story = interrupted(runs[which], folder, wanted, whole, draw)
            print(f"{OBJECTIVES[which]}: {', '.join(story)}", flush=True)
            if result(folder) != expected[which]:
                sys.exit("This run does not end like the one that nobody killed.")
            kills += len(story) - 1
            number += 1
            shutil.rmtree(folder)
    print(f"{number} runs, {kills} kills: all finished, all identical to the byte")


if __name__ == "__main__":
    main()
