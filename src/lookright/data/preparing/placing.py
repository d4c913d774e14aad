"""Where the files of a prepared data set lie: below its manifest, with as few copies as can be."""

import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from lookright.data.drawings.drawn import DrawnMap


@dataclass
class Placing:
    """Brings files of `folder` below `out`; counts in `did` what it did for that."""

    folder: Path
    out: Path
    did: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _names: dict[str, str] = field(default_factory=dict, repr=False)
    _taken: set[str] = field(default_factory=set, repr=False)

    def place(self, file: str | DrawnMap) -> str:
        """Return the path below `out` of a file, or of an image that is drawn here."""
        if not file:
            return ""
        return self._drawn(file) if isinstance(file, DrawnMap) else self._file(file)

    def _file(self, path: str) -> str:
        """Name a file where it lies, or link it to where it may be named."""
        file, inside = self.folder / path, os.path.realpath(self.out)
        if os.path.realpath(file).startswith(inside.rstrip(os.sep) + os.sep):
            self._count("named where they are")
            below = os.path.relpath(os.path.abspath(file), os.path.abspath(self.out))
            return Path(below).as_posix()
        target = self.out / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            try:
                os.link(os.path.realpath(file), target)
                self._count("linked")
            except OSError:  # another disk, or links are not allowed
                shutil.copyfile(file, target)
                self._count("copied")
        return f"files/{path}"

    def _drawn(self, image: DrawnMap) -> str:
        """Save grey levels in [0, 1] as a picture of 8 bits."""
        path = f"images/{self._name(image.image)}.png"
        values = image.map(image.size or (0, 0)) if callable(image.map) else image.map
        (self.out / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(values * 255).astype(np.uint8)).save(self.out / path)
        self._count("images drawn")
        return path

    def _name(self, name: str) -> str:
        """Make a file's name of an id; two ids never get the same."""
        with self._lock:
            if name not in self._names:
                safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:100] or "image"
                taken = safe.lower() in self._taken
                self._names[name] = f"{safe}-{len(self._names)}" if taken else safe
                self._taken.add(self._names[name].lower())
            return self._names[name]

    def _count(self, what: str) -> None:
        with self._lock:
            self.did[what] += 1
