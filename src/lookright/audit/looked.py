"""What an audit measures of one model: a table with a row per image, and its averages."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import torch

from lookright.agreed import class_maps
from lookright.cam import contrast
from lookright.causal import answers, causal, find_donors, intervene
from lookright.data.loader import Examples
from lookright.inference import Looks, look
from lookright.metrics import agreement, classification
from lookright.model import Classifier
from lookright.objectives.fooling import ring
from lookright.stats import interval
from lookright.stats.delong import areas
from lookright.stats.delong import interval as auroc_interval

INTERVENTIONS = ("occlude_inside", "occlude_outside")

Row = tuple[str, float, float, float]  # measure, value, low, high


def looked(
    model: Classifier, images: Examples, batch: int, device: torch.device, classes: Sequence[str]
) -> pl.DataFrame:
    """Look at a split with and without its evidence; one row per image."""
    views, donors = intervene(INTERVENTIONS, annotated=True), find_donors(images, device)
    seen = look(model, images, batch, device, list(views.values()), 0, donors)
    changed = {name: seen.views[:, k] for k, name in enumerate(views)}
    framing = _framing(seen)
    causes = causal(seen, answers(seen, changed, INTERVENTIONS, donors), *framing.values())
    kept = {name: causes[name] for name in ("causal_outside", "gap", "gap_decision")}
    chances = {f"p_{name}": seen.probabilities[:, k] for k, name in enumerate(classes)}
    columns = {"label": seen.labels, "predicted": seen.predicted, **chances}
    return pl.DataFrame(columns | framing | kept | _energies(seen))


def summarise(table: pl.DataFrame, before: pl.DataFrame) -> Iterator[Row]:
    """Average a model's table over its images; answers are held against those of `before`.

    Intervals are over images: DeLong for the AUROC of two classes, Student's t for means.
    """
    chances = _chances(table)
    yield _auroc(table["label"].to_numpy(), chances)
    yield _mean("accuracy", (table["predicted"] == table["label"]).cast(pl.Float64).to_numpy())
    changed = (table["predicted"] != before["predicted"]).cast(pl.Float64)
    yield _mean("changed_answers", changed.to_numpy())
    yield _mean("moved_probability", np.abs(chances - _chances(before)).max(1))
    names = [name for name in table.columns if name not in ("label", "predicted")]
    for name in names:
        if not name.startswith("p_"):
            yield _mean(name, table[name].to_numpy())


def _framing(seen: Looks) -> dict[str, np.ndarray]:
    guess = torch.from_numpy(seen.predicted)
    chosen = seen.cams[np.arange(len(seen.cams)), seen.predicted]
    deciding = contrast(torch.from_numpy(seen.cams), torch.from_numpy(seen.logits), guess).numpy()
    return {
        "framing_sensitivity": agreement.framing_sensitivity(
            chosen, seen.evidence, weights=seen.known
        ),
        "framing_decision": agreement.framing_sensitivity(
            deciding, seen.evidence, "abs", seen.known
        ),
    }


def _energies(seen: Looks) -> dict[str, np.ndarray]:
    """Return the share of energy in the evidence and on the edge ring, map by map, and chance."""
    maps = class_maps(seen)
    edge = ring(torch.ones(maps["true"].shape)).numpy()
    columns: dict[str, np.ndarray] = {}
    energies: dict[str, tuple[str, agreement.Energy]] = {
        "true": ("true", "relu"),
        "false": ("false", "relu"),
        "difference": ("difference", "abs"),
        "difference_rescaled": ("difference", "rescaled"),
    }
    for place, region, known in (("inside", seen.evidence, seen.known), ("ring", edge, None)):
        for name, (shown, kind) in energies.items():
            share = agreement.energy_pointing(maps[shown], region, kind, known)
            columns[f"energy_{place}_{name}"] = share
        everywhere = np.ones_like(edge) if known is None else known
        columns[f"energy_{place}_chance"] = agreement.energy_pointing(everywhere, region)
    return columns


def _auroc(labels: np.ndarray, chances: np.ndarray) -> Row:
    value = classification.auroc(labels, chances)
    if chances.shape[1] != 2 or np.isnan(value):
        return "auroc", value, np.nan, np.nan
    found = auroc_interval(areas(labels == 1, chances[:, 1][None]), 0)
    return "auroc", value, found.low, found.high


def _mean(name: str, values: np.ndarray) -> Row:
    defined = values[~np.isnan(values)]
    value = float(defined.mean()) if len(defined) else np.nan
    return name, value, *interval(defined.tolist())


def _chances(table: pl.DataFrame) -> np.ndarray:
    return table.select(name for name in table.columns if name.startswith("p_")).to_numpy()
