"""What every reader of another tool's annotations promises."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.drawn import DrawnMap
from lookright.errors import Problem


class Importer(ABC):
    """Reads one format; its settings are its constructor's arguments.

    An importer reads what a tool wrote, and nothing else: it opens no image, knows no manifest and
    writes no file. It lives in `data/importers/`, one file each; the file's name is the format's.
    """

    @abstractmethod
    def read(self, path: Path) -> Iterator[Drawing | DrawnMap | Problem]:
        """Yield what is in an export, in its order: a file, or a folder of them.

        Shapes are yielded as Drawings; what has no shapes (gaze, soft masks) as DrawnMaps.
        What cannot be understood is yielded as a Problem, so that everything wrong is reported
        together: an `error` replaces its drawing, a `warning` or `notice` stands beside it. One
        image may come more than once, by several people. Memory does not grow with what has been
        yielded. Raises DataError only where nothing at all can be read.
        """
