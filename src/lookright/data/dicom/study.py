"""A folder of DICOM files becomes a study: PNG files without a word in them, and a manifest."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from lookright.data.dicom import record
from lookright.data.dicom.dataset import read_dataset
from lookright.data.dicom.decode import ELEMENTS, picture_of
from lookright.data.dicom.finding_files import dicom_files
from lookright.data.dicom.labels import Labels
from lookright.data.dicom.pseudonym import read_salt
from lookright.data.dicom.spacing import is_burned_in
from lookright.data.images.decode import content, open_picture
from lookright.data.images.deep_png import encoded_png
from lookright.data.reading import Reading
from lookright.data.rewrite import refuse_existing, write_rows
from lookright.data.sample import Pixels
from lookright.errors import DataError, Problem
from lookright.files import write_atomically

_AT_ONCE = 32  # files in flight, so that memory does not grow with their number
_ORDER = ("id", "image", "label", "split", "mask", "group", "source", "weight")


@dataclass(frozen=True)
class Imported:
    """A study that was written, and what of the folder is not in it."""

    manifest: Path
    rows: pl.DataFrame
    salt: Path
    left_out: tuple[Problem, ...]  # one for each file
    notes: tuple[Problem, ...]


@dataclass
class _Study:
    """What importing needs to know, and what it has found so far."""

    source: Path
    out: Path
    labels: Labels
    reading: Reading
    salt: bytes
    keeps_burned_in: bool
    rows: list[dict[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    strangers: int = 0  # images without a patient's number


def import_dicom(
    source: Path,
    out: Path,
    label: Callable[[Sequence[str]], Labels],
    reading: Reading | None = None,
    salt: Path | None = None,
    keeps_burned_in: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Write the pictures of a folder of DICOM files as PNG, with a manifest.

    `label` gives the files their classes. Contrast is what `reading` says. The group is a salted
    hash of the patient's number; the salt is kept beside `out` and not in it. Files that are no
    pictures are left out, each with its reason. Raises DataError when none is left.
    """
    manifest = out / "manifest.csv"
    refuse_existing(manifest)
    files, left_out = dicom_files(source)
    labels = label(files)
    kept_salt = salt or out.with_name(f"{out.resolve().name}.salt")
    study = _Study(source, out, labels, reading or Reading(), read_salt(kept_salt), keeps_burned_in)
    wanted = [path for path in files if path in labels.rows]
    what = "Nobody gave it a label."
    left_out += [Problem("LABEL-NONE", what, path) for path in files if path not in labels.rows]
    for done, problems in enumerate(_imported(study, wanted), start=1):
        left_out += problems
        if progress:
            progress(done, len(wanted))
    if not study.rows:
        problem = Problem("FOLDER-EMPTY", "There are no DICOM pictures in it.", str(source))
        raise DataError(problem, *left_out)
    rows = pl.DataFrame(study.rows)
    columns = [name for name in _ORDER if name in rows.columns]
    rows = rows.select(*columns, pl.exclude(columns))
    write_rows(rows, manifest)
    notes = (*labels.notes, *_strangers(study))
    return Imported(manifest, rows, kept_salt, tuple(left_out), notes)


def _imported(study: _Study, paths: Sequence[str]) -> Iterator[list[Problem]]:
    """Decode in threads, and write in the order of the paths."""
    queue = iter(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while window := list(islice(queue, _AT_ONCE)):
            read = pool.map(lambda path: _read(study, path), window)
            for path, made in zip(window, read, strict=True):
                yield made if isinstance(made, list) else _kept(study, path, *made)


def _read(study: _Study, path: str) -> tuple[record.Record, bytes] | list[Problem]:
    """Return the record and the PNG of a file, or why there is none."""
    limit = study.reading.max_inflated
    try:
        data = content(study.source / path, path)
        dataset = read_dataset(data, (*ELEMENTS, *record.ELEMENTS), limit, path)
        if is_burned_in(dataset, path) and not study.keeps_burned_in:
            what = "It says that text is burned into the picture, perhaps a name."
            return [Problem("DICOM-BURNED-IN", what, path, "To keep it: --keep-burned-in.")]
        decoded = picture_of(dataset, study.reading, path)
        frame = (study.reading.frame or 1) - 1
        found = record.read_record(dataset, data, frame, study.salt, path)
        return found, _png(decoded.pixels)
    except DataError as error:
        return [replace(each, where=path) for each in error.problems]


def _kept(study: _Study, path: str, found: record.Record, png: bytes) -> list[Problem]:
    if found.image in study.names:
        return [Problem("DICOM-TWICE", "Another file has the same picture's number.", path)]
    given = dict(study.labels.rows[path])
    try:
        if given.get("mask"):
            mask = study.labels.root / given["mask"]
            given["mask"] = f"masks/{found.image}.png"
            write_atomically(study.out / given["mask"], _bare_mask(mask))
    except DataError as error:
        return [replace(each, where=f"{path} ({each.where})") for each in error.problems]
    study.names.add(found.image)
    study.strangers += not found.is_patient
    image = f"images/{found.image}.png"
    write_atomically(study.out / image, png)
    own = {name: value for name, value in asdict(found).items() if name != "is_patient"}
    study.rows.append({**given, **own, "id": found.image, "image": image})
    return []


def _png(pixels: Pixels) -> bytes:
    if pixels.dtype == "uint16":
        return encoded_png(pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _bare_mask(file: Path) -> bytes:
    """Return a mask as PNG with nothing but its pixels."""
    opened = open_picture(content(file, file.name), Reading(min_side=1), file.name)
    picture = opened.picture
    if opened.format == "JPEG":  # blurred at its edges, as maps are read
        picture = Image.fromarray(255 * (np.asarray(picture.convert("L")) >= 128).astype(np.uint8))
    bare = Image.new(picture.mode, picture.size)
    bare.frombytes(picture.tobytes())
    if picture.mode == "P":
        bare.putpalette(picture.getpalette() or [])
    buffer = io.BytesIO()
    bare.save(buffer, "PNG")
    return buffer.getvalue()


def _strangers(study: _Study) -> list[Problem]:
    what = f"{study.strangers} images have no patient's number: their group is the examination."
    fix = "One patient's examinations may fall into two splits."
    problem = Problem("DICOM-PATIENT", what, "", fix, "warning")
    return [problem] * bool(study.strangers)
