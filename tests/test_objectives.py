"""What every way to train promises. Runs over the directory: a new method is tested unasked."""

import inspect
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import torch
from torch import Tensor, nn

from lookright import objectives
from lookright.cam import shrink
from lookright.errors import ConfigError
from lookright.objective import Objective
from lookright.types import Batch, Prediction, Terms

Case = tuple[str, dict[str, Any]]


def cases() -> list[Case]:
    """List every method as it comes, and with each other choice of each of its settings."""
    return [case for name in objectives.names() for case in choices(name)]


def choices(name: str) -> list[Case]:
    kind = objectives.find(name)
    if "__init__" not in vars(kind):
        return [(name, {})]
    hints = get_type_hints(kind.__init__)
    settings = inspect.signature(kind.__init__).parameters
    others = [
        (name, {setting: value})
        for setting, hint in hints.items()
        for value in allowed(hint)
        if value != settings[setting].default
    ]
    return [(name, {}), *others]


def allowed(hint: Any) -> tuple[Any, ...]:
    if hint is bool:
        return (False, True)
    return get_args(hint) if get_origin(hint) is Literal else ()


def title(case: Case) -> str:
    return "-".join([case[0], *(f"{setting}={value}" for setting, value in case[1].items())])


@pytest.fixture(params=cases(), ids=title)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def objective(case: Case) -> Objective:
    """Build the method in float64; at progress 1 no method is random and every weight is full."""
    torch.manual_seed(3)
    return objectives.find(case[0])(**case[1]).double()


class Step(nn.Module):
    """What the training loop runs: the model and its objective as one module."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, batch: Batch, progress: float) -> Terms:
        return self.objective(self.model, batch, progress)


class Recorded(nn.Module):
    """A model that gives the same prediction again, computed before."""

    def __init__(self, prediction: Prediction) -> None:
        super().__init__()
        self.prediction = prediction

    def forward(self, images: Tensor) -> Prediction:
        return self.prediction


def look(objective: Objective, model: nn.Module, batch: Batch) -> Terms:
    """Evaluate a copy, so that state kept between steps cannot tell two evaluations apart."""
    return deepcopy(objective)(model, batch, 1.0)


def rows(batch: Batch, which: Any) -> Batch:
    fields = vars(batch).values()
    return Batch(*(None if field is None else field[which] for field in fields))


def gradients(term: Tensor, module: nn.Module) -> list[Tensor]:
    weights = list(module.parameters())
    if not term.requires_grad or not weights:
        return [torch.zeros_like(weight) for weight in weights]
    found = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
    return [
        torch.zeros_like(weight) if slope is None else slope
        for weight, slope in zip(weights, found, strict=True)
    ]


def loss(terms: Terms) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def test_every_term_is_a_finite_number(objective, smooth_classifier, random_batch):
    terms = objective(smooth_classifier(), random_batch(), 1.0)
    assert "task" in terms
    assert all(term.shape == () and term.isfinite() for term in terms.values())


def test_every_weight_learns(objective, smooth_classifier, random_batch):
    step = Step(smooth_classifier(), objective)
    slopes = gradients(loss(step(random_batch(), 1.0)), step)
    names = [name for name, _ in step.named_parameters()]
    idle = [name for name, slope in zip(names, slopes, strict=True) if not slope.any()]
    assert idle == []


def test_every_term_teaches_the_backbone_unless_it_is_the_objectives_own(
    objective, smooth_classifier, random_batch
):
    model = smooth_classifier()
    for name, term in objective(model, random_batch(), 1.0).items():
        taught = [bool(slope.any()) for slope in gradients(term, model.second)]
        assert taught == [name not in objective.own_terms] * len(taught), name


def test_the_objectives_own_terms_teach_the_objective(objective, smooth_classifier, random_batch):
    terms = objective(smooth_classifier(), random_batch(), 1.0)
    assert objective.own_terms <= set(terms)
    for name in objective.own_terms:
        assert all(slope.any() for slope in gradients(terms[name], objective)), name


def test_the_gradient_is_the_slope(case, objective, smooth_classifier, random_batch):
    """For each term and each owner of weights the gradient is the slope, or zero by design.

    Zero by design: a discriminator's own loss for the classifier, the classifier's for it. Two
    classes, because the shares of rivals carry no gradient and are constant only then; eval mode,
    because spectral normalisation moves between two steps. Settings named `detach_...` ask
    for a gradient that is not the slope.
    """
    if any(setting.startswith("detach") for setting in case[1]):
        pytest.skip("asks for a gradient that is not the slope")
    step = Step(smooth_classifier(classes=2), objective).eval()
    batch = random_batch(classes=2)
    for owner in (step.model, step.objective):
        terms = step(batch, 1.0)
        slopes = {name: gradients(term, owner) for name, term in terms.items()}
        directions = wander(owner)
        rises = climb(step, owner, batch, directions)
        for name in (name for name, parts in slopes.items() if any(part.any() for part in parts)):
            parts = zip(slopes[name], directions, strict=True)
            along = torch.stack([(part * way).sum() for part, way in parts]).sum()
            torch.testing.assert_close(along, rises[name], rtol=1e-5, atol=1e-9)


def wander(owner: nn.Module) -> list[Tensor]:
    """Draw a direction in the space of weights, of length one."""
    torch.manual_seed(4)
    drawn = [torch.randn_like(weight) for weight in owner.parameters()]
    length = sum(way.square().sum() for way in drawn) ** 0.5
    return [way / length for way in drawn]


def climb(step: Step, owner: nn.Module, batch: Batch, directions: list[Tensor]) -> Terms:
    """Return the slope of each term along a direction in weights, by finite differences."""

    @torch.no_grad()
    def move(size: float) -> Terms:
        for weight, way in zip(owner.parameters(), directions, strict=True):
            weight += size * way
        return step(batch, 1.0)

    ahead, behind, _ = move(1e-4), move(-2e-4), move(1e-4)
    return {name: (ahead[name] - behind[name]) / 2e-4 for name in ahead}


def test_the_order_of_images_does_not_matter(objective, smooth_classifier, random_batch):
    batch, model = random_batch(), smooth_classifier()
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    turned = rows(batch, order)
    expected = look(objective, model, batch)
    torch.testing.assert_close(look(objective, model, turned), expected, rtol=1e-9, atol=1e-12)


def test_images_do_not_leak_into_each_other(objective, smooth_classifier, random_batch):
    """The terms of a batch are the means of the terms of its images, each alone."""
    batch, model = random_batch(annotated=torch.ones(6).bool()), smooth_classifier()
    singles = [look(objective, model, rows(batch, slice(i, i + 1))) for i in range(6)]
    means = {name: torch.stack([one[name] for one in singles]).mean() for name in singles[0]}
    torch.testing.assert_close(look(objective, model, batch), means, rtol=1e-9, atol=1e-12)


def test_weights_of_images_count_in_the_task(objective, smooth_classifier, random_batch):
    model = smooth_classifier()
    batch = random_batch(weights=torch.tensor([0, 0, 1, 0, 0, 0.0]).double())
    alone = rows(batch, slice(2, 3))
    task = look(objective, model, batch)["task"]
    torch.testing.assert_close(task, look(objective, model, alone)["task"])


def test_maps_nobody_drew_are_ignored(objective, smooth_classifier, random_batch):
    batch, model = random_batch(), smooth_classifier()
    undrawn = batch.maps.where(batch.annotated[:, None, None], torch.nan)
    for other in (replace(batch, maps=undrawn), replace(batch, maps=undrawn.nan_to_num(0.7))):
        expected, found = look(objective, model, batch), look(objective, model, other)
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
        slopes = gradients(loss(found), model)
        torch.testing.assert_close(slopes, gradients(loss(expected), model), rtol=0, atol=0)


def test_drawn_maps_matter_exactly_to_methods_that_use_maps(
    objective, smooth_classifier, random_batch
):
    batch, model = random_batch(), smooth_classifier()
    other = replace(batch, maps=batch.maps.flip(2).square(), annotated=~batch.annotated)
    same = loss(look(objective, model, batch)) == loss(look(objective, model, other))
    assert bool(same) != objective.uses_maps


@pytest.fixture
def partly_known(random_batch) -> Batch:
    """A batch of which much is unknown: 3 of 7 columns of cells, a part of a fourth, one image."""
    unknown = torch.zeros(6, 28, 28).double()
    unknown[:, :, 16:], unknown[:, :10, 13:] = 1, 1
    unknown[2, :, :] = 1
    asked = torch.tensor([True, True, False, True, True, True])  # as the loader says
    return random_batch(annotated=asked, unknown=unknown)


def test_unknown_pixels_teach_nothing_whatever_is_drawn_on_them(
    objective, smooth_classifier, partly_known
):
    model, unknown = smooth_classifier(), partly_known.unknown == 1
    for other in (torch.nan, 0.0, 1.0):
        painted = replace(partly_known, maps=partly_known.maps.masked_fill(unknown, other))
        expected, found = look(objective, model, partly_known), look(objective, model, painted)
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
        slopes = gradients(loss(found), model)
        torch.testing.assert_close(slopes, gradients(loss(expected), model), rtol=0, atol=0)


def test_unknown_cells_of_a_class_map_are_neither_seen_nor_taught(
    objective, smooth_classifier, partly_known
):
    """What the map is there changes no term, and no term but the task asks it to change."""
    if not objective.uses_maps:
        pytest.skip("never looks at human maps")
    seen = smooth_classifier()(partly_known.images)
    hidden = shrink(partly_known.unknown, like=seen.cams) == 1
    results = []
    for size in (1.0, -50.0, 50.0):
        factor = torch.where(hidden, size, 1.0)[:, None]
        cams = (seen.cams.detach() * factor).requires_grad_()
        shown = Prediction(seen.logits.detach(), seen.features.detach(), lambda cams=cams: cams)
        terms = look(objective, Recorded(shown), partly_known)
        asked = [term for name, term in terms.items() if name not in ("task", *objective.own_terms)]
        (slope,) = torch.autograd.grad(torch.stack(asked).sum(), cams)
        taught = slope.abs().sum(1)
        assert not taught[hidden].any()
        assert taught[partly_known.annotated].any()
        results.append((terms, taught))
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-12, atol=1e-15)


def test_an_unknown_half_is_a_half_that_is_not_there(case, objective):
    """Cutting unknown cells off the class map, and off the human one, changes no term."""
    if case[0] == "adversarial" or not objective.uses_maps:
        pytest.skip("a discriminator sees where the picture ends; others never look at maps")
    source = torch.Generator().manual_seed(5)
    cams = torch.randn(4, 3, 6, 6, generator=source, dtype=torch.float64)
    logits = torch.randn(4, 3, generator=source, dtype=torch.float64)
    maps = torch.rand(4, 24, 24, generator=source, dtype=torch.float64)
    unknown = torch.zeros_like(maps)
    unknown[:, :, 12:] = 1
    images, labels = torch.rand(4, 3, 24, 24).double(), torch.tensor([0, 1, 2, 1])
    whole = Batch(images, labels, maps, labels > 0, torch.ones(4).double(), unknown)
    half = Batch(images[..., :12], labels, maps[..., :12], labels > 0, torch.ones(4).double())
    features = torch.ones(4, 5, 6, 6).double()
    found = look(objective, Recorded(Prediction(logits, features, lambda: cams)), whole)
    cut = Recorded(Prediction(logits, features, lambda: cams[..., :3]))
    torch.testing.assert_close(found, look(objective, cut, half), rtol=1e-12, atol=1e-15)


def test_where_all_is_known_nothing_changes(objective, smooth_classifier, random_batch):
    batch, model = random_batch(), smooth_classifier()
    known = replace(batch, unknown=torch.zeros(6, 28, 28).double())
    expected, found = look(objective, model, batch), look(objective, model, known)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)


def test_TR05_without_annotations_only_the_task_remains(objective, smooth_classifier, random_batch):
    if not objective.uses_maps:
        pytest.skip("asks nobody: tested by drawn_maps_matter")
    step = Step(smooth_classifier(), objective)
    terms = step(random_batch(annotated=torch.zeros(6).bool()), 1.0)
    assert all(term == 0 for name, term in terms.items() if name != "task")
    task = gradients(terms["task"], step.model)
    torch.testing.assert_close(gradients(loss(terms), step.model), task, rtol=1e-9, atol=1e-15)
    # Processes that average gradients wait for each other's: every weight must have one.
    loss(terms).backward()
    assert [name for name, weight in step.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("head", [1.0, 0.0], ids=["all_equal", "all_zero"])
def test_TR03_a_constant_class_map_gives_a_finite_loss_and_gradient(
    head, objective, smooth_classifier, random_batch
):
    model = smooth_classifier(kernel=1)
    model.head.weight.data *= head
    step = Step(model, objective)
    terms = step(random_batch(images=torch.full((6, 3, 28, 28), 0.5).double()), 1.0)
    assert all(term.isfinite() for term in terms.values())
    assert all(slope.isfinite().all() for slope in gradients(loss(terms), step))


@pytest.mark.parametrize("value", [0.0, 1.0], ids=["empty", "full"])
def test_TR04_an_empty_or_full_human_map_gives_a_finite_loss_and_gradient(
    value, objective, smooth_classifier, random_batch
):
    step = Step(smooth_classifier(), objective)
    batch = random_batch(maps=torch.full((6, 28, 28), value).double())
    terms = step(batch, 1.0)
    assert all(term.isfinite() for term in terms.values())
    assert all(slope.isfinite().all() for slope in gradients(loss(terms), step))


def test_half_precision_of_the_network_is_close(objective, smooth_classifier, random_batch):
    objective, model = objective.float(), smooth_classifier(dtype=torch.float32)
    batch = random_batch(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        half = look(objective, model, batch)
    assert {term.dtype for term in half.values()} == {torch.float32}
    torch.testing.assert_close(half, look(objective, model, batch), rtol=0.03, atol=0.01)


def test_maps_are_compared_in_full_precision_under_autocast(
    objective, smooth_classifier, random_batch
):
    """The same prediction gives the very same terms: nothing of the method runs in bfloat16."""
    objective, model = objective.float(), smooth_classifier(dtype=torch.float32)
    batch = random_batch(dtype=torch.float32)
    recorded = Recorded(model(batch.images))
    full = look(objective, recorded, batch)
    with torch.autocast("cpu", torch.bfloat16):
        half = look(objective, recorded, batch)
    torch.testing.assert_close(half, full, rtol=0, atol=0)


def test_one_look_at_the_network_is_enough(objective, smooth_classifier, random_batch):
    model, looks = smooth_classifier(), []
    model.register_forward_hook(lambda *_: looks.append(1))
    objective(model, random_batch(), 1.0)
    assert len(looks) == 1


def test_what_is_logged_is_finite_and_teaches_nobody(objective, smooth_classifier, random_batch):
    objective(smooth_classifier(), random_batch(), 1.0)
    assert all(value.isfinite() and not value.requires_grad for value in objective.log.values())


def test_compiled_equals_eager():
    """Compile in a process of its own: the compiler cannot see through shapes checked in tests."""
    script = Path(__file__).with_name("compiled_objectives.py")
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "-x", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["contrast", "decision_energy", "difference", "per_class"])
def test_TR08_a_head_with_one_logit_is_refused_by_name(name, smooth_classifier, random_batch):
    kind = objectives.find(name)
    with pytest.raises(ConfigError, match=rf"{kind.__name__} .*one logit.*ONE-LOGIT"):
        kind()(smooth_classifier(classes=1), random_batch(classes=1), 0.5)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'cyborg'"):
        objectives.find("cybrog")
