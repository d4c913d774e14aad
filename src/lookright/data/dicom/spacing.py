"""What a DICOM file says of its picture beside the pixels: sizes in mm, and text burned in."""

from typing import TYPE_CHECKING

from lookright.data.dicom.dataset import macro, numbers, word
from lookright.errors import Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ELEMENTS = ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio", "BurnedInAnnotation")
_UNEQUAL = 0.01  # a difference between the sides of a pixel that is worth a warning


def spacing(dataset: "Dataset", frame: int, where: str) -> tuple[float, float] | None:
    """Return the distance of rows and of columns in mm, in the patient or at the detector."""
    own = macro(dataset, frame, "PixelMeasuresSequence", where)
    for place, keyword in ((own, "PixelSpacing"), (dataset, "ImagerPixelSpacing")):
        found = numbers(place, keyword, where)
        if len(found) == 2 and min(found) > 0:
            return found[0], found[1]
    return None


def remarks(dataset: "Dataset", frame: int, where: str) -> list[Problem]:
    """Warn of pixels that are no squares, and of text in the picture."""
    notes = []
    sides = spacing(dataset, frame, where) or tuple(numbers(dataset, "PixelAspectRatio", where))
    if len(sides) == 2 and abs(sides[0] - sides[1]) > _UNEQUAL * max(sides):
        what = f"Its pixels are no squares: {sides[0]:g} high, {sides[1]:g} wide."
        fix = "Shapes are stretched on the way into the network; look whether that matters."
        notes.append(Problem("DICOM-SPACING", what, where, fix, "warning"))
    if is_burned_in(dataset, where):
        what = "It says that text is burned into the picture, perhaps a name."
        fix = "Look at it, and black the text out before anything is shared."
        notes.append(Problem("DICOM-BURNED-IN", what, where, fix, "warning"))
    return notes


def is_burned_in(dataset: "Dataset", where: str) -> bool:
    """Say whether the file admits that its picture holds text that identifies somebody."""
    return word(dataset, "BurnedInAnnotation", where) == "YES"
