"""Run a classifier over prepared images: what it says of each, and where it looked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from lookright.data.loader import Examples, load
from lookright.interventions import Donors, Scene
from lookright.objective import human, known
from lookright.types import Batch, ImageMaps, Images

View = Callable[[Scene], Images]  # another look at the same images: turned, cut, changed, ...


@dataclass(frozen=True)
class Looks:
    """What was seen of some images, one row per image."""

    labels: Int[np.ndarray, " images"]
    logits: Float[np.ndarray, "images classes"]
    cams: Float[np.ndarray, "images classes rows cols"]
    evidence: Float[np.ndarray, "images rows cols"]  # on the grid of cams; NaN: nobody was asked
    known: Float[np.ndarray, "images rows cols"]  # weighs cells by how much of each is known
    maps: Float[np.ndarray, "images height width"]  # on the grid of images; NaN: nobody knows
    views: Float[np.ndarray, "images views classes"]  # logits of the other views

    @property
    def probabilities(self) -> Float[np.ndarray, "images classes"]:
        """Softmax of the logits."""
        return softmax(self.logits)

    @property
    def predicted(self) -> Int[np.ndarray, " images"]:
        """The class of the largest logit."""
        return self.logits.argmax(1)


def look(
    model: nn.Module,
    images: Examples,
    batch: int,
    device: torch.device,
    views: Sequence[View] = (),
    workers: int = 0,
    donors: Donors | None = None,
) -> Looks:
    """Look at every image once in each view, unaugmented, in float32 and eval mode.

    Without donors, the donor of an image is the image itself.
    """
    cuts = [list(range(at, min(at + batch, len(images)))) for at in range(0, len(images), batch)]
    with watching(model):
        loaded = load(images, cuts, workers=workers)
        batches = (on_device(each, device) for each in loaded)
        seen = [
            _rows(model, each, views, donors.of(cut) if donors else each.images)
            for cut, each in zip(cuts, batches, strict=True)
        ]
    return Looks(*(np.concatenate(column) for column in zip(*seen, strict=True)))


def softmax(logits: Float[np.ndarray, "*batch classes"]) -> Float[np.ndarray, "*batch classes"]:
    """Turn logits into probabilities in float64, so that close scores keep their order."""
    wide = logits.astype(np.float64)
    raised = np.exp(wide - wide.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


@contextmanager
def watching(model: nn.Module) -> Iterator[None]:
    """Switch to eval mode without gradients, and back to whatever mode each module was in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def on_device(
    batch: Batch, device: torch.device, layout: torch.memory_format = torch.channels_last
) -> Batch:
    """Move a batch to a device without waiting for it."""
    return Batch(
        images=batch.images.to(device, non_blocking=True, memory_format=layout),
        labels=batch.labels.to(device, non_blocking=True),
        maps=batch.maps.to(device, non_blocking=True),
        annotated=batch.annotated.to(device, non_blocking=True),
        weights=batch.weights.to(device, non_blocking=True),
        unknown=None if batch.unknown is None else batch.unknown.to(device, non_blocking=True),
    )


def _rows(
    model: nn.Module, batch: Batch, views: Sequence[View], donors: Images
) -> tuple[np.ndarray, ...]:
    seen = model(batch.images)
    scene = Scene(batch.images, batch.maps, batch.annotated, donors)
    others = [model(view(scene)).logits for view in views]
    stacked = torch.stack(others, 1) if others else seen.logits[:, None][:, :0]
    evidence, weights = _asked(human(batch, seen.cams), batch), known(batch, seen.cams)
    weights = torch.ones_like(evidence) if weights is None else weights
    found = (batch.labels, seen.logits, seen.cams, evidence, weights, _pixels(batch), stacked)
    return tuple(each.cpu().numpy() for each in found)


def _pixels(batch: Batch) -> ImageMaps:
    """Return human maps on the grid of images; pixels that are mostly unknown are NaN."""
    if batch.unknown is None:
        return _asked(batch.maps, batch)
    share = 1 - batch.unknown
    return _asked(torch.where(share > 0.5, batch.maps / share.clamp(min=0.5), torch.nan), batch)


def _asked(maps: Tensor, batch: Batch) -> Tensor:
    return torch.where(batch.annotated[:, None, None], maps, torch.nan)
