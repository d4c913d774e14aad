"""A published data set becomes a manifest: rows, drawn maps, and files that lie below it."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from lookright.data import public
from lookright.data.importing.joining import Pictures
from lookright.data.importing.map_cache import MapCache
from lookright.data.importing.reader_map import MapMaker, ReaderMap
from lookright.data.importing.study import made_maps
from lookright.data.importing.tally import Tally
from lookright.data.preparing.placing import Placing
from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Prepared, PublicImage, PublicSet, told
from lookright.data.rewrite import refuse_existing, write_rows
from lookright.errors import DataError, LookrightError, Problem
from lookright.files import write_atomically

_SHOWN = 3  # examples of what was left out


@dataclass(frozen=True)
class Written:
    """The manifest that was written, and what was done to write it."""

    manifest: Path
    rows: pl.DataFrame
    notices: tuple[Problem, ...]  # warnings and notices
    did: Mapping[str, int]  # files that lay there, were linked, copied or drawn


def prepare(
    name: str,
    folder: Path,
    out: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write `manifest.csv` for a published set that lies in `folder`; downloads nothing.

    Into `out`, or the folder itself. An image that lies below `out` is named where it is; any
    other is linked (a hard link: no second copy on the disk), or copied where links are not
    possible. Maps that the set does not have as pictures are drawn into `maps/`. Beside the
    manifest, `prepared.json` holds the source, the licence, the rules and everything that was said.
    Raises DataError naming all files that are missing, and when there is a manifest already.
    """
    published = public.make(name, settings or {})
    out = out or folder
    refuse_existing(out / "manifest.csv")
    opened = PublicFolder(folder)
    terms = f"credentialed; {published.licence}" if published.credentialed else published.licence
    opened.require(published.needs, published.source, terms)
    prepared = _read(published, opened)
    images, absent = _present(prepared.images, folder)
    problems = [*_uncounted(published, prepared), *absent, *prepared.notices]
    placing = Placing(folder, out)
    paths = _placed(images, placing, progress)
    masks, said = _drawn(images, paths, out, placing)
    rows = _table(images, paths, masks)
    problems += [*said, *_without_group(images)]
    manifest = write_rows(rows, out / "manifest.csv")
    written = Written(manifest, rows, tuple(problems), placing.did)
    _write_record(name, published, settings or {}, prepared, written)
    return written


def _read(published: PublicSet, folder: PublicFolder) -> Prepared:
    """Read the tables; whatever in them a set did not expect is their fault, and is said so."""
    try:
        return published.prepare(folder)
    except LookrightError:
        raise
    except (KeyError, IndexError, ValueError) as error:
        what = f"The tables do not fit together or are cut off: {type(error).__name__} {error}."
        fix = "Fetch them again, and leave them as they were published."
        raise DataError(Problem("PUBLIC-TABLE", what, str(folder.root), fix)) from error


def _present(
    images: Sequence[PublicImage], folder: Path
) -> tuple[list[PublicImage], list[Problem]]:
    """Leave out images that are not there, and count them."""
    kept = [each for each in images if not isinstance(each.image, str) or each.image]
    absent = [each.id for each in images if isinstance(each.image, str) and not each.image]
    if not kept:
        what = "There is no image in it that its tables name."
        named = f" They name, for example, {', '.join(absent[:_SHOWN])}." if absent else ""
        raise DataError(Problem("PUBLIC-IMAGES", what + named, str(folder)))
    if not absent:
        return kept, []
    told = ", ".join(absent[:_SHOWN])
    what = f"{len(absent)} of {len(images)} images are not in the folder, such as {told}: left out."
    return kept, [Problem("PUBLIC-ABSENT", what, level="warning")]


def _uncounted(published: PublicSet, prepared: Prepared) -> list[Problem]:
    """Compare what was found with what was published."""
    return [
        Problem("PUBLIC-COUNT", f"{found} {thing}; published were {count}.", level="warning")
        for thing, count in published.counts.items()
        if (found := prepared.counted.get(thing, 0)) != count
    ]


def _placed(
    images: Sequence[PublicImage], placing: Placing, progress: Callable[[int, int], None] | None
) -> list[str]:
    """Bring the images below the manifest, and return their paths."""
    paths = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in pool.map(placing.place, (each.image for each in images)):
            paths.append(path)
            if progress:
                progress(len(paths), len(images))
    return paths


def _drawn(
    images: Sequence[PublicImage], paths: Sequence[str], out: Path, placing: Placing
) -> tuple[list[str], list[Problem]]:
    """Bring the maps below the manifest; one that cannot be drawn is left out, and counted."""
    masks = [placing.place(each.evidence if isinstance(each.evidence, str) else "")
             for each in images]  # fmt: skip
    drawings = {
        index: replace(each.evidence, image=path)
        for index, (each, path) in enumerate(zip(images, paths, strict=True))
        if not isinstance(each.evidence, str)
    }
    tally = Tally()
    if drawings:
        folder = out / "maps"
        maker = MapMaker(Pictures(out, aside=folder), MapCache(folder))
        made = made_maps(drawings.values(), maker)
        for index, (_, found) in zip(drawings, made, strict=True):
            if isinstance(found, ReaderMap):
                masks[index] = f"maps/{found.cached.file}"
                placing.did["maps drawn"] += 1
                tally.add(found.notes)
            else:
                tally.add_left_out(found)
    return masks, told(tally)


def _table(
    images: Sequence[PublicImage], paths: Sequence[str], masks: Sequence[str]
) -> pl.DataFrame:
    columns: dict[str, list[str]] = {
        "id": [each.id for each in images],
        "image": list(paths),
        "label": [each.label for each in images],
        "split": [each.split for each in images],
        "mask": list(masks),
        "group": [each.group for each in images],
        "source": [each.source for each in images],
    }
    columns = {name: column for name, column in columns.items() if any(column)}
    own = dict.fromkeys(name for each in images for name in each.more)
    columns |= {name: [each.more.get(name, "") for each in images] for name in own}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _without_group(images: Sequence[PublicImage]) -> list[Problem]:
    if any(each.group for each in images):
        return []
    what = "The set names no patients or subjects: a leak between splits cannot be seen."
    return [Problem("PUBLIC-GROUP", what, level="notice")]


def _write_record(
    name: str, published: PublicSet, settings: Mapping[str, Any], made: Prepared, done: Written
) -> None:
    facts = ("source", "licence", "credentialed", "citation", "classes", "splits", "maps")
    record = {
        "set": name,
        "settings": dict(settings),
        **{fact: getattr(published, fact) for fact in facts},
        "counted": dict(made.counted),
        "rows": len(done.rows),
        "files": dict(done.did),
        "notices": [asdict(each) for each in done.notices],
    }
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    write_atomically(done.manifest.with_name("prepared.json"), text)
