"""The maps of a manifest, written as another tool's annotations."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lookright.data.exchange.exporter import Evidenced, Exporter
from lookright.data.manifest import Manifest
from lookright.data.reading import Reading
from lookright.errors import DataError, Problem

Progress = Callable[[int, int], None]


def export_maps(
    manifest: Path,
    exporter: Exporter,
    out: Path,
    threshold: float = 0.5,
    reading: Reading | None = None,
    progress: Progress | None = None,
) -> list[Problem]:
    """Write all maps of a manifest into a file, and return what is worth knowing.

    A soft map is cut: what reaches the threshold is evidence. Raises DataError when an image or a
    map cannot be read, all of them together, or when there is such a file already.
    """
    if out.exists():
        fix = "Move it away or choose another name."
        raise DataError(Problem("EXPORT-EXISTS", "There is a file already.", str(out), fix))
    source = Manifest(manifest, reading=replace(reading or Reading(), empty_mask="background"))
    counts: Counter[str] = Counter()
    notes = exporter.write(_evidenced(source, threshold, counts, progress), source.classes, out)
    return [*notes, *_remarks(counts, threshold, out.name)]


def _evidenced(
    source: Manifest, threshold: float, counts: Counter[str], progress: Progress | None
) -> Iterator[Evidenced]:
    problems: list[Problem] = []
    names = source.rows.select("id", "image", "label").rows()
    for index, (name, image, label) in enumerate(names):
        try:
            sample = source.sample(index)
        except DataError as error:
            problems += error.problems
            continue
        height, width = sample.image.shape[:2]
        cells = None if sample.map is None else _cut(sample.map, threshold, counts)
        yield Evidenced(name, image, label, (width, height), cells)
        if progress:
            progress(index + 1, len(names))
    if problems:
        raise DataError(*problems)


def _cut(values: np.ndarray, threshold: float, counts: Counter[str]) -> np.ndarray:
    cells = (values >= threshold) & (values > 0)
    if not np.isin(values, (0, 1)).all():
        counts["soft"] += 1
        counts["vanished"] += bool(values.any() and not cells.any())
    return cells


def _remarks(counts: Counter[str], threshold: float, where: str) -> list[Problem]:
    found = []
    if counts["soft"]:
        what = f"{counts['soft']} soft maps were cut at {threshold:g}."
        found.append(Problem("EXPORT-SOFT", what, where, level="notice"))
    if counts["vanished"]:
        what = f"{counts['vanished']} soft maps nowhere reach {threshold:g} and became empty."
        found.append(Problem("EXPORT-SOFT", what, where, "Lower --threshold.", "warning"))
    return found
