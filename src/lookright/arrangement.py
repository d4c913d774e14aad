"""Data in another arrangement: cut into folds, or with fewer and worse training maps."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lookright.section import Section, Seed, Text, Words
from lookright.settings import Count, Share


class Annotation(Section):
    """How many training images keep their map, and how the maps that are kept are spoilt.

    `amount` is a share: of the side by which maps are shifted, of the area that is missing, shrunk
    or dilated, of the sides by which boxes are longer, of the evidence's width by which a noisy
    outline wobbles, and of the images whose map is misplaced or swapped with another image's.
    """

    share: Share = 1.0  # of the annotated training images, the same of each class
    corruption: Literal[
        "none",
        "missing",
        "shifted",
        "shrunk",
        "dilated",
        "boxes",
        "noisy",
        "misplaced",
        "swapped",
    ] = "none"
    amount: Share = 0.25
    seed: Seed = 0
    label: Text | None = None  # in the name of its rows

    @property
    def title(self) -> str:
        """What a comparison calls it; nothing when all maps are there and as they were drawn."""
        parts = [f"{100 * self.share:g} %"] if self.share < 1 else []
        if self.corruption != "none":
            parts.append(f"{self.corruption} {100 * self.amount:g} %")
        return self.label or ", ".join(parts)

    @property
    def deciding(self) -> tuple[float | int | str, ...]:
        """What decides which maps there are: not the label, and no amount of nothing."""
        how = () if self.corruption == "none" else (self.corruption, self.amount)
        return (self.share, self.seed, *how)


class Fold(Section):
    """One way to cut data into training and test, in place of the manifest's own splits."""

    leave_out: Text | None = None  # a column; the rows with `value` in it are the test
    value: Text | None = None
    parts: Annotated[int, Field(ge=2)] | None = None  # or: one part of so many is the test
    part: Annotated[int, Field(ge=0)] | None = None
    by: Text = "group"  # whoever shares a value of this column stays together
    val: Annotated[float, Field(gt=0, le=0.5)] = 0.1  # of the training rows, where none is given
    seed: Seed = 0

    @model_validator(mode="after")
    def _one_way(self) -> "Fold":
        by_value = self.leave_out is not None and self.value is not None
        by_part = self.parts is not None and self.part is not None and self.part < self.parts
        if by_value == by_part:
            raise ValueError("Give leave_out and value, or parts and a part below it.")
        return self

    @property
    def title(self) -> str:
        """What a comparison calls it."""
        return str(self.value) if self.leave_out else f"part {self.part} of {self.parts}"


class Folds(Section):
    """The folds of a comparison: leave out each value of a column in turn, or K parts."""

    leave_out: Text | None = None
    values: Words | None = None  # all of the column if not given
    largest: Count | None = None  # only the values with the most images
    parts: Annotated[int, Field(ge=2)] | None = None
    by: Text = "group"
    val: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    seed: Seed = 0

    @model_validator(mode="after")
    def _one_way(self) -> "Folds":
        if (self.leave_out is None) == (self.parts is None):
            raise ValueError("Give leave_out (a column), or parts (a number).")
        return self
