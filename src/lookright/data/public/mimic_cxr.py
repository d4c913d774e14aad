"""MIMIC-CXR-JPG: chest X-rays with labels mined from their reports (Johnson et al. 2019)."""

from collections import Counter

from lookright.data.preparing.public_folder import PublicFolder, Row
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import without_leaks
from lookright.errors import Problem

ABNORMAL = ("Atelectasis", "Cardiomegaly", "Edema", "Lung Opacity", "Pleural Effusion")
ABNORMAL += ("Pneumonia", "Support Devices")  # Divisive Decisions, section 5.4
_SPLITS = {"train": "train", "validate": "val", "test": "test"}
_LABELS = "mimic-cxr-2.0.0-chexpert.csv.gz | mimic-cxr-2.0.0-chexpert.csv"
_SPLIT = "mimic-cxr-2.0.0-split.csv.gz | mimic-cxr-2.0.0-split.csv"
_VIEWS = "mimic-cxr-2.0.0-metadata.csv.gz | mimic-cxr-2.0.0-metadata.csv"


class MimicCxr(PublicSet):
    """Normal or abnormal, as Divisive Decisions divides them.

    Abnormal: at least one of the seven findings that the paper lists is positive (1.0). Normal: No
    Finding is positive and none of them is. Everything else (only uncertain or other findings, no
    label) is left out and counted: the paper does not say what it did with those. Frontal views
    only, unless `views` says otherwise. The folder is that of MIMIC-CXR-JPG:

        mimic-cxr-2.0.0-chexpert.csv.gz    subject_id, study_id, No Finding, Atelectasis, ...
        mimic-cxr-2.0.0-split.csv.gz       dicom_id, study_id, subject_id, split
        mimic-cxr-2.0.0-metadata.csv.gz    dicom_id, ViewPosition, ...
        files/p10/p10000032/s50414267/02aa804e-....jpg

    It has no human maps: egd_cxr and reflacx have gaze on some of its images. Not tried on the real
    files, which need an agreement; the tables are those that the project describes.
    """

    source = "https://physionet.org/content/mimic-cxr-jpg/"
    licence = "PhysioNet Credentialed Health Data License"
    citation = "Johnson et al., MIMIC-CXR-JPG, arXiv 1901.07042"
    credentialed = True
    needs = (
        Needed(_LABELS, "labels of the studies"),
        Needed(_SPLIT, "the published splits"),
        Needed(_VIEWS, "views"),
        Needed("files", "images"),
    )
    counts = {"images": 377110}
    classes = "abnormal: one of seven findings positive; normal: No Finding and none of them"
    splits = "as published, by patient"
    maps = "none"

    def __init__(self, views: tuple[str, ...] = ("PA", "AP")) -> None:
        self.views = set(views)

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Join the labels by study and the views by image."""
        key = ("subject_id", "study_id")
        labels = {
            row["study_id"]: label_of(row)
            for row in folder.table(_LABELS, (*key, "No Finding", *ABNORMAL))
        }
        seen = folder.table(_VIEWS, ("dicom_id", "ViewPosition"))
        views = {row["dicom_id"]: row["ViewPosition"] for row in seen}
        rows = folder.table(_SPLIT, ("dicom_id", *key, "split"))
        reasons: Counter[str] = Counter()
        images = []
        for row in rows:
            label = labels.get(row["study_id"], "unlabelled")
            if views.get(row["dicom_id"], "") not in self.views:
                reasons["of other views"] += 1
            elif label in ("normal", "abnormal"):
                images.append(self._image(folder, row, label, views[row["dicom_id"]]))
            else:
                reasons[f"whose study is {label}"] += 1
        told = [
            Problem("PUBLIC-LEFT-OUT", f"{count} images {why} are left out.", level="notice")
            for why, count in reasons.items()
        ]
        kept, leaks = without_leaks(images)
        return Prepared(kept, {"images": len(rows)}, (*told, *leaks))

    def _image(self, folder: PublicFolder, row: Row, label: str, view: str) -> PublicImage:
        return PublicImage(
            row["dicom_id"],
            folder.picture(place(row["subject_id"], row["study_id"], row["dicom_id"])),
            label,
            _SPLITS.get(row["split"], row["split"]),
            group=row["subject_id"],
            more={"view": view, "study": row["study_id"]},
        )


def place(subject: str, study: str, image: str) -> str:
    """Return where MIMIC-CXR-JPG keeps an image."""
    return f"files/p{subject[:2]}/p{subject}/s{study}/{image}.jpg"


def label_of(row: Row) -> str:
    """Say whether a study is normal, abnormal, uncertain or only of other findings."""
    if any(_is(row[name], 1) for name in ABNORMAL):
        return "abnormal"
    if _is(row["No Finding"], 1):
        return "normal"
    return "uncertain" if any(_is(row[name], -1) for name in ABNORMAL) else "of other findings"


def _is(cell: str, value: int) -> bool:
    return bool(cell) and float(cell) == value
