"""Compiled equals eager, for every method. Run by test_objectives.py, without checks of shapes."""

from copy import deepcopy

import torch

from test_objectives import Step, case, gradients, loss, objective

__all__ = ["case", "objective"]  # fixtures


def test_compiled_equals_eager(objective, smooth_classifier, random_batch):
    step, batch = Step(smooth_classifier(), objective), random_batch()
    twin = deepcopy(step)
    torch.compiler.reset()
    compiled = torch.compile(step, backend="aot_eager", fullgraph=True)
    found, expected = compiled(batch, 1.0), twin(batch, 1.0)
    torch.testing.assert_close(found, expected)
    slopes = gradients(loss(expected), twin)
    torch.testing.assert_close(gradients(loss(found), step), slopes)
