"""A human map that comes as values and not as shapes: gaze, a soft mask, another model's map."""

from collections.abc import Callable
from dataclasses import dataclass

from lookright.data.sample import Evidence
from lookright.errors import Problem

Size = tuple[int, int]  # width, height


def _nothing(_size: Size) -> tuple[Problem, ...]:
    return ()


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """One person's map of one image; an importer may yield it in place of a Drawing.

    `map` is in [0, 1], of shape (height, width); or a function that renders it when it is needed,
    given the width and height of the upright image. It may raise DataError. A map of another
    size is resized when its aspect is the image's, and refused otherwise. All zeros: somebody
    looked and found nothing. `doubts` is asked every time, also for maps that are in the cache.
    """

    image: str  # its file, as the tool names it
    size: Size | None  # of the picture, as the tool knows it; None: it does not
    map: Evidence | Callable[[Size], Evidence]
    key: str  # everything that the map follows from: what is in the cache is not rendered again
    annotator: str = ""
    labels: tuple[str, ...] = ()
    where: str = ""  # in the tool's export, for messages
    doubts: Callable[[Size], tuple[Problem, ...]] = _nothing  # may raise DataError
