"""What every writer of another tool's annotations promises."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lookright.data.drawings.shapes import Cells
from lookright.errors import Problem


@dataclass(frozen=True, eq=False)
class Evidenced:
    """One image of a manifest, and the pixels that are its evidence."""

    id: str
    image: str  # its path, relative to the manifest
    label: str
    size: tuple[int, int]  # width, height, upright
    cells: Cells | None  # None: nobody was asked


class Exporter(ABC):
    """Writes one format; its settings are its constructor's arguments.

    It lives in `data/exporters/`, one file each; the file's name is the format's.
    """

    @abstractmethod
    def write(
        self, images: Iterable[Evidenced], classes: Sequence[str], file: Path
    ) -> list[Problem]:
        """Write the file whole or not at all, and return what could not be said in this format."""
