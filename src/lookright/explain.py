"""Where does it look: one picture per image of a trained run, or of any image file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

import numpy as np
import torch

from lookright.cam import contrast, pick, rival
from lookright.data import open_source
from lookright.data.images.decode import read_image
from lookright.data.loader import canvas
from lookright.data.reading import Reading
from lookright.data.sample import Sample
from lookright.data.source import Source
from lookright.errors import DataError, LookrightError, Problem
from lookright.evaluate import Trained, load_classifier
from lookright.explainer import Explainer
from lookright.explainers import build_all
from lookright.files import write_atomically
from lookright.inference import softmax, watching
from lookright.pictures import Grid, Scale, panel, png


@dataclass(frozen=True)
class Subject:
    """An image to explain; its label is None for a file that belongs to no data set."""

    name: str
    label: str | None
    sample: Sample


@dataclass(frozen=True)
class Explanation:
    """What the model says of a subject, and the maps that go with it."""

    probabilities: dict[str, float]
    maps: dict[str, tuple[Grid, Scale]]  # by what each is


def explain(
    folder: Path, images: Sequence[Path | str], out: Path, explainers: Sequence[str] = ()
) -> list[Path]:
    """Draw a panel for each image and return their paths, in the given order.

    An image is an id of the run's data set or an image file. With a known label the maps are of
    the true class and against it; for a bare file, of the predicted class. `explainers` name
    further maps to draw beside them. Raises one DataError that names every image that is neither,
    or that cannot be read.
    """
    artists = build_all(explainers)
    trained = load_classifier(Path(folder))
    subjects = _subjects(trained, images)
    paths = []
    for subject, stem in zip(subjects, _stems(subjects), strict=True):
        seen = look_at(trained, subject, artists)
        drawn = panel(
            subject.sample.image,
            subject.sample.map,
            seen.maps,
            seen.probabilities,
            subject.name,
            subject.label,
        )
        path = Path(out) / f"{stem}.png"
        write_atomically(path, png(drawn))
        paths.append(path)
    return paths


def look_at(
    trained: Trained, subject: Subject, artists: Mapping[str, Explainer] = MappingProxyType({})
) -> Explanation:
    """Keep the map for a class, the map against it, their difference and those of explainers."""
    classes, data = trained.facts.classes, trained.run.data
    colours = cast(Literal["grey", "rgb"], trained.facts.colours)
    stack, _ = canvas(subject.sample, data.size, colours)
    pixels = (stack / 255 if stack.dtype == torch.uint8 else stack)[None, :-1].to(trained.device)
    with watching(trained.model):
        seen = trained.model(pixels)
        chances = softmax(seen.logits.cpu().numpy())[0]
        label = subject.label or classes[int(chances.argmax())]
        index = torch.tensor([classes.index(label)], device=trained.device)
        grids = (
            pick(seen.cams, index),
            rival(seen.cams, seen.logits, index),
            contrast(seen.cams, seen.logits, index),
        )
    grids = tuple(grid[0].cpu().numpy() for grid in grids)
    named = {name: float(chance) for name, chance in zip(classes, chances, strict=True)}
    maps = _titled(grids, label, classes, known=subject.label is not None)
    for name, artist in artists.items():
        drawn = artist(trained.model, pixels, index)[0].cpu().numpy()
        # Where both signs count, both are drawn.
        maps[f"{name}: {label}"] = drawn, "difference" if artist.energy == "abs" else "evidence"
    return Explanation(named, maps)


def _titled(
    grids: Sequence[np.ndarray], label: str, classes: Sequence[str], known: bool
) -> dict[str, tuple[Grid, Scale]]:
    others = [name for name in classes if name != label]
    against = others[0] if len(others) == 1 else "the other classes"
    true, false = ("true class", "false class") if known else ("predicted", "not predicted")
    false = false if len(others) == 1 else "weighed"
    return {
        f"{label} ({true})": (grids[0], "evidence"),
        f"{against} ({false})": (grids[1], "evidence"),
        f"difference: {label} − {against}": (grids[2], "difference"),
    }


@dataclass(frozen=True)
class _Album:
    """The run's data set, opened when an id is first asked for."""

    trained: Trained

    @cached_property
    def source(self) -> Source:
        """The data set of the run, opened when first asked for."""
        return open_source(self.trained.run.data, Path())

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each id."""
        return {name: row for row, name in enumerate(self.source.rows["id"].to_list())}

    def subject(self, image: Path | str) -> Subject:
        """Read an image from a file, or by its id in the data of the run."""
        if isinstance(image, Path) or Path(image).is_file():
            reading = Reading.of(self.trained.run.data.model_dump())
            return Subject(Path(image).name, None, Sample(read_image(Path(image), reading), None))
        if image not in self.rows:
            what = "Is neither a file nor an id of the run's data."
            raise DataError(Problem("EXPLAIN-IMAGE", what, image, _near(image, list(self.rows))))
        row = self.rows[image]
        label = str(self.source.rows["label"][row])
        known = label in self.trained.facts.classes
        return Subject(image, label if known else None, self.source.sample(row))


def _subjects(trained: Trained, images: Sequence[Path | str]) -> list[Subject]:
    """Read every image, or say of all at once why they cannot be read."""
    album, subjects = _Album(trained), []
    problems: list[Problem] = []
    for image in images:
        try:
            subjects.append(album.subject(image))
        except LookrightError as error:
            problems += [each for each in error.problems if each not in problems]
    if problems:
        raise DataError(*problems)
    return subjects


def _near(image: str, ids: list[str]) -> str:
    """Suggest the nearest id, or show what ids look like: there are too many to list."""
    near = get_close_matches(image, ids, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Ids look like {ids[0]!r}."


def _stems(subjects: Sequence[Subject]) -> list[str]:
    """Turn names into different file names, whatever characters and folders they hold."""
    stems: list[str] = []
    for subject in subjects:
        stem = re.sub(r"[^\w.-]+", "_", subject.name).strip("._")[:120] or "image"
        numbered = (f"{stem}~{number}" for number in count(2))
        stems.append(next(each for each in chain([stem], numbered) if each not in stems))
    return stems
