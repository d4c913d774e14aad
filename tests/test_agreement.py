"""Class maps against human evidence: identities, limits and what is undefined."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lookright import compare
from lookright.metrics import agreement, parts
from lookright.metrics.agreement import (
    chance,
    energy_pointing,
    framing_sensitivity,
    iou,
    pointing_game,
)

ENERGIES = sorted(agreement.ENERGIES)
SHAPE = (3, 5, 4)
numbers = st.floats(-10, 10, width=32)
maps_and_evidence = st.tuples(
    arrays.arrays(np.float32, SHAPE, elements=numbers),
    arrays.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32)),
)


@pytest.fixture
def drawn():
    generator = np.random.default_rng(0)
    evidence = np.zeros((4, 6, 6), np.float32)
    evidence[:, 1:4, 2:5] = 1
    return generator.normal(size=(4, 6, 6)).astype(np.float32), evidence


@given(maps_and_evidence)
@settings(max_examples=50, deadline=None)
def test_energy_pointing_is_one_minus_the_energy_loss(both):
    maps, evidence = both
    energy = torch.from_numpy(maps).double().relu()
    loss = compare.outside(energy, torch.from_numpy(evidence).double()).numpy()
    inside = energy_pointing(maps, evidence)
    defined = ~np.isnan(inside)
    np.testing.assert_allclose(inside[defined], 1 - loss[defined], atol=1e-9)
    silent = (energy.sum((1, 2)).numpy() < 1e-7) | (evidence.sum((1, 2)) == 0)
    np.testing.assert_array_equal(defined, ~silent)


@pytest.mark.parametrize("energy", ["relu", "abs", "square"])
def test_a_uniform_map_points_by_the_area_share(energy):
    evidence = np.zeros((1, 4, 5), np.float32)
    evidence[0, :2, :3] = 1
    pointing = energy_pointing(np.full((1, 4, 5), 0.3, np.float32), evidence, energy)
    assert pointing == pytest.approx([6 / 20])
    assert pointing == pytest.approx(1 - chance(evidence))


@pytest.mark.parametrize("energy", ENERGIES)
def test_a_map_inside_the_evidence_frames_nothing_and_one_outside_everything(energy):
    evidence = np.zeros((2, 4, 4), np.float32)
    evidence[:, 1:3, 1:3] = 1
    maps = np.stack([evidence[0], 1 - evidence[1]])
    np.testing.assert_allclose(framing_sensitivity(maps, evidence, energy), [0, 1], atol=1e-12)


@given(maps_and_evidence)
@settings(max_examples=50, deadline=None)
def test_framing_is_a_share_for_every_energy(both):
    for energy in ENERGIES:
        values = framing_sensitivity(*both, energy)
        defined = values[~np.isnan(values)]
        assert ((defined >= -1e-9) & (defined <= 1 + 1e-9)).all()


def test_energies_are_what_they_are_called(drawn):
    maps, evidence = drawn
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    by_hand = {
        "relu": np.where(maps > 0, maps, 0),
        "abs": np.sqrt(maps.astype(float) ** 2),
        "square": maps.astype(float) * maps,
        "rescaled": (maps - low) / (high - low),
    }
    for energy in ENERGIES:
        share = (by_hand[energy] * (1 - evidence)).sum((1, 2)) / by_hand[energy].sum((1, 2))
        np.testing.assert_allclose(framing_sensitivity(maps, evidence, energy), share, rtol=1e-5)


@pytest.mark.parametrize(("total", "defined"), [(0.99e-7, False), (1.01e-7, True)])
def test_a_map_with_hardly_any_energy_says_nothing(total, defined):
    maps = np.zeros((1, 2, 2))
    maps[0, 0, 0] = total
    assert np.isnan(framing_sensitivity(maps, np.ones((1, 2, 2))))[0] != defined


def test_negative_maps_have_no_relu_energy_but_others():
    maps, evidence = -np.ones((1, 3, 3)), np.full((1, 3, 3), 0.25)
    assert np.isnan(framing_sensitivity(maps, evidence))
    assert framing_sensitivity(maps, evidence, "abs") == pytest.approx([0.75])
    assert np.isnan(framing_sensitivity(maps, evidence, "rescaled"))


MEASURES = {
    "framing_sensitivity": framing_sensitivity,
    "energy_pointing": energy_pointing,
    "pointing_game": pointing_game,
    "iou": iou,
    "chance": lambda _, evidence: chance(evidence),
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("nothing", [0.0, np.nan], ids=["empty", "nobody was asked"])
def test_without_evidence_agreement_is_undefined(measure, nothing, drawn):
    maps, evidence = drawn
    evidence[1] = nothing
    values = MEASURES[measure](maps, evidence)
    np.testing.assert_array_equal(np.isnan(values), [False, True, False, False])


@pytest.mark.parametrize("measure", sorted(set(MEASURES) - {"chance"}))
def test_a_broken_map_is_undefined_and_spoils_no_other(measure, drawn):
    maps, evidence = drawn
    whole = MEASURES[measure](maps, evidence)
    maps[2, 0, 0] = np.nan
    values = MEASURES[measure](maps, evidence)
    np.testing.assert_array_equal(np.isnan(values), [False, False, True, False])
    np.testing.assert_array_equal(values[[0, 1, 3]], whole[[0, 1, 3]])


def test_the_pointing_game_looks_at_the_strongest_cell():
    evidence = np.zeros((2, 3, 3))
    evidence[:, 0, 0] = 1
    maps = np.zeros((2, 3, 3))
    maps[0, 0, 0], maps[1, 2, 2] = 1, 1
    np.testing.assert_array_equal(pointing_game(maps, evidence), [1, 0])


def test_ties_in_the_pointing_game_are_the_expected_hit():
    evidence = np.zeros((2, 3, 4))
    evidence[:, 0, :2] = 1
    maps = np.zeros((2, 3, 4))
    maps[1, 0, 0] = maps[1, 2, 3] = maps[1, 1, 1] = maps[1, 1, 2] = 5
    np.testing.assert_allclose(pointing_game(maps, evidence), [2 / 12, 1 / 4])


@pytest.mark.parametrize(("tolerance", "hit"), [(0, 0), (2.8, 0), (2.9, 1)])
def test_a_tolerance_forgives_so_many_cells(tolerance, hit):
    evidence, maps = np.zeros((1, 7, 7)), np.zeros((1, 7, 7))
    evidence[0, 1, 1], maps[0, 3, 3] = 1, 1  # sqrt(8) = 2.83 cells apart
    assert pointing_game(maps, evidence, tolerance)[0] == hit


def test_iou_is_intersection_over_union_of_the_rescaled_map():
    maps = np.array([[[-1.0, 0.0, 1.0, 3.0]]])  # rescaled 0, 0.25, 0.5, 1
    evidence = np.array([[[0.0, 1.0, 1.0, 0.4]]])
    assert iou(maps, evidence)[0] == pytest.approx(1 / 3)
    assert iou(maps, evidence, 0.2)[0] == pytest.approx(2 / 3)
    assert iou(7 * maps + 3, evidence, 0.2)[0] == pytest.approx(2 / 3)


def test_a_flat_map_has_no_region():
    assert np.isnan(iou(np.full((1, 3, 3), 2.0), np.ones((1, 3, 3))))


def test_faint_evidence_has_no_region_but_an_area():
    maps, faint = np.arange(9.0).reshape(1, 3, 3), np.full((1, 3, 3), 0.4)
    assert np.isnan(iou(maps, faint))
    assert np.isnan(pointing_game(maps, faint))
    assert framing_sensitivity(maps, faint) == pytest.approx([0.6])


def test_parts_change_no_value(drawn, monkeypatch):
    whole = [measure(*drawn) for measure in MEASURES.values()]
    monkeypatch.setattr(parts, "CELLS", 70)  # one map of 36 cells at a time
    again = [measure(*drawn) for measure in MEASURES.values()]
    np.testing.assert_array_equal(whole, again)


def test_no_image_gives_no_value():
    nothing = np.empty((0, 3, 3))
    assert all(len(measure(nothing, nothing)) == 0 for measure in MEASURES.values())


def test_memory_does_not_grow_with_the_images(monkeypatch):
    monkeypatch.setattr(parts, "CELLS", 2**14)
    maps = np.ones((400, 64, 64), np.float32)
    tracemalloc.start()
    for measure in MEASURES.values():
        measure(maps, maps)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < maps.nbytes / 4
