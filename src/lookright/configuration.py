"""The sections of a run's configuration, with every default.

The defaults serve a newcomer with a few thousand images; the set-ups of papers are recipes. Types
are checked here; what an objective or a data set takes beside its name is checked where it is
made, as that needs the code.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from lookright.arrangement import Annotation, Fold, Folds
from lookright.section import Section, Seed, Text, Words, distinct, listed, worded
from lookright.settings import Count, Positive, Share, Weight

Momentum = Annotated[float, Field(ge=0, lt=1)]
Angle = Annotated[int, Field(ge=-180, le=180)]


class Data(Section):
    """Where images, labels and maps come from, and how they are read."""

    manifest: Path | None = None
    name: Text | None = None  # an embedded data set; its own settings stand beside its name
    settings: dict[str, Any] = {}
    classes: Words | None = None  # in this order; else sorted
    size: Annotated[int, Field(ge=16, le=4096)] = 224  # side in pixels
    colours: Literal["auto", "grey", "rgb"] = "auto"
    bits: Literal["auto", 8, 10, 12, 16] = "auto"  # of deep images: what counts as white
    empty_mask: Literal["ignore", "background", "error"] = "ignore"
    mask_channel: Literal["red", "green", "blue", "alpha", "index"] | None = None
    on_bad_sample: Literal["error", "exclude"] = "error"
    min_side: Count = 16
    max_pixels: Count = 89_000_000
    frame: Count | None = None  # of files with several pictures, from 1
    nan: Literal["error", "zero"] = "error"  # in float images
    dicom_window: Literal["voi", "auto", "full"] = "voi"
    max_inflated: Count = 512 * 1024**2  # bytes of a deflated DICOM file
    allow_group_overlap: bool = False
    cache: Literal["auto", "ram", "none"] = "auto"  # keep decoded, resized images in memory
    maps: Annotation = Annotation()
    fold: Fold | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "Data":
        if (self.manifest is None) == (self.name is None):
            what = "Has both a manifest and a name" if self.name else "Says not where images are"
            raise ValueError(f"{what}: give data.manifest=FILE.csv or data.name=digits.")
        if self.name and self.classes:
            raise ValueError(f"{self.name} has classes of its own: leave data.classes out.")
        return self


class Augmentation(Section):
    """How training images and their maps are changed together; nothing by default."""

    flip: Share = 0.0  # probability
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0  # degrees to either side, at most
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0  # smallest share of the area that is kept
    shift: Annotated[float, Field(ge=0, le=0.5)] = 0.0  # share of the sides
    scale: Share = 0.0  # 1 / (1 + this) to 1 + this times as large
    shear: Annotated[float, Field(ge=0, le=45)] = 0.0  # degrees to either side, at most
    pad: Annotated[float, Field(ge=0, le=0.5)] = 0.0  # black margin at each side, at most
    elastic: Annotated[float, Field(ge=0, le=0.06)] = 0.0  # share of the sides; more could fold
    brightness: Annotated[float, Field(ge=0, lt=1)] = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0


def _weights(given: str) -> str:
    if given in ("random", "pretrained") or given.endswith(".safetensors"):
        return given
    raise ValueError(f"Got {given!r}, expected random, pretrained, or a path.safetensors.")


class Network(Section):
    """The classifier's backbone and where its weights start."""

    name: Text = "resnet18"
    weights: Annotated[str, AfterValidator(_weights)] = "random"
    stride: Literal[8, 16, 32] | None = None  # pixels per map cell; finer maps cost time


class Method(Section):
    """An objective by name; its own settings stand beside it."""

    name: Text = "cross_entropy"
    settings: dict[str, Any] = {}
    label: Text | None = None  # its row in a comparison

    @property
    def title(self) -> str:
        """What a comparison calls this method."""
        return self.label or self.name


class Optimiser(Section):
    """How weights learn."""

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    lr: Positive = 3e-4
    momentum: Momentum = 0.9  # sgd only
    weight_decay: Weight = 0.01
    betas: tuple[Momentum, Momentum] = (0.9, 0.999)  # adam and adamw only


class Schedule(Section):
    """How the learning rate moves."""

    name: Literal["constant", "step", "cosine", "one_cycle", "plateau"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05  # share of training
    step_epochs: Count = 12  # step only
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1  # step and plateau
    patience: Count = 3  # plateau only, in epochs


def _device(given: str) -> str:
    if re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", given):
        return given
    raise ValueError(f"Got {given!r}, expected auto, cpu, mps, cuda or cuda:0.")


class Training(Section):
    """How long, in which batches and numbers, and which epoch is kept."""

    epochs: Count = 10
    batch: Count = 32
    precision: Annotated[Literal["32", "bf16"], BeforeValidator(worded)] = "32"
    channels_last: bool = True
    clip: Positive | None = None  # largest gradient norm
    patience: Count | None = None  # epochs without improvement before stopping
    select: Text = "auroc"  # the validation measure that picks the epoch; ties go to the later
    class_weighting: Literal["none", "balanced"] = "none"
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    deterministic: bool = True
    checkpoint_steps: Count | None = None  # also within an epoch, every so many steps
    device: Annotated[str, AfterValidator(_device)] = "auto"
    processes: Count = 1  # each takes its share of every batch


Intervention = Literal[
    "occlude_inside",
    "occlude_outside",
    "foreground_only",
    "background_only",
    "border_paint",
    "text_marker",
    "background_swap",
]
Interventions = Annotated[
    tuple[Intervention, ...], BeforeValidator(listed), AfterValidator(distinct)
]


def _as_words(given: dict[str, Path]) -> dict[str, Path]:
    wrong = [name for name in given if not re.fullmatch(r"\w[\w.-]*", name)]
    if wrong:
        raise ValueError(f"Got the names {wrong}, expected words such as other_hospital.")
    return given


class Evaluation(Section):
    """What a trained classifier is measured on."""

    splits: Words | None = None  # all but train
    tests: Annotated[dict[str, Path], AfterValidator(_as_words)] = {}  # manifests: test_<name>
    parts: Words = ("group", "source")  # columns whose values get results of their own
    shared: Text | None = None  # a class whose images join every part, such as the one real set
    interventions: Interventions = get_args(Intervention)
    angles: Annotated[tuple[Angle, ...], BeforeValidator(listed), AfterValidator(distinct)] = (
        -15,
        -10,
        -5,
        5,
        10,
        15,
    )
    fill: Literal["zero", "edge", "reflect"] = "zero"
    control: bool = True  # also turn without black corners: more than twice the looks
    iou_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    batch: Count = 64


class Bench(Section):
    """A comparison: every objective with every seed. The first objective is the baseline."""

    objectives: Annotated[tuple[Method, ...], BeforeValidator(listed)] = ()
    seeds: Annotated[
        tuple[Seed, ...], BeforeValidator(listed), AfterValidator(distinct), Field(min_length=1)
    ] = (0, 1, 2)
    jobs: Count = 1
    annotations: tuple[Annotation, ...] = ()  # each objective that looks at maps, under each
    folds: Folds | None = None
    published: Text | None = None  # paper.task whose tables ours are put beside

    @model_validator(mode="after")
    def _told_apart(self) -> "Bench":
        titles = [method.title for method in self.objectives]
        if len(set(titles)) < len(titles):
            raise ValueError(f"Got the rows {titles}, expected distinct ones: give each a label.")
        titles = [annotation.title for annotation in self.annotations]
        if len(set(titles)) < len(titles):
            raise ValueError(f"Got the annotations {titles}, expected distinct ones.")
        return self
