"""Waterbirds: birds pasted onto land or water, which misleads (Sagawa et al. 2020)."""

from pathlib import PurePosixPath

from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet

_LABELS = {"0": "landbird", "1": "waterbird"}
_PLACES = {"0": "land", "1": "water"}
_SPLITS = {"0": "train", "1": "val", "2": "test"}
_SEGMENTATIONS = "https://data.caltech.edu/records/w9d68-gec53"


class Waterbirds(PublicSet):
    """Landbird or waterbird; the column `background` is what misleads.

    The folder is the extracted archive, with the masks of CUB beside it:

        metadata.csv    img_id, img_filename, y, split, place, place_filename
        001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
        segmentations/001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.png

    In training 95 % of the birds stand before their own background, in val and test one half. Worst
    group: `evaluation.parts: [background]`. A mask is the mean of several annotators, so it is
    soft. Not tried on the real files; the table's header is the one that the set's own loaders
    read.
    """

    source = "https://nlp.stanford.edu/data/dro/waterbird_complete95_forest2water2.tar.gz"
    licence = "none stated; made of CUB-200-2011 and Places (research, non-commercial)"
    citation = "Sagawa et al., Distributionally Robust Neural Networks, ICLR 2020"
    needs = (
        Needed("metadata.csv", "labels, backgrounds and splits"),
        Needed("segmentations", "masks of the birds, of CUB", _SEGMENTATIONS, optional=True),
    )
    counts = {"images": 11788, "train": 4795, "val": 1199, "test": 5794}
    classes = "landbird or waterbird, as published"
    splits = "as published"
    maps = "the bird's mask from CUB"

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Read the metadata and join the masks by path."""
        rows = folder.table("metadata.csv", ("img_id", "img_filename", "y", "split", "place"))
        images = [
            PublicImage(
                row["img_id"],
                folder.picture(row["img_filename"]),
                _LABELS.get(row["y"], ""),
                _SPLITS.get(row["split"], ""),
                folder.picture(str(PurePosixPath("segmentations", row["img_filename"]))),
                more={"background": _PLACES.get(row["place"], "")},
            )
            for row in rows
        ]
        counted = {name: sum(each.split == name for each in images) for name in _SPLITS.values()}
        return Prepared(images, {"images": len(images), **counted})
