"""Some images of a split, where all would take too long: always the same ones."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from lookright.data.sample import Sample
from lookright.data.source import Source


class Chosen(Source):
    """Some rows of another source."""

    def __init__(self, inner: Source, places: Sequence[int]) -> None:
        self.inner, self.places = inner, places
        self.rows = inner.rows[list(places)]
        self.classes, self.notices = inner.classes, inner.notices
        self.fingerprint = inner.fingerprint

    def sample(self, index: int) -> Sample:
        """Read the row of this index among the chosen ones."""
        return self.inner.sample(self.places[index])


def choose(source: Source, split: str, most: int) -> Chosen:
    """Choose at most so many images of a split by a digest of their ids, in the table's order.

    Neither the order of the table nor what else it holds decides.
    """
    places = np.flatnonzero((source.rows["split"] == split).to_numpy()).tolist()
    ids = source.rows["id"]
    kept = sorted(places, key=lambda place: sha256(str(ids[place]).encode()).digest())
    return Chosen(source, sorted(kept[:most]))
