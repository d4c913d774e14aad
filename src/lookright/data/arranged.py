"""A data set in another arrangement: as a fold splits it, or with fewer and worse maps."""

import hashlib
from dataclasses import replace

import numpy as np
import polars as pl
from PIL import Image

from lookright.configuration import Annotation, Fold
from lookright.data.annotation import asked, spoil
from lookright.data.fold import splits
from lookright.data.sample import Evidence, Sample
from lookright.data.source import Source


class Arranged(Source):
    """The rows of another source with other splits, and its training maps spoilt on purpose."""

    def __init__(self, inner: Source, annotation: Annotation, fold: Fold | None) -> None:
        self.inner, self.annotation = inner, annotation
        self.classes, self.notices = inner.classes, inner.notices
        rows = inner.rows
        if fold:
            rows = rows.with_columns(splits(rows, fold))
        self.rows = rows.with_columns(asked(rows, annotation))
        text = repr((inner.fingerprint, annotation.deciding, fold))
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def sample(self, index: int) -> Sample:
        """Read the row of this index; see `annotation` for what may happen to its map."""
        sample = self.inner.sample(index)
        drawn = sample.map
        if drawn is None or self.rows["split"][index] != "train":
            return sample
        if not self.rows["annotated"][index]:
            return replace(sample, map=None)
        spoilt = spoil(drawn, self.annotation, index, lambda: self._another(drawn, index))
        return replace(sample, map=spoilt)

    def _another(self, drawn: Evidence, index: int) -> Evidence:
        """Read the map of another annotated training row, stretched onto this one's grid."""
        places = (
            self.rows.select(((pl.col("split") == "train") & pl.col("annotated")).arg_true())
            .to_series()
            .to_numpy()
        )
        places = places[places != index]
        random = np.random.default_rng([self.annotation.seed, 2, index])
        for place in random.permutation(places)[:10]:
            found = self.inner.sample(int(place)).map
            if found is not None:
                size = (drawn.shape[1], drawn.shape[0])
                picture = Image.fromarray(found).resize(size, Image.Resampling.BOX)
                return np.clip(np.asarray(picture), 0, 1).astype(np.float32)
        return drawn


def arranged(source: Source, annotation: Annotation, fold: Fold | None) -> Source:
    """Return the source as it is when nothing is asked, else in the wanted arrangement."""
    return Arranged(source, annotation, fold) if annotation.title or fold else source
