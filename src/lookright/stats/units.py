"""What is drawn when a test set is drawn again: images, or patients with all of theirs.

Draws are within strata, so that every test set has as many images of each class. A patient belongs
to the rarest class among their images: of patients with and without a tumour, those with.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

Labels = Int[np.ndarray, " images"]
PerImage = Float[np.ndarray, "scores images"]
PerUnit = Float[np.ndarray, "scores units"]


@dataclass(frozen=True)
class Units:
    """Images or patients: which unit each image belongs to, and the stratum of each unit."""

    name: str  # "images", or the column that tells patients apart
    of: Int[np.ndarray, " images"]
    strata: Int[np.ndarray, " units"]

    def sums(self, values: PerImage) -> PerUnit:
        """Add up what the images of each unit contribute."""
        if np.array_equal(self.of, np.arange(len(self.strata))):
            return values
        count = len(self.strata)
        return np.stack([np.bincount(self.of, row, count) for row in values])

    def centred(self, values: PerImage) -> PerUnit:
        """Add up by unit and take away the mean of each stratum."""
        sums, inside = self.sums(values), self.members
        means = (sums @ inside) / np.maximum(inside.sum(0), 1)
        return sums - means[:, self.strata]

    @property
    def members(self) -> Float[np.ndarray, "units strata"]:
        """Flag with 1 which stratum each unit belongs to."""
        return np.eye(self.strata.max(initial=0) + 1)[self.strata]


def each_image(labels: Labels) -> Units:
    """Let every image be drawn for itself, within its class."""
    return Units("images", np.arange(len(labels)), labels)


def each_group(labels: Labels, groups: Shaped[np.ndarray, " images"], name: str) -> Units:
    """Let all images of a patient be drawn together.

    >>> each_group(np.array([0, 0, 1]), np.array(["a", "b", "b"]), "patient").strata
    array([0, 1])
    """
    _, of = np.unique(groups, return_inverse=True)
    if of.max(initial=-1) + 1 == len(labels):
        return each_image(labels)
    rarity = np.argsort(np.argsort(-np.bincount(labels), kind="stable"))
    rarest = np.zeros(of.max(initial=-1) + 1, dtype=int)
    np.maximum.at(rarest, of, rarity[labels])
    return Units(name, of, rarest)


def covariance(influence: PerImage, units: Units) -> Float[np.ndarray, "scores scores"]:
    """Return the covariance of scores over draws of units, from what each image moves them by.

    Sum over strata of n / (n - 1) times the products of the centred influences: DeLong's for
    AUROCs over images, Obuchowski's (1997) over patients. NaN when a stratum has a single unit.
    """
    sums, inside = units.sums(influence), units.members
    count = inside.sum(0)
    if (count == 1).any():
        return np.full((len(sums), len(sums)), np.nan)
    weight = count / np.maximum(count - 1, 1)
    totals = sums @ inside
    means = totals * (weight / np.maximum(count, 1))
    return (sums * weight[units.strata]) @ sums.T - means @ totals.T
