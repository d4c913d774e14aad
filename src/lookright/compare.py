"""How far one map is from another, image by image, and the mean over the images that count."""

import torch

from lookright.types import Flags, Maps, Scalar, Values


def over_cells(values: Maps, known: Maps | None = None) -> Values:
    """Average over the cells of each map, or over what is `known`: see `objective.known`."""
    return values.mean((1, 2)) if known is None else (values * known).mean((1, 2))


def squared(maps: Maps, targets: Maps, known: Maps | None = None) -> Values:
    """Average the squared difference over the cells of each map."""
    return over_cells((maps - targets).square(), known)


def outside(energy: Maps, evidence: Maps, known: Maps | None = None) -> Values:
    """Return the share of each map's energy that lies outside the evidence, in [0, 1].

    1 - sum E M / sum E, for energy E >= 0 and evidence M in [0, 1]. A map without energy has no
    share: it counts as 0 and has a zero gradient.
    """
    energy = energy if known is None else energy * known
    total = energy.sum((1, 2))
    spoken = total > torch.finfo(energy.dtype).tiny
    inside = (energy * evidence).sum((1, 2))
    return torch.where(spoken, 1 - inside / torch.where(spoken, total, 1), 0)


def average(values: Values, counted: Flags) -> Scalar:
    """Average over the counted images; zero, with its graph, when there are none."""
    kept = torch.where(counted, values, 0)
    return kept.sum() / counted.sum().clamp(min=1)
