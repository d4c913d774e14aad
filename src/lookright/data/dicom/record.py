"""What a study keeps of a DICOM file beside its pixels; all of it means nothing to a stranger."""

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from lookright.data.dicom.dataset import guarded, macro, word
from lookright.data.dicom.pseudonym import pseudonym
from lookright.data.dicom.spacing import spacing

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Read to be hashed, and never written.
_PERSONAL = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID", "SOPInstanceUID")
ELEMENTS = (*_PERSONAL, "ImageLaterality", "Laterality", "ViewPosition", "PatientOrientation")
_SIDES = ("L", "R", "B", "U")
# Defined terms of PS3.3 C.8.1.1, C.8.7.1 and C.8.11.7; any other word may be anybody's.
_VIEWS = ("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "LPO", "RPO", "LAO", "RAO")
_VIEWS += ("LATERAL", "CC", "MLO", "ML", "LM", "LMO", "XCCL", "XCCM", "FB", "SIO", "ISO", "AT")
_DIRECTIONS = set("AFHLPR")


@dataclass(frozen=True)
class Record:
    """The columns that a study has of an image; "" is unknown."""

    image: str  # the name of its file, without folder and ending
    group: str  # the patient; the examination where there is no patient's number
    is_patient: bool
    laterality: str  # L, R, B (both) or U (unpaired)
    view: str  # AP, PA, MLO ...
    orientation: str  # what is to the right and below, such as L/F
    row_spacing_mm: str
    column_spacing_mm: str


def read_record(dataset: "Dataset", data: bytes, frame: int, salt: bytes, where: str) -> Record:
    """Read the record of a file; what identifies somebody is hashed with the salt."""
    patient, issuer, study, instance = (_text(dataset, name, where) for name in _PERSONAL)
    group = ("patient", issuer, patient) if patient else ("study", study or _digest(data))
    sides = spacing(dataset, frame, where) or ("", "")
    return Record(
        pseudonym(salt, "image", instance or _digest(data), str(frame)),
        f"p{pseudonym(salt, *group)}",
        bool(patient),
        _laterality(dataset, frame, where),
        _known(word(dataset, "ViewPosition", where), _VIEWS),
        _orientation(dataset, where),
        *(f"{side:g}" if side else "" for side in sides),
    )


def _text(dataset: "Dataset", keyword: str, where: str) -> str:
    with guarded(f"Its {keyword} is damaged.", where):
        return str(dataset.get(keyword) or "").strip(" \0")
    raise AssertionError


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def _laterality(dataset: "Dataset", frame: int, where: str) -> str:
    own = macro(dataset, frame, "FrameAnatomySequence", where)
    found = (
        word(own, "FrameLaterality", where) if own is not dataset else "",
        word(dataset, "ImageLaterality", where),
        word(dataset, "Laterality", where),
    )
    return _known(next(filter(None, found), ""), _SIDES)


def _orientation(dataset: "Dataset", where: str) -> str:
    with guarded("Its PatientOrientation is damaged.", where):
        found = [str(each).upper() for each in dataset.get("PatientOrientation") or []]
        right = len(found) == 2 and all(0 < len(each) <= 3 for each in found)
        return "/".join(found) if right and set("".join(found)) <= _DIRECTIONS else ""
    raise AssertionError


def _known(found: str, words: tuple[str, ...]) -> str:
    return found if found in words else ""
