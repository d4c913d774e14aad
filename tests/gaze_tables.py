"""Tables of gaze in files, and what the importers yield of them."""

from pathlib import Path

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.importers import make
from lookright.errors import Problem


def table(folder: Path, text: str, name: str = "fixations.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def read(format: str, path: Path, **settings) -> tuple[list[DrawnMap], list[Problem]]:
    items = list(make(format, settings).read(path))
    notes = [each for each in items if isinstance(each, Problem)]
    return [each for each in items if isinstance(each, DrawnMap)], notes
