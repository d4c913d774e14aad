"""What is seen of prepared images: once each, in order, without a trace in the model."""

import numpy as np
import pytest
import torch
from scipy.special import softmax as reference
from torch import nn

from lookright.backbones import build
from lookright.configuration import Augmentation, Data
from lookright.data.loader import Examples, examples, load
from lookright.data.sets.digits import Digits
from lookright.inference import look, on_device, softmax, watching

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def images() -> Examples:
    source = Digits(side=32, train=11, val=11, test=11, test_shifted=11, share_annotated=0.5)
    how = Augmentation(flip=1, rotate=90, brightness=0.5)
    return examples(source, ["train"], Data(name="digits", size=32), how)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return build("lookright_tiny", 2)


@pytest.mark.parametrize("batch", [1, 4, 11, 100])
def test_every_image_is_seen_once_in_order_however_they_are_cut(
    model: nn.Module, images: Examples, batch: int
) -> None:
    seen, whole = look(model, images, batch, CPU), look(model, images, 11, CPU)
    assert seen.labels.tolist() == images.labels.tolist()
    for name in ("logits", "cams", "evidence", "maps"):
        mine, expected = getattr(seen, name), getattr(whole, name)
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-6)
    assert seen.views.shape == (11, 0, 2)


def test_images_are_looked_at_unaugmented(model: nn.Module, images: Examples) -> None:
    plain = examples(images.source, ["train"], images.data)
    assert np.array_equal(look(model, images, 4, CPU).logits, look(model, plain, 4, CPU).logits)


def test_workers_see_the_same(model: nn.Module, images: Examples) -> None:
    seen, others = look(model, images, 4, CPU), look(model, images, 4, CPU, workers=1)
    assert np.array_equal(seen.logits, others.logits)


def test_nobody_asked_is_no_evidence(model: nn.Module, images: Examples) -> None:
    seen = look(model, images, 4, CPU)
    asked = [bool(load_one(images, at).annotated) for at in range(len(images))]
    assert 0 < sum(asked) < len(asked)
    assert (~np.isnan(seen.evidence)).all((1, 2)).tolist() == asked
    assert (~np.isnan(seen.maps)).all((1, 2)).tolist() == asked


def load_one(images: Examples, position: int):
    return next(load(images, [[position]]))


def test_evidence_is_the_share_of_each_cell_that_people_marked(
    model: nn.Module, images: Examples
) -> None:
    seen = look(model, images, 4, CPU)
    assert seen.evidence.shape[1:] == seen.cams.shape[2:] == (4, 4)
    tiles = seen.maps.reshape(-1, 4, 8, 4, 8).mean((2, 4))
    np.testing.assert_allclose(seen.evidence, tiles, rtol=1e-6)


def test_every_view_is_another_look_at_the_same_images(model: nn.Module, images: Examples) -> None:
    views = [lambda scene: scene.images, lambda scene: scene.images.flip(3)]
    seen = look(model, images, 4, CPU, views)
    assert np.array_equal(seen.views[:, 0], seen.logits)
    assert not np.array_equal(seen.views[:, 1], seen.logits)


def test_looking_leaves_no_trace(model: nn.Module, images: Examples) -> None:
    model.train()
    first = next(model.children())
    first.eval()
    modes = [module.training for module in model.modules()]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    look(model, images, 4, CPU)
    assert modes == [module.training for module in model.modules()]
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_modes_come_back_after_an_error(model: nn.Module) -> None:
    def fail() -> None:
        with watching(model):
            assert not model.training
            raise RuntimeError

    model.train()
    with pytest.raises(RuntimeError):
        fail()
    assert all(module.training for module in model.modules())


def test_close_scores_keep_their_order_in_probabilities() -> None:
    logits = np.array([[40, 0], [41, 0]], np.float32)
    assert softmax(logits)[1, 1] < softmax(logits)[0, 1]
    assert np.array_equal(softmax(logits).sum(1), [1, 1])
    draws = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32) * 20
    np.testing.assert_allclose(softmax(draws), reference(draws.astype(float), axis=-1), rtol=1e-12)


def test_a_batch_moves_whole(images: Examples) -> None:
    batch = load_one(images, 0)
    moved = on_device(batch, CPU)
    for mine, other in zip(vars(batch).values(), vars(moved).values(), strict=True):
        assert mine is other or torch.equal(mine, other)
    assert moved.images.is_contiguous(memory_format=torch.channels_last)
