"""One mathematical fact or golden number for each method, from loops and closed forms."""

from copy import deepcopy
from dataclasses import replace
from math import exp, log, log1p

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, softmax
from torch import nn

from lookright import cam
from lookright.discriminator import Discriminator, judge_held
from lookright.objectives.adversarial import LOSSES, Adversarial
from lookright.objectives.contrast import Contrast
from lookright.objectives.cross_entropy import CrossEntropy
from lookright.objectives.cyborg import Cyborg
from lookright.objectives.decision_energy import DecisionEnergy
from lookright.objectives.difference import Difference
from lookright.objectives.energy import Energy
from lookright.objectives.fooling import Fooling, ring
from lookright.objectives.gg_cam import GgCam
from lookright.objectives.l1 import L1
from lookright.objectives.per_class import PerClass
from lookright.objectives.suppress_all import SuppressAll
from lookright.objectives.suppress_outside import SuppressOutside

REFERENCES = ["softmax", "runner_up", "mean"]


class Facts:
    """The same prediction and batch in numpy, for formulas written out as loops."""

    def __init__(self, model, batch):
        features, self.weight, self.bias = (
            each.detach().numpy() for each in (model.features, model.weight, model.bias)
        )
        self.cams = np.stack([[(row[:, None, None] * each).sum(0) for row in self.weight]
                              for each in features])  # fmt: skip
        self.logits = self.cams.mean((2, 3)) + self.bias
        self.shares = softmax(self.logits, axis=1)
        self.labels = batch.labels.numpy()
        self.true = np.stack([self.cams[i, label] for i, label in enumerate(self.labels)])
        self.maps = batch.maps.numpy().reshape(len(self.labels), 7, 4, 7, 4).mean((2, 4))
        self.asked = np.flatnonzero(batch.annotated.numpy())
        self.entropy = -np.mean(
            [log_softmax(row)[y] for row, y in zip(self.logits, self.labels, strict=True)]
        )

    def others(self, image):
        return [c for c in range(len(self.bias)) if c != self.labels[image]]

    def false(self, image, reference="softmax"):
        others = self.others(image)
        if reference == "runner_up":
            return self.cams[image, max(others, key=lambda c: self.logits[image, c])]
        shares = self.shares[image, others] if reference == "softmax" else np.ones(len(others))
        return np.tensordot(shares / shares.sum(), self.cams[image, others], 1)

    def mean(self, value):
        return np.mean([value(image) for image in self.asked])


def stretched(map):
    return (map - map.min()) / (map.max() - map.min())


def distance(map, target):
    """The mean square, cell by cell."""
    total = 0.0
    for row in range(map.shape[0]):
        for column in range(map.shape[1]):
            total += (map[row, column] - target[row, column]) ** 2
    return total / map.size


@pytest.fixture(params=[2, 4], ids=["two_classes", "four_classes"])
def scene(request, painted_classifier, random_batch):
    """A painted prediction, a batch, and both in numpy."""
    model, batch = painted_classifier(request.param), random_batch(request.param)
    return model, batch, Facts(model, batch)


def terms(objective, model, batch, progress=0.5):
    found = objective(model, batch, progress)
    return {name: float(term.detach()) for name, term in found.items()}


def test_cross_entropy_is_the_mean_negative_log_share(scene):
    model, batch, facts = scene
    assert terms(CrossEntropy(), model, batch) == {"task": pytest.approx(facts.entropy)}


def test_cyborg_is_a_double_loop_over_cells(scene):
    model, batch, facts = scene
    missed = facts.mean(lambda i: distance(stretched(facts.true[i]), facts.maps[i]))
    expected = {"task": 0.3 * facts.entropy, "human": 0.7 * missed}
    assert terms(Cyborg(alpha=0.3), model, batch) == pytest.approx(expected)


def test_cyborg_as_released_explains_the_predicted_class(scene):
    model, batch, facts = scene
    predicted = facts.logits.argmax(1)
    assert (predicted != facts.labels)[facts.asked].any()
    missed = facts.mean(lambda i: distance(stretched(facts.cams[i, predicted[i]]), facts.maps[i]))
    found = terms(Cyborg(variant="released"), model, batch)["human"]
    assert found == pytest.approx(0.5 * missed)


@pytest.mark.parametrize("reference", REFERENCES)
def test_difference_subtracts_first_and_normalises_then(scene, reference):
    model, batch, facts = scene
    missed = facts.mean(
        lambda i: distance(stretched(facts.true[i] - facts.false(i, reference)), facts.maps[i])
    )
    found = terms(Difference(reference=reference), model, batch)
    assert found == pytest.approx({"task": 0.5 * facts.entropy, "human": 0.5 * missed})


def test_difference_is_the_same_for_every_reference_when_there_are_two_classes(
    painted_classifier, random_batch
):
    model, batch = painted_classifier(2), random_batch(2)
    found = [terms(Difference(reference=each), model, batch) for each in REFERENCES]
    assert found[1] == pytest.approx(found[0])
    assert found[2] == pytest.approx(found[0])


def test_difference_resists_a_vector_added_to_every_class_and_cyborg_does_not(scene):
    """Closed-form passive fooling: no probability changes, every class map does."""
    model, batch, _ = scene
    fooled = deepcopy(model)
    fooled.weight.data += torch.tensor([3.0, -2.0, 1.0, 5.0, -4.0])
    for objective, resists in ((Difference(), True), (DecisionEnergy(), True), (Cyborg(), False)):
        before, after = (terms(objective, each, batch) for each in (model, fooled))
        assert after["task"] == pytest.approx(before["task"])
        assert (after == pytest.approx(before)) == resists


def test_per_class_asks_the_false_classes_for_the_complement(scene):
    model, batch, facts = scene
    missed = facts.mean(lambda i: distance(stretched(facts.true[i]), facts.maps[i]))
    strayed = facts.mean(
        lambda i: np.mean(
            [distance(stretched(facts.cams[i, c]), 1 - facts.maps[i]) for c in facts.others(i)]
        )
    )
    expected = {"task": 0.3 * facts.entropy, "human": 0.2 * missed, "complement": 0.1 * strayed}
    assert terms(PerClass(0.3, 0.2, 0.1), model, batch) == pytest.approx(expected)


def test_one_logit_as_two_opposite_ones_makes_the_true_class_methods_vacuous(
    painted_classifier, random_batch
):
    """mm(-A) = 1 - mm(A): why a head with one logit is refused."""
    model, batch = painted_classifier(2), random_batch(2)
    model.weight.data[1] = -model.weight.data[0]
    baseline = terms(Cyborg(), model, batch)["human"] / 0.5
    apart = terms(PerClass(1, 1, 1), model, batch)
    assert terms(Difference(), model, batch)["human"] / 0.5 == pytest.approx(baseline)
    assert apart["human"] + apart["complement"] == pytest.approx(2 * baseline)
    assert terms(Contrast(), model, batch)["contrast"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("reference", REFERENCES)
def test_contrast_asks_the_false_map_for_the_complement_of_the_true_one(scene, reference):
    model, batch, facts = scene
    missed = facts.mean(lambda i: distance(stretched(facts.true[i]), facts.maps[i]))
    shared = facts.mean(
        lambda i: distance(stretched(facts.false(i, reference)), 1 - stretched(facts.true[i]))
    )
    expected = {"task": 0.3 * facts.entropy, "human": 0.2 * missed, "contrast": 0.1 * shared}
    found = terms(Contrast(0.3, 0.2, 0.1, reference), model, batch)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("detach", [False, True])
def test_contrast_moves_the_true_map_unless_its_target_is_detached(
    painted_classifier, random_batch, detach
):
    model = painted_classifier(2)
    batch = random_batch(2, labels=torch.zeros(6).long())
    term = Contrast(detach_target=detach)(model, batch, 0.5)["contrast"]
    true, false = torch.autograd.grad(term, model.weight)[0]
    assert bool(true.any()) != detach
    assert false.any()


def test_contrast_moves_the_true_map_by_default():
    assert not Contrast().detach_target


def test_energy_is_one_minus_energy_based_pointing(scene):
    model, batch, facts = scene

    def pointing(image):
        energy = np.maximum(facts.true[image], 0)
        return (energy * facts.maps[image]).sum() / energy.sum()

    expected = {"task": facts.entropy, "outside": 2 * (1 - facts.mean(pointing))}
    assert terms(Energy(2.0), model, batch) == pytest.approx(expected)


@pytest.mark.parametrize("reference", REFERENCES)
def test_decision_energy_is_the_share_of_the_decision_outside(scene, reference):
    model, batch, facts = scene

    def outside(image):
        deciding = np.abs(facts.true[image] - facts.false(image, reference))
        return (deciding * (1 - facts.maps[image])).sum() / deciding.sum()

    found = terms(DecisionEnergy(3.0, reference), model, batch)["outside"]
    assert found == pytest.approx(3 * facts.mean(outside))


def test_the_deciding_map_plus_the_difference_of_biases_is_the_margin_of_logits(scene):
    """So what it shows cannot be repainted while the decision stays."""
    model, batch, facts = scene
    seen = model(batch.images)
    deciding = cam.contrast(seen.cams, seen.logits, batch.labels, "runner_up").mean((1, 2))
    for image, label in enumerate(facts.labels):
        rival = max(facts.others(image), key=lambda c: facts.logits[image, c])
        margin = facts.logits[image, label] - facts.logits[image, rival]
        gap = facts.bias[label] - facts.bias[rival]
        assert float(deciding[image].detach()) + gap == pytest.approx(margin)


def test_l1_is_the_mean_distance_of_cells(scene):
    model, batch, facts = scene
    missed = facts.mean(lambda i: np.mean(np.abs(stretched(facts.true[i]) - facts.maps[i])))
    assert terms(L1(2.0), model, batch)["human"] == pytest.approx(2 * missed)


def test_suppress_outside_squares_what_the_stretched_map_has_outside(scene):
    model, batch, facts = scene
    strayed = facts.mean(lambda i: np.mean(((1 - facts.maps[i]) * stretched(facts.true[i])) ** 2))
    found = terms(SuppressOutside(2.0), model, batch)["outside"]
    assert found == pytest.approx(2 * strayed)


def test_suppress_all_is_the_mean_square_outside_over_every_class(scene):
    model, batch, facts = scene
    spoken = facts.mean(lambda i: np.mean((1 - facts.maps[i])[None] * facts.cams[i] ** 2))
    assert terms(SuppressAll(2.0), model, batch)["outside"] == pytest.approx(2 * spoken)


@pytest.mark.parametrize(
    "objective", [Energy(), DecisionEnergy(), SuppressOutside(), SuppressAll()], ids=repr
)
def test_evidence_everywhere_leaves_nothing_outside(scene, objective):
    model, batch, _ = scene
    found = terms(objective, model, replace(batch, maps=torch.ones_like(batch.maps)))
    assert found["outside"] == pytest.approx(0, abs=1e-12)


def test_gg_cam_is_its_closed_form_in_value_and_slope(scene):
    model, batch, facts = scene
    objective = GgCam().double()
    logs = log_c, log_d, log_k = 0.3, -0.2, 0.1
    for parameter, value in zip(objective.parameters(), logs, strict=True):
        parameter.data.fill_(value)
    gaze = facts.maps / facts.maps.max((1, 2), keepdims=True)
    gap = facts.mean(lambda i: distance(expit(exp(log_k) * facts.true[i]), gaze[i]))
    found = objective(model, batch, 0.5)
    assert {name: float(term.detach()) for name, term in found.items()} == pytest.approx(
        {
            "task": facts.entropy / exp(2 * log_c) + log(1 + exp(log_c)),
            "human": gap / (2 * exp(2 * log_d)) + log(1 + exp(log_d)),
        }
    )

    def pull(image):
        lit = expit(exp(log_k) * facts.true[image])
        return np.mean((lit - gaze[image]) * lit * (1 - lit) * exp(log_k) * facts.true[image])

    slopes = torch.autograd.grad(sum(found.values()), list(objective.parameters()))
    expected = [
        -2 * facts.entropy / exp(2 * log_c) + exp(log_c) / (1 + exp(log_c)),
        -gap / exp(2 * log_d) + exp(log_d) / (1 + exp(log_d)),
        facts.mean(pull) / exp(2 * log_d),
    ]
    assert [float(slope) for slope in slopes] == pytest.approx(expected)


def test_gg_cam_keeps_its_logarithms_within_six(scene):
    model, batch, facts = scene
    objective = GgCam().double()
    objective.log_task.data.fill_(50.0)
    found = terms(objective, model, batch)["task"]
    assert found == pytest.approx(facts.entropy * exp(-12) + log1p(exp(6)))


def test_gg_cam_as_released_pulls_the_raw_map_of_class_zero_to_the_gaze(scene):
    model, batch, facts = scene
    gaze = facts.maps / facts.maps.max((1, 2), keepdims=True)
    gap = facts.mean(lambda i: distance(facts.cams[i, 0] / 5, gaze[i]))  # 5 channels
    expected = {
        "task": facts.entropy * exp(-14) + log1p(exp(7)),
        "human": gap * exp(32) / 2 + log1p(exp(-16)),
    }
    assert terms(GgCam("released").double(), model, batch) == pytest.approx(expected)


def test_fooling_draws_24_of_49_cells():
    assert ring(torch.rand(2, 7, 7)).sum((1, 2)).tolist() == [24, 24]
    assert ring(torch.rand(1, 14, 14)).sum() == 14 * 14 - 10 * 10
    assert ring(torch.rand(1, 20, 20)).sum() == 20 * 20 - 16 * 16
    assert ring(torch.rand(1, 4, 5)).sum() == 4 * 5 - 2 * 3


def test_fooling_pulls_every_map_to_the_edge_whoever_was_asked(scene):
    model, batch, facts = scene
    edge = np.pad(np.zeros((5, 5)), 1, constant_values=1)
    lie = np.mean([distance(stretched(each), edge) for each in facts.true])
    expected = {"task": 0.3 * facts.entropy, "lie": 0.7 * lie}
    nobody = replace(batch, annotated=torch.zeros(6).bool())
    assert terms(Fooling(0.3), model, nobody) == pytest.approx(expected)


@pytest.mark.parametrize(
    "objective",
    [
        Cyborg(alpha=1),
        Difference(1, 0),
        PerClass(1, 0, 0),
        Contrast(1, 0, 0),
        Fooling(1),
        Energy(0),
        DecisionEnergy(0),
        SuppressOutside(0),
        SuppressAll(0),
    ],
    ids=lambda objective: type(objective).__name__,
)
def test_without_weight_every_method_is_plain_training(scene, objective):
    model, batch, facts = scene
    assert sum(terms(objective, model, batch).values()) == pytest.approx(facts.entropy)


@pytest.fixture(params=["none", "image"])
def rivals(request, smooth_classifier, random_batch):
    """A classifier, a discriminator in its objective, and a batch; eval mode: no noise."""
    torch.manual_seed(5)
    objective = Adversarial(condition=request.param, delay=0, ramp=0).double().eval()
    return smooth_classifier(), objective, random_batch()


def test_adversarial_equals_two_passes_each_with_the_other_frozen(rivals):
    """One forward and one backward give what the usual two optimisation steps would."""
    model, objective, batch = rivals
    torch.stack(list(objective(model, batch, 0.5).values())).sum().backward()
    asked = batch.annotated
    real = batch.maps.reshape(6, 7, 4, 7, 4).mean((2, 4))
    real = real / real.amax((1, 2), keepdim=True)
    grey = batch.images.reshape(6, 3, 7, 4, 7, 4).mean((1, 3, 5))

    def judged(maps):
        beside = [maps, grey] if objective.condition == "image" else [maps]
        return objective.discriminator(torch.stack(beside, 1))[asked]

    def fake():
        cams = model(batch.images).cams
        own = torch.stack([each[label] for each, label in zip(cams, batch.labels, strict=True)])
        low = own.flatten(1).min(1).values[:, None, None]
        return (own - low) / (own - low).flatten(1).max(1).values[:, None, None]

    bce = nn.functional.binary_cross_entropy_with_logits
    on_real, on_fake = judged(real), judged(fake())
    own = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
    parts = list(objective.discriminator.parameters())
    for part, slope in zip(parts, torch.autograd.grad(own, parts), strict=True):
        torch.testing.assert_close(part.grad, slope)
    on_fake = judged(fake())
    logits = model(batch.images).logits
    task = nn.functional.cross_entropy(logits, batch.labels)
    deceived = task + 0.1 * bce(on_fake, torch.ones_like(on_fake))
    weights = list(model.parameters())
    for weight, slope in zip(weights, torch.autograd.grad(deceived, weights), strict=True):
        torch.testing.assert_close(weight.grad, slope)


def test_adversarial_waits_for_the_discriminator_and_then_rises_linearly(
    smooth_classifier, random_batch
):
    torch.manual_seed(5)
    objective = Adversarial(delay=0.2, ramp=0.4).double().eval()
    model, batch = smooth_classifier(), random_batch()
    full = terms(objective, model, batch, 1.0)["deceive"]
    risen = [
        terms(objective, model, batch, now)["deceive"] / full for now in (0, 0.2, 0.3, 0.4, 0.6)
    ]
    assert risen == pytest.approx([0, 0, 0.25, 0.5, 1])


def test_adversarial_noise_blurs_both_kinds_of_map_until_the_end_of_training(
    smooth_classifier, random_batch
):
    torch.manual_seed(5)
    start = Adversarial(noise=0.5).double()
    model, batch = smooth_classifier(), random_batch()

    def judged(progress, training=True):
        return terms(deepcopy(start).train(training), model, batch, progress)["discriminator"]

    assert judged(0.3) != judged(0.3)
    assert judged(1.0) == judged(1.0)
    assert judged(0.3, training=False) == judged(0.9, training=False)


@pytest.mark.parametrize(
    ("name", "costs"),
    [("bce", (log(2), log(2), log(2))), ("least_squares", (1, 0, 1)), ("hinge", (1, 1, 0))],
)
def test_an_undecided_discriminator_costs_what_the_formula_says(name, costs):
    undecided = torch.zeros(1)
    assert [float(cost(undecided)) for cost in LOSSES[name]] == pytest.approx(costs)


@pytest.mark.parametrize("name", LOSSES)
def test_the_classifier_wins_what_the_discriminator_loses(name):
    """Logits that rise please D on human maps, cost D on class maps and please the classifier."""
    logits = torch.linspace(-0.9, 0.9, 19)
    real, fake, deceive = (cost(logits).diff().sign() for cost in LOSSES[name])
    assert (real == deceive).all()
    assert (deceive == -1).all()
    assert (fake == 1).all() or name == "least_squares"


def test_a_discriminator_gives_one_verdict_per_small_map_and_several_per_large_one():
    judge = Discriminator(1)
    assert judge(torch.rand(3, 1, 7, 7)).shape == (3, 1)
    assert judge(torch.rand(3, 1, 14, 14)).shape == (3, 1)
    assert judge(torch.rand(3, 1, 28, 28)).shape == (3, 9)


def test_a_held_discriminator_judges_alike_but_learns_nothing():
    judge, maps = Discriminator(1).eval(), torch.rand(2, 1, 7, 7, requires_grad=True)
    verdict = judge_held(judge, maps)
    torch.testing.assert_close(verdict, judge(maps))
    verdict.sum().backward()
    assert maps.grad is not None
    assert maps.grad.any()
    assert all(parameter.grad is None for parameter in judge.parameters())


def test_no_layer_of_a_discriminator_stretches_differences():
    """Spectral norm: the largest singular value of every layer's weights is one."""
    judge = Discriminator(1)
    for _ in range(50):
        judge(torch.rand(1, 1, 7, 7))
    for layer in (*judge.layers, judge.head):
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        assert float(largest.detach()) == pytest.approx(1, abs=0.02)


def test_a_discriminator_learns_to_tell_maps_by_shape(random_batch, painted_classifier):
    """Human maps are discs in the middle, class maps noise: after some steps it is right."""
    torch.manual_seed(6)
    rows = torch.linspace(-1, 1, 28)
    disc = (rows[:, None] ** 2 + rows**2 < 0.3).double().expand(6, 28, 28)
    batch = random_batch(2, maps=disc, annotated=torch.ones(6).bool())
    objective, model = Adversarial(noise=0).double(), painted_classifier(2)
    learn = torch.optim.Adam(objective.parameters(), 1e-3)
    for _ in range(30):
        objective(model, batch, 0.0)["discriminator"].backward()
        learn.step()
        learn.zero_grad()
    assert objective.log["discriminator_accuracy"] == 1
    assert objective.log["discriminator_real"] > 0.6 > 0.4 > objective.log["discriminator_fake"]
