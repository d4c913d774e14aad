"""What every explainer promises, over the directory; and each against another library's."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum import attr
from pytorch_grad_cam import GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from lookright import explainer as explaining
from lookright import explainers
from lookright.cam import contrast, enlarge, pick, rescale
from lookright.covering import blank, margin, score
from lookright.errors import ConfigError
from lookright.explainer import Explainer, untouched
from lookright.explainers.gradient import Gradient
from lookright.explainers.gradient_shap import GradientShap
from lookright.explainers.integrated_gradients import IntegratedGradients
from lookright.explainers.occlusion import Occlusion
from lookright.explainers.rise import Rise
from lookright.model import Classifier
from lookright.post_hoc import Answers
from lookright.types import Images, Labels, Maps

SIDE = 24
BLIND = ("eigen_cam", "random")  # know no class
QUICK = {"rise": {"masks": 40}, "gradient_shap": {"samples": 4}}


@pytest.fixture
def model() -> Classifier:
    """A small network with everything that an explainer could leave in disorder."""
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
    trunk = nn.Sequential(first, nn.Dropout(), nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU())
    return Classifier(trunk, nn.Linear(8, 3)).eval()


class Weighted(nn.Module):
    """Two features that are linear in the pixels, each with weights of its own at every place."""

    def __init__(self, colours: int = 3) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(4)
        self.weight = nn.Parameter(torch.randn(2, colours, SIDE, SIDE, generator=chance))

    def forward(self, images: Tensor) -> Tensor:
        return torch.einsum("nchw,kchw->nkhw", images, self.weight)


@pytest.fixture
def linear() -> Classifier:
    torch.manual_seed(1)
    return Classifier(Weighted(), nn.Linear(2, 2), (0,) * 3, (1,) * 3)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def classes() -> Tensor:
    return torch.tensor([0, 2, 1])


@pytest.fixture(params=explainers.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def artist(name: str) -> Explainer:
    return explainers.build(name, QUICK.get(name))


def test_there_is_one_finite_map_per_image_without_a_gradient(artist, model, images, classes):
    maps = artist(model, images, classes)
    assert maps.shape[0] == 3
    assert maps.ndim == 3
    assert maps.isfinite().all()
    assert maps.dtype == torch.float32
    assert not maps.requires_grad
    assert (maps.amax((1, 2)) > maps.amin((1, 2))).all()


def state(model: nn.Module) -> list[object]:
    modes = [each.training for each in model.modules()]
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    hooks = [list(getattr(each, kind)) for each in model.modules() for kind in kinds]
    needs = [each.requires_grad for each in model.parameters()]
    gradients = [id(each.grad) for each in model.parameters()]
    held = [each.grad.tolist() for each in model.parameters() if each.grad is not None]
    values = {key: each.tolist() for key, each in model.state_dict().items()}
    return [modes, hooks, needs, gradients, held, values]


def test_the_model_is_left_exactly_as_it_was(artist, model, images, classes):
    model.train()
    model.trunk[0].eval()
    model.trunk[2].weight.requires_grad_(False)
    model.head.register_forward_hook(lambda *_: None)
    score(model.eval(), images, classes).sum().backward()
    model.train()
    model.trunk[0].eval()
    before = state(model)
    artist(model, images, classes)
    assert state(model) == before


def test_the_model_is_as_it_was_also_when_an_explainer_fails(model, images, classes):
    class Broken(Explainer):
        def explain(self, model: Classifier, images: Images, classes: Labels) -> Maps:
            raise KeyError("broken")

    model.train()
    before = state(model)
    with pytest.raises(KeyError):
        Broken()(model, images, classes)
    assert state(model) == before


def test_a_library_that_fails_leaves_no_hook_even_while_its_error_is_looked_at(model, images):
    before = state(model)
    with pytest.raises(IndexError) as caught:
        explainers.build("grad_cam")(model, images, torch.tensor([0, 1, 99]))
    assert state(model) == before
    assert caught.value.__traceback__ is not None  # keeps the library's objects alive


def test_images_are_left_as_they_were_and_no_global_number_is_drawn(artist, model, images, classes):
    np.random.seed(20)
    torch.manual_seed(20)
    before = images.clone(), torch.get_rng_state(), np.random.get_state()
    artist(model, images, classes)
    assert torch.equal(images, before[0])
    assert not images.requires_grad
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (np.random.get_state()[1] == before[2][1]).all()
    assert np.random.get_state()[2] == before[2][2]


def test_every_image_has_a_map_of_its_own_class_whatever_stands_beside_it(
    artist, model, images, classes
):
    together = artist(model, images, classes)
    alone = [artist(model, images[i : i + 1], classes[i : i + 1]) for i in (2, 1, 0)]
    torch.testing.assert_close(together.flip(0), torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_another_class_has_another_map(name, artist, model, images, classes):
    other = artist(model, images, (classes + 1) % 3)
    assert torch.equal(artist(model, images, classes), other) == (name in BLIND)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_gradients_switched_off_outside_do_not_matter(artist, model, images, classes, mode):
    expected = artist(model, images, classes)
    with mode():
        found = artist(model, images.clone(), classes.clone())
    assert torch.equal(found, expected)


def test_grey_images_are_explained_as_well(artist, model, images, classes):
    grey = images.mean(1, keepdim=True)
    assert artist(model, grey, classes).isfinite().all()


def test_maps_have_the_proportions_of_their_image(name, artist, model, classes):
    images = torch.rand(3, 3, SIDE, 2 * SIDE, generator=torch.Generator().manual_seed(5))
    rows, cols = artist(model, images, classes).shape[1:]
    assert cols == (rows if name == "random" else 2 * rows)


def test_the_difference_is_what_the_measures_call_the_decision(model, images, classes):
    seen = model(images)
    expected = contrast(seen.cams, seen.logits, classes)
    found = explainers.build("difference")(model, images, classes)
    torch.testing.assert_close(found, expected.detach())


def test_captum_draws_the_same_gradient(model, images, classes):
    with untouched(model):
        found = attr.Saliency(Answers(model)).attribute(images, classes)
    mine = Gradient(score="logit")(model, images, classes)
    torch.testing.assert_close(mine, found.amax(1).detach())


@pytest.mark.parametrize(("window", "stride"), [(6, 3), (7, 4), (24, 5), (1, 1)])
@pytest.mark.parametrize("fill", ["black", "mean", "blurred"])
def test_captum_finds_the_same_by_occlusion(model, images, classes, window, stride, fill):
    method = attr.Occlusion(Answers(model))
    shapes = {"sliding_window_shapes": (3, window, window), "strides": (3, stride, stride)}
    expected = method.attribute(images, baselines=blank(images, fill), target=classes, **shapes)
    mine = Occlusion(window / SIDE, stride / SIDE, fill, "logit")(model, images, classes)
    torch.testing.assert_close(mine, expected[:, 0].detach(), rtol=1e-4, atol=1e-6)


def test_windows_that_leave_gaps_are_refused():
    with pytest.raises(ConfigError, match="steps over"):
        Occlusion(window=0.1, stride=0.2)


@pytest.mark.parametrize("name", ["grad_cam", "hires_cam"])
def test_on_a_pool_and_linear_head_these_are_the_positive_part_of_the_class_map(
    name, model, images, classes
):
    cams = pick(model(images).cams, classes).detach()
    drawn = rescale(enlarge(rescale(cams.relu()), (SIDE, SIDE)))
    found = explainers.build(name)(model, images, classes)
    torch.testing.assert_close(found, drawn, rtol=0, atol=1e-5)


def test_grad_cam_plus_plus_follows_the_derivatives_of_the_paper(model, images, classes):
    """Equations 10 and 19 with Y = exp(S): derivatives by autograd, channel by channel."""
    with torch.no_grad():
        model.double().head.weight *= 5
        features = model(images.double()).features
    expected = [
        torch.einsum("k,krc->rc", paper_weights(model, each, chosen), each).relu()
        for each, chosen in zip(features, classes, strict=True)
    ]
    found = explainers.build("grad_cam_plus_plus")(model, images.double(), classes)
    drawn = rescale(torch.stack(expected)).float()
    torch.testing.assert_close(rescale(found), drawn, rtol=1e-4, atol=1e-5)


def paper_weights(model: Classifier, features: Tensor, chosen: Tensor) -> Tensor:
    """All places of a channel have the same derivatives; those of its first one are taken."""
    weights = []
    for channel, grid in enumerate(features):
        value = grid[0, 0].clone().requires_grad_()
        changed = features.clone()
        changed[channel, 0, 0] = value
        current = model.head(changed.mean((1, 2)))[chosen].exp()
        slopes = []
        for _ in range(3):
            (current,) = torch.autograd.grad(current, value, create_graph=True)
            slopes.append(current.detach())
        share = slopes[1] / (2 * slopes[1] + grid.sum() * slopes[2])
        weights.append(grid.numel() * share * slopes[0].relu())
    return torch.stack(weights)


def test_where_gradients_are_large_pytorch_grad_cam_weighs_the_same(model, images, classes):
    with torch.no_grad():  # its 1e-6 in the denominator no longer counts
        model.head.weight *= 1e3
    with GradCAMPlusPlus(Answers(model), [model.trunk]) as method:
        expected = method(images.clone(), [ClassifierOutputTarget(each) for each in classes])
    found = explainers.build("grad_cam_plus_plus")(model, images, classes)
    drawn = rescale(enlarge(rescale(found), (SIDE, SIDE)))
    torch.testing.assert_close(drawn, torch.from_numpy(expected), rtol=0, atol=1e-3)


def test_what_all_classes_share_moves_the_class_map_and_no_map_of_the_decision(
    model, images, classes
):
    """The closed form of passive fooling: one vector added to every row of the head."""
    names = ["cam", "difference", "gradient", "occlusion", "integrated_gradients"]
    before = {name: explainers.build(name)(model, images, classes) for name in names}
    with torch.no_grad():
        model.head.weight += torch.tensor([3.0, -2, 1, 5, -4, 2, 1, -3])
    after = {name: explainers.build(name)(model, images, classes) for name in names}
    assert (after["cam"] - before["cam"]).abs().mean() > 1
    for name in names[1:]:
        torch.testing.assert_close(after[name], before[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("start", ["black", "mean", "blurred"])
def test_integrated_gradients_share_out_the_whole_margin(linear, images, start):
    classes = torch.tensor([0, 1, 1])
    maps = IntegratedGradients(4, start)(linear, images, classes)
    gained = score(linear, images, classes) - score(linear, blank(images, start), classes)
    torch.testing.assert_close(maps.sum((1, 2)), gained.detach(), rtol=1e-4, atol=1e-4)


def test_gradient_shap_shares_out_the_margin_to_a_mixture_of_its_blank_images(linear, images):
    classes = torch.tensor([0, 1, 1])
    found = GradientShap(8)(linear, images, classes).sum((1, 2))
    with torch.no_grad():
        starts = [blank(images, kind) for kind in ("black", "mean", "blurred")]
        own = score(linear, images, classes)
        gained = torch.stack([own - score(linear, each, classes) for each in starts])
    assert (found >= gained.amin(0) - 1e-4).all()
    assert (found <= gained.amax(0) + 1e-4).all()


def test_of_a_linear_model_four_explainers_draw_one_map(images):
    """Explainers that disagree must find no reason to where nothing bends: decision = sum of w x.

    The second class is the mirror of the first, so that its class map is half its margin.
    """
    torch.manual_seed(0)
    model = Classifier(Weighted(), nn.Linear(2, 2), (0,) * 3, (1,) * 3)
    with torch.no_grad():
        model.head.weight[1] = -model.head.weight[0]
    classes = torch.tensor([1, 0, 1])
    settings = {"occlusion": {"window": 1 / SIDE, "stride": 1 / SIDE, "fill": "black"}}
    names = ["cam", "difference", "occlusion", "integrated_gradients"]
    artists = [explainers.build(name, settings.get(name)) for name in names]
    maps = [each(model, images, classes) for each in artists]
    scaled = [each / each.abs().amax((1, 2), keepdim=True) for each in maps]
    for each in scaled[1:]:
        torch.testing.assert_close(each, scaled[0], rtol=1e-3, atol=1e-4)


def test_rise_weighs_every_mask_by_what_it_leaves(model, images, classes):
    artist = Rise(masks=30, cells=4, kept=0.4)
    masks = artist._draw((SIDE, SIDE))
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert abs(float(Rise(masks=400)._draw((SIDE, SIDE)).mean()) - 0.5) < 0.02
    expected = torch.zeros(3, SIDE, SIDE)
    for mask in masks:
        left = model(images * mask).logits.softmax(1).detach()
        expected += left[torch.arange(3), classes, None, None] * mask / (30 * 0.4)
    torch.testing.assert_close(artist(model, images, classes), expected, rtol=1e-4, atol=1e-5)


def test_a_random_map_depends_on_the_image_alone(model, linear, images, classes):
    artist = explainers.build("random")
    first = artist(model, images, classes)
    assert torch.equal(first, artist(linear, images, classes))
    assert not torch.equal(first[0], first[1])


def test_all_explainers_that_cannot_be_had_are_said_at_once(monkeypatch):
    real: Callable = explaining.find_spec
    monkeypatch.setattr(explaining, "find_spec", lambda n: None if n == "captum" else real(n))
    with pytest.raises(ConfigError) as caught:
        explainers.build_all(["cam", "oclusion", "integrated_gradients", "gradient_shap", "cams"])
    said = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "Did you mean 'occlusion'?" in said
    assert said.count('pip install "lookright[explain]"') == 2
    with pytest.raises(ConfigError, match="which is not installed"):
        explainers.build("integrated_gradients")


def test_an_unknown_explainer_or_setting_is_named():
    with pytest.raises(ConfigError, match="Did you mean 'gradient'"):
        explainers.find("gradiant")
    with pytest.raises(ConfigError, match="window"):
        explainers.build("occlusion", {"windw": 0.5})


WITHOUT_EXTRA = """
import sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("captum", "pytorch_grad_cam"):
            raise ImportError(name)

sys.meta_path.insert(0, Gone())
import torch
from lookright import explainers
from lookright.model import Classifier

model = Classifier(torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 2))
for name in explainers.names():
    if not explainers.find(name).needs:
        explainers.build(name)(model, torch.rand(1, 3, 16, 16), torch.tensor([1]))
        print(name)
"""


def test_what_needs_no_extra_works_without_it():
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRA], capture_output=True, text=True)
    built_in = {name for name in explainers.names() if not explainers.find(name).needs}
    assert set(done.stdout.split()) == built_in, done.stderr
    assert {"cam", "difference", "gradient", "occlusion", "rise", "random"} <= built_in


def test_a_margin_is_the_log_odds_of_its_class():
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    classes = torch.tensor([0, 1, 2, 3, 0])
    chances = logits.softmax(1)[torch.arange(5), classes]
    torch.testing.assert_close(margin(logits, classes), chances.logit())


def test_a_probability_and_a_logit_are_scored_as_their_names_say(model, images, classes):
    logits, rows = model(images).logits, torch.arange(3)
    torch.testing.assert_close(
        score(model, images, classes, "probability"), logits.softmax(1)[rows, classes]
    )
    assert torch.equal(score(model, images, classes, "logit"), logits[rows, classes])


def test_a_blurred_image_is_scipys(images):
    from scipy.ndimage import gaussian_filter

    deviation = SIDE / 16
    expected = gaussian_filter(
        images.numpy(), (0, 0, deviation, deviation), mode="nearest", radius=round(3 * deviation)
    )
    np.testing.assert_allclose(blank(images, "blurred").numpy(), expected, atol=1e-5)


def test_blank_images_hold_nothing_but_their_mean(images):
    assert not blank(images, "black").any()
    found = blank(images, "mean")
    torch.testing.assert_close(found.mean((2, 3)), images.mean((2, 3)))
    assert (found == found[:, :, :1, :1]).all()
