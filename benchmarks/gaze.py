"""How long do a million fixations take, and how much memory?

    python benchmarks/gaze.py [--fixations 1000000] [--per-image 140] [--size 800 600]

Writes a table of made-up fixations, reads it and renders every map, in one process; prints seconds
and the largest memory. Writing the maps to disk is not in it.
"""

import argparse
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.importers import make


def main() -> None:
    """Time reading and rendering."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fixations", type=int, default=1_000_000)
    parser.add_argument("--per-image", type=int, default=140)
    parser.add_argument("--size", type=int, nargs=2, default=(800, 600))
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    size = tuple(asked.size)
    with TemporaryDirectory() as folder:
        table = Path(folder) / "fixations.csv"
        write(table, asked.fixations, asked.per_image, size)
        start, used = time.perf_counter(), time.process_time()
        items = make("fixations", {"sigma": 24, "width": size[0], "height": size[1]}).read(table)
        maps = [each for each in items if isinstance(each, DrawnMap)]
        read = time.perf_counter()
        # As an import does it.
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(asked.threads) as pool:
            total = sum(pool.map(lambda each: float(each.map(size).max()), maps))
        assert round(total) == len(maps)
    ended = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(
        f"{asked.fixations:,} fixations, {len(maps):,} maps of {size[0]} x {size[1]}: "
        f"read {read - start:.1f} s, rendered {ended - read:.1f} s, "
        f"{time.process_time() - used:.1f} s of processor, {memory:.0f} MiB at most"
    )


def write(table: Path, count: int, per_image: int, size: tuple[int, ...]) -> None:
    """Write fixations of fifteen people around a few places of each image."""
    random = np.random.default_rng(0)
    images = np.arange(count) // per_image
    centres = random.uniform(0.2, 0.8, (images[-1] + 1, 3, 2))[images, random.integers(0, 3, count)]
    places = (centres + random.normal(0, 0.05, (count, 2))).clip(0, 0.999) * size
    rows = {
        "image": images,
        "observer": random.integers(0, 15, count),
        "x": places[:, 0],
        "y": places[:, 1],
        "duration": random.gamma(4, 60, count),
    }
    pl.DataFrame(rows).write_csv(table)


if __name__ == "__main__":
    main()
