"""The manifest of an import: labels, and the maps that were drawn."""

import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from lookright.data.importing.map_cache import CachedMap
from lookright.data.rewrite import refuse_existing, write_rows
from lookright.errors import DataError, Problem

_FIRST = ("id", "image", "label", "split", "mask", "unknown", "annotators")


def join_maps(
    rows: pl.DataFrame, maps: Mapping[str, CachedMap], readers: Mapping[str, int]
) -> pl.DataFrame:
    """Add the columns `mask`, `annotators` and, where there is any, `unknown`."""
    images = rows["image"].to_list()
    drawn = [maps.get(image) for image in images]
    unknown = [f"maps/{each.unknown}" if each and each.unknown else "" for each in drawn]
    rows = rows.with_columns(
        pl.Series("mask", [f"maps/{each.file}" if each else "" for each in drawn], pl.String),
        pl.Series("annotators", [readers.get(image, 0) for image in images], pl.Int64),
    )
    return rows.with_columns(pl.Series("unknown", unknown)) if any(unknown) else rows


def write_manifest(rows: pl.DataFrame, images: Path, manifest: Path) -> pl.DataFrame:
    """Write rows whose images are relative to a folder; writing the same again is no error."""
    above = place_of(images, manifest)
    prefix = f"{above}/" if above != "." else ""
    paths = [_safe(prefix + image) for image in rows["image"]]
    rows = rows.with_columns(pl.Series("image", paths, pl.String))
    ordered = [name for name in _FIRST if name in rows.columns]
    rows = rows.select(ordered + [name for name in rows.columns if name not in _FIRST])
    if not _is_same(rows, manifest):
        refuse_existing(manifest)
        write_rows(rows, manifest)
    return rows


def place_of(images: Path, manifest: Path) -> str:
    """Return the images' folder relative to the manifest's, which has to hold it."""
    root = manifest.parent.resolve()
    if not images.resolve().is_relative_to(root):
        what = f"The images are not below {root.name!r}, and a manifest's paths have to stay there."
        fix = f"Let --out be {os.path.commonpath([images.resolve(), root])!r}."
        raise DataError(Problem("MANIFEST-FOLDER", what, str(manifest), fix))
    return images.resolve().relative_to(root).as_posix()


def _safe(path: str) -> str:
    """Start with ./ what a spreadsheet would take for a formula."""
    return f"./{path}" if path[:1] in "=+-@" else path


def _is_same(rows: pl.DataFrame, manifest: Path) -> bool:
    return (
        manifest.suffix.lower() == ".csv"
        and manifest.is_file()
        and manifest.read_bytes() == rows.write_csv().encode()
    )
