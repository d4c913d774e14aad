"""ChestX-ray14: chest X-rays of the NIH, some with radiologists' boxes (Wang et al. 2017)."""

from collections import Counter, defaultdict
from pathlib import PurePosixPath

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.shapes import Box
from lookright.data.preparing.public_folder import PublicFolder, Row
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import with_validation, without_leaks
from lookright.errors import ConfigError, Problem
from lookright.names import suggestion

NORMAL = "No Finding"
FINDINGS = ("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema")
FINDINGS += ("Fibrosis", "Hernia", "Infiltration", "Mass", "Nodule", "Pleural_Thickening")
FINDINGS += ("Pneumonia", "Pneumothorax")
_TABLE = "Data_Entry_2017_v2020.csv | Data_Entry_2017.csv"
_SIDE = (1024, 1024)  # pixels of the published images; boxes are given in them
_BOX = ("Bbox [x", "y", "w", "h]")  # the header's brackets hold its commas


class ChestXray14(PublicSet):
    """One finding against images without any finding; images of other findings are left out.

    The folder holds the tables and, in any folders below it, the images by their published names:

        Data_Entry_2017_v2020.csv (or Data_Entry_2017.csv), train_val_list.txt, test_list.txt
        BBox_List_2017.csv
        images_001/images/00000001_000.png

    An image may have another ending or size; boxes are scaled with it. All boxes are on images of
    the test list: they measure, and cannot guide. Labels were mined from reports and are noisy. The
    two tables in circulation differ in some labels. Tried on images of the set with tables made in
    its shape.
    """

    source = "https://nihcc.app.box.com/v/ChestXray-NIHCC"
    licence = "no restriction; acknowledge the NIH Clinical Center and cite the paper"
    citation = "Wang et al., ChestX-ray8, CVPR 2017"
    needs = (
        Needed(_TABLE, "labels and patients"),
        Needed("train_val_list.txt", "the images to train with"),
        Needed("test_list.txt", "the images to test with"),
        Needed("BBox_List_2017.csv", "radiologists' boxes", optional=True),
    )
    counts = {"images": 112120, "patients": 30805, "boxes": 984}
    classes = "`finding` against No Finding; other images are left out"
    splits = "as published, by patient; validation drawn from the training patients"
    maps = "boxes of the finding, 8 findings only, test images only"

    def __init__(self, finding: str = "Pneumonia", seed: int = 0) -> None:
        if finding not in FINDINGS:
            what = f"There is no finding {finding!r}."
            fix = suggestion(finding, FINDINGS)
            raise ConfigError(Problem("PUBLIC-FINDING", what, "finding", fix))
        self.finding, self.seed = finding, seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Join labels, lists and boxes by the image's name."""
        rows = folder.table(_TABLE, ("Image Index", "Finding Labels", "Patient ID"))
        boxes = _boxes(folder)
        listed = {cells[0]: "train" for cells in folder.cells("train_val_list.txt")}
        listed |= {cells[0]: "test" for cells in folder.cells("test_list.txt")}
        counted = {
            "images": len(rows),
            "patients": len({row["Patient ID"] for row in rows}),
            "boxes": sum(map(len, boxes.values())),
        }
        found = [self._image(row, folder, boxes, listed) for row in rows]
        images = [each for each in found if each.label and each.split]
        kept, leaks = without_leaks(images)
        settled, drawn = with_validation(kept, self.seed)
        return Prepared(settled, counted, (*_left_out(found), *leaks, *drawn))

    def _image(
        self, row: Row, folder: PublicFolder, boxes: dict[str, list[Mark]], listed: dict[str, str]
    ) -> PublicImage:
        name, findings = row["Image Index"], row["Finding Labels"].split("|")
        label = self.finding if self.finding in findings else ""
        label = "no_finding" if findings == [NORMAL] else label.lower()
        marks = tuple(mark for mark in boxes.get(name, ()) if mark.label == self.finding)
        return PublicImage(
            PurePosixPath(name).stem,
            folder.by_stem.get(PurePosixPath(name).stem, ""),
            label,
            listed.get(name, ""),
            Drawing(name, _SIDE, marks, where="BBox_List_2017.csv") if marks else "",
            row["Patient ID"],
            more={"view": row.get("View Position", ""), "findings": row["Finding Labels"]},
        )


def _boxes(folder: PublicFolder) -> dict[str, list[Mark]]:
    boxes: defaultdict[str, list[Mark]] = defaultdict(list)
    if not folder.first("BBox_List_2017.csv"):
        return boxes
    for row in folder.table("BBox_List_2017.csv", ("Image Index", "Finding Label", *_BOX)):
        x, y, width, height = (float(row[name]) for name in _BOX)
        label = {"Infiltrate": "Infiltration"}.get(row["Finding Label"], row["Finding Label"])
        boxes[row["Image Index"]].append(Mark(Box(x, y, x + width, y + height), label))
    return boxes


def _left_out(images: list[PublicImage]) -> list[Problem]:
    lost = Counter("of other findings" if not each.label else "in neither list"
                   for each in images if not (each.label and each.split))  # fmt: skip
    return [
        Problem("PUBLIC-LEFT-OUT", f"{count} images {reason} are left out.", level="notice")
        for reason, count in lost.items()
    ]
