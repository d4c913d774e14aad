"""NIfTI masks, as ITK-SNAP and 3D Slicer save them."""

import logging
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.exchange.export_files import export_files, said
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.run_lengths import MOST_PIXELS, cropped
from lookright.errors import ConfigError, DataError, Problem

_LABEL_LINE = re.compile(r'^\s*(\d+)(?:\s+[\d.]+){6}\s+"(.*)"\s*$')


class Nifti(Importer):
    """NIfTI files of one slice with a number per class: case.nii.gz marks the image case.

    The first axis runs along the rows of the image, the second down, as ITK-SNAP saves a mask that
    was drawn on a PNG; with `transposed` they are the other way round. Where the volume is placed
    in space is not read. Of a volume, `slice` picks one, counted from 0. 0 is background; the names
    of the others stand in `descriptions`, a file of label descriptions that ITK-SNAP saves.
    """

    def __init__(
        self,
        slice: int | None = None,
        transposed: bool = False,
        descriptions: str | None = None,
        suffix: str = "",  # of the masks' names and not of the images': _seg
    ) -> None:
        self.slice, self.transposed = slice, transposed
        self.descriptions, self.suffix = descriptions, suffix

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield one drawing per file, sorted by path."""
        if find_spec("nibabel") is None:
            fix = 'Run `pip install "lookright[annotations]"`.'
            raise ConfigError(Problem("EXTRA", "Reading NIfTI needs nibabel.", fix=fix))
        names = _names(Path(self.descriptions)) if self.descriptions else {}
        for file in export_files(path, ".nii", ".nii.gz"):
            where = said(file, path)
            try:
                cells = self._slice(file, where)
            except DataError as error:
                yield from error.problems
                continue
            marks = tuple(
                Mark(cropped(cells == each), names.get(int(each), str(int(each))))
                for each in np.unique(cells)
                if each
            )
            stem = re.sub(r"\.nii(\.gz)?$", "", where, flags=re.IGNORECASE)
            yield Drawing(stem.removesuffix(self.suffix), cells.shape[::-1], marks, where=where)

    def _slice(self, file: Path, where: str) -> np.ndarray:
        """Return (rows, cols) whole numbers; only what is needed of the file is read."""
        volume = _opened(file, where)
        shape = tuple(int(each) for each in volume.shape)
        across, down, depth = (*shape, 1, 1, 1)[:3]
        if any(each != 1 for each in shape[3:]):
            raise DataError(Problem("NIFTI-AXES", f"It has the shape {shape}.", where))
        if min(across, down, depth) < 1 or across * down > MOST_PIXELS:
            what = f"Slices of {across} x {down} pixels; {MOST_PIXELS} are the most."
            raise DataError(Problem("MASK-LARGE", what, where))
        if self.slice is None and depth > 1:
            what = f"It has {depth} slices."
            raise DataError(Problem("NIFTI-SLICES", what, where, "Say which: slice=0."))
        chosen = self.slice or 0
        if not 0 <= chosen < depth:
            what = f"There is no slice {chosen}; the last is {depth - 1}."
            raise DataError(Problem("NIFTI-SLICES", what, where))
        values = _values(volume, chosen, where).reshape(across, down)
        return _classes(values if self.transposed else values.T, where)


def _opened(file: Path, where: str) -> Any:
    import nibabel

    logging.getLogger("nibabel").setLevel(logging.CRITICAL)  # it tells of every odd header
    try:
        return nibabel.Nifti1Image.from_filename(file)
    except Exception:  # damaged files raise whatever they like
        what = "This is no NIfTI file, or a damaged one."
        raise DataError(Problem("NIFTI-DAMAGED", what, where, "Fetch it again.")) from None


def _values(volume: Any, chosen: int, where: str) -> np.ndarray:
    try:
        place = (slice(None), slice(None), chosen, *(0,) * 4)[: len(volume.shape)]
        return np.asarray(volume.dataobj[place])
    except Exception:
        what = "Its values cannot be read: it is damaged or cut off."
        raise DataError(Problem("NIFTI-DAMAGED", what, where, "Fetch it again.")) from None


def _classes(values: np.ndarray, where: str) -> np.ndarray:
    known = values.dtype.kind in "iuf" and bool(np.isfinite(values).all())
    if not known or (values != np.round(values)).any() or np.abs(values).max(initial=0) > 2**31:
        what = "Its values are no whole numbers: is it the image and not the mask?"
        raise DataError(Problem("MASK-VALUES", what, where))
    if values.min(initial=0) < 0:
        raise DataError(Problem("MASK-VALUES", "There are values below 0.", where))
    return values.astype(np.int64)


def _names(file: Path) -> dict[int, str]:
    """Read a file of ITK-SNAP's label descriptions: number, colour, how it is shown, name."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        what = "The file of label descriptions cannot be read."
        raise DataError(Problem("FILE-MISSING", what, str(file))) from None
    found = [match for line in lines if (match := _LABEL_LINE.match(line))]
    if not found:
        what = "There is no label description in it."
        raise DataError(Problem("EXPORT-FORMAT", what, file.name, "ITK-SNAP saves them."))
    return {int(each[1]): each[2] for each in found}
