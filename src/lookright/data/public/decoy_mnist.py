"""Decoy MNIST: a grey patch tells the digit, but only in training (Ross et al. 2017)."""

import gzip
import hashlib
import zlib
from typing import Literal

import numpy as np

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import with_validation
from lookright.data.sample import Evidence
from lookright.errors import DataError, Problem

_FILES = {"train": "train", "test": "t10k"}
_DIGESTS = {  # MD5 of the published archives
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
_PATCH = 4  # pixels
_STEP = 25  # grey levels from one class to the next


class DecoyMnist(PublicSet):
    """The ten digits; a patch of 4 x 4 pixels in a corner is 255 - 25 times the class in training.

    In test its shade is that of a class drawn at random. The corner is drawn for each image from
    (seed, split, number), so that nothing depends on the order. The folder holds the four archives
    of MNIST:

        train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz
        t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz

    All images are drawn into `images/`. The map is everything but the patch, which is what the
    paper tells its model to ignore; `evidence: digit` marks the strokes. The archives' digests are
    checked.

    Not tried on the real files.
    """

    source = "https://ossci-datasets.s3.amazonaws.com/mnist/"
    licence = "CC BY-SA 3.0 (MNIST, LeCun and Cortes)"
    citation = "Ross et al., Right for the Right Reasons, IJCAI 2017"
    needs = tuple(Needed(name, "MNIST") for name in _DIGESTS)
    counts = {"train": 60000, "test": 10000, "published archives": 4}
    classes = "the digit"
    splits = (
        "train and test of MNIST; validation, with honest patches as in training, drawn from train"
    )
    maps = "all but the patch (evidence: digit for the strokes)"

    def __init__(self, evidence: Literal["outside", "digit"] = "outside", seed: int = 0) -> None:
        self.evidence, self.seed = evidence, seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """Read the archives; images are drawn when they are written."""
        images = []
        for split, name in _FILES.items():
            digits = _read(folder, f"{name}-images-idx3-ubyte.gz", 16)
            labels = _read(folder, f"{name}-labels-idx1-ubyte.gz", 8)
            if digits.size != len(labels) * 28 * 28:
                what = f"{len(labels)} labels and {digits.size / 784:g} images of 28 x 28 pixels."
                raise DataError(Problem("PUBLIC-TABLE", what, name, "Fetch both again."))
            pairs = zip(digits.reshape(-1, 28, 28), labels.tolist(), strict=True)
            images += [self._image(split, *each) for each in enumerate(pairs)]
        counted = {split: sum(each.split == split for each in images) for split in _FILES}
        same = (_digest(folder, name) == wanted for name, wanted in _DIGESTS.items())
        counted["published archives"] = sum(same)
        settled, drawn = with_validation(images, self.seed)
        return Prepared(settled, counted, tuple(drawn))

    def _image(self, split: str, number: int, pair: tuple[np.ndarray, int]) -> PublicImage:
        digit, label = pair
        random = np.random.default_rng([self.seed, split == "test", number])
        down, across = (28 - _PATCH) * random.integers(0, 2, 2)
        shown = int(random.integers(0, 10)) if split == "test" else label
        patch = np.s_[down : down + _PATCH, across : across + _PATCH]

        def drawn(_size: tuple[int, int]) -> Evidence:
            """Draw the digit with its decoy."""
            values = digit.astype(np.float32) / 255
            values[patch] = (255 - _STEP * shown) / 255
            return values

        def evidence(_size: tuple[int, int]) -> Evidence:
            """Mark what should be looked at, and never the decoy."""
            strokes = digit > 0 if self.evidence == "digit" else np.ones_like(digit, bool)
            strokes[patch] = False
            return strokes.astype(np.float32)

        name, side = f"{split}-{number:05d}", (28, 28)
        picture = DrawnMap(name, side, drawn, name)
        human = DrawnMap(name, side, evidence, f"{name} {self.evidence}")
        return PublicImage(name, picture, str(label), split, human, more={"shown": str(shown)})


def _read(folder: PublicFolder, name: str, header: int) -> np.ndarray:
    try:
        data = gzip.decompress((folder.root / name).read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        what = f"The archive cannot be read: {error}."
        raise DataError(Problem("PUBLIC-TABLE", what, name, "Fetch it again.")) from error
    return np.frombuffer(data, np.uint8, offset=header)


def _digest(folder: PublicFolder, name: str) -> str:
    return hashlib.md5((folder.root / name).read_bytes(), usedforsecurity=False).hexdigest()
