"""Does the map tell the truth? Several explainers of one run, held against what it does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor

from lookright import stats
from lookright.data.chosen import choose
from lookright.data.loader import Examples, examples, load
from lookright.data.source import Source
from lookright.erasure import answers, deletion, insertion, revealed
from lookright.errors import DataError, Problem
from lookright.evaluate import Trained, load_classifier, sources
from lookright.explainer import Explainer, untouched
from lookright.explainers import build_all
from lookright.files import write_atomically
from lookright.inference import on_device
from lookright.metrics import agreement
from lookright.metrics import faithfulness as measures
from lookright.model import Classifier
from lookright.objective import human, known
from lookright.randomised import Part, randomised
from lookright.types import Batch, Maps

DEFAULT = ("cam", "difference", "gradient", "occlusion", "random")
REFERENCE = "cam"  # what gaps are to: the map that most objectives guide
MEASURES = (
    "deletion",
    "insertion",
    "drop",
    "increase",
    "framing_sensitivity",
    "energy_pointing",
    "randomised_head",
    "randomised_all",
)
COLUMNS = {
    "split": pl.String,
    "explainer": pl.String,
    "measure": pl.String,
    "value": pl.Float64,  # mean over images
    "count": pl.Int64,  # images that entered
    "undefined": pl.Int64,  # images whose value is NaN
    "gap": pl.Float64,  # to `cam`: mean difference over the images where both are defined
    "gap_low": pl.Float64,  # 95 % interval over images
    "gap_high": pl.Float64,
    "gap_count": pl.Int64,
}
PARTS: tuple[Part, ...] = ("head", "all")

Columns = dict[str, np.ndarray]
Strangers = dict[Part, list[Classifier]]  # the same network with weights that know nothing


def faithfulness(
    folder: Path,
    explainers: Sequence[str] | Mapping[str, Explainer] = DEFAULT,
    splits: Sequence[str] | None = None,
    most: int = 256,
    steps: int = 20,
    draws: int = 3,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> pl.DataFrame:
    """Measure explainers of a trained run on splits, by default those that `evaluate` measures.

    At most `most` images of a split are used, always the same ones. Maps are of the predicted
    class. `steps` are those of the deletion and insertion curves, `draws` the random networks of
    each kind that maps are compared with. `cam` is always among the explainers.

    Writes `faithfulness.parquet` (one row per image and explainer) and `faithfulness.csv` (their
    averages, with the gap to `cam`), replacing what was there. Returns the second. `tell` hears
    how many images are done, and of how many.
    """
    artists = _artists(explainers)
    trained = load_classifier(Path(folder))
    wanted = sources(trained.run, splits)
    parts = [_read(trained, choose(source, split, most), split) for split, source in wanted.items()]
    look = _Look(trained, artists, steps, draws, tell, sum(map(len, parts)))
    table = pl.concat([part for images in parts for part in look.at(images)])
    summary = summarise(table)
    buffer = BytesIO()
    table.write_parquet(buffer)
    write_atomically(Path(folder) / "faithfulness.parquet", buffer.getvalue())
    write_atomically(Path(folder) / "faithfulness.csv", summary.write_csv())
    return summary


def summarise(table: pl.DataFrame) -> pl.DataFrame:
    """Average the rows of images over each split, explainer and measure, beside the gap to `cam`.

    The gap is paired: both explainers on the same images. A method that guides one explainer and
    leaves the decision where it was shows a gap in framing sensitivity that others do not share.
    """
    rows = [
        (split, explainer, measure, *_averaged(values, paired[REFERENCE][measure]))
        for (split,), part in table.group_by("split", maintain_order=True)
        for paired in [_by_explainer(part)]
        for explainer, columns in paired.items()
        for measure, values in columns.items()
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _by_explainer(part: pl.DataFrame) -> dict[str, Columns]:
    groups = part.group_by("explainer", maintain_order=True)
    return {
        str(name): {measure: rows[measure].to_numpy() for measure in MEASURES}
        for (name,), rows in groups
    }


def _averaged(values: np.ndarray, reference: np.ndarray) -> tuple[float | int, ...]:
    defined = values[~np.isnan(values)]
    gaps = values - reference
    gaps = gaps[~np.isnan(gaps)]
    low, high = stats.interval(gaps.tolist())
    counts = len(defined), len(values) - len(defined)
    return _mean(defined), *counts, _mean(gaps), low, high, len(gaps)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _artists(given: Sequence[str] | Mapping[str, Explainer]) -> dict[str, Explainer]:
    if not isinstance(given, Mapping):
        return build_all(list(dict.fromkeys([REFERENCE, *given])))
    return build_all([REFERENCE]) | dict(given)


def _read(trained: Trained, source: Source, split: str) -> Examples:
    # In the colours of training: which images are probed for colour depends on the choice.
    data = trained.run.data.model_copy(update={"colours": trained.facts.colours})
    images = examples(source, [split], data)
    if not len(images):
        raise DataError(Problem("SPLIT-EMPTY", f"No image of the split {split!r} can be read."))
    return images


@dataclass
class _Look:
    """How images are looked at, and how many have been."""

    trained: Trained
    artists: dict[str, Explainer]
    steps: int
    draws: int
    tell: Callable[[int, int], None]
    total: int
    done: int = field(default=0, init=False)

    def at(self, images: Examples) -> Iterator[pl.DataFrame]:
        """Measure batch by batch: a table of one row per image and explainer each."""
        size = self.trained.run.evaluation.batch
        cuts = [list(range(len(images)))[at : at + size] for at in range(0, len(images), size)]
        names = images.source.rows[images.rows].select("id", "split")
        strangers: Strangers | None = None
        for cut, batch in zip(cuts, load(images, cuts), strict=True):
            here = on_device(batch, self.trained.device)
            strangers = strangers or self._strangers(here)
            columns = self._measured(here, strangers)
            for name, found in columns.items():
                yield names[cut].with_columns(explainer=pl.lit(name), **_series(found))
            self.done += len(cut)
            self.tell(self.done, self.total)

    def _strangers(self, batch: Batch) -> Strangers:
        model = self.trained.model
        draws = range(self.draws)
        return {
            part: [randomised(model, part, seed, batch.images) for seed in draws] for part in PARTS
        }

    def _measured(self, batch: Batch, strangers: Strangers) -> dict[str, Columns]:
        """Measure the maps of every explainer for the classes that the model predicts."""
        model, images = self.trained.model, batch.images
        with untouched(model), torch.no_grad():
            classes = model(images).logits.argmax(1)
        found: dict[str, Columns] = {}
        for name, artist in self.artists.items():
            maps = artist(model, images, classes)
            found[name] = self._erased(batch, classes, maps)
            found[name] |= _agreement(batch, maps, artist)
            found[name] |= _sanity(artist, strangers, batch, classes, maps)
        return found

    def _erased(self, batch: Batch, classes: Tensor, maps: Maps) -> Columns:
        asked = self.trained.model, batch.images, classes
        before, after = answers(*asked), revealed(*asked, maps)
        return {
            "deletion": measures.curve_area(deletion(*asked, maps, self.steps)),
            "insertion": measures.curve_area(insertion(*asked, maps, self.steps)),
            "drop": measures.drop(before, after),
            "increase": measures.increase(before, after),
        }


def _agreement(batch: Batch, maps: Maps, artist: Explainer) -> Columns:
    """Hold maps against human evidence on their own grid, whatever their scale."""
    evidence = torch.where(batch.annotated[:, None, None], human(batch, maps), torch.nan)
    peak = maps.abs().amax((1, 2), keepdim=True)
    drawn, asked = (maps / torch.where(peak > 0, peak, 1)).cpu().numpy(), evidence.cpu().numpy()
    weights = known(batch, maps)
    weights = None if weights is None else weights.cpu().numpy()
    framing = agreement.framing_sensitivity(drawn, asked, artist.energy, weights)
    return {"framing_sensitivity": framing, "energy_pointing": 1 - framing}


def _sanity(
    artist: Explainer, strangers: Strangers, batch: Batch, classes: Tensor, maps: Maps
) -> Columns:
    """Correlate maps with those of networks that know nothing; the mean over the draws."""
    drawn = maps.cpu().numpy()
    found: Columns = {}
    for part, models in strangers.items():
        others = [artist(each, batch.images, classes).cpu().numpy() for each in models]
        table = np.array([measures.rank_correlation(drawn, other) for other in others])
        counted = (~np.isnan(table)).sum(0)
        total = np.nansum(table, axis=0)
        found[f"randomised_{part}"] = np.where(counted > 0, total / np.maximum(counted, 1), np.nan)
    return found


def _series(columns: Columns) -> dict[str, pl.Series]:
    return {name: pl.Series(name, columns[name], dtype=pl.Float64) for name in MEASURES}
