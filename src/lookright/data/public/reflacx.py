"""REFLACX: gaze and ellipses of radiologists on X-rays of MIMIC-CXR (Bigolin Lanfredi 2022)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.drawn import DrawnMap
from lookright.data.drawings.shapes import Ellipse
from lookright.data.importing.tally import Tally
from lookright.data.preparing.public_folder import PublicFolder, Row
from lookright.data.preparing.public_gaze import gaze_maps, mean_map
from lookright.data.preparing.public_set import (
    Drawn,
    Needed,
    Prepared,
    PublicImage,
    PublicSet,
    told,
)
from lookright.data.preparing.public_splits import without_leaks
from lookright.errors import Problem

_SPLITS = {"train": "train", "validate": "val", "test": "test"}
_KEY = ("id", "split", "image", "dicom_id", "subject_id", "image_size_x", "image_size_y")
_NO_FINDING = {*_KEY, "eye_tracking_data_discarded", "Support devices", "Quality issue", "Other"}
_CERTAIN = 5  # the highest certainty; 0 is not selected


class Reflacx(PublicSet):
    """Normal or abnormal by the readers' certainties, with where they looked or what they drew.

    The folder holds the set's main_data and, beside it, its images out of MIMIC-CXR-JPG (or the
    DICOM files of MIMIC-CXR) at their full size:

        main_data/metadata_phase_1.csv (2, 3)    id, split, image, dicom_id, subject_id, findings
        main_data/P102R009922/fixations.csv, anomaly_location_ellipses.csv
        files/p10/p10000032/s50414267/02aa804e-....jpg

    Of the mean over an image's readers of their highest certainty for any finding (0 to 5):
    abnormal from `certainty` on, normal at 0, and left out between. The rule is ours. Gaze: one
    degree of visual angle, weighted by duration, and only what the zoomed screen showed; the mean
    of the readers. Readings whose eye tracking was discarded have no gaze. Not tried on the real
    files, which need an agreement; the columns are those that the set's description names.
    """

    source = "https://physionet.org/content/reflacx-xray-localization/1.0.0/"
    licence = "PhysioNet Credentialed Health Data License"
    citation = "Bigolin Lanfredi et al., REFLACX, Scientific Data 2022"
    credentialed = True
    needs = (
        *(Needed(f"main_data/metadata_phase_{n}.csv", f"labels of phase {n}") for n in (1, 2, 3)),
        Needed("files", "images", "https://physionet.org/content/mimic-cxr-jpg/"),
    )
    counts = {"readings": 3052, "images": 2616, "patients": 2199}
    classes = "abnormal: mean certainty of `certainty` or more; normal: 0; the others left out"
    splits = "those of MIMIC-CXR, by patient"
    maps = "gaze, the mean of the readers (evidence: ellipses for what they drew)"

    def __init__(
        self, evidence: Literal["gaze", "ellipses"] = "gaze", certainty: Literal[1, 2, 3, 4, 5] = 3
    ) -> None:
        self.evidence, self.certainty = evidence, certainty

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Gather the readings of each image."""
        readings: defaultdict[str, list[Row]] = defaultdict(list)
        for phase in (1, 2, 3):
            for row in folder.table(f"main_data/metadata_phase_{phase}.csv", _KEY):
                readings[row["dicom_id"]].append(row)
        tally, images = Tally(), []
        for rows in readings.values():
            label = self._label(rows)
            if label:
                images.append(self._image(folder, rows, label, tally))
        kept, leaks = without_leaks(images)
        count = len(readings) - len(images)
        what = f"{count} images that readers were unsure of, or differed in, are left out."
        unsure = [Problem("PUBLIC-LEFT-OUT", what, level="notice")] * (count > 0)
        every = [row for rows in readings.values() for row in rows]
        patients = len({row["subject_id"] for row in every})
        counted = {"readings": len(every), "images": len(readings), "patients": patients}
        return Prepared(kept, counted, (*unsure, *leaks, *told(tally)))

    def _label(self, rows: Sequence[Row]) -> str:
        highest = [max(map(_number, _findings(row)), default=0) for row in rows]
        mean = sum(highest) / len(highest)
        return "abnormal" if mean >= self.certainty else "normal" if mean == 0 else ""

    def _image(
        self, folder: PublicFolder, rows: Sequence[Row], label: str, tally: Tally
    ) -> PublicImage:
        first = rows[0]
        return PublicImage(
            first["dicom_id"],
            folder.picture(first["image"].removeprefix("/")),
            label,
            _SPLITS.get(first["split"], first["split"]),
            _gaze(folder, rows, tally) if self.evidence == "gaze" else _ellipses(folder, rows),
            first["subject_id"],
            more={"readers": str(len(rows))},
        )


def _findings(row: Row) -> list[str]:
    return [cell for name, cell in row.items() if name not in _NO_FINDING]


def _number(cell: str) -> float:
    words = {"true": float(_CERTAIN), "false": 0.0, "": 0.0}
    return words[cell.lower()] if cell.lower() in words else float(cell)


def _gaze(folder: PublicFolder, rows: Sequence[Row], tally: Tally) -> Drawn | str:
    maps: list[DrawnMap] = []
    for row in rows:
        path = f"main_data/{row['id']}/fixations.csv"
        if row.get("eye_tracking_data_discarded", "").lower() == "true" or not folder.first(path):
            continue
        maps += gaze_maps(folder.root / path, {"recipe": "reflacx"}, tally).values()
    return mean_map(rows[0]["dicom_id"], maps) if maps else ""


def _ellipses(folder: PublicFolder, rows: Sequence[Row]) -> Drawn | str:
    """Draw what any reader drew, each ellipse as strong as its reader was certain."""
    marks: list[Mark] = []
    for row in rows:
        path = f"main_data/{row['id']}/anomaly_location_ellipses.csv"
        if folder.first(path):
            sides = ("xmin", "ymin", "xmax", "ymax")
            marks += map(_mark, folder.table(path, (*sides, "certainty")))
    size = int(rows[0]["image_size_x"]), int(rows[0]["image_size_y"])
    return Drawing(rows[0]["dicom_id"], size, tuple(marks)) if marks else ""


def _mark(row: Row) -> Mark:
    left, top, right, bottom = (float(row[side]) for side in ("xmin", "ymin", "xmax", "ymax"))
    shape = Ellipse((left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2)
    return Mark(shape, "anomaly", weight=float(row["certainty"]) / _CERTAIN)
