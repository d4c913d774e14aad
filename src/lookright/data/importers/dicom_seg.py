"""DICOM segmentations: binary, fractional and label maps."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.drawn import DrawnMap
from lookright.data.drawings.shapes import Raster
from lookright.data.exchange.dicom_segments import Frame, frames, header
from lookright.data.exchange.export_files import export_files, said
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.run_lengths import cropped
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem
from lookright.names import suggestion
from lookright.section import Words


class DicomSeg(Importer):
    """DICOM-SEG files, alone or beside the images that they were drawn on.

    The export is a file or a folder. An image is named by its file where it lies in that folder,
    else by its SOP instance UID. Labels are the segments'. Fractional segments become a soft map:
    of several, the stronger counts; `segments` picks some of them. Several files of one image
    belong to one reader, or with readers = file to one each.
    """

    def __init__(
        self, segments: Words | None = None, readers: Literal["one", "file"] = "one"
    ) -> None:
        self.segments, self.readers = segments, readers

    def read(self, path: Path) -> Iterator[Drawing | DrawnMap | Problem]:
        """Yield one drawing or map per image and reader, when all files of a reader were read."""
        names: dict[str, str] = {}
        drawn_by: dict[str, list[Path]] = {}
        for file in export_files(path, ""):
            where = said(file, path)
            try:
                found = header(file, where)
            except DataError as error:
                yield from error.problems
                continue
            if found and found.is_segmentation:
                reader = where if self.readers == "file" else ""
                drawn_by.setdefault(reader, []).append(file)
            elif found:
                names[found.uid] = where
        if not drawn_by:
            what = "There is no DICOM segmentation."
            raise DataError(Problem("EXPORT-EMPTY", what, path.name))
        for reader, files in drawn_by.items():
            yield from self._reader(files, path, reader, names)

    def _reader(
        self, files: list[Path], path: Path, reader: str, names: dict[str, str]
    ) -> Iterator[Drawing | DrawnMap | Problem]:
        sheets: dict[str, _Sheet] = {}
        counts: Counter[str] = Counter()
        for file in files:
            where = said(file, path)
            try:
                for frame in frames(file, where):
                    if isinstance(frame, Problem):
                        yield frame
                        continue
                    counts[frame.segment] += 1
                    counts["automatic"] += frame.automatic
                    sheet = sheets.setdefault(frame.image, _Sheet(where))
                    if self.segments is None or frame.segment in self.segments:
                        sheet.add(frame)
            except DataError as error:
                yield from error.problems
        absent = [each for each in self.segments or () if each not in counts]
        for each in absent:
            fix = suggestion(each, counts)
            yield Problem("DICOM-SEGMENT", f"There is no segment {each!r}.", path.name, fix)
        for uid, sheet in sheets.items():
            yield sheet.drawn(names.get(uid, uid), reader)
        if counts["automatic"]:
            what = f"{counts['automatic']} frames were drawn by an algorithm, not by a person."
            yield Problem("DICOM-AUTOMATIC", what, path.name, level="warning")


@dataclass
class _Sheet:
    """What has been read of one image."""

    where: str
    size: tuple[int, int] | None = None
    rasters: list[Raster] = field(default_factory=list)
    soft: Evidence | None = None
    labels: list[str] = field(default_factory=list)

    def add(self, frame: Frame) -> None:
        """Add a segment: as pixels, or once one is soft, as values."""
        size = frame.values.shape[1], frame.values.shape[0]
        if self.size not in (None, size):
            what = f"Its segments have {self.size} and {size} pixels."
            raise DataError(Problem("MASK-SIZE", what, self.where))
        self.size = size
        self.labels.append(frame.segment)
        is_sharp = bool(np.isin(frame.values, (0, 1)).all())
        if is_sharp and self.soft is None:
            self.rasters.append(cropped(frame.values > 0))
            return
        if self.soft is None:
            self.soft = np.zeros(frame.values.shape, np.float32)
            for raster in self.rasters:
                _lay(raster, self.soft)
        np.maximum(self.soft, frame.values, out=self.soft)

    def drawn(self, image: str, annotator: str) -> Drawing | DrawnMap:
        """Return what was read: shapes where all is sharp, else a soft map."""
        if self.soft is None:
            pairs = zip(self.rasters, self.labels, strict=True)
            marks = tuple(Mark(raster, label) for raster, label in pairs)
            return Drawing(image, self.size, marks, annotator, where=self.where)
        key = hashlib.sha256(self.soft.tobytes()).hexdigest()
        return DrawnMap(image, self.size, self.soft, key, annotator, where=self.where)


def _lay(raster: Raster, soft: Evidence) -> None:
    rows, cols = raster.cells.shape
    area = soft[raster.top : raster.top + rows, raster.left : raster.left + cols]
    area[raster.cells] = 1.0
