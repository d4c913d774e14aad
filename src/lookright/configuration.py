"""The sections of a run's configuration, with every default.

The defaults serve a newcomer with a few thousand images; the set-ups of papers are recipes. Types
are checked here; what an objective or a data set takes beside its name is checked where it is
made, as that needs the code.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_serializer,
    model_validator,
)

from lookright.settings import Count, Positive, Share, Weight

Momentum = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Angle = Annotated[int, Field(ge=-180, le=180)]


def _worded(given: Any) -> Any:
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


def _listed(given: Any) -> Any:
    return [part.strip() for part in given.split(",")] if isinstance(given, str) else given


def _distinct(given: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(given)) < len(given):
        raise ValueError(f"Got {list(given)!r}, expected every entry once.")
    return given


Text = Annotated[str, BeforeValidator(_worded), Field(min_length=1)]
Words = Annotated[
    tuple[Text, ...], BeforeValidator(_listed), AfterValidator(_distinct), Field(min_length=1)
]


class Section(BaseModel):
    """A frozen group of settings that refuses names it does not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _from_a_name(cls, given: Any) -> Any:
        """Let `objective: cyborg` stand for `objective: {name: cyborg}`."""
        if isinstance(given, str) and "name" in cls.model_fields:
            given = {"name": given}
        if isinstance(given, Mapping) and _is_named(cls, given):
            own = {key: value for key, value in given.items() if _is_own(cls, key)}
            given = {key: value for key, value in given.items() if key not in own}
            given["settings"] = own
        return given

    @model_serializer(mode="wrap")
    def _flat(self, inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Write the settings of a named thing beside its name, as they are read."""
        written = inner(self)
        own = written.pop("settings", {})
        return {**written, **own}

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, given: Any, info: Any) -> Any:
        """Refuse `epochs: true`, which Python would count as 1."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(given, bool) and field and field.annotation is not bool:
            raise ValueError(f"Got {str(given).lower()}, expected no truth value.")
        return given


def _is_named(section: type[BaseModel], given: Mapping[str, Any]) -> bool:
    fields = section.model_fields
    return "settings" in fields and bool(given.get("name", fields["name"].default))


def _is_own(section: type[BaseModel], key: str) -> bool:
    return key == "settings" or key not in section.model_fields


class Annotation(Section):
    """How many training images keep their map, and how the maps that are kept are spoilt.

    `amount` is a share: of the side by which maps are shifted, of the area that is missing, shrunk
    or dilated, of the sides by which boxes are longer, of the evidence's width by which a noisy
    outline wobbles, and of the images whose map is misplaced or swapped with another image's.
    """

    share: Share = 1.0  # of the annotated training images, the same of each class
    corruption: Literal[
        "none",
        "missing",
        "shifted",
        "shrunk",
        "dilated",
        "boxes",
        "noisy",
        "misplaced",
        "swapped",
    ] = "none"
    amount: Share = 0.25
    seed: Seed = 0
    label: Text | None = None  # in the name of its rows

    @property
    def title(self) -> str:
        """What a comparison calls it; nothing when all maps are there and as they were drawn."""
        parts = [f"{100 * self.share:g} %"] if self.share < 1 else []
        if self.corruption != "none":
            parts.append(f"{self.corruption} {100 * self.amount:g} %")
        return self.label or ", ".join(parts)

    @property
    def deciding(self) -> tuple[float | int | str, ...]:
        """What decides which maps there are: not the label, and no amount of nothing."""
        how = () if self.corruption == "none" else (self.corruption, self.amount)
        return (self.share, self.seed, *how)


class Fold(Section):
    """One way to cut data into training and test, in place of the manifest's own splits."""

    leave_out: Text | None = None  # a column; the rows with `value` in it are the test
    value: Text | None = None
    parts: Annotated[int, Field(ge=2)] | None = None  # or: one part of so many is the test
    part: Annotated[int, Field(ge=0)] | None = None
    by: Text = "group"  # whoever shares a value of this column stays together
    val: Annotated[float, Field(gt=0, le=0.5)] = 0.1  # of the training rows, where none is given
    seed: Seed = 0

    @model_validator(mode="after")
    def _one_way(self) -> "Fold":
        by_value = self.leave_out is not None and self.value is not None
        by_part = self.parts is not None and self.part is not None and self.part < self.parts
        if by_value == by_part:
            raise ValueError("Give leave_out and value, or parts and a part below it.")
        return self

    @property
    def title(self) -> str:
        """What a comparison calls it."""
        return str(self.value) if self.leave_out else f"part {self.part} of {self.parts}"


class Folds(Section):
    """The folds of a comparison: leave out each value of a column in turn, or K parts."""

    leave_out: Text | None = None
    values: Words | None = None  # all of the column if not given
    largest: Count | None = None  # only the values with the most images
    parts: Annotated[int, Field(ge=2)] | None = None
    by: Text = "group"
    val: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    seed: Seed = 0

    @model_validator(mode="after")
    def _one_way(self) -> "Folds":
        if (self.leave_out is None) == (self.parts is None):
            raise ValueError("Give leave_out (a column), or parts (a number).")
        return self


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
    precision: Annotated[Literal["32", "bf16"], BeforeValidator(_worded)] = "32"
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
    tuple[Intervention, ...], BeforeValidator(_listed), AfterValidator(_distinct)
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
    angles: Annotated[tuple[Angle, ...], BeforeValidator(_listed), AfterValidator(_distinct)] = (
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

    objectives: Annotated[tuple[Method, ...], BeforeValidator(_listed)] = ()
    seeds: Annotated[
        tuple[Seed, ...], BeforeValidator(_listed), AfterValidator(_distinct), Field(min_length=1)
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
