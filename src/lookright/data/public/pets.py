"""Oxford-IIIT Pets: cats and dogs of 37 breeds, with trimaps (Parkhi et al. 2012)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from lookright.data.drawings.drawn import DrawnMap, Size
from lookright.data.images.decode import content, open_picture
from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import with_validation
from lookright.data.reading import Reading
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem

_ANIMAL, _BORDER = 1, 3  # in a trimap; 2 is the background
_SPECIES = {"1": "cat", "2": "dog"}


class Pets(PublicSet):
    """Cat or dog, or the breed.

    The folder is what the two archives hold, side by side:

        images/Abyssinian_1.jpg
        annotations/trimaps/Abyssinian_1.png    1 animal, 2 background, 3 border, not classified
        annotations/trainval.txt, annotations/test.txt    image, class, species, breed

    The border belongs to the evidence unless `border` says otherwise. Not tried on the real files;
    the tables are those that the set's README describes. A few images are known to be GIF under the
    name of a JPEG: `lookright data check` names those that are in the lists.
    """

    source = "https://www.robots.ox.ac.uk/~vgg/data/pets/"
    licence = "CC BY-SA 4.0"
    citation = "Parkhi et al., Cats and Dogs, CVPR 2012"
    needs = (
        Needed("images", "images"),
        Needed("annotations/trainval.txt", "the images to train with"),
        Needed("annotations/test.txt", "the images to test with"),
        Needed("annotations/trimaps", "trimaps", optional=True),
    )
    counts = {"trainval": 3680, "test": 3669}
    classes = "cat or dog (label: breed for the 37 breeds)"
    splits = "trainval and test as published; validation drawn from trainval"
    maps = "the trimap's animal and its border"

    def __init__(
        self,
        label: Literal["species", "breed"] = "species",
        border: Literal["evidence", "half", "background"] = "evidence",
        seed: int = 0,
    ) -> None:
        self.label, self.seed = label, seed
        self.border = {"evidence": 1.0, "half": 0.5, "background": 0.0}[border]

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Read both lists."""
        parts = {name: folder.cells(f"annotations/{name}.txt", None) for name in self.counts}
        images = [
            self._image(folder, cells, "test" if part == "test" else "train")
            for part, rows in parts.items()
            for cells in rows
            if not cells[0].startswith("#")
        ]
        settled, drawn = with_validation(images, self.seed)
        return Prepared(settled, {part: len(rows) for part, rows in parts.items()}, tuple(drawn))

    def _image(self, folder: PublicFolder, cells: list[str], split: str) -> PublicImage:
        name, _, species, _ = cells[:4]
        path = folder.picture(f"annotations/trimaps/{name}.png")
        drawn = DrawnMap(name, None, self._reader(folder.root / path), f"{path} {self.border}")
        label = _SPECIES[species] if self.label == "species" else name.rpartition("_")[0]
        evidence = drawn if path else ""
        return PublicImage(name, folder.picture(f"images/{name}.jpg"), label, split, evidence)

    def _reader(self, file: Path) -> Callable[[Size], Evidence]:
        return partial(_evidence, file, self.border)


def _evidence(file: Path, border: float, size: Size) -> Evidence:
    """Read a trimap; raises DataError when it holds other values."""
    values = np.asarray(open_picture(content(file, file.name), Reading(), file.name).picture)
    if not np.isin(values, (1, 2, 3)).all():
        what = f"A trimap holds 1, 2 and 3; this one {np.unique(values)[:5].tolist()}."
        raise DataError(Problem("PUBLIC-MAP", what, file.name))
    return np.where(values == _BORDER, border, values == _ANIMAL).astype(np.float32)
