"""What measuring costs: seconds and peak memory of each measure of maps.

    python benchmarks/measures.py --maps 10000 --size 224

Smooth maps (7 x 7 cells, enlarged), one bump of evidence and fifty fixations per image, float32.
Seconds are of one processor; memory is what a measure needs beside the maps it is given.
"""

import argparse
import tracemalloc
from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np

from lookright.allocator import keep_freed_memory
from lookright.metrics import agreement, boxes, regions, saliency

LOOKS = 50
GIB = 2**30
BATCH = 500

Measures = dict[str, Callable[[], object]]


def main() -> None:
    """Draw the maps, run every measure once and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--maps", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--only", nargs="*", help="names of measures")
    given = parser.parse_args()
    keep_freed_memory()  # as `lookright evaluate` does
    maps, human, looks = drawn(given.maps, given.size)
    held = sum(each.nbytes for each in (maps, human, looks)) / GIB
    print(f"{given.maps} maps of {given.size} px, {held:.1f} GiB with evidence and fixations")
    print(f"{'measure':22} {'seconds':>8} {'of processor':>13} {'MiB':>7}")
    for name, measure in measures(maps, human, looks).items():
        if not given.only or name in given.only:
            began, busy = perf_counter(), process_time()
            tracemalloc.start()
            measure()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            taken, used = perf_counter() - began, process_time() - busy
            print(f"{name:22} {taken:8.1f} {used:13.1f} {peak / 2**20:7.0f}", flush=True)


def measures(maps: np.ndarray, human: np.ndarray, looks: np.ndarray) -> Measures:
    """Name every measure, ready to run."""
    drawn_boxes = boxes.evidence_boxes(human)
    prior = human[:BATCH].mean(0)
    on_human = {
        "framing_sensitivity": agreement.framing_sensitivity,
        "pointing_game": agreement.pointing_game,
        "iou": agreement.iou,
        "iou_otsu": regions.iou_otsu,
        "iou_mean": regions.iou_mean,
        "tuned_threshold": regions.tuned_threshold,
        "pixel_precision": regions.pixel_precision,
        "pxap": regions.pxap,
        "relevance_rank": regions.relevance_rank,
        "correlation": saliency.correlation,
        "similarity": saliency.similarity,
        "divergence": saliency.divergence,
    }
    on_looks = {
        "nss": saliency.nss,
        "auc_judd": saliency.auc_judd,
        "shuffled_auc": saliency.shuffled_auc,
    }
    return {
        **{name: lambda each=each: each(maps, human) for name, each in on_human.items()},
        **{name: lambda each=each: each(maps, looks) for name, each in on_looks.items()},
        "information_gain": lambda: saliency.information_gain(maps, looks, prior),
        "max_box_accuracy": lambda: boxes.max_box_accuracy(maps, drawn_boxes),
    }


def drawn(count: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw maps, evidence and counts of fixations."""
    generator = np.random.default_rng(0)
    maps = np.empty((count, size, size), np.float32)
    human = np.empty_like(maps)
    looks = np.zeros(maps.shape, np.uint8)
    at = np.linspace(0, 6, size, dtype=np.float32)
    enlarge = np.maximum(0, 1 - abs(at[:, None] - np.arange(7, dtype=np.float32)))
    places = np.arange(size, dtype=np.float32)
    for start in range(0, count, BATCH):
        part = slice(start, min(count, start + BATCH))
        cells = generator.normal(size=(part.stop - start, 7, 7)).astype(np.float32)
        maps[part] = enlarge @ cells @ enlarge.T
        centre = generator.uniform(0.3, 0.7, (2, len(cells), 1)).astype(np.float32) * size
        row, col = np.exp(-(((places - centre) / (size / 6)) ** 2) / 2)
        human[part] = row[:, :, None] * col[:, None, :]
        seen = generator.normal(centre, size / 6, (2, len(cells), LOOKS))
        rows, cols = np.clip(seen, 0, size - 1).astype(int)
        np.add.at(looks[part], (np.arange(len(cells))[:, None], rows, cols), 1)
    return maps, human, looks


if __name__ == "__main__":
    main()
