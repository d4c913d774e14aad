"""Real handwritten digits on textured backgrounds, with a shortcut planted beside them."""

import hashlib
from functools import cache
from itertools import chain, repeat
from typing import Annotated, Literal

import numpy as np
import polars as pl
from PIL import Image
from pydantic import Field
from sklearn.datasets import load_digits

from lookright.configuration import Words
from lookright.data.markers import Marker, mark
from lookright.data.sample import Evidence, Pixels, Sample
from lookright.data.source import Source
from lookright.errors import ConfigError, Problem
from lookright.settings import Count, Share

SPLITS = ("train", "val", "test", "test_shifted")
_INK = 0.4  # of the darkest stroke: from here on a pixel belongs to the digit
_REACH = (0.40, 0.55)  # side of the digit as a share of the image's side
_VERSION = "1"  # counts up when the same settings give other pixels


class Digits(Source):
    """Handwritten digits whose strokes are the evidence and whose marker is the shortcut.

    Each entry of `digits` is a class and names its digits: ("0", "1"), or ("02468", "13579").
    The marker points to the right class on `correlation` of the images of train, val and test.
    In test_shifted it points to it on 1 - `correlation` (shift = contradict) or shows nothing of
    it (shift = ignore). No original digit is in two splits. The digits are the 1797 of 8 x 8
    pixels that scikit-learn ships (Alpaydin and Kaynak 1998, UCI, CC BY 4.0).
    """

    def __init__(
        self,
        digits: Words = ("0", "1"),
        correlation: Share = 0.95,
        shift: Literal["contradict", "ignore"] = "contradict",
        marker: Marker = "frame",
        marker_size: Count = 4,  # pixels
        marker_contrast: Share = 0.6,
        digit_contrast: Share = 0.4,
        noise: Share = 0.08,
        share_annotated: Share = 1.0,
        annotation: Literal["mask", "box"] = "mask",
        side: Annotated[int, Field(ge=32, le=512)] = 64,  # pixels
        train: Count = 1000,
        val: Count = 200,
        test: Count = 400,
        test_shifted: Count = 400,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        settings = {name: value for name, value in locals().items() if name != "self"}
        _verify(digits, side, marker_size)
        self.classes = digits
        self.correlation, self.shift = correlation, shift
        self.marker: Marker = marker
        self.marker_size, self.marker_contrast = marker_size, marker_contrast
        self.digit_contrast, self.noise = digit_contrast, noise
        self.share_annotated, self.annotation = share_annotated, annotation
        self.side, self.seed = side, seed
        counts: dict[str, int] = dict(zip(SPLITS, (train, val, test, test_shifted), strict=True))
        self.rows = pl.concat(self._split(name, counts) for name in SPLITS)
        text = repr((_VERSION, sorted(settings.items())))
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def sample(self, index: int) -> Sample:
        """Draw an image; its randomness comes from the seed and its index alone."""
        row = self.rows.row(index, named=True)
        random = np.random.default_rng([self.seed, 1, index])
        strokes = self._strokes(row["original"], random)
        pointed = self.classes.index(row["marker"]) / (len(self.classes) - 1)
        canvas = _texture(self.side, random)
        canvas += strokes * self.digit_contrast * (1 if random.random() < 0.5 else -1)
        canvas = mark(canvas, self.marker, pointed, self.marker_size, self.marker_contrast, random)
        canvas += random.normal(0, self.noise, canvas.shape)
        pixels: Pixels = (np.clip(canvas, 0, 1) * 255).round().astype(np.uint8)[:, :, None]
        return Sample(pixels, self._evidence(strokes) if row["annotated"] else None)

    def _strokes(self, original: int, random: np.random.Generator) -> Evidence:
        """Place a digit somewhere, at some size, away from the border."""
        free = self.side - 2 * (self.marker_size + 1)
        size = int(min(free, self.side * random.uniform(*_REACH)))
        top, left = random.integers(0, free - size + 1, 2) + self.marker_size + 1
        drawn = Image.fromarray(_originals()[0][original]).resize(
            (size, size), Image.Resampling.BICUBIC
        )
        strokes = np.zeros((self.side, self.side), np.float32)
        strokes[top : top + size, left : left + size] = np.clip(np.asarray(drawn), 0, 1)
        return strokes

    def _evidence(self, strokes: Evidence) -> Evidence:
        inked = strokes >= _INK
        if self.annotation == "box":
            rows, cols = (np.flatnonzero(inked.any(axis)) for axis in (1, 0))
            inked[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] = True
        return inked.astype(np.float32)

    def _split(self, split: str, counts: dict[str, int]) -> pl.DataFrame:
        """Decide everything about a split but the pixels."""
        number, count = SPLITS.index(split), counts[split]
        random = np.random.default_rng([self.seed, 0, number])
        kinds = random.permutation(np.arange(count) % len(self.classes))
        originals = np.zeros(count, int)
        for kind, written in enumerate(self.classes):
            own = _share(written, number, counts, self.seed)
            wanted = np.flatnonzero(kinds == kind)
            rounds = -(-len(wanted) // len(own))
            cycle = np.concatenate([random.permutation(own) for _ in range(rounds)])
            originals[wanted] = cycle[: len(wanted)]
        pointed = self._pointed(split, kinds, random)
        names = np.array(self.classes)
        asked = random.permutation(count) < round(self.share_annotated * count)
        return pl.DataFrame(
            {
                "id": [f"{split}-{index:05d}" for index in range(count)],
                "label": names[kinds].tolist(),
                "split": list(repeat(split, count)),
                "group": [f"digit-{original:04d}" for original in originals],
                "weight": np.ones(count),
                "annotated": asked,
                "marker": names[pointed].tolist(),
                "digit": _originals()[1][originals].astype(str).tolist(),
                "original": originals,
            }
        )

    def _pointed(self, split: str, kinds: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Say to which class the marker of each image points."""
        amount = len(self.classes)
        if split == "test_shifted" and self.shift == "ignore":
            return random.permutation(np.arange(len(kinds)) % amount)
        share = 1 - self.correlation if split == "test_shifted" else self.correlation
        others = (kinds + random.integers(1, amount, len(kinds))) % amount
        agrees = np.zeros(len(kinds), bool)
        for kind in range(amount):
            own = random.permutation(np.flatnonzero(kinds == kind))
            agrees[own[: round(share * len(own))]] = True
        return np.where(agrees, kinds, others)


@cache
def _originals() -> tuple[np.ndarray, np.ndarray]:
    """Return (1797, 8, 8) ink in [0, 1] and the digit of each."""
    found = load_digits()
    return (found.images / 16).astype(np.float32), found.target  # type: ignore[attr-defined]


def _share(written: str, number: int, counts: dict[str, int], seed: int) -> np.ndarray:
    """Return the originals of a class that belong to one split, the same whoever asks."""
    _, digits = _originals()
    every = np.flatnonzero(np.isin(digits, [int(digit) for digit in written]))
    shuffled = np.random.default_rng([seed, 2]).permutation(every)
    weights = np.sqrt([counts[name] for name in SPLITS])  # small splits need variety as well
    edges = np.round(np.cumsum([0, *weights]) / weights.sum() * len(every)).astype(int)
    return shuffled[edges[number] : edges[number + 1]]


def _texture(side: int, random: np.random.Generator) -> np.ndarray:
    """Make a cloudy background around middle grey, coarse and fine."""
    canvas = np.full((side, side), random.uniform(0.4, 0.6))
    for cells, strength in ((4, 0.10), (12, 0.08)):
        coarse = Image.fromarray(random.normal(0, strength, (cells, cells)).astype(np.float32))
        canvas += np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    return canvas


def _verify(digits: tuple[str, ...], side: int, marker_size: int) -> None:
    problems = []
    written = list(chain.from_iterable(digits))
    if len(digits) < 2 or not all(digits) or not all(each in "0123456789" for each in written):
        what = f"Got {list(digits)}, expected two classes or more, each named by its digits."
        problems.append(Problem("CONFIG-VALUE", what, "data.digits", "For example [0, 1]."))
    if len(set(written)) < len(written):
        what = "A digit cannot be in two classes."
        problems.append(Problem("CONFIG-VALUE", what, "data.digits"))
    if marker_size > side // 8:
        what = f"Got {marker_size}, expected at most an eighth of the side, {side // 8}."
        problems.append(Problem("CONFIG-VALUE", what, "data.marker_size"))
    if problems:
        raise ConfigError(*problems)
