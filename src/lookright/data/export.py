"""Any data set as a folder of PNG files with a manifest, for other tools and other eyes."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from lookright.data.rewrite import refuse_existing, write_rows
from lookright.data.sample import Evidence, Pixels
from lookright.data.source import Source

_SAFE = r"^[A-Za-z0-9][\w-]{0,99}$"  # ids that are good file names everywhere
_OWN = ("id", "image", "label", "split", "mask", "group", "source", "weight")


def export(
    source: Source, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write images, maps and manifest.csv into a folder, and return the manifest's path.

    Maps of zeros and ones become 8-bit masks, soft ones 16-bit PNG. An image that nobody
    annotated has no mask file. Raises DataError when the folder has a manifest already.
    """
    manifest = Path(folder) / "manifest.csv"
    refuse_existing(manifest)
    for name in ("images", "masks"):
        (manifest.parent / name).mkdir(parents=True, exist_ok=True)
    names = _names(source.rows["id"])
    masks = []
    for index, name in enumerate(names):
        sample = source.sample(index)
        _picture(sample.image).save(manifest.parent / "images" / f"{name}.png")
        if sample.map is not None:
            _mask(sample.map).save(manifest.parent / "masks" / f"{name}.png")
        masks.append(f"masks/{name}.png" if sample.map is not None else "")
        if progress:
            progress(index + 1, len(names))
    images = [f"images/{name}.png" for name in names]
    rows = source.rows.drop("annotated").with_columns(
        pl.Series("image", images), pl.Series("mask", masks)
    )
    ordered = [name for name in _OWN if name in rows.columns]
    ordered += [name for name in rows.columns if name not in _OWN]
    return write_rows(rows.select(ordered), manifest)


def _names(ids: pl.Series) -> list[str]:
    plain = all(re.match(_SAFE, each) for each in ids)
    if plain and ids.str.to_lowercase().n_unique() == len(ids):
        return ids.to_list()
    return [f"{index:06d}" for index in range(len(ids))]


def _picture(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _mask(evidence: Evidence) -> Image.Image:
    if np.isin(evidence, (0, 1)).all():
        return Image.fromarray((evidence * 255).astype(np.uint8))
    return Image.fromarray(np.round(evidence * 65535).astype(np.uint16))
