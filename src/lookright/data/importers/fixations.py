"""Fixations of an eye tracker: a CSV or Parquet table of image, observer, x, y and duration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.exchange.importer import Importer
from lookright.data.gaze.density import Border
from lookright.data.gaze.drawing import draw, find_looks
from lookright.data.gaze.making import Weighting, making
from lookright.data.gaze.recipes import Named
from lookright.errors import Problem
from lookright.settings import Count, Positive, Share

Rectangle = tuple[float, float, float, float]


class Fixations(Importer):
    """The sum of a Gaussian for each fixation, over its maximum; see docs/gaze.md.

    Headers are recognised, or named: `columns.x=HEADER`. Of tables without a column of images,
    one file (or its folder) is one image. x and y count in pixels or shares (`unit`) of the image
    or of the screen (`frame`); `width` and `height` are its size there if it was another than
    that of the file, `placed` is left, top, width and height of the image on the screen. `sigma`
    (and `sigma_y`) is in these pixels, or in degrees (`lengths`), which `degree` (pixels per
    degree), columns, or `screen_width` and `distance` make pixels of. `weight` is what a look
    counts, `border` what becomes of it at the edge, `pool` one map of everybody or one for each
    observer. `since`, `until`: when looks count, from the start or, with the table `mentions`,
    from the first mention. More than `most_outside` off the image: an error.
    """

    def __init__(
        self,
        recipe: Named | None = None,
        columns: dict[str, str] | None = None,
        time_unit: Literal["ms", "s"] | None = None,
        frame: Literal["image", "screen"] | None = None,
        unit: Literal["pixels", "normalised"] | None = None,
        width: Count | None = None,
        height: Count | None = None,
        placed: Rectangle | None = None,
        sigma: Positive | None = None,
        sigma_y: Positive | None = None,
        lengths: Literal["pixels", "degrees"] | None = None,
        degree: Positive | None = None,
        screen_width: Positive | None = None,
        distance: Positive | None = None,
        weight: Weighting | None = None,
        border: Border | None = None,
        pool: bool = True,
        since: float | None = None,
        until: float | None = None,
        mentions: str | None = None,
        most_outside: Share | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "recipe")}
        self.making = making(recipe, given)

    def read(self, path: Path) -> Iterator[DrawnMap | Problem]:
        """Yield what was dropped and is doubtful, then the maps; see `Importer.read`."""
        looks = find_looks(path, self.making)
        yield from looks.notes
        yield from draw(looks, self.making, path.name)
