"""What several runs said about the same images, aligned image by image.

Read from the tables that evaluation leaves, never from networks: `entries` finds the runs,
`blocks` lines their images up, `rankings` and `average` score them and their differences.
"""

from lookright.aligned.block import Block, blocks, classes
from lookright.aligned.entry import Entry, entries
from lookright.aligned.measure import (
    Pairs,
    average,
    per_image,
    per_image_measures,
    ranking_names,
    rankings,
)

__all__ = [
    "Block",
    "Entry",
    "Pairs",
    "average",
    "blocks",
    "classes",
    "entries",
    "per_image",
    "per_image_measures",
    "ranking_names",
    "rankings",
]
