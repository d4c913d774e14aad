"""Is the difference real? Runs against the first one, from their tables alone.

Every line says over what its interval or p value generalises: other images (or patients), other
seeds, or both. No network is opened.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lookright.aligned import (
    Block,
    Entry,
    blocks,
    classes,
    entries,
    per_image_measures,
    ranking_names,
)
from lookright.errors import ConfigError, Problem
from lookright.files import write_atomically
from lookright.head_to_head.line import COLUMNS, frame
from lookright.head_to_head.over_images import lines_over_images
from lookright.head_to_head.over_seeds import lines_over_seeds, seed_measures
from lookright.head_to_head.page import page
from lookright.names import suggestion

__all__ = ["COLUMNS", "HeadToHead", "head_to_head"]


@dataclass(frozen=True)
class HeadToHead:
    """A comparison: one line per split, measure, objective and kind of interval."""

    lines: pl.DataFrame  # COLUMNS
    notes: tuple[str, ...]  # what holds for all of it

    @property
    def page(self) -> str:
        """The comparison as Markdown."""
        return page(self.lines, self.notes)

    def save(self, folder: Path) -> None:
        """Write compare.csv, compare.json and compare.md."""
        told = self.lines.with_columns(pl.col(pl.Float64).fill_nan(None))
        content = {"notes": list(self.notes), "lines": told.to_dicts()}
        write_atomically(folder / "compare.csv", self.lines.write_csv())
        write_atomically(folder / "compare.json", json.dumps(content, indent=1) + "\n")
        write_atomically(folder / "compare.md", self.page)


def head_to_head(
    folders: Sequence[Path],
    by: str | None = None,
    splits: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
) -> HeadToHead:
    """Compare runs with the first one; folders are runs, benches or folders of seeds.

    `by` is the column that tells patients apart. Objectives are paired on common seeds, runs on
    common images. Raises ConfigError and DataError with everything that does not fit together.
    """
    runs = entries(folders)
    objectives = list(dict.fromkeys(run.objective for run in runs))
    if len(objectives) < 2:
        fix = "Give two runs, or a bench with two objectives."
        raise ConfigError(Problem("COMPARE-ONE", f"Only {objectives[0]} is here.", fix=fix))
    aligned = blocks(runs, splits, by)
    over_images = [*ranking_names(classes(runs[0])), *per_image_measures(runs)]
    _require(measures, [*over_images, *seed_measures(runs)])
    chosen = [name for name in over_images if not measures or name in measures]
    found = lines_over_images(aligned, chosen)
    found += lines_over_seeds(runs, list({each.split: 0 for each in aligned}), measures)
    return HeadToHead(frame(found), tuple(_notes(runs, aligned)))


def _require(measures: Sequence[str] | None, allowed: list[str]) -> None:
    unknown = [name for name in measures or () if name not in allowed]
    if unknown:
        raise ConfigError(
            *(
                Problem("MEASURE", f"No run has {name!r}.", fix=suggestion(name, allowed))
                for name in unknown
            )
        )


def _notes(runs: list[Entry], aligned: list[Block]) -> list[str]:
    notes = [f"The baseline is {runs[0].objective}."]
    for block in aligned:
        count, name = len(block.units.strata), block.units.name
        drawn = f"{len(block.labels)} images"
        drawn += "" if name == "images" else f", drawn by {name} ({count} different)"
        fold = f", {block.fold}" if block.fold else ""
        left_out = f"; {block.left_out} that some run lacks are left out" if block.left_out else ""
        notes.append(f"{block.split}{fold}: {drawn}{left_out}.")
        notes += [f"{block.split}{fold}: {run} was not evaluated." for run in _absent(runs, block)]
    if all(len({r.seed for r in runs if r.objective == run.objective}) == 1 for run in runs):
        notes.append("One seed each: whether another training gives the same is not known.")
    return notes


def _absent(runs: list[Entry], block: Block) -> list[Entry]:
    return [run for run in runs if run.fold == block.fold and run not in block.entries]
