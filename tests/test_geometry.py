"""Image and map move as one, and the same key moves them the same way everywhere."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lookright.configuration import Augmentation
from lookright.data.geometry import Fill, augment, inscribed, square, turn

SIDE = 24
keys = st.tuples(*[st.integers(0, 2**31)] * 3)
moves = st.builds(
    Augmentation,
    flip=st.sampled_from([0.0, 0.5, 1.0]),
    rotate=st.sampled_from([0.0, 10.0, 180.0]),
    crop=st.sampled_from([1.0, 0.8, 0.1]),
)


def marked(side: int = SIDE) -> Tensor:
    """Draw a different mark into each corner, the same in the image and in its map."""
    layer = torch.zeros(side, side)
    third = side // 3
    layer[:third, :third] = 1
    layer[:third, -third:] = 0.75
    layer[-third:, :third] = 0.5
    layer[-third:, -third:] = 0.25
    return layer.expand(2, -1, -1).clone()


def noise(channels: int = 2, side: int = SIDE) -> Tensor:
    return torch.rand(channels, side, side, generator=torch.Generator().manual_seed(0))


@given(moves, keys)
@settings(max_examples=60, deadline=None)
def test_MK20_corner_marks_of_image_and_map_move_together(how: Augmentation, key) -> None:
    moved = augment(marked(), how, *key)
    assert moved.shape == (2, SIDE, SIDE)
    torch.testing.assert_close(moved[0], moved[1], rtol=0, atol=1e-6)


@given(moves, keys)
@settings(max_examples=40, deadline=None)
def test_a_map_is_moved_by_the_same_rule_as_if_it_were_an_image(how: Augmentation, key) -> None:
    """The mask of a moved image is the moved mask, for masks that any pixel decides alone."""
    image = (noise(1) > 0.5).float()
    both = augment(torch.cat([image, image]), how, *key)
    alone = augment(torch.cat([image, torch.zeros_like(image)]), how, *key)
    assert torch.equal(both[0] > 0.5, both[1] > 0.5)
    assert torch.equal(both[0], alone[0])  # what the map holds does not move the image


@given(
    st.floats(0, 0.9), st.floats(0, 0.9), keys, st.sampled_from([0.0, 1.0]), st.sampled_from([1, 3])
)
@settings(max_examples=40, deadline=None)
def test_MK20_brightness_and_contrast_leave_the_map_as_it_is(
    bright: float, strong: float, key, flip: float, colours: int
) -> None:
    stack = noise(colours + 1)
    shaded = augment(stack, Augmentation(brightness=bright, contrast=strong, flip=flip), *key)
    plain = augment(stack, Augmentation(flip=flip), *key)
    assert torch.equal(shaded[-1], plain[-1])
    assert shaded.min() >= 0
    assert shaded.max() <= 1
    if bright > 0.01:
        assert not torch.equal(shaded[:-1], plain[:-1])


@given(moves, keys)
@settings(max_examples=20, deadline=None)
def test_the_same_key_moves_the_same_way(how: Augmentation, key) -> None:
    assert torch.equal(augment(noise(), how, *key), augment(noise(), how, *key))


def test_every_part_of_the_key_counts() -> None:
    how = Augmentation(rotate=180, crop=0.5)
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)]
    seen = [augment(noise(), how, *key) for key in keys]
    for at, one in enumerate(seen):
        assert not any(torch.equal(one, other) for other in seen[:at])


def test_augmentation_does_not_depend_on_what_was_drawn_before() -> None:
    how = Augmentation(flip=0.5, rotate=20, crop=0.5, brightness=0.2)
    first = augment(noise(), how, 1, 2, 3)
    torch.rand(5)
    np.random.default_rng().random(7)
    torch.manual_seed(9)
    assert torch.equal(first, augment(noise(), how, 1, 2, 3))


def test_nothing_happens_by_default() -> None:
    assert torch.equal(augment(noise(), Augmentation(), 0, 0, 0), noise())


def test_a_flip_happens_as_often_as_asked() -> None:
    def flipped(key: int, share: float) -> bool:
        return torch.equal(augment(noise(), Augmentation(flip=share), 0, 0, key), noise().flip(2))

    assert all(flipped(key, 1) for key in range(20))
    assert not any(flipped(key, 0) for key in range(20))
    assert 120 < sum(flipped(key, 0.25) for key in range(600)) < 180


def test_a_crop_keeps_its_share_of_the_area() -> None:
    """The mean slope of a ramp says how much of it is left: 1 / the share of its length."""
    ramp = torch.linspace(0, 1, 64).expand(64, 64)
    stack = torch.stack([ramp, ramp.T])
    for key in range(200):
        moved = augment(stack, Augmentation(crop=0.5), 0, 0, key)
        wide = (moved[0, :, -8] - moved[0, :, 8]).mean() * 63 / 48
        high = (moved[1, -8] - moved[1, 8]).mean() * 63 / 48
        assert 0.47 < wide * high < 1.03


# -- turning ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", ["zero", "edge", "reflect"])
def test_a_turn_by_nothing_is_nothing(fill: Fill) -> None:
    assert torch.equal(turn(noise()[None], 0, fill), noise()[None])


@pytest.mark.parametrize("fill", ["zero", "edge", "reflect"])
@pytest.mark.parametrize("side", [24, 25])
def test_a_quarter_turn_is_counter_clockwise(fill: Fill, side: int) -> None:
    images = noise(3, side)[None]
    torch.testing.assert_close(turn(images, 90, fill), images.rot90(1, (2, 3)), rtol=0, atol=1e-5)


def test_corners_are_filled_as_asked() -> None:
    ones = torch.ones(1, 1, SIDE, SIDE)
    assert turn(ones, 30, "zero")[0, 0, 0, 0] == 0
    for fill in ("edge", "reflect"):
        torch.testing.assert_close(turn(ones, 30, fill), ones)
    bright = torch.zeros(1, 1, SIDE, SIDE)
    bright[..., :2] = 1  # the left edge, which a turn continues downwards on the left
    assert turn(bright, 20, "edge")[0, 0, SIDE // 2, 0] == 1
    assert turn(bright, 20, "reflect").sum() < turn(bright, 20, "edge").sum()


@pytest.mark.parametrize("fill", ["zero", "edge", "reflect"])
def test_the_middle_does_not_depend_on_the_fill(fill: Fill) -> None:
    images, angle, middle = noise(1, 32)[None], 15, slice(10, 22)
    found, expected = turn(images, angle, fill), turn(images, angle)
    torch.testing.assert_close(
        found[..., middle, middle], expected[..., middle, middle], rtol=0, atol=1e-5
    )


@given(st.floats(-45, 45), st.integers(16, 70))
@settings(max_examples=150, deadline=None)
def test_the_inscribed_cut_of_a_turned_image_has_no_filled_corner(angle: float, side: int) -> None:
    ones = torch.ones(1, 1, side, side)
    torch.testing.assert_close(inscribed(turn(ones, angle), angle), ones, rtol=0, atol=1e-5)


@pytest.mark.parametrize("angle", [5, -15, 45])
def test_the_inscribed_cut_is_as_large_as_it_can_be(angle: int) -> None:
    ones = torch.ones(1, 1, 200, 200)
    turned = turn(ones, angle)
    assert inscribed(turned, angle * 0.8).min() < 1
    cut = inscribed(noise(1, 200)[None], angle)
    assert cut.shape == ones.shape
    assert torch.equal(cut, inscribed(noise(1, 200)[None], -angle))


# -- resizing --------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(50, 30), (16, 99), (24, 24)])
def test_a_resized_image_is_square_and_keeps_its_marks(height: int, width: int) -> None:
    stack = torch.zeros(2, height, width)
    stack[:, : height // 2, : width // 2] = 1
    small = square(stack, 16)
    assert small.shape == (2, 16, 16)
    assert torch.equal(small[0], small[1])
    assert small[0, :7, :7].min() > 0.99
    assert small[0, 10:, 10:].max() < 0.01


def test_thin_strokes_fade_and_do_not_vanish() -> None:
    stack = torch.zeros(1, 256, 256)
    stack[0, :, 100] = 1
    assert square(stack, 32).mean() == pytest.approx(1 / 256, rel=0.05)
