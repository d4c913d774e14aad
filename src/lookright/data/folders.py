"""Image folders become a manifest: one folder per class, and masks of the same names."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lookright.data.reading import is_split
from lookright.data.rewrite import refuse_existing, write_rows
from lookright.errors import DataError, Problem

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".pgm", ".ppm", ".pnm")
ENDINGS += (".dcm",)
SPLITS = {"training": "train", "valid": "val", "validation": "val", "dev": "val"}
SPLITS |= {"testing": "test"}


@dataclass(frozen=True)
class Described:
    """The manifest that was written, and what was left out of it."""

    manifest: Path
    rows: pl.DataFrame
    ignored: tuple[str, ...]  # paths relative to the manifest's folder


def describe(images: Path, masks: Path | None = None, out: Path | None = None) -> Described:
    """Write a manifest for `images/class/...` or `images/split/class/...`.

    A mask has its image's relative name, whatever its ending. The manifest goes to the folder
    that holds both. Raises DataError for empty or nested classes, for two images that would share
    a mask, and when there is a manifest already.
    """
    _require_folders(images, masks)
    root = Path(os.path.commonpath([each.resolve() for each in (images, masks) if each]))
    out = out or root / "manifest.csv"
    refuse_existing(out)
    if out.resolve().parent != root:
        what = f"The manifest has to lie in {root.name!r}, the folder that holds all files."
        raise DataError(Problem("MANIFEST-FOLDER", what, str(out)))
    found = _Found([], [], [])
    _collect(images.resolve(), root, found)
    drawn = _masks(masks.resolve(), root, found) if masks else {}
    if found.problems:
        raise DataError(*found.problems)
    rows = _rows(found, drawn, images.resolve(), root, masks is not None)
    used = set(rows["mask"]) if masks else set()
    unused = [mask for mask in drawn.values() if mask not in used]
    if masks and drawn and len(unused) == len(drawn):
        what = f"None of the {len(drawn)} masks has the name of an image."
        raise DataError(Problem("MASK-NAMES", what, masks.name, "Name masks as their images."))
    write_rows(rows, out)
    return Described(out, rows, tuple(sorted([*found.ignored, *unused])))


@dataclass
class _Found:
    images: list[tuple[Path, str, str]]  # file, split, label
    ignored: list[str]
    problems: list[Problem]


def _collect(images: Path, root: Path, found: _Found) -> None:
    folders = _folders(images, root, found)
    named = [SPLITS.get(each.name.lower(), each.name.lower()) for each in folders]
    if folders and all(is_split(name) for name in named):
        parts = list(zip(folders, named, strict=True))
    else:
        parts = [(images, "")]
    for folder, split in parts:
        classes = folders if not split else _folders(folder, root, found)
        if not classes:
            what = "There are no folders in it, one for each class."
            found.problems.append(Problem("FOLDER-CLASSES", what, relative(folder, root)))
        for each in classes:
            _collect_class(each, split, root, found)


def _folders(folder: Path, root: Path, found: _Found) -> list[Path]:
    """List the folders to look into; files beside them and hidden ones are left out."""
    kept = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not _is_clutter(entry.name):
            kept.append(entry)
        else:
            found.ignored.append(relative(entry, root))
    return kept


def _collect_class(folder: Path, split: str, root: Path, found: _Found) -> None:
    count = 0
    for entry in sorted(folder.iterdir()):
        if _is_clutter(entry.name) or (entry.is_file() and not is_image(entry)):
            found.ignored.append(relative(entry, root))
        elif entry.is_dir():
            what = "There is a folder inside a class."
            fix = "Name classes by one folder each, or write a manifest."
            problem = Problem("FOLDER-NESTED", what, relative(entry, root), fix)
            found.problems.append(problem)
        else:
            count += 1
            found.images.append((entry, split, folder.name))
    if not count:
        what = "The class has no images."
        found.problems.append(Problem("FOLDER-EMPTY", what, relative(folder, root)))


def _masks(masks: Path, root: Path, found: _Found) -> dict[str, str]:
    """Return the masks by their relative name without ending."""
    drawn: dict[str, str] = {}
    for file in files_below(masks):
        path = relative(file, root)
        if not is_image(file):
            found.ignored.append(path)
            continue
        name = os.path.splitext(relative(file, masks))[0]
        if name in drawn:
            what = f"{drawn[name]!r} has the same name: which of them is the mask?"
            found.problems.append(Problem("MASK-NAMES", what, path))
        drawn[name] = path
    return drawn


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder in order, but hidden ones and what systems leave behind."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _is_clutter(each))
        yield from (Path(parent, each) for each in sorted(files) if not _is_clutter(each))


def _rows(
    found: _Found, drawn: dict[str, str], images: Path, root: Path, masked: bool
) -> pl.DataFrame:
    files = [file for file, _, _ in found.images]
    names = [os.path.splitext(relative(file, images))[0] for file in files]
    columns = {
        "image": [relative(file, root) for file in files],
        "label": [label for _, _, label in found.images],
    }
    if any(split for _, split, _ in found.images):
        columns["split"] = [split for _, split, _ in found.images]
    if masked:
        columns["mask"] = [drawn.get(name, "") for name in names]
        twice = {name for name, count in Counter(names).items() if name in drawn and count > 1}
        if twice:
            what = "Several images have this name, which one mask cannot belong to."
            raise DataError(*(Problem("MASK-NAMES", what, name) for name in sorted(twice)))
    return pl.DataFrame(columns)


def _require_folders(images: Path, masks: Path | None) -> None:
    absent = [each for each in (images, masks) if each and not each.is_dir()]
    if absent:
        what = "There is no such folder."
        raise DataError(*(Problem("FOLDER-MISSING", what, str(each)) for each in absent))


def relative(file: Path, root: Path) -> str:
    """Write a path with slashes; one that a spreadsheet would take for a formula starts with ./"""
    path = file.relative_to(root).as_posix()
    return f"./{path}" if path[:1] in "=+-@" else path


def is_image(file: Path) -> bool:
    """Say whether a file has the ending of an image."""
    return file.suffix.lower() in ENDINGS


def _is_clutter(name: str) -> bool:
    return name.startswith((".", "__MACOSX")) or name in ("Thumbs.db", "desktop.ini")
