"""A data set: a table of rows and a way to read each of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

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


def measured(
    source: Source, wanted: Sequence[str] | None = None, also: Iterable[str] = ()
) -> list[str]:
    """List the splits to measure: the wanted ones, or all but train.

    `also` names splits of other data. Raises ConfigError naming every wanted split that does not
    exist.
    """
    there = [*source.rows["split"].unique(maintain_order=True), *also]
    problems = [
        Problem("SPLIT", f"There is no split {name!r}.", fix=suggestion(name, there))
        for name in wanted or ()
        if name not in there
    ]
    if problems:
        raise ConfigError(*problems)
    return list(wanted or (name for name in there if name not in ("train", "")))


def require_parts(source: Source, parts: Sequence[str], shared: str | None) -> None:
    """Raise ConfigError for columns that the data lack, but group and source, and for no class."""
    columns = [name for name in source.rows.columns if name not in ("id", "split", "label")]
    problems = [
        Problem("PART", f"There is no column {name!r}.", "evaluation.parts", fix)
        for name in parts
        for fix in [suggestion(name, columns)]
        if name not in {*columns, "group", "source"}
    ]
    if shared is not None and shared not in source.classes:
        fix = suggestion(shared, source.classes)
        problems.append(
            Problem("LABEL-UNKNOWN", f"There is no class {shared!r}.", "evaluation.shared", fix)
        )
    if problems:
        raise ConfigError(*problems)
