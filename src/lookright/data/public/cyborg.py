"""CYBORG: real and synthetic faces, with what people marked as telling (Boyd et al. 2023)."""

import re
from pathlib import PurePosixPath

from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import with_validation, without_leaks
from lookright.errors import DataError, Problem

_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_MAPS = "maps | heatmaps | annotations"
_SUBJECT = re.compile(r"(\d{5})d\d+")  # FRGC: the subject, then the capture


class Cyborg(PublicSet):
    """Any classes in the tables of the published code: no header, and a split, a class and a path.

    The folder holds the tables, the images by the paths in them, and the maps by the images' names:

        original.csv    train,Synthetic,/train/original_data/1_fake/p1_100_fake.png
        maps/p1_100_fake.png
        tests/*.csv     further test sets of the same form: each becomes the split test_NAME

    A fourth column is the path of the map (an empty one: nobody was asked); then `maps` is not
    needed. In the published table the rows called `test` lie in the folder `val`: the code chose
    its epoch by them, so they are validation here. Only the first file of a name can be meant by a
    map. The form was read off the published tables; not tried on the images.
    """

    source = "https://github.com/CVRL/CYBORG"
    licence = "by the authors' agreement; FRGC, FFHQ and CelebA-HQ have licences of their own"
    citation = "Boyd et al., CYBORG, WACV 2023"
    credentialed = True
    needs = (
        Needed("original.csv | train.csv", "splits, classes and paths"),
        Needed(_MAPS, "human maps; not needed with a fourth column", optional=True),
        Needed("tests", "tables of further test sets", optional=True),
    )
    counts = {"train": 1821}
    classes = "the second column, in small letters"
    splits = (
        "the first column; rows of test in the folder val are val; tests/NAME.csv are test_NAME"
    )
    maps = "by the image's name, or the fourth column"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Read the table and those of further test sets."""
        table = folder.first("original.csv | train.csv")
        images = self._images(folder, table, "")
        further = sorted(folder.root.glob("tests/*.csv"))
        for file in further:
            images += self._images(folder, f"tests/{file.name}", f"test_{_word(file.stem)}")
        counted = {"train": sum(each.split == "train" for each in images)}
        kept, leaks = without_leaks(images, "subject")
        settled, drawn = with_validation(kept, self.seed)
        return Prepared(settled, counted, (*_renamed(images), *leaks, *drawn))

    def _images(self, folder: PublicFolder, table: str, test: str) -> list[PublicImage]:
        lines = folder.cells(table)
        wrong = [
            Problem("PUBLIC-TABLE", f"Not split,class,path[,map]: {','.join(cells)!r}.", table)
            for cells in lines
            if len(cells) not in (3, 4) or cells[0].lower() not in _SPLITS
        ]
        if wrong:
            raise DataError(*wrong)
        maps = folder.first(_MAPS)
        return [self._image(folder, cells, maps, test) for cells in lines]

    def _image(self, folder: PublicFolder, cells: list[str], maps: str, test: str) -> PublicImage:
        split, path = _SPLITS[cells[0].lower()], cells[2].lstrip("/")
        unnamed = split == "test" and path.startswith("val/")
        by_name = f"{maps}/{PurePosixPath(path).name}" if maps and not test else ""
        evidence = cells[3].lstrip("/") if len(cells) == 4 else by_name
        subject = _SUBJECT.match(PurePosixPath(path).name)
        return PublicImage(
            path,
            folder.picture(path),
            cells[1].lower(),
            test or ("val" if unnamed else split),
            folder.picture(evidence) if evidence else "",
            subject.group(1) if subject else "",
            PurePosixPath(path).parent.name,
        )


def _word(stem: str) -> str:
    return re.sub(r"\W+", "_", stem).strip("_").lower()


def _renamed(images: list[PublicImage]) -> list[Problem]:
    count = sum(each.split == "val" and each.id.startswith("val/") for each in images)
    what = f"{count} rows of the folder val are validation, whatever the table calls them."
    return [Problem("PUBLIC-SPLIT", what, level="notice")] if count else []
