"""Another tool's annotations become maps in files and a manifest that names them.

Drawings are rendered as they are read, some at a time, so that memory does not grow with them.
Nothing but maps is written until everything is known to be right.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from threadpoolctl import threadpool_limits

from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.drawn import DrawnMap
from lookright.data.drawings.several import Rule, combine_known
from lookright.data.importing import labelling
from lookright.data.importing.joining import Pictures
from lookright.data.importing.labelling import LabelFrom, Words
from lookright.data.importing.manifest_of_maps import join_maps, place_of, write_manifest
from lookright.data.importing.map_cache import CachedMap, MapCache, key_of_words
from lookright.data.importing.reader_map import MapMaker, ReaderMap
from lookright.data.importing.tally import Tally
from lookright.errors import DataError, Problem
from lookright.names import suggestion

Items = Iterable[Drawing | DrawnMap | Problem]
_AT_ONCE = 8  # drawings in flight for each processor
_NOTHING = Drawing("", None, ())


@dataclass(frozen=True)
class Wishes:
    """How an import is to be done."""

    keep: tuple[str, ...] = ()  # labels of the marks that are evidence; none: all
    annotators: Rule = "mean"  # how several people's maps become one
    labels: Path | None = None  # a table of labels
    label_from: LabelFrom | None = None  # None: chosen, and said
    unmarked: str = "none"  # the label of an image without marks, where marks are the labels
    leave_out: bool = False  # go on without what is wrong


@dataclass(frozen=True)
class Imported:
    """What an import wrote, and everything that it has to say."""

    manifest: Path
    rows: pl.DataFrame
    tally: Tally
    label_from: LabelFrom
    readers: int  # different names of people


@dataclass
class _Found:
    """What is known of one image by now."""

    maps: dict[str, list[CachedMap]] = field(default_factory=dict)  # by annotator
    words: Words = field(default_factory=Words)


def import_drawings(
    items: Items,
    images: Path,
    manifest: Path,
    wishes: Wishes | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Render what an importer yields, and write maps and a manifest.

    Maps go to the folder `maps` beside the manifest. Raises DataError with everything that is
    wrong; with `leave_out`, what is wrong is counted and left out.
    """
    wishes = wishes or Wishes()
    cache = MapCache(manifest.parent / "maps")
    pictures = Pictures(images, aside=cache.folder)
    place_of(pictures.folder, manifest)
    tally = Tally()
    maker = MapMaker(pictures, cache, wishes.keep)
    found = _collect(items, maker, wishes, tally, progress)
    source = wishes.label_from or labelling.choose(
        wishes.labels, (each.words for each in found.values()), pictures
    )
    rows = _labels(source, found, pictures, wishes, tally)
    _count_missing(rows, found, pictures, tally)
    if tally.errors:
        raise DataError(*tally.errors)
    combined = _combine(found, cache, wishes.annotators, tally)
    readers = {name for each in found.values() for name in each.maps}
    rows = join_maps(rows, combined, {name: len(each.maps) for name, each in found.items()})
    rows = write_manifest(rows, pictures.folder, manifest)
    return Imported(manifest, rows, tally, source, len(readers))


def _collect(
    items: Items,
    maker: MapMaker,
    wishes: Wishes,
    tally: Tally,
    progress: Callable[[int, int], None] | None,
) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    spelt: dict[str, str] = {}
    unseen = set(wishes.keep)
    dropped: set[str] = set()
    add = tally.add_left_out if wishes.leave_out else tally.add
    for item, made in made_maps(items, maker):
        if not isinstance(made, ReaderMap):
            add(made)
            continue
        if spelt.setdefault(made.image, item.image) != item.image:
            what = f"{spelt[made.image]!r} and {item.image!r} are both {made.image!r}."
            add([Problem("JOIN-TWICE", what, item.where, "Name images by their paths.")])
            continue
        tally.add(made.notes)
        _add(found.setdefault(made.image, _Found()), made, tally)
        unseen -= {*made.drawn}
        dropped |= {*made.dropped}
        tally.add(_not_kept(made, item.where))
        if progress:
            progress(len(found), len(maker.pictures.paths))
    if unseen:
        fix = suggestion(sorted(unseen)[0], dropped) if dropped else "No mark has a label."
        tally.add([Problem("KEEP", f"No mark is labelled {', '.join(sorted(unseen))}.", fix=fix)])
    return found


def made_maps(
    items: Items, maker: MapMaker
) -> Iterator[tuple[Drawing | DrawnMap, ReaderMap | tuple[Problem, ...]]]:
    """Render items in threads, in their order, a few at a time; or say what is wrong with them."""
    waiting: deque[tuple[Drawing | DrawnMap, Future[ReaderMap | tuple[Problem, ...]]]] = deque()
    most = _AT_ONCE * (os.cpu_count() or 1)
    # Matrix products with threads of their own, in each of our threads, take three times as long.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for item in items:
            if isinstance(item, Problem):
                waiting.append((_NOTHING, _done((item,))))
            else:
                waiting.append((item, pool.submit(maker.make, item)))
            if len(waiting) >= most:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def _done(problems: tuple[Problem, ...]) -> Future[ReaderMap | tuple[Problem, ...]]:
    """Wait for nothing: the importer has said it already."""
    future: Future[ReaderMap | tuple[Problem, ...]] = Future()
    future.set_result(problems)
    return future


def _add(found: _Found, made: ReaderMap, tally: Tally) -> None:
    before = found.maps.setdefault(made.annotator, [])
    if before and made.cached not in before:
        what = "One person drew on this image more than once; the drawings were joined."
        tally.add([Problem("READER-AGAIN", what, made.image, level="notice")])
    if made.cached not in before:
        before.append(made.cached)
    found.words.labels.update(made.labels)
    found.words.drawn.update(made.drawn)


def _not_kept(made: ReaderMap, where: str) -> list[Problem]:
    what = "Marks with other labels were left out: "
    return [
        Problem("KEEP-DROPPED", f"{what}{label or 'no label'}.", where, level="notice")
        for label in made.dropped
    ]


def _labels(
    source: LabelFrom, found: dict[str, _Found], pictures: Pictures, wishes: Wishes, tally: Tally
) -> pl.DataFrame:
    if source == "table":
        if wishes.labels is None:
            what = "There is no table of labels."
            raise DataError(Problem("LABELS", what, fix="Name it with --labels TABLE."))
        return labelling.from_table(wishes.labels, pictures, tally)
    if source == "folder":
        return labelling.from_folders(pictures, tally)
    words = {name: found[name].words for name in sorted(found)}
    return labelling.from_words(words, source, wishes.unmarked, tally)


def _count_missing(
    rows: pl.DataFrame, found: dict[str, _Found], pictures: Pictures, tally: Tally
) -> None:
    """Say how many images nobody drew on, and how many have no label."""
    labelled = set(rows["image"]) if len(rows) else set()
    for path in pictures.paths:
        if path in found and path not in labelled and not tally.errors:
            what = "Somebody drew on it, but it has no label: it is left out."
            tally.add([Problem("LABEL-UNLISTED", what, path, level="warning")])
        elif path not in found:
            what = "Nobody drew on it" + (
                ": no map." if path in labelled else ", and it is left out."
            )
            code = "IMG-UNDRAWN" if path in labelled else "IMG-LEFT-OUT"
            tally.add([Problem(code, what, path, level="notice")])
    if not found and not tally.errors:
        what = "None of the drawings is of an image that is there."
        fix = "Look at the examples above; is --images the right folder?"
        tally.add([*tally.first.values(), Problem("JOIN-NONE", what, pictures.folder.name, fix)])


def _combine(
    found: dict[str, _Found], cache: MapCache, rule: Rule, tally: Tally
) -> dict[str, CachedMap]:
    """Make one map of each image's maps."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(lambda each: _one(list(each.maps.values()), cache, rule), found.values())
        combined = dict(zip(found, made, strict=True))
    empty = [name for name, each in combined.items() if each.empty]
    what = "Somebody looked and marked nothing: its map is empty."
    fix = "data.empty_mask says what that means."
    tally.add(Problem("MASK-EMPTY", what, name, fix, "notice") for name in empty)
    return combined


def _one(readers: list[list[CachedMap]], cache: MapCache, rule: Rule) -> CachedMap:
    own = [_merged(parts, cache, "union") for parts in readers]
    return _merged(own, cache, rule)


def _merged(parts: list[CachedMap], cache: MapCache, rule: Rule) -> CachedMap:
    if len(parts) == 1:
        return parts[0]
    key = key_of_words(rule, *sorted(each.key for each in parts))
    if there := cache.find(key):
        return there
    maps, unknown = zip(*map(cache.read, parts), strict=True)
    return cache.write(key, *combine_known(maps, unknown, rule))
