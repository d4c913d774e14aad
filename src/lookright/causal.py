"""Does the map tell the truth? What changed images say, beside what the class maps show."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl
import torch

from lookright.data.loader import Examples, load
from lookright.inference import Looks, View, softmax
from lookright.interventions import INTERVENTIONS, Donors, Scene, area, change
from lookright.metrics import causal as measures
from lookright.types import Images

KEPT = 32  # backgrounds of a split that others may get
LEAST = 0.5  # pixels of each side without which a map has no inside or no outside
PART = 64  # images whose touched areas are computed at a time

Answers = dict[str, np.ndarray]  # logits of the changed images, by intervention; NaN: undefined


def intervene(names: Sequence[str], annotated: bool) -> dict[str, View]:
    """Name a view for each intervention; without human maps, for those that need none."""
    return {
        name: partial(_changed, name=name)
        for name in names
        if annotated or not INTERVENTIONS[name].needs_map
    }


def find_donors(images: Examples, device: torch.device) -> Donors:
    """Keep a few backgrounds of a split and choose one for each image, by the hashes of their ids.

    The donor is of another class if there is one, and never the image itself. Its own evidence is
    filled with the mean of its outside; images with maps are preferred, as without one a donor
    brings its own foreground along.
    """
    hashes = np.array([_hash(name) for name in images.ids], dtype=np.uint64)
    labels = images.labels.numpy()
    kept = _kept(images, hashes, labels)
    batch = next(load(images, [kept.tolist()]))
    # What nobody knows may be evidence, and would come along.
    taken = batch.maps if batch.unknown is None else torch.maximum(batch.maps, batch.unknown)
    backgrounds = change("background_only", batch.images, taken, batch.images)
    has_one = ((1 - taken).sum((1, 2)) >= LEAST).numpy()
    chosen = _choose(hashes, labels, kept[has_one])
    return Donors(backgrounds[has_one].to(device), torch.from_numpy(chosen).to(device))


def answers(
    seen: Looks, views: Mapping[str, np.ndarray], names: Sequence[str], donors: Donors
) -> Answers:
    """Keep the logits of the changed images where the change is one; elsewhere they are NaN.

    A change that needs a human map needs an inside and an outside: half a pixel of each.
    """
    pixels = seen.maps[0].size
    inside = seen.maps.sum((1, 2), dtype=np.float64)
    two_sided = (inside >= LEAST) & (pixels - inside >= LEAST)
    given = donors.chosen.cpu().numpy() >= 0
    found: Answers = {}
    for name in names:
        logits = views.get(name, np.full_like(seen.logits, np.nan)).astype(np.float64)
        there = two_sided | (not INTERVENTIONS[name].needs_map)
        there = there & given if name == "background_swap" else there
        found[name] = np.where(there[:, None], logits, np.nan)
    return found


def causal(
    seen: Looks, changed: Answers, framing: np.ndarray, framing_decision: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the columns that the changed images give: drop, changed, area, and the gaps.

    `framing` and `framing_decision` are what the class maps say of the outside. A gap below zero:
    the map points inside, the decision is outside; above zero: the other way round.
    """
    columns: dict[str, np.ndarray] = {}
    for name, after in changed.items():
        columns[f"drop_{name}"] = measures.drop(seen.logits, after)
        columns[f"changed_{name}"] = measures.changed(seen.logits, after)
        there = ~np.isnan(after).any(1)
        columns[f"area_{name}"] = np.where(there, _areas(name, seen.maps), np.nan)
    if {"occlude_inside", "occlude_outside"} <= changed.keys():
        sides = changed["occlude_inside"], changed["occlude_outside"]
        outside = measures.outside_share(seen.logits, *sides)
        columns["causal_outside"] = outside
        columns["gap"] = framing - outside
        columns["gap_decision"] = framing_decision - outside
    return columns


def table(images: pl.DataFrame, changed: Answers, classes: Sequence[str]) -> pl.DataFrame:
    """List the probabilities of every changed image; `images` has their id and split."""
    images = images.select("id", "split")
    nothing = _part(images[:0], "", np.zeros((0, len(classes))), classes)
    return pl.concat(
        [nothing, *(_part(images, name, after, classes) for name, after in changed.items())]
    )


def _part(
    images: pl.DataFrame, name: str, after: np.ndarray, classes: Sequence[str]
) -> pl.DataFrame:
    chances = softmax(after)
    columns = {f"p_{each}": chances[:, k] for k, each in enumerate(classes)}
    part = images.with_columns(pl.lit(name).alias("intervention")).hstack(pl.DataFrame(columns))
    return part.filter(pl.Series(np.asarray(~np.isnan(after).any(1))))


def _changed(scene: Scene, name: str) -> Images:
    return change(name, scene.images, scene.maps, scene.donors)


def _areas(name: str, maps: np.ndarray) -> np.ndarray:
    parts = (np.nan_to_num(maps[at : at + PART]) for at in range(0, len(maps), PART))
    areas = [area(name, torch.from_numpy(part)).double().numpy() for part in parts]
    return np.concatenate(areas)


def _kept(images: Examples, hashes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Choose the donors: the same number of each class, annotated ones if the class has any."""
    asked = images.source.rows["annotated"].gather(images.rows).to_numpy()
    classes = np.unique(labels)
    kept: list[int] = []
    for each in classes:
        own = np.flatnonzero(labels == each)
        own = own[asked[own]] if asked[own].any() else own
        kept += own[np.argsort(hashes[own], kind="stable")][: -(-KEPT // len(classes))].tolist()
    return np.array(kept, dtype=int)


def _choose(hashes: np.ndarray, labels: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return for each image the index of its donor among those kept, or -1."""
    chosen = np.full(len(labels), -1)
    for each in np.unique(labels):
        own = np.flatnonzero(labels == each)
        others = np.flatnonzero(labels[kept] != each)
        if len(others):
            chosen[own] = others[hashes[own] % len(others)]
        elif len(kept) > 1:
            first = (hashes[own] % len(kept)).astype(int)
            chosen[own] = np.where(kept[first] == own, (first + 1) % len(kept), first)
        elif len(kept):
            chosen[own] = np.where(kept[0] == own, -1, 0)
    return chosen


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
