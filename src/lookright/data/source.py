"""A data set: a table of rows and a way to read each of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import polars as pl

from lookright.data.sample import Sample
from lookright.errors import ConfigError, Problem
from lookright.names import suggestion


class Source(ABC):
    """A data set whose rows are known at once and whose images are read one at a time.

    `rows` has the string columns `id`, `label` and `split` ("" where there is none), `weight`
    (float, 1.0 unless given), `annotated` (bool: somebody was asked for a map), `group` and
    `source` if the data have them, and every other column as it came. `classes` are the labels in
    the order of the logits. `fingerprint` changes when the rows, or how they are read, change.
    `notices` are remarks for the user that stop nothing.
    """

    rows: pl.DataFrame
    classes: tuple[str, ...]
    fingerprint: str
    notices: tuple[Problem, ...] = ()

    @abstractmethod
    def sample(self, index: int) -> Sample:
        """Read the row of this index; the same index always gives the same sample."""


def measured(source: Source, wanted: Sequence[str] | None = None) -> list[str]:
    """List the splits to measure: the wanted ones, or all but train.

    Raises ConfigError naming every wanted split that does not exist.
    """
    there = source.rows["split"].unique(maintain_order=True).to_list()
    problems = [
        Problem("SPLIT", f"There is no split {name!r}.", fix=suggestion(name, there))
        for name in wanted or ()
        if name not in there
    ]
    if problems:
        raise ConfigError(*problems)
    return list(wanted or (name for name in there if name not in ("train", "")))
