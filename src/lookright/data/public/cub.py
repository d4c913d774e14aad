"""CUB-200-2011: 200 species of birds, with masks, boxes and published splits (Wah et al. 2011)."""

from pathlib import PurePosixPath
from typing import Literal

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Box
from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import with_validation


class Cub(PublicSet):
    """All 200 species, or those that are asked for by number.

    The folder is CUB_200_2011 of the archive, with the archive of masks extracted into it:

        images.txt, image_class_labels.txt, classes.txt, train_test_split.txt, bounding_boxes.txt
        images/001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
        segmentations/001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.png

    Some test images are in ImageNet's training set, so weights from ImageNet have seen them. Not
    tried on the real files; the tables are those that the set's README describes.
    """

    source = "https://data.caltech.edu/records/65de6-vp158"
    licence = "non-commercial research and education; the images belong to their photographers"
    citation = "Wah et al., The Caltech-UCSD Birds-200-2011 Dataset, CNS-TR-2011-001"
    needs = (
        Needed("images.txt", "names of the images"),
        Needed("image_class_labels.txt", "labels"),
        Needed("classes.txt", "names of the classes"),
        Needed("train_test_split.txt", "the published split"),
        Needed("bounding_boxes.txt", "boxes of the birds"),
        Needed(
            "segmentations",
            "masks of the birds",
            "https://data.caltech.edu/records/w9d68-gec53",
            optional=True,
        ),
    )
    counts = {"images": 11788, "classes": 200}
    classes = "the species"
    splits = "train and test as published; validation drawn from train"
    maps = "the bird's mask (evidence: box for its box)"

    def __init__(
        self,
        species: tuple[int, ...] = (),  # none: all
        evidence: Literal["mask", "box"] = "mask",
        seed: int = 0,
    ) -> None:
        self.species = {str(number) for number in species}
        self.evidence, self.seed = evidence, seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Join the tables by the image's number."""
        names, labels, boxes, learnt = (
            {cells[0]: cells[1:] for cells in folder.cells(f"{name}.txt", None)}
            for name in ("images", "image_class_labels", "bounding_boxes", "train_test_split")
        )
        classes = {cells[0]: cells[1] for cells in folder.cells("classes.txt", None)}
        images = [
            PublicImage(
                PurePosixPath(path).stem,
                folder.picture(f"images/{path}"),
                classes[labels[number][0]],
                "train" if learnt[number][0] == "1" else "test",
                self._evidence(folder, path, boxes[number]),
            )
            for number, (path, *_) in names.items()
            if not self.species or labels[number][0] in self.species
        ]
        settled, drawn = with_validation(images, self.seed)
        return Prepared(settled, {"images": len(names), "classes": len(classes)}, tuple(drawn))

    def _evidence(self, folder: PublicFolder, path: str, box: list[str]) -> str | Drawing:
        mask = folder.picture(f"segmentations/{path}")
        if self.evidence == "mask" and mask:
            return mask
        if self.evidence == "mask":
            return ""
        left, top, width, height = map(float, box)
        mark = Mark(Box(left, top, left + width, top + height), "bird")
        return Drawing(path, None, (mark,), where="bounding_boxes.txt")
