"""EGD-CXR: gaze of a radiologist on 1083 X-rays of MIMIC-CXR (Karargyris et al. 2021)."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

from lookright.data.importing.tally import Tally
from lookright.data.preparing.public_folder import PublicFolder, Row
from lookright.data.preparing.public_gaze import gaze_maps
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet, told
from lookright.data.preparing.public_splits import drawn_splits
from lookright.errors import Problem
from lookright.settings import Positive

_CLASSES = {"normal": "normal", "chf": "congestive heart failure", "pneumonia": "pneumonia"}
_SHORTEST = 20  # characters of a cut-off id that still say which image is meant


class EgdCxr(PublicSet):
    """Normal, congestive heart failure or pneumonia, with where the radiologist looked.

    The folder holds the tables of the set and, beside them, its images out of MIMIC-CXR-JPG (or the
    DICOM files of MIMIC-CXR) at their full size:

        master_sheet.csv    dicom_id, patient_id, path, Normal, CHF, pneumonia, ...
        fixations.csv       DICOM_ID, X_ORIGINAL, Y_ORIGINAL, FPOGS, FPOGD, ...
        files/p10/p10000032/s50414267/02aa804e-....jpg

    Maps are made as the authors make theirs: each fixation counts once, sigma 150 pixels of the
    original image. Some ids in fixations.csv are known to be cut off; they are matched by their
    beginning where only one image has it, and counted. Not tried on the real files, which need an
    agreement; the columns are those that the set's own code reads.
    """

    source = "https://physionet.org/content/egd-cxr/1.0.0/"
    licence = "PhysioNet Credentialed Health Data License"
    citation = "Karargyris et al., Creation and validation of a chest X-ray dataset, Sci Data 2021"
    credentialed = True
    needs = (
        Needed("master_sheet.csv", "labels, patients and paths of the images"),
        Needed("fixations.csv", "where the radiologist looked"),
        Needed("files", "images", "https://physionet.org/content/mimic-cxr-jpg/"),
    )
    counts = {"images": 1083, "patients": 1038}
    classes = "the one of the three columns that is 1; images of none or several are left out"
    splits = "no list is published: drawn by patient, 70, 15 and 15 %"
    maps = "gaze: Gaussians of 150 pixels, one for each fixation"

    def __init__(
        self,
        sigma: Positive = 150.0,  # pixels of the original image
        weight: Literal["count", "duration", "log_duration"] = "count",
        seed: int = 0,
    ) -> None:
        self.making = {"recipe": "egd_cxr", "sigma": sigma, "weight": weight}
        self.seed = seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Join labels and gaze by the image's id."""
        rows = folder.table("master_sheet.csv", ("dicom_id", "patient_id", "path"))
        tally = Tally()
        maps = gaze_maps(folder.root / "fixations.csv", self.making, tally)
        names, cut = _completed(list(maps), sorted(row["dicom_id"] for row in rows))
        by_name = {names[name]: drawn for name, drawn in maps.items() if name in names}
        labels = [_label(row) for row in rows]
        images = [
            PublicImage(
                row["dicom_id"],
                folder.picture(row["path"]),
                label,
                evidence=by_name.get(row["dicom_id"], ""),
                group=row["patient_id"],
            )
            for row, label in zip(rows, labels, strict=True)
            if label
        ]
        settled, drawn = drawn_splits(images, seed=self.seed)
        patients = len({row["patient_id"] for row in rows})
        said = [*_left_out(labels), *cut, *_others(len(maps) - len(by_name)), *told(tally), *drawn]
        return Prepared(settled, {"images": len(rows), "patients": patients}, tuple(said))


def _label(row: Row) -> str:
    """Return the only class that a row has, or nothing."""
    cells = {name.lower(): cell for name, cell in row.items()}
    given = [label for name, label in _CLASSES.items() if float(cells[name] or 0) == 1]
    return given[0] if len(given) == 1 else ""


def _completed(given: Sequence[str], names: Sequence[str]) -> tuple[dict[str, str], list[Problem]]:
    """Find the id that each given one is, or is the beginning of; `names` are sorted."""
    found, cut = {}, 0
    for name in given:
        at = bisect_left(names, name)
        like = [each for each in names[at : at + 2] if each.startswith(name)]
        if name in like:
            found[name] = name
        elif len(like) == 1 and len(name) >= _SHORTEST and like[0] not in given:
            found[name] = like[0]
            cut += 1
    what = f"{cut} ids in fixations.csv are cut off; the only image that begins so was taken."
    return found, [Problem("PUBLIC-CUT-ID", what, level="warning")] if cut else []


def _left_out(labels: Sequence[str]) -> list[Problem]:
    count = sum(not label for label in labels)
    what = f"{count} images of none or several of the three classes are left out."
    return [Problem("PUBLIC-LEFT-OUT", what, level="notice")] if count else []


def _others(count: int) -> list[Problem]:
    what = f"The gaze of {count} pictures that are no images of the set (calibration) is left out."
    return [Problem("PUBLIC-GAZE", what, level="notice")] if count else []
