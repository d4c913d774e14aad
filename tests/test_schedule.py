"""The learning rate as a function of numbers, beside torch's schedulers that count steps."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD
from torch.optim import lr_scheduler as torch_schedulers

from lookright.configuration import Schedule
from lookright.schedule import factor, plateaus

STEPS = 40


def rates(schedule: Schedule, losses: tuple[float, ...] = ()) -> list[float]:
    """Return the factor of each step of a training in one epoch."""
    return [factor(schedule, step / STEPS, 0, list(losses)) for step in range(STEPS)]


def optimizer(lr: float = 1.0) -> SGD:
    return SGD([nn.Parameter(torch.zeros(()))], lr, momentum=0.9)


def stepped(scheduler, optimizer: SGD, steps: int = STEPS) -> list[float]:
    """Return the learning rate of each step under a scheduler of torch."""
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_a_constant_rate_is_constant() -> None:
    assert rates(Schedule(name="constant", warmup=0)) == [1] * STEPS


def test_cosine_is_that_of_torch() -> None:
    inner = optimizer()
    expected = stepped(torch_schedulers.CosineAnnealingLR(inner, T_max=STEPS), inner)
    assert rates(Schedule(name="cosine", warmup=0)) == pytest.approx(expected, abs=1e-6)


def test_step_is_that_of_torch() -> None:
    inner, schedule = optimizer(), Schedule(name="step", step_epochs=3, gamma=0.5, warmup=0)
    expected = stepped(torch_schedulers.StepLR(inner, 3, 0.5), inner, steps=10)
    assert [factor(schedule, e / 10, e, []) for e in range(10)] == pytest.approx(expected)


def test_one_cycle_is_that_of_torch_but_for_where_steps_begin() -> None:
    """Torch counts STEPS - 1 intervals and turns one step early; shares of training do not."""
    inner = optimizer()
    cycle = torch_schedulers.OneCycleLR(inner, 1.0, total_steps=STEPS, pct_start=0.3)
    expected = stepped(cycle, inner, steps=STEPS - 1)
    found = rates(Schedule(name="one_cycle", warmup=0.3))
    assert found[0] == pytest.approx(expected[0]) == 1 / 25
    assert max(found) == pytest.approx(max(expected)) == 1
    schedule = Schedule(name="one_cycle", warmup=0.3)
    for step, rate in enumerate(expected):
        turn, last = 0.3 * STEPS - 1, STEPS - 1
        part = step / turn * 0.3 if step <= turn else 0.3 + 0.7 * (step - turn) / (last - turn)
        assert factor(schedule, part, 0, []) == pytest.approx(rate, abs=1e-6)
    assert factor(schedule, 1, 0, []) == pytest.approx(1 / 25e4)


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 5))
def test_plateau_is_that_of_torch(scores: list[int], patience: int) -> None:
    """With threshold 0, where any decrease counts, and no cooldown."""
    inner, losses = optimizer(), [score / 10 for score in scores]
    plateau = torch_schedulers.ReduceLROnPlateau(
        inner, factor=0.1, patience=patience, threshold=0, min_lr=0, eps=0
    )
    for loss in losses:
        plateau.step(loss)
    schedule = Schedule(name="plateau", patience=patience, gamma=0.1, warmup=0)
    expected = inner.param_groups[0]["lr"]
    assert factor(schedule, 0.5, len(losses), losses) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("losses", "count"),
    [
        ([], 0),
        ([1, 1, 1], 0),
        ([1, 1, 1, 1], 1),
        ([1, 2, 3, 0.5, 2, 2], 0),
        ([1, 1, 1, 1, 1, 1, 1], 2),
        ([math.nan, math.nan, math.nan], 1),
    ],
)
def test_a_rate_falls_after_patience_epochs_without_a_new_minimum(
    losses: list[float], count: int
) -> None:
    assert plateaus(losses, patience=2) == count


@pytest.mark.parametrize("name", ["constant", "cosine", "step", "plateau"])
def test_warm_up_rises_in_a_line_from_nothing(name: str) -> None:
    found = rates(Schedule(name=name, warmup=0.25))
    assert found[:10] == pytest.approx([step / 10 for step in range(10)])
    assert found[10] == 1


@given(
    st.sampled_from(["constant", "cosine", "step", "plateau", "one_cycle"]),
    st.floats(0, 0.99),
    st.floats(0, 1),
)
def test_a_factor_is_never_negative_nor_above_one(name: str, warmup: float, share: float) -> None:
    assert 0 <= factor(Schedule(name=name, warmup=warmup), share, 3, [1.0] * 9) <= 1 + 1e-12


def test_cosine_only_falls_after_the_warm_up() -> None:
    found = rates(Schedule(name="cosine", warmup=0.1))[4:]
    assert all(later < earlier for earlier, later in pairwise(found))
