"""Does the map tell the truth? What covering a map's places changes, one value per image.

A flat map puts nothing first, so everything that asks for an order is undefined for it: NaN.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

Maps = Float[np.ndarray, "images rows cols"]
Ranks = Int[np.ndarray, "images rows cols"]
Curves = Float[np.ndarray, "images points"]
Values = Float[np.ndarray, " images"]
Flags = Bool[np.ndarray, " images"]

FLAT = 1e-6  # as in cam.py: a range below this share of the magnitude is rounding


def curve_area(curves: Curves) -> Values:
    """Return the area under each curve over [0, 1] by the trapezoid rule: its mean height.

    The points are equally spaced, the first at 0 and the last at 1: what is left, or shown, of
    the image. Deletion: the lower, the better; insertion: the higher, the better (Petsiuk et al.,
    "RISE", BMVC 2018, section 4.1).

    >>> curve_area(np.array([[1.0, 0.5, 0.0], [1.0, 0.0, 0.0]])).tolist()
    [0.5, 0.25]
    """
    middles = (curves[:, 1:] + curves[:, :-1]) / 2
    return middles.mean(1)


def ranks(maps: Maps) -> Ranks:
    """Number the places of each map from the strongest, 0, to the weakest.

    Equal places come in one scattered order, the same for every image, so that a tie favours no
    corner.

    >>> ranks(np.array([[[0.1, 0.9], [0.5, -1.0]]])).tolist()
    [[[2, 0], [1, 3]]]
    """
    flat = maps.reshape(len(maps), -1)
    scattered = np.random.default_rng(0).permutation(flat.shape[1])
    order = scattered[np.argsort(-flat[:, scattered], axis=1, kind="stable")]
    numbers = np.broadcast_to(np.arange(flat.shape[1]), flat.shape)
    found = np.empty(flat.shape, dtype=np.int64)
    np.put_along_axis(found, order, numbers, axis=1)
    return found.reshape(maps.shape)


def drop(before: Values, after: Values) -> Values:
    """Return which share of a probability is lost: max(0, Y - O) / Y; a gain counts as 0.

    Y is the probability of the explained class for the image, O for what the map leaves of it.
    The mean is the average drop of Chattopadhay et al. ("Grad-CAM++", WACV 2018, section 5.1.1;
    there in percent). The lower, the better.

    >>> drop(np.array([0.8, 0.5]), np.array([0.2, 0.6])).tolist()
    [0.7500000000000001, 0.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, np.maximum(before - after, 0) / before, np.nan)


def increase(before: Values, after: Values) -> Values:
    """Return 1 where what the map leaves of the image is more convincing than all of it, else 0.

    Chattopadhay et al., "Grad-CAM++", WACV 2018, section 5.1.2. NaN where either is.

    >>> increase(np.array([0.8, 0.5, np.nan]), np.array([0.2, 0.6, 0.6])).tolist()
    [0.0, 1.0, nan]
    """
    return np.where(np.isnan(before) | np.isnan(after), np.nan, (after > before).astype(float))


def rank_correlation(first: Maps, second: Maps) -> Values:
    """Return Spearman's correlation of two maps over their places, in [-1, 1]; ties share ranks.

    Between the map of a trained network and that of the same network with random weights it
    should be near 0; an explainer that comes near 1 draws the image, not what was learnt (Adebayo
    et al., "Sanity Checks for Saliency Maps", NeurIPS 2018). NaN where either map is flat.

    >>> one = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> [float(rank_correlation(one, other).item()) for other in (one**3, -one, 0 * one)]
    [1.0, -1.0, nan]
    """
    places = [rankdata(each.reshape(len(each), -1), axis=1) for each in (first, second)]
    left, right = (each - each.mean(1, keepdims=True) for each in places)
    spread = np.sqrt((left**2).sum(1) * (right**2).sum(1))
    both = speaks(first) & speaks(second)
    found = (left * right).sum(1) / np.where(spread > 0, spread, 1)
    return np.where(both, np.round(found, 12), np.nan)


def speaks(maps: Maps) -> Flags:
    """Flag the maps that put some places before others: finite, and not flat but for rounding."""
    low, high = maps.min((1, 2)), maps.max((1, 2))
    return np.isfinite(low + high) & (high - low > FLAT * np.maximum(abs(high), abs(low)))
