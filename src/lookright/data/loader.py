"""Batches of a data set: decoded, resized and augmented, in an order that only numbers decide."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lookright.configuration import Augmentation, Data
from lookright.data.geometry import augment, colour_channels, square
from lookright.data.sample import Sample
from lookright.data.source import Source
from lookright.errors import DataError, Problem
from lookright.types import Batch

CACHE_BYTES = 2 * 1024**3  # `cache: auto` keeps decoded images up to this much memory
PROBED = 64  # images that decide whether `colours: auto` means grey

Key = tuple[int, int]  # epoch (-1: no augmentation), position in the split
# Image, map and perhaps what is unknown in one byte or float stack; is it annotated?
Canvas = tuple[Tensor, bool]

Example = tuple[Tensor, bool, int, float]  # stack, annotated, label, weight


@dataclass
class Examples(Dataset[Example]):
    """Images of a data set at one size, with labels, maps and weights.

    Every image is decoded once before anything is learnt, so that all that cannot be read is
    reported together. `excluded` names the ids that `on_bad_sample: exclude` left out.
    """

    source: Source
    rows: list[int]  # of the source, in the order of the table
    data: Data
    labels: Tensor
    weights: Tensor
    augmentation: Augmentation
    seed: int
    colours: Literal["grey", "rgb"]
    kept: list[Canvas] | None
    excluded: list[str]
    contents: dict[str, str]  # by id: the digest of what an image and its map were read as
    unknown: bool = False  # some images of the source have pixels that should teach nothing

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ids(self) -> list[str]:
        """The ids, in the order of the rows."""
        return self.source.rows["id"].gather(self.rows).to_list()

    def __getitem__(self, key: Key) -> Example:
        """Return what is at a position in an epoch."""
        epoch, position = key
        row = self.rows[position]
        stack, annotated = self.kept[position] if self.kept else self._read(row)
        stack = stack / 255 if stack.dtype == torch.uint8 else stack
        if epoch >= 0:
            stack = augment(stack, self.augmentation, self.seed, epoch, row)
        return stack, annotated, int(self.labels[position]), float(self.weights[position])

    def __getitems__(self, keys: Sequence[Key]) -> list[Example] | DataError:
        """Return the examples of a batch; an error is returned, as a worker can raise only text."""
        try:
            return [self[key] for key in keys]
        except DataError as error:
            return error

    def _read(self, row: int) -> Canvas:
        drawn = canvas(self.source.sample(row), self.data.size, self.colours, self.unknown)
        name = str(self.source.rows["id"][row])
        if _digest(drawn) != self.contents[name]:
            what = "The image or its map changed since training began."
            raise DataError(Problem("IMG-CHANGED", what, name, "Put the old files back."))
        return drawn


def examples(
    source: Source,
    splits: Sequence[str],
    data: Data,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    class_weighting: Literal["none", "balanced"] = "none",
) -> Examples:
    """Prepare the images of some splits; raises DataError naming every image that fails."""
    rows = np.flatnonzero(source.rows["split"].is_in(list(splits)).to_numpy()).tolist()
    colours = _colours(source, data)
    unknown = "unknown" in source.rows.columns and bool((source.rows["unknown"] != "").any())
    kept, failed, digests = _decode(source, rows, data, colours, unknown)
    if failed and data.on_bad_sample == "error":
        raise DataError(*(problem for problems in failed.values() for problem in problems))
    good = [row for row in rows if row not in failed]
    labels = torch.tensor([_class(source, row) for row in good], dtype=torch.long)
    return Examples(
        source,
        good,
        data,
        labels,
        _weights(source, good, labels, class_weighting),
        augmentation or Augmentation(),
        seed,
        colours,
        kept,
        [str(source.rows["id"][row]) for row in failed],
        {str(source.rows["id"][row]): digests[row] for row in good},
        unknown,
    )


def order(count: int, seed: int, epoch: int) -> list[int]:
    """Shuffle positions; the same seed and epoch give the same order everywhere."""
    return np.random.default_rng((seed, epoch)).permutation(count).tolist()


def plan(positions: Sequence[int], batch: int, least: int = 2) -> list[list[int]]:
    """Cut an order into batches. A last one of less than `least` images is left out.

    A single image has no batch norm; several processes need two images each.
    """
    batches = [list(positions[at : at + batch]) for at in range(0, len(positions), batch)]
    is_short = len(batches) > 1 and len(batches[-1]) < min(least, batch)
    return batches[:-1] if is_short else batches


def load(
    images: Examples, batches: Sequence[Sequence[int]], epoch: int = -1, workers: int = 0
) -> Iterator[Batch]:
    """Yield one `Batch` for each list of positions; epoch -1 leaves images as they are."""
    keys = [[(epoch, position) for position in batch] for batch in batches]
    loader = DataLoader(
        images,
        batch_sampler=keys,
        num_workers=workers,
        collate_fn=collate,
        timeout=120 * (workers > 0),
    )
    for batch in loader:
        if isinstance(batch, DataError):
            raise batch
        yield batch


def collate(examples: Sequence[Example] | DataError) -> Batch | DataError:
    """Stack examples into a batch, or pass on why there is none."""
    if isinstance(examples, DataError):
        return examples
    stacks, annotated, labels, weights = zip(*examples, strict=True)
    together = torch.stack(stacks)
    count = colour_channels(together)
    unknown = together[:, count + 1] if together.shape[1] > count + 1 else None
    asked = torch.tensor(annotated)
    return Batch(
        images=together[:, :count],
        labels=torch.tensor(labels),
        maps=together[:, count],
        # Where all that is left of a map is unknown, nobody was asked.
        annotated=asked if unknown is None else asked & (unknown < 1).flatten(1).any(1),
        weights=torch.tensor(weights),
        unknown=unknown,
    )


def canvas(
    sample: Sample, size: int, colours: Literal["grey", "rgb"], unknown: bool = False
) -> Canvas:
    """Resize a sample to a square stack: bytes for 8-bit images, floats in [0, 1] for deeper.

    With `unknown`, a last channel says which pixels teach nothing; the map is zero there.
    """
    image = _tensor(_recoloured(sample.image, colours)).movedim(-1, 0)
    deep = image.dtype != torch.uint8
    image = image.to(torch.float32) / (65535 if deep else 255)
    drawn = torch.zeros(image.shape[1:]) if sample.map is None else _tensor(sample.map)
    channels = [image, drawn[None]]
    if unknown:
        blank = np.zeros(drawn.shape, bool) if sample.unknown is None else sample.unknown
        channels = [image, drawn[None] * ~_tensor(blank), _tensor(blank)[None].to(drawn.dtype)]
    stack = square(torch.cat(channels), size)
    stack = stack if deep else (stack * 255).round().to(torch.uint8)
    return stack, sample.map is not None


def _tensor(array: np.ndarray) -> Tensor:
    # Torch warns of arrays that it may not write to.
    return torch.from_numpy(np.require(array, requirements="W"))


def _recoloured(image: np.ndarray, colours: Literal["grey", "rgb"]) -> np.ndarray:
    if colours == "rgb":
        return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
    if image.shape[2] == 1 or _is_grey(image):
        return np.ascontiguousarray(image[..., :1])
    # ITU-R 601 luma, as Pillow's "L"
    luma = image @ np.array([0.299, 0.587, 0.114])
    return luma[..., None].round().astype(image.dtype)


def _is_grey(image: np.ndarray) -> bool:
    return bool((image == image[..., :1]).all())


def _colours(source: Source, data: Data) -> Literal["grey", "rgb"]:
    """Decide between one and three channels; `auto` is grey when no probed image has colour.

    Images of all splits are probed, so that every split gets the same answer.
    """
    if data.colours != "auto":
        return data.colours
    count = len(source.rows)
    for row in range(0, count, max(1, count // PROBED)):
        try:
            image = source.sample(row).image
        except DataError:
            continue  # reported with all others when everything is decoded
        if not _is_grey(image):
            return "rgb"
    return "grey"


def _decode(
    source: Source,
    rows: list[int],
    data: Data,
    colours: Literal["grey", "rgb"],
    unknown: bool,
) -> tuple[list[Canvas] | None, dict[int, tuple[Problem, ...]], dict[int, str]]:
    """Read every image once; keep it when there is room. Pillow decodes in parallel threads."""
    kept: list[Canvas] | None = None if data.cache == "none" else []
    held = 0  # bytes
    failed: dict[int, tuple[Problem, ...]] = {}
    digests: dict[int, str] = {}

    def attempt(row: int) -> tuple[Canvas, str] | DataError:
        """Read a row, or return why it cannot be read."""
        try:
            sample = source.sample(row)
            _refuse_hidden_colour(sample, source, row, data, colours)
            drawn = canvas(sample, data.size, colours, unknown)
            return drawn, _digest(drawn)
        except DataError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, found in zip(rows, pool.map(attempt, rows), strict=True):
            if isinstance(found, DataError):
                failed[row] = found.problems
                continue
            digests[row] = found[1]
            held += found[0][0].nbytes
            if data.cache == "auto" and held > CACHE_BYTES:
                kept = None
            if kept is not None:
                kept.append(found[0])
    return kept, failed, digests


def _digest(drawn: Canvas) -> str:
    stack, annotated = drawn
    return hashlib.sha256(stack.numpy().tobytes() + bytes([annotated])).hexdigest()[:16]


def _refuse_hidden_colour(
    sample: Sample, source: Source, row: int, data: Data, colours: Literal["grey", "rgb"]
) -> None:
    """Under `auto`, never throw away colour that the probe did not meet."""
    if data.colours == "auto" and colours == "grey" and not _is_grey(sample.image):
        what = "This image has colours, most others are grey."
        fix = "Set data.colours to rgb or grey."
        raise DataError(Problem("IMG-COLOURS", what, str(source.rows["id"][row]), fix))


def _class(source: Source, row: int) -> int:
    return source.classes.index(source.rows["label"][row])


def _weights(
    source: Source, rows: list[int], labels: Tensor, weighting: Literal["none", "balanced"]
) -> Tensor:
    """Weigh images by the manifest's column and, when asked, by one over the class share."""
    own = torch.tensor(source.rows["weight"].gather(rows).to_list(), dtype=torch.float32)
    if weighting == "none":
        return own
    counts = torch.bincount(labels, minlength=len(source.classes)).clamp(min=1)
    return own * (len(labels) / (len(source.classes) * counts))[labels]
