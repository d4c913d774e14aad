"""OSIE: gaze of 15 people on 700 photographs, freely viewed (Xu et al. 2014)."""

import csv
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.importing.tally import Tally
from lookright.data.preparing.public_folder import PublicFolder, Row
from lookright.data.preparing.public_gaze import gaze_maps
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet, told
from lookright.data.preparing.public_splits import drawn_splits, with_validation
from lookright.errors import DataError, Problem
from lookright.settings import Count, Positive

_TABLE = "fixations.csv"
_MATLAB = "data/eye/fixations.mat"
_LABELS = "labels.csv | manifest.csv"
_UNDECIDED = ("", "ambiguous")


class Osie(PublicSet):
    """Any classes of yours, with where people looked; the set itself has no classes.

    The folder is the published repository with a table of labels beside it:

        data/stimuli/1001.jpg
        data/eye/fixations.mat    in MATLAB's format, or fixations.csv in its place:
        fixations.csv             image_id, observer, x_px, y_px, duration_ms
        labels.csv                image, label, and split if you have one

    x and y count on photographs of 800 x 600, or of `width` and `height`; smaller copies of the
    photographs will do. An empty label, or `ambiguous`, leaves an image out. Free viewing: faces
    and text draw the eye, whatever the task is. Tried on all 700 images with fixations as a table;
    fixations.mat was not tried as it was published, only with a file of the fields that the set's
    own code reads.
    """

    source = "https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels"
    licence = "MIT; the photographs belong to their photographers"
    citation = "Xu et al., Predicting human gaze beyond pixels, Journal of Vision 2014"
    needs = (
        Needed(f"{_MATLAB} | {_TABLE}", "where people looked"),
        Needed(_LABELS, "labels of yours: image, label", "yourself: OSIE has no classes"),
    )
    counts = {"images": 700, "observed": 700}
    classes = "those of labels.csv"
    splits = "those of labels.csv, else drawn by image, 70, 15 and 15 %"
    maps = "gaze of all observers: Gaussians of 24 pixels of 800 x 600, weighted by duration"

    def __init__(
        self,
        width: Count = 800,  # of the picture that x and y count on
        height: Count = 600,
        sigma: Positive = 24.0,  # in the same pixels
        weight: Literal["count", "duration", "log_duration"] = "duration",
        seed: int = 0,
    ) -> None:
        self.making = {"recipe": "osie", "sigma": sigma, "weight": weight}
        self.making |= {"width": width, "height": height}
        self.seed = seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Join labels and gaze by the image's number."""
        tally = Tally()
        looked = self._maps(folder, tally)
        maps = {PurePosixPath(name).stem: drawn for name, drawn in looked.items()}
        rows = folder.table(_LABELS, ("image", "label"))
        images = [_image(folder, row, maps) for row in rows if row["label"] not in _UNDECIDED]
        settle = with_validation if any(each.split for each in images) else drawn_splits
        settled, drawn = settle(images, seed=self.seed)
        count = len(rows) - len(images)
        what = f"{count} images without a label, or with an ambiguous one, are left out."
        undecided = [Problem("PUBLIC-LEFT-OUT", what, level="notice")] * (count > 0)
        counted = {"images": len(rows), "observed": len(maps)}
        return Prepared(settled, counted, (*undecided, *drawn, *told(tally)))

    def _maps(self, folder: PublicFolder, tally: Tally) -> dict[str, DrawnMap]:
        if folder.first(_TABLE):
            return gaze_maps(folder.root / _TABLE, self.making, tally)
        with TemporaryDirectory() as place:
            table = Path(place, _TABLE)
            _write_table(folder.root / _MATLAB, table)
            return gaze_maps(table, self.making, tally)


def _image(folder: PublicFolder, row: Row, maps: dict[str, DrawnMap]) -> PublicImage:
    name = PurePosixPath(row["image"]).stem
    path = folder.picture(row["image"]) or folder.picture(f"data/stimuli/{name}.jpg")
    return PublicImage(name, path, row["label"], row.get("split", ""), maps.get(name, ""))


def _write_table(matlab: Path, table: Path) -> None:
    """Write the fixations of a MATLAB file (a cell for each image, in it one for each person)."""
    from scipy.io import loadmat

    try:
        images = loadmat(matlab, simplify_cells=True)["fixations"]
    except Exception as error:  # whatever its reader raises on a damaged file
        what = f"The file cannot be read: {error}."
        raise DataError(Problem("PUBLIC-TABLE", what, _MATLAB, "Fetch it again.")) from error
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("image_id", "observer", "x_px", "y_px", "duration_ms"))
        for image in images:
            for number, person in enumerate(image["subjects"]):
                # of one value MATLAB saves the value alone
                looks = [np.atleast_1d(person[f"fix_{name}"]) for name in ("x", "y", "duration")]
                rows.writerows((image["img"], number, *look) for look in np.stack(looks, axis=1))
