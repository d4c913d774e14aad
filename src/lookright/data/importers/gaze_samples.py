"""Raw samples of an eye tracker: a table of image, observer, x, y and time; fixations are found."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.exchange.importer import Importer
from lookright.data.gaze.density import Border
from lookright.data.gaze.detection import Detection, detect
from lookright.data.gaze.drawing import draw, find_looks
from lookright.data.gaze.making import Weighting, making
from lookright.errors import Problem
from lookright.settings import Count, Positive, Share, Weight


class GazeSamples(Importer):
    """Fixations by dispersion (I-DT) or velocity (I-VT), then as `fixations`; see docs/gaze.md.

    `dispersion` is the largest width plus height of a fixation, `velocity` the fastest step within
    one, per second, both in `lengths`; `shortest` and `gap` are in milliseconds: how long a
    fixation lasts at least, and which pause ends one. All else as in `fixations`.
    """

    def __init__(
        self,
        by: Literal["dispersion", "velocity"] = "dispersion",
        dispersion: Positive | None = None,
        velocity: Positive | None = None,
        shortest: Weight = 100.0,
        gap: Positive = 75.0,
        columns: dict[str, str] | None = None,
        time_unit: Literal["ms", "s"] | None = None,
        frame: Literal["image", "screen"] | None = None,
        unit: Literal["pixels", "normalised"] | None = None,
        width: Count | None = None,
        height: Count | None = None,
        placed: tuple[float, float, float, float] | None = None,
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
        given = dict(locals())
        self.detection = Detection(by, dispersion, velocity, shortest, gap)
        apart = {"self", *vars(self.detection)}
        others = {name: value for name, value in given.items() if name not in apart}
        self.making = making(None, others)

    def read(self, path: Path) -> Iterator[DrawnMap | Problem]:
        """Yield what was dropped and is doubtful, then the maps; see `Importer.read`."""
        found = partial(detect, detection=self.detection, making=self.making)
        looks = find_looks(path, self.making, found)
        yield from looks.notes
        yield from draw(looks, self.making, path.name)
