"""ISIC 2017: dermoscopic images of skin lesions, with the lesion outlined (Codella et al. 2018)."""

from typing import Literal

from PIL import Image

from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet

_PARTS = {"Training": "train", "Validation": "val", "Test_v2": "test"}


def _needs(part: str, optional: bool) -> tuple[Needed, ...]:
    start = f"ISIC-2017_{part}"
    return (
        Needed(f"{start}_Data", "images", optional=optional),
        Needed(f"{start}_Part1_GroundTruth", "masks of the lesion", optional=optional),
        Needed(f"{start}_Part3_GroundTruth.csv", "labels", optional=optional),
    )


class Isic2017(PublicSet):
    """Melanoma against the rest, or seborrheic keratosis against the rest, or all three classes.

    The folder is what the challenge's archives hold, side by side:

        ISIC-2017_Training_Data/ISIC_0000000.jpg
        ISIC-2017_Training_Part1_GroundTruth/ISIC_0000000_segmentation.png
        ISIC-2017_Training_Part3_GroundTruth.csv    image_id, melanoma, seborrheic_keratosis

    and the same for Validation and Test_v2, which may be absent. The column `camera` is a stand-in:
    the size of the original picture tells cameras apart, and melanoma is far more frequent with
    some of them. Tried on a part of the images whose names and masks are the published ones.
    """

    source = "https://challenge.isic-archive.com/data/#2017"
    licence = "CC-0"
    citation = "Codella et al., Skin Lesion Analysis Toward Melanoma Detection, ISBI 2018"
    needs = tuple(each for part in _PARTS for each in _needs(part, optional=part != "Training"))
    counts = {"images": 2750}
    classes = "melanoma or not_melanoma, as diagnosed (task: keratosis or three)"
    splits = "as published: 2000, 150 and 600; no patients are named"
    maps = "the lesion's mask"

    def __init__(self, task: Literal["melanoma", "keratosis", "three"] = "melanoma") -> None:
        self.task = task

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Read the parts that are there."""
        parts = [part for part in _PARTS if folder.first(f"ISIC-2017_{part}_Part3_GroundTruth.csv")]
        images = [each for part in parts for each in self._part(folder, part)]
        return Prepared(images, {"images": len(images)})

    def _part(self, folder: PublicFolder, part: str) -> list[PublicImage]:
        start = f"ISIC-2017_{part}"
        columns = ("image_id", "melanoma", "seborrheic_keratosis")
        rows = folder.table(f"{start}_Part3_GroundTruth.csv", columns)
        paths = [folder.picture(f"{start}_Data/{row['image_id']}.jpg") for row in rows]
        return [
            PublicImage(
                row["image_id"],
                path,
                self._label(float(row["melanoma"]) > 0, float(row["seborrheic_keratosis"]) > 0),
                _PARTS[part],
                folder.picture(f"{start}_Part1_GroundTruth/{row['image_id']}_segmentation.png"),
                more={"camera": _camera(folder, path)},
            )
            for row, path in zip(rows, paths, strict=True)
        ]

    def _label(self, melanoma: bool, keratosis: bool) -> str:
        if self.task == "three":
            return "melanoma" if melanoma else "seborrheic_keratosis" if keratosis else "nevus"
        name, holds = {
            "melanoma": ("melanoma", melanoma),
            "keratosis": ("seborrheic_keratosis", keratosis),
        }[self.task]
        return name if holds else f"not_{name}"


def _camera(folder: PublicFolder, path: str) -> str:
    if not path:
        return ""
    try:
        with Image.open(folder.root / path) as picture:
            return f"{picture.width}x{picture.height}"
    except OSError:
        return ""  # `data check` says what is wrong with the file
