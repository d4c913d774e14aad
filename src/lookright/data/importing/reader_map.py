"""What one person drew on one image, joined to its file, filtered, and rendered into the cache."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lookright.data.drawings.drawing import UNIT, Drawing, Mark
from lookright.data.drawings.drawn import DrawnMap, Size
from lookright.data.drawings.render import Rendered, render
from lookright.data.importing.joining import Joined, Pictures
from lookright.data.importing.map_cache import CachedMap, MapCache, key_of_marks, key_of_words
from lookright.data.maps import fitted, verify_shape
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem


@dataclass(frozen=True)
class ReaderMap:
    """One reader's map of one image, in the cache."""

    image: str  # relative to the images' folder
    annotator: str
    cached: CachedMap
    labels: tuple[str, ...]  # of the whole image, as the tool has them
    drawn: tuple[str, ...]  # of the marks that are evidence
    dropped: tuple[str, ...]  # of the marks that were not asked for
    notes: tuple[Problem, ...]


@dataclass(frozen=True)
class MapMaker:
    """Turns drawings into maps in a cache; safe to use from several threads."""

    pictures: Pictures
    cache: MapCache
    keep: tuple[str, ...] = ()  # labels of the marks to keep; none: all of them

    def make(self, item: Drawing | DrawnMap) -> ReaderMap | tuple[Problem, ...]:
        """Render an item unless it is in the cache; returns what is wrong where it cannot."""
        where = item.where or item.image
        joined = self.pictures.find(item.image)
        if isinstance(joined, Problem):
            return (replace(joined, where=where),)
        try:
            notes = [*_by_name(item, joined), *self._verify_size(item, joined.path, where)]
            size = self.pictures.size(joined.path)
            if isinstance(item, Drawing):
                return self._drawing(item, joined.path, size, notes)
            return self._map(item, joined.path, size, notes)
        except DataError as error:
            return error.problems

    def _drawing(self, drawing: Drawing, path: str, size: Size, notes: list[Problem]) -> ReaderMap:
        kept, dropped = _chosen(drawing.marks, self.keep)
        key = key_of_marks(kept, drawing.size, size, drawing.ground)
        where = drawing.where or drawing.image
        cached = self.cache.find(key)
        if cached is None:
            rendered = render(replace(drawing, marks=kept), size)
            cached = self.cache.write(
                key, rendered.map, rendered.unknown, _without(where, rendered)
            )
        notes += [replace(each, where=where + each.where) for each in cached.notes]
        drawn = tuple(dict.fromkeys(each.label for each in kept if each.role == "evidence"))
        return ReaderMap(
            path, drawing.annotator, cached, drawing.labels, drawn, dropped, tuple(notes)
        )

    def _map(self, item: DrawnMap, path: str, size: Size, notes: list[Problem]) -> ReaderMap:
        notes += item.doubts(size)
        key = key_of_words("map", item.key, item.size, size)
        cached = self.cache.find(key)
        if cached is None:
            found = item.map(size) if callable(item.map) else item.map
            cached = self.cache.write(key, self._on_grid(found, path, item), None)
        return ReaderMap(path, item.annotator, cached, item.labels, (), (), tuple(notes))

    def _on_grid(self, found: Evidence, path: str, item: DrawnMap) -> Evidence:
        frame, where = self.pictures.frame(path), item.where or item.image
        if not np.isfinite(found).all() or found.min(initial=0) < 0 or found.max(initial=0) > 1:
            what = "The map has values that are no numbers in [0, 1]."
            raise DataError(Problem("MASK-VALUES", what, where))
        verify_shape((found.shape[1], found.shape[0]), frame.upright, frame.stored, where)
        return fitted(found, frame.upright)

    def _verify_size(self, item: Drawing | DrawnMap, path: str, where: str) -> tuple[Problem, ...]:
        """Compare the picture's size as the tool knows it with the file's."""
        frame = self.pictures.frame(path)
        if item.size in (None, UNIT, frame.upright):
            return ()
        if min(item.size) < 1:
            what = f"Its picture is said to have {item.size[0]} x {item.size[1]} pixels."
            raise DataError(Problem("MASK-SIZE", what, where))
        verify_shape(item.size, frame.upright, frame.stored, where)
        what = f"Drawn on {item.size[0]} x {item.size[1]} pixels and scaled to the image's size."
        return (Problem("MASK-SCALED", what, where, level="notice"),)


def _by_name(item: Drawing | DrawnMap, joined: Joined) -> tuple[Problem, ...]:
    if not joined.by_name:
        return ()
    what = f"{item.image!r} was taken for {joined.path!r}: the only file of this name."
    fix = "Look whether they are the same images."
    return (Problem("JOIN-NAME", what, item.where, fix, level="notice"),)


def _chosen(marks: Sequence[Mark], keep: Sequence[str]) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    """Keep the evidence of some labels, and every mark that is not evidence."""
    if not keep:
        return tuple(marks), ()
    kept = [each for each in marks if each.role != "evidence" or each.label in keep]
    dropped = [each.label for each in marks if each.role == "evidence" and each.label not in keep]
    return tuple(kept), tuple(dropped)


def _without(where: str, rendered: Rendered) -> list[Problem]:
    """Take the drawing's place out of the notes: the same marks may be drawn elsewhere."""
    return [replace(each, where=each.where.removeprefix(where)) for each in rendered.notes]
