"""A data set: a table of rows and a way to read each of them."""

from abc import ABC, abstractmethod

import polars as pl

from lookright.data.sample import Sample
from lookright.errors import Problem


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
