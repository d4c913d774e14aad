"""A measure of several runs on the same images, and of the differences between them."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from lookright.aligned.block import Block, Runs, columns, read
from lookright.aligned.entry import Entry
from lookright.stats import estimate as of
from lookright.stats.estimate import Estimate

RANKING = "auroc"
CELLS = 2**25  # numbers held at a time: 256 MiB
_ANGLE = re.compile(r"(flip|control|dp)_-?\d+(\.\d+)?")
_FLIP = re.compile(r"flip_-?\d+(\.\d+)?")
_NO_MEASURE = ("annotated", "framing_chance")

Pairs = Sequence[tuple[int, int]]  # places of two runs: the first minus the second


def per_image_measures(runs: Sequence[Entry]) -> list[str]:
    """List what has one number per image in every run: accuracy, then the columns in order."""
    shared = [_numbers(run) for run in runs]
    names = [name for name in shared[0] if all(name in others for others in shared)]
    flips = ["flip_rate"] if any(map(_FLIP.fullmatch, names)) else []
    return ["accuracy", *(name for name in names if not _ANGLE.fullmatch(name)), *flips]


def per_image(
    aligned: Sequence[Block], measures: Sequence[str]
) -> Iterator[tuple[Block, str, Runs]]:
    """Yield the numbers of every run and image, few measures at a time to keep memory flat."""
    size = sum(len(block.entries) * len(block.labels) for block in aligned)
    step = max(1, CELLS // max(1, size))
    for start in range(0, len(measures), step):
        numbers = {name: _number(aligned[0], name) for name in measures[start : start + step]}
        for block, found in zip(aligned, read(aligned, **numbers), strict=True):
            yield from ((block, name, values) for name, values in found.items())


def rankings(block: Block, pairs: Pairs = ()) -> Iterator[tuple[str, Estimate]]:
    """Yield the AUROCs of every run and pair: of two classes one, else their mean and each."""
    contrasts, several = _contrasts(block, pairs), len(block.classes) > 2
    chosen = block.classes if several else block.classes[1:]
    parts = [_against_rest(block, name) for name in chosen]
    yield RANKING, of.average(parts).combined(contrasts)
    for name, part in zip(chosen, parts, strict=True) if several else ():
        yield ranking_of(name), part.combined(contrasts)


def average(block: Block, values: Runs, pairs: Pairs = ()) -> Estimate:
    """Estimate the mean of every run, then the difference of every pair.

    A difference is taken over the images where both runs are defined.
    """
    undefined = np.isnan(values)
    if (undefined == undefined[0]).all():
        return of.mean(values).combined(_contrasts(block, pairs))
    first, second = [one for one, _ in pairs], [two for _, two in pairs]
    return of.mean(np.vstack([values, values[first] - values[second]]))


def ranking_of(name: str) -> str:
    """Name the AUROC of one class against the rest."""
    return f"{RANKING} of {name}"


def ranking_names(classes: Sequence[str]) -> list[str]:
    """List what `rankings` yields."""
    return [RANKING, *map(ranking_of, classes if len(classes) > 2 else ())]


def _contrasts(block: Block, pairs: Pairs) -> Float[np.ndarray, "scores runs"]:
    """Return the matrix that takes the scores of runs to those of runs and pairs."""
    each = np.eye(len(block.entries))
    return np.vstack([each, *(each[one] - each[two] for one, two in pairs)])


def _against_rest(block: Block, name: str) -> Estimate:
    (found,) = read([block], p=pl.col(f"p_{name}"))
    return of.ranking(block.labels == block.classes.index(name), found["p"])


def _number(block: Block, measure: str) -> pl.Expr:
    if measure == "accuracy":
        return pl.col("predicted") == pl.col("label")
    if measure == "flip_rate":
        names = [name for name in columns(block.entries[0]) if _FLIP.fullmatch(name)]
        return pl.sum_horizontal(pl.col(names).fill_null(np.nan)) / len(names)
    return pl.col(measure)


def _numbers(run: Entry) -> list[str]:
    return [
        name
        for name, is_fraction in columns(run).items()
        if is_fraction and not name.startswith(("p_", "area_")) and name not in _NO_MEASURE
    ]
