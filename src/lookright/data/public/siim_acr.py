"""SIIM-ACR: chest X-rays with the pneumothorax outlined, as run lengths (SIIM and ACR 2019)."""

from lookright.data import importers
from lookright.data.drawings.drawing import Drawing
from lookright.data.importing.tally import Tally
from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet, told
from lookright.data.preparing.public_splits import drawn_splits
from lookright.errors import DataError, Problem

_TABLE = "stage_2_train.csv | train-rle.csv | train.csv"


class SiimAcr(PublicSet):
    """Pneumothorax or none.

    The folder holds the table and, in any folders below it, the images by their ids, as DICOM or
    already converted to PNG at any size of the same shape:

        train-rle.csv (or stage_2_train.csv)    ImageId, EncodedPixels
        dicom-images-train/<study>/<series>/<ImageId>.dcm

    An image has one row for each of its outlines, or one with -1. Runs are counted down the
    columns, and each start from the end of the run before. The images come from ChestX-ray14,
    without the names of its patients: do not test on one what was trained on the other. Not tried
    on the real files.
    """

    source = "https://www.kaggle.com/c/siim-acr-pneumothorax-segmentation"
    licence = "the rules of the competition: research and education, non-commercial"
    citation = "SIIM-ACR Pneumothorax Segmentation, Kaggle 2019"
    credentialed = True
    needs = (Needed(_TABLE, "run-length encoded masks"),)
    counts = {"images": 12047}
    classes = "pneumothorax when anything is outlined, else normal"
    splits = "none published with labels: drawn by image, 70, 15 and 15 %"
    maps = "the outlined pneumothorax; an image without one has no map"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Read the outlines of each image."""
        table = folder.first(_TABLE)
        tally, images = Tally(), []
        for item in importers.make("siim", {}).read(folder.root / table):
            if isinstance(item, Drawing):
                images.append(_image(folder, item))
            elif isinstance(item, Problem):
                tally.add([item])
        if tally.errors:
            raise DataError(*tally.errors)
        settled, drawn = drawn_splits(images, seed=self.seed)
        what = "The same patient may be in several images, and in ChestX-ray14; none is named."
        notice = Problem("PUBLIC-GROUP", what, level="warning")
        return Prepared(settled, {"images": len(images)}, (notice, *drawn, *told(tally)))


def _image(folder: PublicFolder, drawing: Drawing) -> PublicImage:
    name = drawing.image
    label = "pneumothorax" if drawing.marks else "normal"
    evidence = drawing if drawing.marks else ""
    return PublicImage(name, folder.by_stem.get(name, ""), label, evidence=evidence)
