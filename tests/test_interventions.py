"""Seven changes of an image, each done again pixel by pixel."""

from math import dist, exp
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from lookright.configuration import Evaluation
from lookright.configuration import Intervention as Name
from lookright.interventions import INTERVENTIONS, Donors, area, change

SIZES = [(1, 20, 20), (3, 17, 26)]  # colours, height, width
NAMES = list(INTERVENTIONS)
WITH_MAP = [name for name in NAMES if INTERVENTIONS[name].needs_map]
LETTER = ["110", "101", "110", "101", "101"]


def draw(colours: int, height: int, width: int, count: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Return random images, soft maps with hard zeros and ones, and donors."""
    source = torch.Generator().manual_seed(height)
    images, donors = torch.rand(2, count, colours, height, width, generator=source)
    maps = (torch.rand(count, height, width, generator=source) * 3 - 1).clamp(0, 1)
    return images, maps, donors


# -- slowly, by other means ------------------------------------------------------------------


def averaged(image: np.ndarray, weights: np.ndarray, at: tuple[int, int] | None) -> list[float]:
    """Average the colours by weight; with a place, by nearness to it as well."""
    height, width = weights.shape
    sums, total = np.zeros(len(image)), 0.0
    for row in range(height):
        for col in range(width):
            weight = float(weights[row, col])
            if at:
                away = dist((row / height, col / width), (at[0] / height, at[1] / width))
                weight *= exp(-(away**2) / (2 * (1 / 8) ** 2))
            sums += weight * image[:, row, col]
            total += weight
    return (sums / total).tolist()


def corner(drawn: np.ndarray) -> tuple[int, int]:
    """Return top and left of the letter's place: the corner with the least evidence."""
    height, width = drawn.shape
    places = [(row, col) for row in (0, height - 7) for col in (0, width - 5)]
    return min(places, key=lambda at: drawn[at[0] : at[0] + 7, at[1] : at[1] + 5].sum())


def pixel(
    name: str, image: np.ndarray, drawn: np.ndarray, donor: np.ndarray, row: int, col: int
) -> list[float]:
    """Return the colours that a pixel has after the change."""
    height, width = drawn.shape
    edge = max(1, round(0.06 * min(height, width)))
    if name == "border_paint":
        away = min(row, col, height - 1 - row, width - 1 - col)
        return [0.5] * len(image) if away < edge else image[:, row, col].tolist()
    if name == "text_marker":
        top, left = corner(drawn)
        down, right = row - top - 1, col - left - 1
        inked = 0 <= down < 5 and 0 <= right < 3 and LETTER[down][right] == "1"
        around = image[:, top : top + 7, left : left + 5].mean()
        return [float(around < 0.5)] * len(image) if inked else image[:, row, col].tolist()
    inside = drawn[row, col]
    kept, touched = {
        "occlude_inside": (1 - drawn, inside),
        "background_only": (1 - drawn, inside),
        "occlude_outside": (drawn, 1 - inside),
        "foreground_only": (drawn, 1 - inside),
        "background_swap": (None, 1 - inside),
    }[name]
    if kept is None:
        fill = donor[:, row, col]
    else:
        fill = averaged(image, kept, (row, col) if name.startswith("occlude") else None)
    return [(1 - touched) * x + touched * y for x, y in zip(image[:, row, col], fill, strict=True)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_every_pixel_is_what_the_definition_says(name: str, size: tuple[int, int, int]) -> None:
    images, maps, donors = draw(*size, count=2)
    changed = change(name, images, maps, donors).numpy()
    for number in range(2):
        given = (each[number].double().numpy() for each in (images, maps, donors))
        image, drawn, donor = given
        for row in range(0, size[1], 2):
            for col in range(0, size[2], 3):
                expected = pixel(name, image, drawn, donor, row, col)
                assert changed[number, :, row, col] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_the_area_is_the_share_of_pixels_that_change(name: str, size: tuple[int, int, int]) -> None:
    _, maps, _ = draw(*size)
    hard = maps.round()
    black, white = torch.zeros(4, *size), torch.ones(4, *size)
    # Where black images and white donors differ after the swap, and so on: count what moves.
    moved = torch.zeros(4, *size[1:])
    for image in (black + 0.25, black + 0.75):
        random = image + 0.1 * torch.rand(4, *size)
        moved = torch.maximum(moved, (change(name, random, hard, white) != random).any(1).float())
    assert area(name, hard) == pytest.approx(moved.mean((1, 2)))


def test_what_is_not_touched_stays_to_the_last_bit() -> None:
    images, maps, donors = draw(3, 24, 24)
    hard = maps.round()
    inside = hard.bool()[:, None].expand_as(images)
    for name in WITH_MAP:
        changed = change(name, images, hard, donors)
        kept = ~inside if name in ("occlude_inside", "background_only") else inside
        assert torch.equal(changed[kept], images[kept])
        assert not torch.isclose(changed[~kept], images[~kept]).all()


def test_foreground_and_background_are_the_parts_of_a_whole() -> None:
    images, maps, donors = draw(3, 24, 24)
    front = change("foreground_only", images, maps, donors)
    back = change("background_only", images, maps, donors)
    weights = maps.double()[:, None]
    mean_inside = (images * weights).sum((2, 3), True) / weights.sum((2, 3), True)
    mean_outside = (images * (1 - weights)).sum((2, 3), True) / (1 - weights).sum((2, 3), True)
    fills = mean_inside * (1 - weights) + mean_outside * weights
    torch.testing.assert_close(front + back - fills, images.double(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["occlude_inside", "background_only"])
def test_nothing_of_the_evidence_is_left_when_it_is_occluded(name: str) -> None:
    images, maps, donors = draw(1, 24, 24)
    hard = maps.round()
    other = torch.where(hard.bool()[:, None], torch.rand_like(images), images)
    torch.testing.assert_close(
        change(name, images, hard, donors), change(name, other, hard, donors), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("name", ["occlude_outside", "foreground_only", "background_swap"])
def test_nothing_of_the_outside_is_left_when_it_is_occluded(name: str) -> None:
    images, maps, donors = draw(1, 24, 24)
    hard = maps.round()
    other = torch.where(hard.bool()[:, None], images, torch.rand_like(images))
    torch.testing.assert_close(
        change(name, images, hard, donors), change(name, other, hard, donors), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_changed_alike_in_any_batch(name: str) -> None:
    images, maps, donors = draw(3, 24, 24, count=5)
    whole = change(name, images, maps, donors)
    for number in range(5):
        alone = [each[number : number + 1] for each in (images, maps, donors)]
        torch.testing.assert_close(change(name, *alone)[0], whole[number], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_changed_images_are_images_even_where_a_map_is_empty_or_full(
    name: str, level: float
) -> None:
    images, _, donors = draw(3, 24, 30)
    changed = change(name, images, torch.full((4, 24, 30), level), donors)
    assert changed.shape == images.shape
    assert changed.isfinite().all()
    assert (changed >= 0).all()
    assert (changed <= 1 + 1e-6).all()


def test_a_single_marked_pixel_fills_the_whole_outside() -> None:
    images, maps = torch.rand(1, 1, 224, 224), torch.zeros(1, 224, 224)
    maps[0, 0, 0] = 1 / 255
    filled = change("occlude_outside", images, maps, images)[0, 0, 100:, 100:]
    torch.testing.assert_close(filled, images[0, 0, 0, 0].expand(124, 124), rtol=1e-5, atol=0)


def test_the_letter_reads_r_beside_the_evidence_and_stands_out() -> None:
    images = torch.stack([torch.full((1, 50, 50), level) for level in (0.2, 0.9)])
    maps = torch.zeros(2, 50, 50)
    maps[1, :10, :40] = 1
    changed = change("text_marker", images, maps, images)
    letter = torch.tensor([[float(dot) for dot in line] for line in LETTER])
    torch.testing.assert_close(changed[0, 0, 1:6, 1:4], 0.2 + 0.8 * letter)  # white on dark
    torch.testing.assert_close(changed[1, 0, 1:6, 46:49], 0.9 - 0.9 * letter)  # black on bright
    assert (changed != images).sum() == 2 * letter.sum()


def test_the_letter_grows_with_the_image() -> None:
    images = torch.zeros(1, 1, 200, 300)
    rows, cols = torch.nonzero(change("text_marker", images, images[0], images)[0, 0]).T
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (4, 23, 4, 15)


def test_images_without_a_donor_get_none_of_anybody_else() -> None:
    donors = Donors(torch.rand(2, 1, 4, 4), torch.tensor([1, -1, 0]))
    given = donors.of([0, 2])
    assert torch.equal(given, donors.backgrounds[[1, 0]])
    assert Donors(torch.rand(0, 1, 4, 4), torch.tensor([-1])).of([0]).shape == (1, 1, 4, 4)


def test_the_configuration_names_all_interventions_and_asks_for_them() -> None:
    assert list(get_args(Name)) == NAMES
    assert list(Evaluation().interventions) == NAMES
