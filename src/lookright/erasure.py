"""Erase what a map points to, or show nothing else, and watch the probability of the class."""

from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lookright.cam import enlarge, rescale
from lookright.covering import Covers, blank, cover
from lookright.explainer import untouched
from lookright.metrics import faithfulness as measures
from lookright.model import Classifier
from lookright.types import Images, Labels, Maps

Values = Float[np.ndarray, " images"]
Curves = Float[np.ndarray, "images points"]


def deletion(
    model: Classifier, images: Images, classes: Labels, maps: Maps, steps: int = 20
) -> Curves:
    """Return p of the class while pixels turn to the mean colour, the strongest of the map first.

    One column per step, from the whole image to none of it (Petsiuk et al., BMVC 2018, 4.1). Maps
    are enlarged to the image grid, bilinear. NaN for a flat map.
    """
    return _curves(model, images, classes, maps, steps, is_shown=False)


def insertion(
    model: Classifier, images: Images, classes: Labels, maps: Maps, steps: int = 20
) -> Curves:
    """Return p of the class while pixels of a blurred image turn sharp, the strongest first."""
    return _curves(model, images, classes, maps, steps, is_shown=True)


def revealed(model: Classifier, images: Images, classes: Labels, maps: Maps) -> Values:
    """Return p of the class for the image times its map: E = L * x on black, L in [0, 1].

    L is the positive part of the map, stretched, on the image grid (Chattopadhay et al., WACV
    2018, section 5.1). NaN for a map without a positive part, and for a flat one.
    """
    positive = maps.relu()
    stays = rescale(enlarge(rescale(positive), _size(images)))
    fill = blank(images, "black")
    found = _chances(model, images, classes, lambda image, _: stays[image], 1, fill)
    return np.where(measures.speaks(positive.cpu().numpy()), found[:, 0], np.nan)


def answers(model: Classifier, images: Images, classes: Labels) -> Values:
    """Return p of the class for the images as they are."""
    whole = torch.ones_like(images[:, 0])
    return _chances(model, images, classes, lambda image, _: whole[image], 1, images)[:, 0]


def _curves(
    model: Classifier, images: Images, classes: Labels, maps: Maps, steps: int, is_shown: bool
) -> Curves:
    large = enlarge(maps, _size(images))
    places = torch.from_numpy(measures.ranks(large.cpu().numpy())).to(images.device)
    # How many pixels have been changed after each step.
    cuts = torch.linspace(0, places[0].numel(), steps + 1, device=images.device).round()
    covers = partial(_stays, places, cuts, is_shown)
    fill = blank(images, "blurred" if is_shown else "mean")
    found = _chances(model, images, classes, covers, steps + 1, fill)
    speaks = measures.speaks(maps.cpu().numpy())
    return np.where(speaks[:, None], found, np.nan)


def _stays(places: Tensor, cuts: Tensor, is_shown: bool, image: Tensor, step: Tensor) -> Tensor:
    changed = places[image] < cuts[step, None, None]
    return changed if is_shown else ~changed


def _chances(
    model: Classifier, images: Images, classes: Labels, covers: Covers, count: int, fill: Images
) -> Curves:
    """Look under covers; in float64, where close to certain is not yet certain."""
    with untouched(model):
        margins = cover(model, images, classes, covers, count, fill)
    return 1 / (1 + np.exp(-margins.cpu().numpy().astype(np.float64)))


def _size(images: Images) -> tuple[int, int]:
    return images.shape[2], images.shape[3]
