"""Image and evidence cannot drift apart, whatever they go through and in whatever form they came.

The oracle knows nothing of how augmentation works. Beside the picture travel its own coordinates,
as two ramps: where they end up says where every pixel came from. Shapes are then followed by their
vertices, pixel by pixel, and rendered again.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.interpolate import LinearNDInterpolator
from torch import Tensor

from lookright.cam import shrink
from lookright.configuration import Augmentation
from lookright.data.drawings.rasterise import cells
from lookright.data.drawings.shapes import Box, Ellipse, Point, Polygon, Stroke
from lookright.data.geometry import augment, square
from lookright.data.images.decode import decode
from lookright.data.maps import read_map
from lookright.data.reading import Reading
from lookright.data.warp import BENT, draw_warp

SIDE = 64
FINE = 8  # parts of a pixel's side
# What blur leaves at most: per side of the shape in pixels; of a cell; of the centre in pixels.
# 29,000 draws came to 2.0, 0.06 and 0.13. Half a pixel of drift fails.
EDGE, CELL, CENTRE = 3.0, 0.1, 0.25
GRID = torch.zeros(8, 8)  # class maps of 8 x 8 cells, each 8 pixels wide
keys = st.tuples(*[st.integers(0, 2**31)] * 3)
WAYS = {
    "crop": Augmentation(crop=0.3),
    "flip": Augmentation(flip=1),
    "rotate": Augmentation(rotate=40),
    "shift": Augmentation(shift=0.2),
    "scale": Augmentation(scale=0.6),
    "affine": Augmentation(rotate=20, scale=0.3, shear=20, shift=0.1),
    "elastic": Augmentation(elastic=0.05),
    "pad": Augmentation(pad=0.3),
    "all": Augmentation(
        crop=0.6, flip=0.5, rotate=20, scale=0.2, shear=10, shift=0.1, elastic=0.03, pad=0.1
    ),
}
every_way = pytest.mark.parametrize("how", WAYS.values(), ids=list(WAYS))


@cache
def ramps(side: int = SIDE) -> Tensor:
    """Coordinates of pixel centres as pictures, and a picture that is 1 everywhere."""
    centres = (torch.arange(side) + 0.5).expand(side, side)
    return torch.stack([centres, centres.T, torch.ones(side, side)])


def origins(how: Augmentation, key: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Say where each pixel came from, (rows, cols, 2), and for which of them this is known."""
    moved = augment(torch.cat([ramps(), ramps()[:1]]), how, *key)[:3].numpy()
    inside = moved[2] > 0.999
    inside[[0, -1]], inside[:, [0, -1]] = False, False  # crops repeat their outermost pixels
    return np.moveaxis(moved[:2], 0, -1), inside


def forwards(how: Augmentation, key: tuple[int, int, int]) -> Callable[[np.ndarray], np.ndarray]:
    """Give the way of a point, from where it was to where it is; NaN where it left the picture."""
    came, inside = origins(how, key)
    rows, cols = np.nonzero(inside)
    places = np.column_stack([cols, rows]) + 0.5
    return LinearNDInterpolator(came[inside], places)


def stacked(mask: np.ndarray) -> Tensor:
    """A stack of a picture that is its own mask."""
    drawn = torch.from_numpy(mask.astype(np.float32))
    return torch.stack([drawn, drawn])


def cells_of(mask: np.ndarray | Tensor) -> Tensor:
    return shrink(torch.as_tensor(mask).float()[None], GRID)[0]


def balance(drawn: np.ndarray) -> np.ndarray:
    """The centre of mass, in pixels."""
    rows, cols = np.indices(drawn.shape) + 0.5
    return np.array([(cols * drawn).sum(), (rows * drawn).sum()]) / drawn.sum()


@st.composite
def outlines(draw: st.DrawFn) -> np.ndarray:
    """A star-shaped outline about the middle, with many vertices on its edges."""
    count = draw(st.integers(5, 9))
    reach = np.array(draw(st.lists(st.floats(8, 20), min_size=count, max_size=count)))
    turns = 2 * np.pi * np.arange(count) / count
    middle = np.array([draw(st.floats(24, 40)), draw(st.floats(24, 40))])
    outline = np.column_stack([np.cos(turns), np.sin(turns)]) * reach[:, None] + middle
    return dense(outline)


def dense(outline: np.ndarray, between: int = 12) -> np.ndarray:
    """Put points on the edges, so that an outline can bend."""
    shares = np.arange(between)[:, None] / between
    ends = np.roll(outline, -1, axis=0)
    return np.concatenate(
        [one + (other - one) * shares for one, other in zip(outline, ends, strict=True)]
    )


def covered(outline: np.ndarray) -> np.ndarray:
    """Say how much of each pixel an outline covers: whole pixels would hide half a pixel."""
    fine = cells(Polygon((outline * FINE,)), (SIDE * FINE, SIDE * FINE))
    return fine.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))


def mostly_in(points: np.ndarray, least: float) -> list[tuple[int, int]]:
    """The cells that hold at least so many of the points."""
    held = Counter((int(y // 8), int(x // 8)) for x, y in points)
    return [cell for cell, count in held.items() if count >= least]


def agrees(followed: np.ndarray, found: np.ndarray) -> None:
    """Two maps are one but for the blur of their edges: at pixels, in cells, by their centre."""
    assert np.abs(followed - found).sum() <= EDGE * np.sqrt(followed.sum())
    assert (cells_of(followed) - cells_of(found)).abs().max() <= CELL
    np.testing.assert_allclose(balance(followed), balance(found), atol=CENTRE)


# -- masks -----------------------------------------------------------------------------------


@every_way
@given(outlines(), keys)
@settings(max_examples=5, deadline=None)
def test_MK20_masking_a_warped_image_is_warping_its_mask(how, shape: np.ndarray, key) -> None:
    """What is bright in the image and what the mask covers stay one, at every pixel."""
    mask = stacked(cells(Polygon((shape,)), (SIDE, SIDE)))
    moved = augment(mask, how, *key)
    assert torch.equal(moved[0], moved[1])
    noise = torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    masked = augment(torch.cat([noise * mask[1:], mask[1:]]), how, *key)
    alone = augment(torch.cat([noise, mask[1:]]), how, *key)
    sure = (masked[1] == 0) | (masked[1] > 1 - 1e-6)
    torch.testing.assert_close(masked[0][sure], (alone[0] * masked[1])[sure], rtol=0, atol=2e-5)


@every_way
@given(keys)
@settings(max_examples=5, deadline=None)
def test_every_pixel_comes_from_where_its_coordinates_say(how, key) -> None:
    """A smooth picture sampled at the origins is the warped picture: no half-pixel shift."""

    def picture(x, y):
        return 0.5 + 0.25 * np.sin(x / 9) + 0.25 * np.cos(y / 11)

    x, y = ramps()[:2].numpy()
    drawn = stacked(picture(x, y))
    came, inside = origins(how, key)
    found = augment(drawn, how, *key)[1].numpy()
    expected = picture(came[..., 0], came[..., 1])
    np.testing.assert_allclose(found[inside], expected[inside], atol=0.01)


# -- what people draw ------------------------------------------------------------------------


@every_way
@given(outlines(), keys)
@settings(max_examples=5, deadline=None)
def test_MK20_warping_the_vertices_and_rendering_is_warping_the_rendering(how, shape, key) -> None:
    outline = forwards(how, key)(shape)
    assume(not np.isnan(outline).any())
    followed = covered(outline)
    assume(followed.sum() > 60)
    agrees(followed, augment(stacked(covered(shape)), how, *key)[1].numpy())


@every_way
@given(*[st.integers(14, 28)] * 2, *[st.integers(10, 22)] * 2, keys)
@settings(max_examples=5, deadline=None)
def test_MK20_a_box_is_where_its_corners_went(how, left, top, wide, high, key) -> None:
    """Its sides lie between pixels, so that the box itself is drawn without rounding."""
    corners = [[left, top], [left + wide, top], [left + wide, top + high], [left, top + high]]
    outline = forwards(how, key)(dense(np.array(corners, float)))
    assume(not np.isnan(outline).any())
    box = cells(Box(left, top, left + wide, top + high), (SIDE, SIDE))
    agrees(covered(outline), augment(stacked(box), how, *key)[1].numpy())


@every_way
@given(st.floats(16, 48), st.floats(16, 48), keys)
@settings(max_examples=5, deadline=None)
def test_MK20_a_point_is_where_it_went_to_a_part_of_a_cell(how, x, y, key) -> None:
    turns = np.linspace(0, 2 * np.pi, 24)[:, None]
    rim = np.array([x, y]) + 5 * np.concatenate([np.cos(turns), np.sin(turns)], 1)
    *whole, place = forwards(how, key)(np.array([*rim, [x, y]]))
    assume(not np.isnan(whole).any())  # no edge of the picture cuts the disc
    disc = cells(Point(x, y, 4), (SIDE, SIDE))
    found = augment(stacked(disc), how, *key)[1].numpy()
    np.testing.assert_allclose(balance(found), place, atol=0.75)  # a tenth of a cell


@every_way
@given(st.floats(20, 44), st.floats(20, 44), keys)
@settings(max_examples=5, deadline=None)
def test_MK20_gaze_rendered_where_it_went_is_the_gaze_map_that_went(how, x, y, key) -> None:
    """A Gaussian about a fixation: its peak is at the fixation, before and after."""
    place = forwards(how, key)(np.array([[x, y]]))[0]
    assume(not np.isnan(place).any())
    assume((np.abs(place - SIDE / 2) < SIDE / 2 - 6).all())
    far = (ramps()[0] - x) ** 2 + (ramps()[1] - y) ** 2
    found = augment(stacked(torch.exp(-far / (2 * 6.0**2)).numpy()), how, *key)[1].numpy()
    row, col = np.unravel_index(found.argmax(), found.shape)
    # The peak is flat: its pixel may be off by the width over which it falls by the rounding.
    assert abs(col + 0.5 - place[0]) <= 1.5
    assert abs(row + 0.5 - place[1]) <= 1.5
    assert found.max() > 0.95


@every_way
@given(st.floats(0, np.pi), keys)
@settings(max_examples=5, deadline=None)
def test_MK20_a_stroke_of_one_pixel_survives_to_the_class_map(how, turn: float, key) -> None:
    """It keeps its mass where it is still in view, cell by cell along its line."""
    away = 18 * np.array([np.cos(turn), np.sin(turn)])
    line = 32 + np.linspace(-1, 1, 60)[:, None] * away
    went = forwards(how, key)(line)
    went = went[~np.isnan(went).any(1)]
    assume(len(went) >= 20)
    drawn = cells(Stroke(line, 1.0), (SIDE, SIDE))
    found = cells_of(augment(stacked(drawn), how, *key)[1])
    crossed = {(int(y // 8), int(x // 8)) for x, y in went}
    deep = went[((went % 8 >= 1) & (went % 8 <= 7)).all(1)]
    around = torch.nn.functional.max_pool2d(found[None], 3, 1, 1)[0]
    # Half of what one pixel would leave; within a pixel of a seam it may be in the cell beside.
    assert all(found[cell] > 0.008 for cell in mostly_in(deep, len(went) / 6))
    assert all(around[cell] > 0.008 for cell in mostly_in(went, len(went) / 6))
    near = torch.nn.functional.max_pool2d((found > 1e-3).float()[None], 1)[0]
    marked = {(int(row), int(col)) for row, col in near.nonzero()}
    beside = {(r + i, c + j) for r, c in crossed for i in (-1, 0, 1) for j in (-1, 0, 1)}
    if len(went) == len(line):
        assert marked <= beside


@given(st.floats(0, np.pi), st.floats(-8, 8))
@settings(max_examples=60, deadline=None)
def test_a_thin_stroke_keeps_its_mass_when_the_picture_is_halved(turn: float, off: float) -> None:
    """Bilinear samples two pixels apart would lose a stroke between them; ours do not."""
    across = np.array([-np.sin(turn), np.cos(turn)])
    line = 32 + off * across + np.linspace(-20, 20, 50)[:, None] * [np.cos(turn), np.sin(turn)]
    drawn = stacked(cells(Stroke(line, 1.0), (SIDE, SIDE)))
    halved = next(
        moved
        for key in range(1000)
        if (moved := augment(ones_and(drawn), Augmentation(scale=1), 0, 0, key))[0].sum() < 1100
    )
    area = float(halved[0].sum()) / SIDE**2
    assert float(halved[1].sum()) == pytest.approx(float(drawn[1].sum()) * area, rel=0.02)


def ones_and(drawn: Tensor) -> Tensor:
    return torch.cat([torch.ones(1, SIDE, SIDE), drawn[1:]])


# -- the file as it came ---------------------------------------------------------------------

TURNS = {  # EXIF orientation: how an upright picture is stored
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.T,
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].T,
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", TURNS)
@given(outlines(), keys)
@settings(max_examples=4, deadline=None)
def test_MK02_shapes_drawn_on_an_exif_turned_image_lie_on_what_people_saw(
    orientation: int, shape: np.ndarray, key
) -> None:
    """The stored pixels are turned; image, map and rendered shape agree all the same."""
    upright = cells(Polygon((shape,)), (SIDE, SIDE - 8)).astype(np.uint8) * 255
    stored = np.ascontiguousarray(TURNS[orientation](upright))
    image = decode(png(stored, orientation), Reading(), "image")
    read = read_map(png(upright), Reading(), image, "mask")
    assert read.map is not None
    np.testing.assert_array_equal(image.pixels[..., 0] > 0, read.map > 0)
    stack = torch.from_numpy(np.stack([image.pixels[..., 0] / np.float32(255), read.map]))
    moved = augment(square(stack, SIDE), WAYS["all"], *key)
    torch.testing.assert_close(moved[0], moved[1], rtol=0, atol=1e-6)


def png(pixels: np.ndarray, orientation: int = 1) -> bytes:
    import io

    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(64, 48), (50, 96), (224, 160), (31, 33)])
@given(st.floats(0.3, 0.7), st.floats(0.3, 0.7))
@settings(max_examples=10, deadline=None)
def test_resizing_to_the_network_and_to_the_class_map_shifts_nothing(size, x, y) -> None:
    """A disc's centre, in shares of the sides, stays within a tenth of a cell."""
    width, height = size
    disc = cells(Ellipse(x * width, y * height, width / 5, height / 5), size)
    small = square(stacked(disc), SIDE)[1]
    coarse = cells_of(small).numpy()
    expected = balance(disc) / size
    np.testing.assert_allclose(balance(small.numpy()) / SIDE, expected, atol=0.004)
    np.testing.assert_allclose(balance(coarse) / 8, expected, atol=0.0125)


# -- the warp itself -------------------------------------------------------------------------


@given(keys)
@settings(max_examples=40, deadline=None)
def test_the_strongest_elastic_warp_does_not_fold(key) -> None:
    how = Augmentation(elastic=0.06)
    assert how.elastic < BENT
    places = draw_warp(how, 50, 40, 0, np.random.default_rng(key)).sources(50, 40)
    down, across = np.diff(places, axis=0)[:, :-1], np.diff(places, axis=1)[:-1]
    assert (across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]).min() > 0


@every_way
def test_the_outside_is_zero_in_image_and_map(how) -> None:
    for key in range(20):
        moved = augment(torch.ones(2, SIDE, SIDE), how, 0, 0, key)
        assert torch.equal(moved[0], moved[1])
        assert moved.min() >= 0
        assert moved.max() <= 1 + 1e-5


def test_what_the_new_moves_draw_leaves_the_old_ones_as_they_were() -> None:
    """Runs that ask for no warp see the pictures that they saw before there were any."""
    stack = torch.rand(2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    how = Augmentation(crop=0.6, flip=0.5, rotate=20, brightness=0.2)
    moved = augment(stack, how, 1, 2, 3)
    assert float(moved.double().sum()) == pytest.approx(3798.7279, abs=1e-3)
