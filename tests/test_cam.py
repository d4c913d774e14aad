"""Class maps: the facts that every method rests on."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lookright import cam

CELLS = st.integers(-64, 64).map(lambda step: step / 8)
BATCHES = hnp.arrays(np.float64, (3, 4, 5), elements=CELLS).map(torch.from_numpy)
REFERENCES = ["softmax", "runner_up", "mean"]

quick = settings(max_examples=50, deadline=None)


@pytest.fixture
def painted():
    source = torch.Generator().manual_seed(0)
    shapes = (6, 5, 7, 7), (4, 5), (4,)
    return [torch.randn(shape, generator=source, dtype=torch.float64) for shape in shapes]


@pytest.fixture
def labels():
    return torch.tensor([0, 1, 2, 3, 1, 0])


def test_a_class_map_is_a_logit_before_pooling(painted):
    features, weight, bias = painted
    logits = torch.nn.functional.linear(features.mean((2, 3)), weight, bias)
    added = cam.class_maps(features, weight).mean((2, 3)) + bias
    torch.testing.assert_close(added, logits)


def test_a_class_map_is_the_gradient_of_its_logit_times_the_features(painted):
    """HiResCAM = CAM up to the number of cells, for a head that pools and is linear."""
    features, weight, _ = painted
    features.requires_grad_()
    logits = features.mean((2, 3)) @ weight.T
    for each in range(4):
        (slope,) = torch.autograd.grad(logits[:, each].sum(), features, retain_graph=True)
        found = (slope * features).sum(1) * 49
        torch.testing.assert_close(found, cam.class_maps(features, weight)[:, each])


def test_class_maps_are_added_up_in_full_precision_under_autocast(painted):
    features, weight = (each.float() for each in painted[:2])
    with torch.autocast("cpu", torch.bfloat16):
        found = cam.class_maps(features, weight)
    torch.testing.assert_close(found, cam.class_maps(features, weight), rtol=0, atol=0)


def test_half_precision_features_make_float32_maps(painted):
    features, weight, _ = painted
    assert cam.class_maps(features.bfloat16(), weight.float()).dtype == torch.float32


def test_pick_keeps_the_map_of_the_given_class(painted, labels):
    cams = cam.class_maps(*painted[:2])
    for image, (map, label) in enumerate(zip(cam.pick(cams, labels), labels, strict=True)):
        assert torch.equal(map, cams[image, label])


@quick
@given(BATCHES, st.floats(0.1, 10), st.floats(-10, 10))
def test_a_stretched_map_forgets_scale_and_offset(maps, scale, offset):
    found = cam.rescale(scale * maps + offset)
    torch.testing.assert_close(found, cam.rescale(maps), rtol=0, atol=1e-9)


@quick
@given(BATCHES)
def test_a_stretched_map_spans_zero_to_one_or_is_zero(maps):
    flat = maps.amax((1, 2)) == maps.amin((1, 2))
    found = cam.rescale(maps)
    assert torch.equal(found.amin((1, 2)), torch.zeros(3).double())
    assert torch.equal(found.amax((1, 2)), (~flat).double())


@quick
@given(BATCHES)
def test_the_opposite_map_is_the_complement(maps):
    flat = (maps.amax((1, 2), keepdim=True) == maps.amin((1, 2), keepdim=True)).expand_as(maps)
    complement = torch.where(flat, 0, 1 - cam.rescale(maps))
    torch.testing.assert_close(cam.rescale(-maps), complement)


@quick
@given(BATCHES)
def test_images_are_stretched_one_by_one(maps):
    alone = torch.cat([cam.rescale(each[None]) for each in maps])
    assert torch.equal(cam.rescale(maps), alone)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-30, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_TR03_a_constant_map_becomes_zero_with_a_zero_gradient(value, dtype):
    maps = torch.full((2, 3, 3), value, dtype=dtype, requires_grad=True)
    found = cam.rescale(maps)
    (found - 0.5).square().sum().backward()
    assert not found.any()
    assert maps.grad is not None
    assert not maps.grad.any()


def test_TR03_a_map_that_is_constant_but_for_rounding_becomes_zero():
    maps = (torch.rand(1, 7, 7) * 1e-7 + 1).requires_grad_()
    found = cam.rescale(maps)
    found.sum().backward()
    assert not found.any()
    assert maps.grad is not None
    assert not maps.grad.any()


def test_a_stretched_half_precision_map_is_float32():
    assert cam.rescale(torch.rand(1, 3, 3).bfloat16()).dtype == torch.float32


@quick
@given(BATCHES)
def test_a_lifted_map_peaks_at_one_unless_it_is_empty(maps):
    maps = maps.abs()
    found = cam.lift(maps)
    assert torch.equal(found.amax((1, 2)), (maps.amax((1, 2)) > 0).double())
    torch.testing.assert_close(found * maps.amax((1, 2), keepdim=True), maps)


@quick
@given(hnp.arrays(np.float64, (2, 12, 8), elements=st.floats(0, 1)).map(torch.from_numpy))
def test_shrinking_averages_over_areas(maps):
    found = cam.shrink(maps, torch.zeros(2, 3, 4))
    torch.testing.assert_close(found, maps.reshape(2, 3, 4, 4, 2).mean((2, 4)))


def test_a_stroke_one_pixel_wide_survives_shrinking():
    maps = torch.zeros(1, 224, 224)
    maps[0, :, 100] = 1
    found = cam.shrink(maps, torch.zeros(1, 7, 7))[0]
    torch.testing.assert_close(found[:, 3], torch.full((7,), 1 / 32))
    assert found[:, [0, 1, 2, 4, 5, 6]].sum() == 0


def test_shrinking_to_a_grid_that_does_not_divide_keeps_a_constant():
    found = cam.shrink(torch.full((1, 10, 10), 0.3), torch.zeros(1, 3, 4))
    torch.testing.assert_close(found, torch.full((1, 3, 4), 0.3))


def test_enlarging_keeps_the_centres_of_cells():
    maps = torch.rand(1, 3, 3)
    found = cam.enlarge(maps, (15, 15))
    torch.testing.assert_close(found[:, 2::5, 2::5], maps)


@pytest.mark.parametrize("reference", REFERENCES)
def test_with_two_classes_contrast_is_true_minus_false(painted, reference):
    features, weight, bias = painted
    cams = cam.class_maps(features, weight[:2])
    labels = torch.tensor([0, 1, 0, 1, 1, 0])
    found = cam.contrast(cams, cams.mean((2, 3)) + bias[:2], labels, reference)
    expected = torch.stack([cams[i, y] - cams[i, 1 - y] for i, y in enumerate(labels)])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_shares_of_rivals_sum_to_one_and_leave_out_the_label(painted, labels, reference):
    features, weight, bias = painted
    logits = (features.mean((2, 3)) @ weight.T + bias).requires_grad_()
    found = cam.rivals(logits, labels, reference)
    torch.testing.assert_close(found.sum(1), torch.ones(6).double())
    assert (found >= 0).all()
    assert not found[torch.arange(6), labels].any()
    assert not found.requires_grad


def test_the_shares_of_rivals_are_what_their_names_say():
    logits = torch.tensor([[1.0, 3.0, 2.0]])
    label = torch.tensor([0])
    e = 2.718281828459045
    shares = {each: cam.rivals(logits, label, each)[0].tolist() for each in REFERENCES}
    assert shares["softmax"] == pytest.approx([0, e / (e + 1), 1 / (e + 1)])
    assert shares["runner_up"] == [0, 1, 0]
    assert shares["mean"] == [0, 0.5, 0.5]


def test_a_certain_prediction_leaves_the_shares_of_rivals_finite():
    found = cam.rivals(torch.tensor([[1e4, 0.0, -1e4]]), torch.tensor([0]), "softmax")
    assert found.tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_vector_added_to_every_class_moves_each_map_but_not_their_contrast(
    painted, labels, reference
):
    features, weight, bias = painted
    fooled = weight + torch.tensor([3.0, -2.0, 1.0, 5.0, -4.0])
    before, after = (cam.class_maps(features, each) for each in (weight, fooled))
    shares = [(each.mean((2, 3)) + bias).softmax(1) for each in (before, after)]
    found = [
        cam.contrast(each, each.mean((2, 3)) + bias, labels, reference) for each in (before, after)
    ]
    torch.testing.assert_close(*shares)
    torch.testing.assert_close(*found)
    assert (before - after).abs().mean() > 1


def test_the_map_of_log_p_is_the_softmax_contrast_times_the_doubt(painted, labels):
    """CAM of log p_y, by autograd, is CAM_y - sum_c p_c CAM_c = (1 - p_y) (t - f)."""
    features, weight, bias = painted
    features.requires_grad_()
    logits = features.mean((2, 3)) @ weight.T + bias
    chosen = logits.log_softmax(1)[torch.arange(6), labels]
    (slope,) = torch.autograd.grad(chosen.sum(), features)
    oracle = (slope * features).sum(1) * 49
    cams = cam.class_maps(features, weight)
    doubt = 1 - logits.softmax(1)[torch.arange(6), labels]
    found = doubt[:, None, None] * cam.contrast(cams, logits, labels)
    torch.testing.assert_close(found, oracle)


def test_the_false_map_is_mixed_in_full_precision_under_autocast(painted, labels):
    cams = cam.class_maps(*(each.float() for each in painted[:2]))
    logits = cams.mean((2, 3))
    with torch.autocast("cpu", torch.bfloat16):
        found = cam.rival(cams, logits, labels)
    torch.testing.assert_close(found, cam.rival(cams, logits, labels), rtol=0, atol=0)


def test_gradient_reaches_features_and_head_through_every_map(painted, labels):
    features, weight, _ = (each.requires_grad_() for each in painted)
    cams = cam.class_maps(features, weight)
    found = cam.rescale(cam.contrast(cams, cams.mean((2, 3)), labels))
    slopes = torch.autograd.grad(found.square().sum(), (features, weight))
    assert all(slope.any() and slope.isfinite().all() for slope in slopes)
