"""How long does `lookright compare` take on many runs with many images, and in how much memory?

Makes synthetic runs with every column of predictions.parquet in a temporary folder and starts the
command on them in a process of its own: once as single runs against the first, once as a bench of
objectives and seeds.

    python benchmarks/compare.py --runs 40 --images 100000
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

PER_IMAGE = ("framing_sensitivity", "framing_decision", "causal_outside", "gap", "gap_decision")
PER_IMAGE += ("framing_sensitivity_true", "energy_pointing", "pointing_game", "iou")
ANGLES = (-15, -10, -5, 5, 10, 15)
SEEDS = 5


def main() -> None:
    """Print seconds and peak memory for both kinds of folders."""
    options = read_options()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        bench = write(Path(place) / "bench", options)
        single = sorted(bench.glob("objective-*/seed-*"))
        size = sum(path.stat().st_size for path in bench.rglob("*.parquet")) / 2**20
        print(f"{len(single)} runs x {options.images} images, {size:.0f} MiB of tables")
        print("| what | seconds | busy seconds | peak MiB |\n| --- | --- | --- | --- |")
        print(measured("a bench", [bench]))
        print(measured("single runs", single))


def read_options() -> argparse.Namespace:
    """Read what to measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--folder", help="where there is room for the tables")
    return parser.parse_args()


def write(folder: Path, options: argparse.Namespace) -> Path:
    """Write a bench of five seeds per objective."""
    for number in range(options.runs):
        run = folder / f"objective-{number // SEEDS}" / f"seed-{number % SEEDS}"
        run.mkdir(parents=True)
        (run / "run.yaml").write_text(f"seed: {number % SEEDS}\n")
        table = predictions(number, options.images)
        table.write_parquet(run / "predictions.parquet")
        results(table).write_csv(run / "results.csv")
    (folder / "bench.yaml").write_text("name: synthetic\n")
    return folder


def predictions(number: int, images: int) -> pl.DataFrame:
    """Make up what a run says; objectives get better by their number."""
    same, own = np.random.default_rng(0), np.random.default_rng([1, number])
    ill, hard = same.random(images) < 0.4, same.normal(size=images)
    p = 1 / (1 + np.exp(-(ill * (1.5 + 0.02 * number) + hard + 0.5 * own.normal(size=images) - 1)))
    names = np.array(["benign", "tumour"])
    annotated = same.random(images) < 0.7
    columns = {
        "id": [f"image-{place:07d}" for place in range(images)],
        "split": np.where(same.random(images) < 0.5, "test", "test_shifted"),
        "label": names[ill.astype(int)],
        "group": [f"patient-{place:06d}" for place in same.integers(0, images // 3, images)],
        "predicted": names[(p > 0.5).astype(int)],
        "p_benign": 1 - p,
        "p_tumour": p,
        "annotated": annotated,
    }
    columns |= {name: np.where(annotated, own.random(images), np.nan) for name in PER_IMAGE}
    columns |= {f"flip_{angle}": (own.random(images) < 0.1).astype(float) for angle in ANGLES}
    columns |= {f"dp_{angle}": own.random(images) for angle in ANGLES}
    return pl.DataFrame(columns)


def results(table: pl.DataFrame) -> pl.DataFrame:
    """Average what a comparison over seeds reads."""
    averages = pl.col(PER_IMAGE).fill_nan(None).mean()
    means = table.group_by("split", maintain_order=True).agg(averages)
    long = means.unpivot(index="split", variable_name="measure", value_name="value")
    front = long.select("split", by=pl.lit("all"), value_of=pl.lit(""))
    return pl.concat([front, long.select("measure", "value")], how="horizontal")


def measured(what: str, folders: list[Path]) -> str:
    """Run the command once and return its line of the table."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "lookright", "compare", *map(str, folders)]
    command += ["--out", str(folders[0].parent / "out")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{what}: failed with {status}")
    seconds, unit = time.perf_counter() - start, 1 if sys.platform == "darwin" else 1024
    busy = used.ru_utime + used.ru_stime  # less than `seconds` says that others used the machine
    return f"| {what} | {seconds:.1f} | {busy:.1f} | {peak(used, unit):.0f} |"


def peak(used: resource.struct_rusage, unit: int) -> float:
    """Return the largest resident memory in MiB."""
    return used.ru_maxrss * unit / 2**20


if __name__ == "__main__":
    main()
