"""What if the image were another? Seven changes that ask the decision where it looks, not a map.

Each replaces a share t of every pixel: changed = image (1 - t) + fill t. What is touched follows
from the human map and the size alone, so it is known without the image; the fill comes from what
stays, because a plain blur of a bright frame is a bright frame. Nothing is random, and no image
sees another one but its donor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from lookright.types import Flags, ImageMaps, Images, Values

BLUR = 1 / 8  # the Gaussian's standard deviation, in sides
BORDER = 0.06  # the painted frame's width, in shorter sides
GREY = 0.5  # what the frame is painted with: no border that occurs is mid grey on both classes
CELL = 1 / 50  # a cell of the letter, in shorter sides
_LETTER = ("110", "101", "110", "101", "101")  # R, as radiographers put it beside a patient

Colours = Float[Tensor, "batch #colours #height #width"]  # of every pixel, or one for all
Fill = Callable[[Images, ImageMaps, Images], Colours]  # from images, maps and donors
Corners = Float[Tensor, "corners height width"]


@dataclass(frozen=True)
class Scene:
    """A batch as a view sees it: what it may change, and by what."""

    images: Images  # in [0, 1]
    maps: ImageMaps  # human saliency in [0, 1]; zero where nobody was asked
    annotated: Flags
    donors: Images  # for each image another one's background


@dataclass(frozen=True)
class Donors:
    """Backgrounds of a few images of a split, and which of them each image gets."""

    backgrounds: Images  # without their own evidence
    chosen: Int[Tensor, " images"]  # which one, by position in the split; -1: there is none

    def of(self, positions: Sequence[int]) -> Images:
        """Return a background for each position; where there is none, any."""
        if not len(self.backgrounds):
            shape = (len(positions), *self.backgrounds.shape[1:])
            return self.backgrounds.new_zeros(shape)
        return self.backgrounds[self.chosen[list(positions)].clamp(min=0)]


@dataclass(frozen=True)
class Intervention:
    """What is touched, what takes its place, and whether that needs a human map."""

    touched: Callable[[ImageMaps], ImageMaps]  # the share t of every pixel, in [0, 1]
    fill: Fill
    needs_map: bool = True


def change(name: str, images: Images, maps: ImageMaps, donors: Images) -> Images:
    """Return the changed images, in [0, 1]; maps are soft masks in [0, 1].

    >>> images, maps = torch.rand(2, 1, 16, 16), torch.zeros(2, 16, 16)
    >>> changed = change("border_paint", images, maps, images)
    >>> float(changed[0, 0, 0, 0]), torch.equal(changed[..., 1:-1, 1:-1], images[..., 1:-1, 1:-1])
    (0.5, True)
    """
    intervention = INTERVENTIONS[name]
    share = intervention.touched(maps)[:, None]
    return images * (1 - share) + intervention.fill(images, maps, donors) * share


def area(name: str, maps: ImageMaps) -> Values:
    """Return the share of each image that the intervention touches, in [0, 1]."""
    return INTERVENTIONS[name].touched(maps).mean((1, 2))


# -- what is touched -------------------------------------------------------------------------


def inside(maps: ImageMaps) -> ImageMaps:
    """Touch the evidence."""
    return maps


def outside(maps: ImageMaps) -> ImageMaps:
    """Touch everything but the evidence."""
    return 1 - maps


def border(maps: ImageMaps) -> ImageMaps:
    """Touch a frame of 6 % of the shorter side, one pixel at least."""
    width = max(1, round(BORDER * min(maps.shape[1:])))
    touched = torch.ones_like(maps)
    touched[:, width:-width, width:-width] = 0
    return touched


def letter(maps: ImageMaps) -> ImageMaps:
    """Touch the strokes of a letter in the corner with the least evidence; ties: the first."""
    strokes, places = _corners(maps)
    return strokes[_freest(maps, places)]


# -- what takes its place --------------------------------------------------------------------


def from_outside(images: Images, maps: ImageMaps, donors: Images) -> Colours:
    """Let the surroundings flow into the evidence."""
    return spread(images, 1 - maps)


def from_inside(images: Images, maps: ImageMaps, donors: Images) -> Colours:
    """Let the evidence flow out into its surroundings."""
    return spread(images, maps)


def mean_inside(images: Images, maps: ImageMaps, donors: Images) -> Colours:
    """Take the mean colour of the evidence."""
    return mean(images, maps)


def mean_outside(images: Images, maps: ImageMaps, donors: Images) -> Colours:
    """Take the mean colour of everything but the evidence."""
    return mean(images, 1 - maps)


def grey(images: Images, maps: ImageMaps, donors: Images) -> Colours:
    """Take middle grey."""
    return torch.full_like(images[:, :, :1, :1], GREY)


def against(images: Images, maps: ImageMaps, donors: Images) -> Colours:
    """Take white where the letter's place is dark, else black."""
    _, places = _corners(maps)
    around = mean(images, places[_freest(maps, places)]).mean(1, keepdim=True)
    return (around < 0.5).to(images.dtype)


def donor(images: Images, maps: ImageMaps, donors: Images) -> Colours:
    """Take the background of another image."""
    return donors


INTERVENTIONS = {
    "occlude_inside": Intervention(inside, from_outside),
    "occlude_outside": Intervention(outside, from_inside),
    "foreground_only": Intervention(outside, mean_inside),
    "background_only": Intervention(inside, mean_outside),
    "border_paint": Intervention(border, grey, needs_map=False),
    "text_marker": Intervention(letter, against, needs_map=False),
    "background_swap": Intervention(outside, donor),
}


# -- arithmetic ------------------------------------------------------------------------------


def mean(images: Images, weights: ImageMaps) -> Colours:
    """Average the colours of each image over its weights, in one pixel; no weight: black."""
    weights = weights[:, None]
    total = weights.sum((2, 3), keepdim=True)
    return (images * weights).sum((2, 3), keepdim=True) / torch.where(total > 0, total, 1)


def spread(images: Images, weights: ImageMaps) -> Images:
    """Blur what has weight over what has none: G(image w) / G(w), a normalised convolution.

    G is a Gaussian with a standard deviation of an eighth of each side. Every pixel becomes an
    average of weighted pixels, the near ones above all, however far they are (Knutsson and
    Westin, CVPR 1993).
    """
    # Dense matrices: exact out to the far corner, and faster than kernels as wide as the image.
    rows, cols = (_gaussian(side, images) for side in images.shape[2:])
    weights = weights[:, None]
    total = rows @ weights @ cols
    return (rows @ (images * weights) @ cols) / torch.where(total > 0, total, 1)


def _gaussian(side: int, like: Tensor) -> Float[Tensor, "side side"]:
    places = torch.arange(side, device=like.device, dtype=like.dtype) / (BLUR * side)
    return torch.exp(-((places[:, None] - places) ** 2) / 2)


def _freest(maps: ImageMaps, places: Corners) -> Int[Tensor, " batch"]:
    return torch.einsum("bhw,khw->bk", maps, places).argmin(1)


def _corners(maps: ImageMaps) -> tuple[Corners, Corners]:
    """Return the letter's strokes and its place in each corner: from the top left, row by row."""
    height, width = maps.shape[1:]
    cell = max(1, round(CELL * min(height, width)))
    dots = torch.tensor([[float(dot) for dot in line] for line in _LETTER]).to(maps)
    strokes = functional.pad(dots.kron(torch.ones(cell, cell).to(maps)), [cell] * 4)
    down, right = height - strokes.shape[0], width - strokes.shape[1]
    margins = [(x, right - x, y, down - y) for y in (0, down) for x in (0, right)]
    placed = [[functional.pad(each, margin) for margin in margins] for each in _both(strokes)]
    return torch.stack(placed[0]), torch.stack(placed[1])


def _both(strokes: Tensor) -> tuple[Tensor, Tensor]:
    return strokes, torch.ones_like(strokes)
