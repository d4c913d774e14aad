"""A class map is a logit before pooling: in every network, and in other people's libraries."""

from collections.abc import Callable

import numpy as np
import pytest
import timm
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM, HiResCAM, XGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchcam.methods import CAM
from torchcam.methods import GradCAM as TorchcamGradCAM
from torchvision.models import densenet121

from lookright.backbones import build, names
from lookright.cam import enlarge, rescale
from lookright.errors import ConfigError
from lookright.model import Classifier, certify, wrap

CLASSES, CHOSEN = 3, 1


def images(count: int = 2, side: int = 64, colours: int = 3) -> Tensor:
    return torch.rand(count, colours, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", names())
def test_a_class_map_of_every_network_is_a_logit_before_pooling(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, CLASSES).eval()
    nn.init.normal_(model.head.bias)  # a bias of zero would hide that it is left out
    with torch.no_grad():
        seen = model(images())
    assert seen.cams.shape == (2, CLASSES, *seen.features.shape[2:])
    added = seen.cams.mean((2, 3)) + model.head.bias
    torch.testing.assert_close(added, seen.logits, rtol=1e-4, atol=1e-5)
    certificate = certify(model, images())
    assert certificate.holds
    assert "add up to the logits" in certificate.sentence


# -- other libraries -------------------------------------------------------------------------


class Plain(nn.Module):
    """The same network as those libraries want it: from normalised images to logits."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.trunk, self.fc = model.trunk, model.head

    def forward(self, normalised: Tensor) -> Tensor:
        return self.fc(self.trunk(normalised).mean((2, 3)))


@pytest.fixture(scope="module", params=["resnet18", "densenet121", "tf_efficientnet_lite0"])
def model(request: pytest.FixtureRequest) -> Classifier:
    torch.manual_seed(0)
    model = build(request.param, CLASSES).eval()
    with torch.no_grad():
        usual = model(images()).features.mean((0, 2, 3))
        # Maps of both signs, and no smaller than one: pytorch-grad-cam adds 1e-7 to their maximum.
        weight = torch.randn(model.head.weight.shape)
        weight -= (weight @ usual)[:, None] * usual / usual.square().sum()
        weight /= (weight @ model(images()).features.flatten(2)).std()
        model.head.weight.copy_(weight)
    return model


@pytest.fixture(scope="module")
def normalised(model: Classifier) -> Tensor:
    return (images() - model.mean) / model.std


@pytest.fixture(scope="module")
def cams(model: Classifier) -> Tensor:
    with torch.no_grad():
        return model(images()).cams[:, CHOSEN]


def assert_same(found: Tensor, expected: Tensor) -> None:
    """Compare to 1e-5 of the largest cell."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_captum_computes_the_same_map_from_gradients(
    model: Classifier, normalised: Tensor, cams: Tensor
) -> None:
    method = LayerGradCam(Plain(model), model.trunk)
    found = method.attribute(normalised, CHOSEN, relu_attributions=False)
    assert isinstance(found, Tensor)
    assert_same(found[:, 0].detach() * cams[0].numel(), cams)


@pytest.mark.parametrize("method", [CAM, TorchcamGradCAM], ids=["CAM", "GradCAM"])
def test_torchcam_computes_the_same_map(
    model: Classifier, normalised: Tensor, cams: Tensor, method: Callable[..., CAM]
) -> None:
    last = {"fc_layer": "fc"} if method is CAM else {}
    with method(Plain(model), "trunk", **last) as extractor:
        logits = extractor.model(normalised.clone().requires_grad_())
        (found,) = extractor([CHOSEN, CHOSEN], logits, normalized=False)
    if method is CAM:
        assert_same(found.detach(), cams)
    else:
        assert_same(found.detach() * cams[0].numel(), cams.relu())


@pytest.mark.parametrize("method", [GradCAM, HiResCAM, XGradCAM])
def test_pytorch_grad_cam_draws_the_same_picture(
    model: Classifier, normalised: Tensor, cams: Tensor, method: Callable[..., GradCAM]
) -> None:
    with method(Plain(model), [model.trunk]) as extractor:
        found = extractor(normalised, [ClassifierOutputTarget(CHOSEN)] * 2)
    assert (cams.amin((1, 2)) < 0).all()
    assert (cams.amax((1, 2)) > 0.1).all()
    drawn = rescale(enlarge(rescale(cams.relu()), (64, 64)))
    np.testing.assert_allclose(found, drawn, rtol=0, atol=1e-5)


# -- networks of your own --------------------------------------------------------------------


class Own(nn.Module):
    """A network with timm's two methods and whatever between features and head."""

    def __init__(self, head: nn.Module, between: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.between, self.head = between or nn.Identity(), head

    def forward_features(self, pictures: Tensor) -> Tensor:
        return self.body(pictures)

    def get_classifier(self) -> nn.Module:
        return self.head

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.between(self.body(pictures).mean((2, 3))))


def test_a_wrapped_network_answers_as_before() -> None:
    net = timm.create_model("resnet18", num_classes=CLASSES).eval()
    with torch.no_grad():
        torch.testing.assert_close(wrap(net)(images()).logits, net(images()))


def test_a_wrapped_network_normalises_when_it_is_told_how() -> None:
    net = Own(nn.Linear(8, CLASSES)).eval()
    model = wrap(net, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)).eval()
    scaled = (images() - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor(
        [0.2, 0.3, 0.4]
    ).view(3, 1, 1)
    torch.testing.assert_close(model(images()).logits, net(scaled))


@pytest.mark.parametrize(
    ("net", "answer"),
    [
        pytest.param(
            lambda: timm.create_model("convnext_atto", num_classes=CLASSES),
            "something stands between",
            id="a norm after the pooling",
        ),
        pytest.param(
            lambda: Own(nn.Linear(8, CLASSES), nn.Sequential(nn.Linear(8, 8), nn.Tanh())),
            "something stands between",
            id="a layer between pooling and head",
        ),
        pytest.param(
            lambda: timm.create_model("vgg11", num_classes=CLASSES),
            "512 channels .* 4096",
            id="a head that takes other features",
        ),
        pytest.param(
            lambda: Own(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, CLASSES))),
            "head is a Sequential",
            id="a head with a hidden layer",
        ),
        pytest.param(lambda: Own(nn.Linear(8, 1)), "one logit", id="TR08 one logit"),
        pytest.param(
            lambda: timm.create_model("vit_tiny_patch16_224", num_classes=CLASSES),
            r"shape \(2, 197, 192\)",
            id="TR10 tokens without a grid",
        ),
        pytest.param(lambda: nn.Conv2d(3, 8, 3), "no forward_features", id="no two parts"),
    ],
)
def test_what_class_maps_would_not_explain_is_refused(
    net: Callable[[], nn.Module], answer: str
) -> None:
    torch.manual_seed(0)
    with pytest.raises(ConfigError, match=answer):
        wrap(net())


def test_a_trunk_that_ends_before_the_activation_has_no_certificate() -> None:
    """torchvision's DenseNet applies its last ReLU outside of `features`."""
    net = densenet121(num_classes=CLASSES)
    model = Classifier(net.features, net.classifier)
    assert not certify(model, images(), net).holds
    assert "do not add up" in certify(model, images(), net).sentence
    whole = Classifier(nn.Sequential(net.features, nn.ReLU()), net.classifier)
    assert certify(whole, images(), net).holds


def test_a_certificate_leaves_the_model_as_it_was() -> None:
    net = Own(nn.Linear(8, CLASSES))
    model = Classifier(net.body, net.head).train()
    model.trunk[1].eval()  # type: ignore[index]
    modes = [module.training for module in model.modules()]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    certify(model, images())
    assert modes == [module.training for module in model.modules()]
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_grey_image_is_the_same_in_three_colours() -> None:
    model = build("resnet18", CLASSES).eval()
    grey = images(colours=1)
    with torch.no_grad():
        torch.testing.assert_close(model(grey).cams, model(grey.expand(-1, 3, -1, -1)).cams)


@pytest.mark.parametrize("type", [torch.bfloat16, torch.float16])
def test_maps_are_in_float32_under_autocast(type: torch.dtype) -> None:
    model = build("lookright_tiny", CLASSES).eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=type):
        seen = model(images())
    assert seen.features.dtype == type
    assert seen.cams.dtype == torch.float32
