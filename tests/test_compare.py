"""How far one map is from another: shares, distances, and means over the images that count."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lookright.compare import average, outside, squared

CELLS = st.integers(0, 64).map(lambda step: step / 8)
ENERGIES = hnp.arrays(np.float64, (3, 4, 5), elements=CELLS).map(torch.from_numpy)
EVIDENCE = hnp.arrays(np.float64, (3, 4, 5), elements=st.floats(0, 1)).map(torch.from_numpy)

quick = settings(max_examples=50, deadline=None)


@quick
@given(ENERGIES, EVIDENCE)
def test_the_squared_distance_is_the_mean_over_cells_of_each_map(maps, targets):
    expected = ((maps.numpy() - targets.numpy()) ** 2).reshape(3, -1).mean(1)
    assert squared(maps, targets).numpy() == pytest.approx(expected)


@quick
@given(ENERGIES, EVIDENCE, st.floats(0.01, 100))
def test_the_share_outside_is_a_share_whatever_the_scale(energy, evidence, scale):
    found = outside(energy, evidence)
    assert ((found >= -1e-12) & (found <= 1 + 1e-12)).all()
    torch.testing.assert_close(outside(scale * energy, evidence), found)


@quick
@given(ENERGIES, EVIDENCE)
def test_inside_and_outside_make_one(energy, evidence):
    both = outside(energy, evidence) + outside(energy, 1 - evidence)
    torch.testing.assert_close(both, (energy.sum((1, 2)) > 0).double())


@quick
@given(EVIDENCE)
def test_a_uniform_map_is_outside_by_the_share_of_area(evidence):
    found = outside(torch.full_like(evidence, 0.7), evidence)
    torch.testing.assert_close(found, 1 - evidence.mean((1, 2)))


def test_a_map_without_energy_has_no_share_and_a_zero_gradient():
    energy = torch.zeros(2, 3, 3, requires_grad=True)
    found = outside(energy, torch.ones(2, 3, 3))
    found.sum().backward()
    assert found.tolist() == [0, 0]
    assert energy.grad is not None
    assert not energy.grad.any()


@pytest.mark.parametrize("size", [1e-45, 1e-38, 1e-30, 1e30])
def test_very_small_and_very_large_energies_keep_gradients_finite(size):
    energy = torch.full((1, 3, 3), size, requires_grad=True)
    found = outside(energy, torch.eye(3)[None])
    found.sum().backward()
    assert found.isfinite().all()
    assert energy.grad is not None
    assert energy.grad.isfinite().all()


@quick
@given(hnp.arrays(np.float64, 5, elements=CELLS), hnp.arrays(bool, 5))
def test_the_average_is_over_counted_images_only(values, counted):
    expected = values[counted].mean() if counted.any() else 0.0
    found = average(torch.from_numpy(values), torch.from_numpy(counted))
    assert float(found) == pytest.approx(expected)


def test_TR05_the_average_over_nobody_is_zero_with_a_graph():
    values = torch.rand(4, requires_grad=True)
    found = average(values, torch.zeros(4).bool())
    found.backward()
    assert found == 0
    assert values.grad is not None
    assert not values.grad.any()


def test_what_does_not_count_may_even_be_no_number():
    values = torch.tensor([1.0, torch.nan, 3.0], requires_grad=True)
    found = average(values, torch.tensor([True, False, True]))
    found.backward()
    assert found == 2
    assert values.grad is not None
    assert values.grad.tolist() == [0.5, 0, 0.5]
