"""Batches are a function of numbers: which images, in which order, changed how."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from lookright.configuration import Augmentation, Data
from lookright.data import loader
from lookright.data.loader import Examples, canvas, examples, load, order, plan
from lookright.data.sample import Sample
from lookright.data.source import Source
from lookright.errors import DataError, Problem
from lookright.types import Batch

SIDE = 16
RICH = Augmentation(flip=0.5, rotate=20, crop=0.6, brightness=0.2, contrast=0.2)


@dataclass
class Painted(Source):
    """Images from memory; what is None cannot be read."""

    images: list[np.ndarray | None]
    labels: Sequence[str] = ()
    splits: Sequence[str] = ()
    weights: Sequence[float] = ()
    rows: pl.DataFrame = field(init=False)
    classes: tuple[str, ...] = ("cat", "dog")
    fingerprint: str = "painted"

    def __post_init__(self) -> None:
        count = len(self.images)
        self.rows = pl.DataFrame(
            {
                "id": [f"image-{number}" for number in range(count)],
                "label": list(self.labels) or [self.classes[n % 2] for n in range(count)],
                "split": list(self.splits) or ["train"] * count,
                "weight": list(self.weights) or [1.0] * count,
            }
        )

    def sample(self, index: int) -> Sample:
        image = self.images[index]
        if image is None:
            raise DataError(Problem("IMG-EMPTY", "The file is empty.", f"image-{index}"))
        drawn = (image[..., 0] > 100).astype(np.float32) if index % 3 else None
        return Sample(image, drawn)


def picture(seed: int, colours: int = 1, deep: bool = False, side: int = 20) -> np.ndarray:
    kind, top = (np.uint16, 65536) if deep else (np.uint8, 256)
    return np.random.default_rng(seed).integers(0, top, (side, side, colours), dtype=kind)


def painted(count: int = 11, **settings) -> Painted:
    return Painted([picture(seed) for seed in range(count)], **settings)


def data(**settings) -> Data:
    return Data(name="digits", size=SIDE, **settings)


def batches(images: Examples, epoch: int = 0, workers: int = 0) -> list[Batch]:
    return list(load(images, plan(order(len(images), 5, epoch), 4), epoch, workers))


def equal(some: list[Batch], others: list[Batch]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(
        mine is theirs if mine is None or theirs is None else torch.equal(mine, theirs)
        for one, other in pairs
        for mine, theirs in zip(vars(one).values(), vars(other).values(), strict=True)
    )


# -- order -----------------------------------------------------------------------------------


@given(st.integers(1, 200), st.integers(0, 2**32 - 1), st.integers(0, 1000))
@settings(deadline=None)
def test_an_order_holds_every_position_once(count: int, seed: int, epoch: int) -> None:
    assert sorted(order(count, seed, epoch)) == list(range(count))
    torch.manual_seed(epoch)
    assert order(count, seed, epoch) == order(count, seed, epoch)


def test_every_seed_and_epoch_has_an_order_of_its_own() -> None:
    orders = {tuple(order(50, seed, epoch)) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100


@given(st.integers(1, 100), st.integers(1, 20))
def test_TR06_a_plan_leaves_out_nothing_but_a_last_single_image(count: int, batch: int) -> None:
    batches = plan(range(count), batch)
    kept = [position for each in batches for position in each]
    left_out = list(range(count))[len(kept) :]
    assert kept == list(range(len(kept)))
    assert all(len(each) == batch for each in batches[:-1])
    assert len(left_out) == (1 if count > batch > 1 and count % batch == 1 else 0)


# -- batches ---------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_CK18_workers_change_no_bit(workers: int) -> None:
    images = examples(painted(), ["train"], data(), RICH, seed=3)
    assert equal(batches(images), batches(images, workers=workers))


def test_a_cache_changes_no_bit() -> None:
    source = painted()
    kept = examples(source, ["train"], data(cache="ram"), RICH, seed=3)
    read = examples(source, ["train"], data(cache="none"), RICH, seed=3)
    assert kept.kept
    assert read.kept is None
    assert equal(batches(kept), batches(read))


def test_a_cache_that_would_not_fit_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "CACHE_BYTES", 11 * 2 * SIDE**2)  # one byte each, image and map
    assert examples(painted(), ["train"], data()).kept is not None
    assert examples(painted(12), ["train"], data()).kept is None
    assert examples(painted(12), ["train"], data(cache="ram")).kept is not None


def test_images_are_changed_in_training_and_never_elsewhere() -> None:
    images = examples(painted(), ["train"], data(), RICH, seed=3)
    plain = examples(painted(), ["train"], data())
    assert equal(list(load(images, [[0, 1]])), list(load(plain, [[0, 1]], epoch=7)))
    first, second = (next(load(images, [[0, 1]], epoch)) for epoch in (0, 1))
    assert not torch.equal(first.images, second.images)


def test_a_batch_says_what_the_table_says() -> None:
    source = painted(splits=["train", "val"] * 5 + ["train"], weights=np.arange(11.0).tolist())
    images = examples(source, ["val"], data())
    assert images.ids == ["image-1", "image-3", "image-5", "image-7", "image-9"]
    (batch,) = load(images, [[3, 0]])
    assert batch.labels.tolist() == [1, 1]
    assert batch.weights.tolist() == [7, 1]
    assert batch.annotated.tolist() == [True, True]
    stack, _ = canvas(source.sample(7), SIDE, "grey")
    assert torch.equal(batch.images[0], stack[:1] / 255)
    assert torch.equal(batch.maps[0], stack[1] / 255)


def test_a_missing_map_is_not_a_zero_map() -> None:
    images = examples(painted(), ["train"], data())
    (batch,) = load(images, [[0, 1, 3]])
    assert batch.annotated.tolist() == [False, True, False]
    assert not batch.maps[0].any()
    assert batch.maps[1].any()


# -- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("deep", [False, True])
def test_black_is_zero_and_white_is_one(deep: bool) -> None:
    image = np.zeros((SIDE, SIDE, 1), np.uint16 if deep else np.uint8)
    image[:, 8:] = 65535 if deep else 255
    (batch,) = load(examples(Painted([image, image]), ["train"], data()), [[0, 1]])
    assert batch.images.dtype == torch.float32
    assert batch.images[0, 0, 0, 0] == 0
    assert batch.images[0, 0, 0, 15] == 1


def test_IM07_sixteen_bits_are_not_cut_to_eight() -> None:
    image = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE, 1)
    (batch,) = load(examples(Painted([image, image]), ["train"], data()), [[0, 1]])
    torch.testing.assert_close(
        batch.images[0, 0], torch.arange(SIDE * SIDE).view(SIDE, SIDE) / 65535, rtol=0, atol=1e-7
    )


@pytest.mark.parametrize(
    ("colours", "images", "channels"),
    [
        ("auto", [picture(0), picture(1)], 1),
        ("auto", [picture(0), picture(1, colours=3)], 3),
        ("auto", [picture(0), picture(1).repeat(3, axis=2)], 1),
        ("grey", [picture(0), picture(1, colours=3)], 1),
        ("rgb", [picture(0), picture(1)], 3),
    ],
)
def test_IM21_images_have_one_channel_or_three(
    colours: str, images: list[np.ndarray], channels: int
) -> None:
    (batch,) = load(examples(Painted(images), ["train"], data(colours=colours)), [[0, 1]])
    assert batch.images.shape[1] == channels


def test_IM21_all_splits_agree_on_the_colours() -> None:
    """A network that learnt grey images would otherwise meet colours in the test, unasked."""
    source = Painted([picture(0), picture(1, colours=3)], splits=["train", "test"])
    assert examples(source, ["train"], data()).colours == "rgb"
    assert examples(source, ["test"], data()).colours == "rgb"


def test_IM21_colours_that_a_probe_did_not_meet_are_not_thrown_away() -> None:
    images = [picture(seed, side=16) for seed in range(200)]
    images[5] = picture(5, colours=3, side=16)
    with pytest.raises(DataError, match="image-5: This image has colours"):
        examples(Painted(list(images)), ["train"], data())


def test_grey_is_made_of_colours_as_pillow_makes_it() -> None:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[...] = (200, 100, 50)
    (batch,) = load(examples(Painted([image, image]), ["train"], data(colours="grey")), [[0, 1]])
    assert batch.images[0, 0, 0, 0] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255


# -- what cannot be read ---------------------------------------------------------------------


def test_all_images_that_cannot_be_read_are_named_at_once() -> None:
    source = Painted([None, picture(1), None, picture(3), None])
    with pytest.raises(DataError) as caught:
        examples(source, ["train"], data())
    assert [problem.where for problem in caught.value.problems] == ["image-0", "image-2", "image-4"]


@pytest.mark.parametrize("cache", ["ram", "none"])
def test_excluded_images_are_written_down_and_move_no_label(cache: str) -> None:
    source = Painted([picture(0), None, picture(2), picture(3)])
    images = examples(source, ["train"], data(on_bad_sample="exclude", cache=cache))
    assert images.excluded == ["image-1"]
    assert images.ids == ["image-0", "image-2", "image-3"]
    assert list(images.contents) == images.ids
    (batch,) = load(images, [[0, 1, 2]])
    assert batch.labels.tolist() == [0, 0, 1]
    assert torch.equal(batch.images[2], canvas(source.sample(3), SIDE, "grey")[0][:1] / 255)


@pytest.mark.parametrize("workers", [0, 1])
def test_DL01_IM25_an_image_that_changes_while_training_stops_it(workers: int) -> None:
    source = painted()
    images = examples(source, ["train"], data(cache="none"))
    source.images[4] = picture(99)
    with pytest.raises(DataError, match="image-4: The image or its map changed") as caught:
        batches(images, workers=workers)
    assert caught.value.code == "ERR-IMG-CHANGED"


# -- weights ---------------------------------------------------------------------------------


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = ["cat"] * 3 + ["dog"] * 8
    images = examples(painted(labels=labels), ["train"], data(), class_weighting="balanced")
    expected = compute_class_weight("balanced", classes=np.array(["cat", "dog"]), y=labels)
    assert images.weights.tolist() == pytest.approx([expected[0]] * 3 + [expected[1]] * 8)


def test_weights_of_the_table_multiply_those_of_the_classes() -> None:
    source = painted(labels=["cat"] * 3 + ["dog"] * 8, weights=[2.0] * 11)
    plain = examples(source, ["train"], data())
    balanced = examples(source, ["train"], data(), class_weighting="balanced")
    assert plain.weights.tolist() == [2.0] * 11
    assert balanced.weights.sum() == pytest.approx(22)
