"""Which file another tool means by an image: by its path, else by a name that only one file has."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from lookright.data.drawings.drawn import Size
from lookright.data.folders import files_below, is_image
from lookright.data.images.upright import Frame, frame
from lookright.data.importing.near_names import nearest
from lookright.errors import DataError, Problem

_SHOWN = 4  # candidates in a message


@dataclass(frozen=True)
class Joined:
    """A file below the images' folder, and how it was found."""

    path: str  # relative to that folder
    by_name: bool  # the tool named another folder: only the file's name agrees


class Pictures:
    """The images below a folder, to be found by whatever another tool calls them.

    Raises DataError when there is no such folder or no image in it.
    """

    def __init__(self, folder: Path, aside: Path | None = None) -> None:
        """List the images, but those below `aside`, where maps are written."""
        if not folder.is_dir():
            raise DataError(Problem("FOLDER-MISSING", "There is no such folder.", str(folder)))
        self.folder = folder.resolve()
        skipped = aside.resolve() if aside else None
        files = (each for each in files_below(self.folder) if is_image(each))
        kept = (each for each in files if skipped is None or skipped not in each.parents)
        self.paths = tuple(each.relative_to(self.folder).as_posix() for each in kept)
        if not self.paths:
            raise DataError(Problem("FOLDER-EMPTY", "There are no images in it.", str(folder)))
        self._all = set(self.paths)
        self._bare = _grouped(self.paths, lambda path: path.with_suffix("").as_posix())
        self._names = _grouped(self.paths, lambda path: path.name)
        self._stems = _grouped(self.paths, lambda path: path.stem)
        self._sorted = sorted(self._stems)
        self._frames: dict[str, Frame] = {}

    def find(self, name: str) -> Joined | Problem:
        """Return the file that a tool means, or why there is none: absent or ambiguous."""
        parts = _parts(name)
        for start in range(max(1, len(parts) - 1)):
            if (path := "/".join(parts[start:])) in self._all:
                return Joined(path, by_name=False)
            if len(there := self._without_ending(path)) == 1:
                return Joined(there[0], by_name=False)
        last = parts[-1] if parts else ""
        stems = (last, _bared(last))
        found = self._names.get(last) or next(filter(None, map(self._stems.get, stems)), [])
        if len(found) == 1:
            return Joined(found[0], by_name=len(parts) > 1)
        if not found:
            what = f"There is no image {name!r}."
            folder = f"Is --images the right folder? It is {self.folder.name!r}."
            fix = nearest(_bared(last), self._sorted) or folder
            return Problem("JOIN-ABSENT", what, fix=fix, level="warning")
        listed = ", ".join(map(repr, found[:_SHOWN])) + (" ..." if len(found) > _SHOWN else "")
        what = f"{name!r} may be any of {len(found)} images: {listed}."
        fix = "Name images by their path below --images, or point --images at a folder below."
        return Problem("JOIN-AMBIGUOUS", what, fix=fix)

    def _without_ending(self, path: str) -> list[str]:
        """Find the images of a path whose ending is another one, or that has none."""
        return self._bare.get(path) or self._bare.get(_bared(path), [])

    def frame(self, path: str) -> Frame:
        """Return an image's size, upright and as stored; raises DataError when it has none."""
        if path not in self._frames:
            self._frames[path] = frame(self.folder / path, path)
        return self._frames[path]

    def size(self, path: str) -> Size:
        """Return the width and height of an image as people see it."""
        return self.frame(path).upright


def _grouped(paths: tuple[str, ...], name: Callable[[PurePosixPath], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(name(PurePosixPath(path)), []).append(path)
    return groups


def _bared(path: str) -> str:
    """Take a file's ending off; the last number of a DICOM UID is none."""
    return re.sub(r"(?<=[^/])\.[A-Za-z][A-Za-z0-9]{0,5}$", "", path)


def _parts(name: str) -> list[str]:
    """Split what may be a path of any system, or a URL, into folders and a name."""
    plain = unquote(urlsplit(name).path) if "://" in name else name.replace("\\", "/")
    return [part for part in plain.split("/") if part not in ("", ".", "..")]
