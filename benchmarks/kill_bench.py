"""Kill comparisons at random moments and start them again: no finished cell is lost or repeated.

    python benchmarks/kill_bench.py --kills 20

Every kill is a SIGKILL, half of them to the command alone (its workers must notice) and half to its
workers as well, a quarter at any time from its start and the rest at any time of its work. After
each, every cell that was done must be in the ledger once, with the same bytes in its folder. When
nobody kills it any more, the comparison must end with the tables of one that was left alone, byte
for byte.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lookright.files import read_lines
from lookright.run import Run

CELLS = 12
SETTINGS = [
    *("data=digits", "data.side=32", "data.size=32", "data.train=48", "data.val=24"),
    *("data.test=24", "data.test_shifted=24", "model=lookright_tiny", "training.epochs=2"),
    *("training.batch=12", "training.device=cpu", "training.checkpoint_steps=2"),
    *("evaluation.angles=[10]", "evaluation.interventions=[]", "bench.jobs=2"),
    *("bench.objectives=[cross_entropy,energy,decision_energy]", "bench.seeds=[0,1,2,3]"),
]
TABLES = ("results.csv", "comparison.csv")

Cells = dict[str, str]  # finished cells by key: a digest of all files in their folders


@dataclass(frozen=True)
class Kill:
    """When a command is killed, and whether its workers are as well."""

    seconds: float
    is_counted_from_work: bool  # not from the start: importing takes long on a busy machine
    everybody: bool


def attempt(recipe: Path, folder: Path, kill: Kill | None) -> bool:
    """Run the command, and kill it when its time has come; say whether it finished before."""
    command = [sys.executable, "-m", "lookright", "bench", str(recipe), "--out", str(folder)]
    log = folder.with_suffix(".log")
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    while kill and kill.is_counted_from_work and process.poll() is None and not log.stat().st_size:
        time.sleep(0.02)
    try:
        status = process.wait(kill.seconds if kill else None)
    except subprocess.TimeoutExpired:
        assert kill
        (os.killpg if kill.everybody else os.kill)(process.pid, signal.SIGKILL)
        return process.wait() == 0  # it may have finished just before
    if status:
        sys.exit("It failed by itself:\n" + log.read_text())
    return True


def finished(folder: Path) -> Cells:
    """Return the cells that are done, or exit when the ledger has one twice or a failed one."""
    path = folder / "cells.jsonl"
    lines = read_lines(path) if path.exists() else []
    keys = [line["key"] for line in lines]
    wrong = [line for line in lines if line["status"] != "done" or keys.count(line["key"]) > 1]
    if wrong:
        sys.exit(f"Repeated or failed: {wrong}")
    return {line["key"]: digest(folder / line["folder"]) for line in lines}


def digest(folder: Path) -> str:
    """Sum up a folder: names, times of change and contents of its files."""
    sums = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        sums.update(f"{path.relative_to(folder)} {path.stat().st_mtime_ns}".encode())
        sums.update(path.read_bytes())
    return sums.hexdigest()


def interrupted(
    recipe: Path, folder: Path, kills: int, whole: float, draw: random.Random
) -> list[int]:
    """Run a comparison with kills until it finishes; return how many cells each kill left done."""
    story: list[int] = []
    before: Cells = {}
    while True:
        kill = Kill(draw.uniform(0, whole), draw.random() < 0.75, draw.random() < 0.5)
        is_done = attempt(recipe, folder, kill if len(story) < kills else None)
        after = finished(folder)
        if any(after.get(key) != value for key, value in before.items()):
            sys.exit(f"A finished cell was lost or changed in {folder}.")
        if is_done:
            return story
        before = after
        story.append(len(after))


def main() -> None:
    """Kill as often as asked, print a line per comparison, exit with 1 at the first difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw, kills, number = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory() as place:
        recipe, alone = Path(place) / "recipe.yaml", Path(place) / "alone"
        Run.load(None, SETTINGS).save(recipe)
        began = time.monotonic()
        attempt(recipe, alone, None)
        whole = time.monotonic() - began
        print(f"{CELLS} cells without a kill: {whole:.0f} s", flush=True)
        while kills < options.kills:
            folder = Path(place) / f"killed-{number}"
            began = time.monotonic()
            story = interrupted(recipe, folder, options.kills - kills, whole, draw)
            if not story:  # the machine has become quicker
                whole = time.monotonic() - began
            print(f"killed with {story} of {CELLS} cells done, then finished", flush=True)
            if len(finished(folder)) != CELLS or any(
                (folder / name).read_bytes() != (alone / name).read_bytes() for name in TABLES
            ):
                sys.exit("This comparison does not end like the one that nobody killed.")
            kills, number = kills + len(story), number + 1
    print(f"{kills} kills, {number} comparisons of {CELLS} cells: none lost, none repeated, "
          "all tables identical to the byte")  # fmt: skip


if __name__ == "__main__":
    main()
