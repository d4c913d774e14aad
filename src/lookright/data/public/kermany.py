"""Kermany: chest X-rays of children, normal or with pneumonia (Kermany et al. 2018)."""

import re
from pathlib import PurePosixPath

from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import with_validation, without_leaks

_PATIENT = re.compile(r"person\d+|(?:NORMAL2-)?IM-\d+")
_MASKS = "https://github.com/v7labs/covid-19-xray-dataset"
_SPLITS = ("train", "val", "test")


class Kermany(PublicSet):
    """Pneumonia or normal.

    The folder is `chest_xray` of the archive; masks of the lungs, by the images' names, may be
    added:

        train/NORMAL/IM-0115-0001.jpeg, train/PNEUMONIA/person1_bacteria_1.jpeg, test/..., val/...
        masks/IM-0115-0001.png

    The number after `person`, `IM` or `NORMAL2-IM` (a numbering of its own) is taken for the
    patient's. Numbers of training images that occur in test as well are left out of training. R
    markers, exposure and borders differ by class: test on another hospital too. Tried on the images
    and names of the set.
    """

    source = "https://data.mendeley.com/datasets/rscbjbr9sj"
    licence = "CC BY 4.0"
    citation = (
        "Kermany et al., Identifying Medical Diagnoses by Image-Based Deep Learning, Cell 2018"
    )
    needs = (
        Needed("train/NORMAL", "images"),
        Needed("train/PNEUMONIA", "images"),
        Needed("test/NORMAL", "images"),
        Needed("test/PNEUMONIA", "images"),
        Needed("val", "16 images, in some copies of the set", optional=True),
        Needed("masks", "masks of the lungs", _MASKS, optional=True),
    )
    counts = {"images": 5856}
    classes = "the folder's name"
    splits = (
        "as published, less the training images of patients in test; validation drawn by patient"
    )
    maps = "the lungs, if masks are added"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """List the folders; the 16 published validation images are too few and join training."""
        images = [
            self._image(folder, path, split)
            for split in _SPLITS
            for path in folder.pictures(split)
            if path.split("/")[1] in ("NORMAL", "PNEUMONIA")
        ]
        kept, leaks = without_leaks(images)
        settled, drawn = with_validation(kept, self.seed)
        return Prepared(settled, {"images": len(images)}, (*leaks, *drawn))

    def _image(self, folder: PublicFolder, path: str, split: str) -> PublicImage:
        name = PurePosixPath(path).stem
        found = _PATIENT.match(name)
        return PublicImage(
            name,
            path,
            path.split("/")[1].lower(),
            "train" if split == "val" else split,
            folder.picture(f"masks/{name}.png"),
            found.group() if found else "",
        )
