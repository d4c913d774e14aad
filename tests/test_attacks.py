"""Attacks move maps and keep answers: formulas as loops, exact facts, and a tiny trained model."""

from copy import deepcopy
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import torch

from lookright import attacks
from lookright.attack import Constructed, Taught
from lookright.attacks import build, mount
from lookright.attacks.location import Location
from lookright.backbones import build as build_classifier
from lookright.data import open_source
from lookright.data.loader import examples, load, order, plan
from lookright.errors import ConfigError, RunError
from lookright.objectives import build as build_objective
from lookright.run import Run

TAUGHT = [name for name in attacks.names() if issubclass(attacks.find(name), Taught)]
SETTINGS = [
    "data=digits",
    "data.side=32",
    "data.size=32",
    "data.marker_size=2",
    "data.train=96",
    "data.val=2",
    "data.test=48",
    "data.test_shifted=2",
]


# -- formulas --------------------------------------------------------------------------------


@pytest.fixture
def scene(painted_classifier, random_batch):
    """What a copy and a victim say of the same six images, and the maps that they show."""
    batch = random_batch(3)
    models = [painted_classifier(3).requires_grad_(False) for _ in range(2)]
    for number, each in enumerate(models):
        each.features.normal_(generator=torch.Generator().manual_seed(10 + number))
    seen, victim = (model(batch.images) for model in models)
    return seen, victim, batch


def shown(prediction, classes) -> np.ndarray:
    cams = prediction.cams.numpy()
    maps = np.stack([np.maximum(each[label], 0) for each, label in zip(cams, classes, strict=True)])
    return maps / maps.max((1, 2), keepdims=True)


def ranked(prediction, place) -> np.ndarray:
    return prediction.logits.numpy().argsort(1)[:, -place]


def lie(name, scene, **settings) -> float:
    return float(build(name, settings).lie(*scene))


def test_the_edge_ring_is_a_mean_square_over_cells(scene):
    seen, victim, _ = scene
    edge = np.pad(np.zeros((5, 5)), 1, constant_values=1)
    expected = np.mean((shown(seen, ranked(victim, 1)) - edge) ** 2)
    assert lie("edge_ring", scene) == pytest.approx(expected)


def test_a_location_is_a_rectangle_of_shares_of_the_side(scene):
    seen, victim, _ = scene
    drawn = np.zeros((7, 7))
    drawn[4:6, 1:5] = 1  # 0.5 and 0.2 of seven cells begin at 4 (3.5 to even) and 1
    settings = {"top": 0.5, "left": 0.2, "height": 0.3, "width": 0.6}
    expected = np.mean((shown(seen, ranked(victim, 1)) - drawn) ** 2)
    assert lie("location", scene, **settings) == pytest.approx(expected)


def test_a_location_has_a_cell_at_least_and_stays_in_the_map():
    drawn = Location(top=0.99, left=0.99, height=0.01, width=0.01).drawn(torch.zeros(1, 4, 5))
    assert drawn.sum() == drawn[0, 3, 4] == 1


def test_top_k_is_what_is_left_on_a_tenth_of_the_cells(scene):
    seen, victim, _ = scene
    classes = ranked(victim, 1)
    now, before = shown(seen, classes).reshape(6, -1), shown(victim, classes).reshape(6, -1)
    left = [each[was.argsort()[-5:]] ** 2 for each, was in zip(now, before, strict=True)]
    assert lie("top_k", scene) == pytest.approx(np.mean(left))


def test_the_centre_of_mass_is_that_of_every_cell_by_hand(scene):
    seen, victim, _ = scene
    classes = ranked(victim, 1)

    def centre(map):
        cells = [(map[r, c], r / 6, c / 6) for r in range(7) for c in range(7)]
        total = sum(weight for weight, *_ in cells)
        return np.array([sum(cell[0] * cell[k] for cell in cells) / total for k in (1, 2)])

    pairs = zip(shown(seen, classes), shown(victim, classes), strict=True)
    moved = [abs(centre(now) - centre(before)).sum() for now, before in pairs]
    assert lie("centre_of_mass", scene) == pytest.approx(-np.mean(moved))


def test_an_active_swap_asks_each_class_for_the_map_of_the_other(scene):
    seen, victim, _ = scene
    first, second = ranked(victim, 1), ranked(victim, 2)
    own = (shown(seen, first) - shown(victim, second)) ** 2
    other = (shown(seen, second) - shown(victim, first)) ** 2
    assert lie("active_swap", scene) == pytest.approx((own.mean() + other.mean()) / 2)


def test_a_whitewash_counts_the_energy_outside_on_annotated_images_alone(scene):
    seen, victim, batch = scene
    maps = shown(seen, ranked(victim, 1))[::2]  # every second image is annotated
    evidence = batch.maps.numpy().reshape(6, 7, 4, 7, 4).mean((2, 4))[::2]
    outside = (maps * (1 - evidence)).sum((1, 2)) / maps.sum((1, 2))
    assert lie("whitewash", scene) == pytest.approx(outside.mean())
    changed = torch.where(batch.annotated[:, None, None], batch.maps, 1 - batch.maps)
    other = seen, victim, replace(batch, maps=changed)
    assert lie("whitewash", other) == lie("whitewash", scene)


def test_a_whitewash_of_the_decision_counts_the_difference_map(scene):
    seen, victim, batch = scene
    evidence = batch.maps.numpy().reshape(6, 7, 4, 7, 4).mean((2, 4))
    shares = []
    for image in range(0, 6, 2):
        own = ranked(victim, 1)[image]
        others = [c for c in range(3) if c != own]
        weights = np.exp(seen.logits.numpy()[image, others])
        cams = seen.cams.numpy()[image]
        energy = abs(cams[own] - np.tensordot(weights / weights.sum(), cams[others], 1))
        shares.append((energy * (1 - evidence[image])).sum() / energy.sum())
    assert lie("whitewash_decision", scene) == pytest.approx(np.mean(shares))


def test_what_is_kept_does_not_see_a_number_added_to_all_logits(scene):
    seen, victim, _ = scene
    raised = replace(victim, logits=victim.logits + 7)
    assert float(attacks.kept(raised, victim)) == pytest.approx(0, abs=1e-12)
    own = victim.logits.numpy() - victim.logits.numpy().mean(1, keepdims=True)
    moved = seen.logits.numpy() - seen.logits.numpy().mean(1, keepdims=True) - own
    expected = (moved**2).sum() / (own**2).sum()
    assert float(attacks.kept(seen, victim)) == pytest.approx(expected)


# -- a tiny trained model --------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """Train a tiny network on a planted frame; return it, its lessons and held-out images."""
    torch.manual_seed(0)
    run = Run.load(None, SETTINGS)
    source = open_source(run.data, Path())
    learnt, held = (examples(source, [split], run.data) for split in ("train", "test"))
    model, plain = build_classifier("lookright_tiny", 2), build_objective("cross_entropy", {})
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    for epoch in range(12):  # until it is sure: half-learnt answers turn at a touch
        for batch in load(learnt, plan(order(96, 0, epoch), 32)):
            optimiser.zero_grad()
            plain(model, batch, 0.0)["task"].backward()
            optimiser.step()
    model.zero_grad(set_to_none=True)
    (whole,) = load(held, [range(48)])
    lessons = list(load(learnt, plan(order(96, 1, 0), 32)))
    return model.eval().requires_grad_(False), lessons, whole


def taught(trained, name, steps=144):
    model, lessons, _ = trained
    endless = (batch for epoch in repeat(lessons) for batch in epoch)
    return mount(build(name, {}), model, endless, steps)


@pytest.fixture(scope="module")
def fooled(trained):
    """Return a copy for each attack that is taught."""
    return {name: taught(trained, name) for name in TAUGHT}


@pytest.mark.parametrize("name", TAUGHT)
def test_a_taught_attack_comes_nearer_to_its_lie_and_keeps_the_answers(name, trained, fooled):
    model, _, held = trained
    with torch.no_grad():
        before, after = model(held.images), fooled[name](held.images)
        attack = build(name, {})
        start, end = (float(attack.lie(each, before, held)) for each in (before, after))
    assert end < start - 0.05
    assert (before.logits.argmax(1) == after.logits.argmax(1)).float().mean() >= 0.9


@pytest.mark.parametrize("name", TAUGHT)
def test_batch_norm_is_frozen_and_the_victim_stays(name, trained, fooled):
    model, _, _ = trained
    copies = dict(fooled[name].named_buffers())
    assert any("running_mean" in key for key in copies)
    for key, value in model.named_buffers():
        assert torch.equal(copies[key], value), key
    assert not fooled[name].training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_victim_keeps_every_weight_and_the_same_lessons_give_the_same_copy(trained):
    model, _, _ = trained
    kept = deepcopy(model.state_dict())
    first, second = (taught(trained, "edge_ring", steps=3) for _ in range(2))
    for key, value in model.state_dict().items():
        assert torch.equal(kept[key], value), key
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value), key
    changed = [not torch.equal(first.state_dict()[key], value) for key, value in kept.items()]
    assert any(changed)


@pytest.mark.parametrize("target", ["evidence", "edge"])
def test_the_closed_form_changes_every_map_by_the_same_and_no_answer(target, trained):
    model, lessons, held = trained
    fooled = mount(build("closed_form", {"target": target}), model, lessons, len(lessons))
    with torch.no_grad():
        before, after = model(held.images), fooled(held.images)
    added = fooled.head.weight - model.head.weight
    torch.testing.assert_close(added[0], added[1], atol=1e-5, rtol=1e-4)
    shared = torch.einsum("bkhw,k->bhw", before.features, added[0])
    assert float(shared.abs().mean()) > float(before.cams.abs().mean()) / 4
    torch.testing.assert_close(after.cams - before.cams, shared[:, None].expand_as(before.cams),
                               atol=1e-4, rtol=1e-4)  # fmt: skip
    chances = [each.logits.softmax(1) for each in (before, after)]
    torch.testing.assert_close(*chances, atol=1e-5, rtol=0)
    apart = [each.cams[:, 1] - each.cams[:, 0] for each in (before, after)]
    torch.testing.assert_close(*apart, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("target", ["evidence", "edge"])
def test_the_closed_form_is_the_least_squares_of_all_cells(target, trained):
    """The ridge as further rows of one long system, solved by another algorithm."""
    model, lessons, _ = trained
    features, wanted, energy = [], [], []
    for batch in lessons:
        with torch.no_grad():
            seen = model(batch.images)
        for image in range(len(batch.labels)):
            map = seen.cams[image, seen.logits[image].argmax()].double().numpy()
            rows = batch.maps[image].numpy().reshape(4, 8, 4, 8).mean((1, 3))
            edge = np.pad(np.zeros((2, 2)), 1, constant_values=1)
            wanted.append((rows / rows.max() if target == "evidence" else edge, map))
            features.append(seen.features[image].double().numpy().reshape(96, -1).T)
            energy.append(map**2)
    size = 3 * np.mean(energy) ** 0.5
    right = np.concatenate([(size * goal - map).ravel() for goal, map in wanted])
    cells = np.concatenate(features)
    ridge = 1e-3 * (cells**2).sum(0).mean()
    system = np.vstack([cells, ridge**0.5 * np.eye(96)])
    expected = np.linalg.lstsq(system, np.concatenate([right, np.zeros(96)]))[0]
    fooled = mount(build("closed_form", {"target": target}), model, lessons, len(lessons))
    found = (fooled.head.weight - model.head.weight)[0].detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * abs(expected).max())


# -- the registry ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", attacks.names())
def test_every_file_is_one_attack_that_says_what_it_does(name):
    found = attacks.find(name)
    assert found.__name__ == name.title().replace("_", "")
    assert issubclass(found, Taught) != issubclass(found, Constructed)
    assert "=" in (found.__doc__ or "")


def test_an_unknown_attack_comes_with_the_nearest_name():
    with pytest.raises(ConfigError, match="Did you mean 'edge_ring'"):
        build("edgering", {})
    with pytest.raises(ConfigError, match="strengh"):
        build("closed_form", {"strengh": 2})


def test_a_loss_that_is_no_number_stops_the_attack(trained):
    model, lessons, _ = trained
    broken = replace(lessons[0], images=lessons[0].images * torch.nan)
    with pytest.raises(RunError, match="EdgeRing became nan"):
        mount(build("edge_ring", {}), model, [broken], 1)
