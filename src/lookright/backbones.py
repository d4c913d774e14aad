"""Networks by name: ours, and every timm network that ends in pooling and a linear layer."""

from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import torch
from torch import Tensor, nn

from lookright.errors import ConfigError, Problem
from lookright.model import Classifier, Trunk
from lookright.names import suggestion
from lookright.tiny import tiny
from lookright.torchvision_repair import repair

# Tested and recommended; any other timm network of the same kind works too.
TESTED = {
    "lookright_tiny": "0.2 M parameters, for 64 pixel pictures: the demo and quick trials",
    "resnet18": "11 M parameters; the usual first choice",
    "resnet34": "21 M parameters",
    "resnet50": "24 M parameters",
    "densenet121": "7 M parameters; the network of CYBORG and Divisive Decisions",
    "efficientnet_b0": "4 M parameters",
    "efficientnet_lite0": "3 M parameters; no squeeze-and-excite, fast on CPUs",
    "tf_efficientnet_lite0": "3 M parameters; the same with TensorFlow's padding",
    "tf_efficientnetv2_s": "20 M parameters; the network of GG-CAM",
    "mobilenetv3_large_100": "4 M parameters; its last convolution moves in front of the pooling",
    "mobilenetv3_small_100": "2 M parameters; its last convolution moves in front of the pooling",
    "convnext_tiny": "28 M parameters; its last norm moves in front of the pooling",
}


def names() -> dict[str, str]:
    """List the tested networks, each with one line about it."""
    return TESTED


def build(
    name: str, classes: int, weights: str = "random", stride: int | None = None
) -> Classifier:
    """Build a Classifier on a network by name.

    `weights` is "random", "pretrained" (ImageNet, downloaded by timm) or the path of a
    safetensors file with timm's names. The head is always new. `stride` is how many pixels a cell
    of the class maps is wide; less than the network's own (mostly 32) dilates its last stages.

    Raises ConfigError for an unknown name, a network without pool + linear, weights that do not
    fit, a stride that the network does not offer and a download that is not possible.
    """
    if name == "lookright_tiny":
        return _tiny(classes, weights, stride)
    net = _create(name, weights == "pretrained", stride)
    if weights not in ("random", "pretrained"):
        _load(net, Path(weights), name)
    channels = net.num_features
    tail, channels = _tail(net, name)
    config: Any = net.pretrained_cfg
    return Classifier(Trunk(net, tail), _head(channels, classes), config["mean"], config["std"])


def _head(channels: int, classes: int) -> nn.Linear:
    head = nn.Linear(channels, classes)
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    return head


def _tiny(classes: int, weights: str, stride: int | None) -> Classifier:
    if stride not in (None, 8):
        raise ConfigError(_no_stride("lookright_tiny", stride, "Its cells are 8 pixels wide."))
    if weights == "pretrained":
        what = "lookright_tiny has no pretrained weights."
        raise ConfigError(Problem("WEIGHTS", what, "model.weights", "Use weights: random."))
    trunk = tiny()
    if weights != "random":
        _load(trunk, Path(weights), "lookright_tiny")
    return Classifier(trunk, nn.Linear(96, classes), (0.5,) * 3, (0.25,) * 3)


def _create(name: str, pretrained: bool, stride: int | None) -> Any:
    repair()
    import timm

    if not timm.is_model(name):
        fix = suggestion(name, TESTED) + " Any timm name with the same kind of head works too."
        raise ConfigError(Problem("MODEL", f"There is no network {name!r}.", "model.name", fix))
    if pretrained:
        _refuse_when_offline(name)
    finer: dict[str, Any] = {} if stride is None else {"output_stride": stride}
    try:
        return timm.create_model(name, pretrained=pretrained, num_classes=0, **finer)
    except (TypeError, NotImplementedError, AssertionError) as error:
        raise ConfigError(_no_stride(name, stride, f"{error}")) from error
    except Exception as error:
        if not pretrained:
            raise
        raise ConfigError(_no_download(name, error)) from error


def _no_stride(name: str, stride: int | None, why: str) -> Problem:
    what = f"{name} has no maps with a stride of {stride} pixels. {why}"
    return Problem("STRIDE", what, "model.stride", "Leave it out, or choose a ResNet.")


def _refuse_when_offline(name: str) -> None:
    """Ask once, with a short time-out: the hub's own client retries for most of a minute."""
    from huggingface_hub import constants, try_to_load_from_cache
    from timm import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    source = config.hf_hub_id if config else None
    files = ("model.safetensors", "pytorch_model.bin")
    if not source or any(isinstance(try_to_load_from_cache(source, f), str) for f in files):
        return
    gate = _gate(urlsplit(constants.ENDPOINT))
    port = gate.port or {"http": 80}.get(gate.scheme, 443)
    try:
        create_connection((gate.hostname, port), timeout=5).close()
    except OSError as error:
        raise ConfigError(_no_download(name, error)) from error


def _gate(address: SplitResult) -> SplitResult:
    """Return what is connected to on the way to an address: its proxy, if there is one."""
    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    return urlsplit(proxy) if proxy and not proxy_bypass(address.hostname or "") else address


def _no_download(name: str, error: Exception) -> Problem:
    import timm

    config = timm.get_pretrained_cfg(name)
    source = config.hf_hub_id or config.url if config else "its source"
    what = f"The ImageNet weights of {name} ({source}) could not be downloaded: {error!s:.200}"
    fix = (
        "Connect once to fill the cache (HF_HOME), give model.weights the path of a safetensors "
        "file with timm's names, or start from model.weights: random."
    )
    return Problem("WEIGHTS-DOWNLOAD", what, "model.weights", fix)


def _tail(net: Any, name: str) -> tuple[nn.Module, int]:
    """Take the layers between pooling and head out of the network, to apply them before."""
    channels = net.num_features
    if hasattr(net, "conv_head") and type(net).__name__ == "MobileNetV3":
        tail = nn.Sequential(net.conv_head, net.norm_head, net.act2)
        net.conv_head, net.norm_head, net.act2 = nn.Identity(), nn.Identity(), nn.Identity()
        return tail, net.head_hidden_size
    if type(net).__name__ == "ConvNeXt":
        tail, net.head = net.head.norm, nn.Identity()
        return tail, channels
    if not _only_averages(net):
        what = f"{name} does not end in average pooling and one linear layer."
        fix = "Choose one of `lookright list models`; other heads come in a later release."
        raise ConfigError(Problem("HEAD", what, "model.name", fix))
    return nn.Identity(), channels


def _only_averages(net: Any) -> bool:
    """Tell whether what timm hands to its head is the plain mean of the features."""
    probe = torch.rand(1, *net.pretrained_cfg["input_size"])
    net.eval()
    with torch.no_grad():
        features, pooled = net.forward_features(probe), net(probe)
    net.train()
    if features.ndim != 4 or pooled.shape != features.shape[:2]:
        return False
    return torch.allclose(features.mean((2, 3)), pooled, rtol=1e-4, atol=1e-5)


def _load(net: nn.Module, path: Path, name: str) -> None:
    """Load a safetensors file; the classifier of the pretraining task is left out."""
    found = _unwrapped(_read(path))
    wanted = net.state_dict()
    lacking = [key for key in wanted if key not in found and "num_batches_tracked" not in key]
    unfit = [k for k, v in found.items() if k in wanted and wanted[k].shape != v.shape]
    if lacking or unfit:
        what = f"{path.name} is no set of weights for {name}: "
        what += f"{_counted(lacking)} missing, {_counted(unfit)} of another shape."
        fix = "Names and shapes are those of timm's network; its classifier may be missing."
        raise ConfigError(Problem("WEIGHTS-MISMATCH", what, "model.weights", fix))
    net.load_state_dict({k: v for k, v in found.items() if k in wanted}, strict=False)


def _counted(keys: list[str]) -> str:
    first = f" ({', '.join(keys[:10])}{', ...' * (len(keys) > 10)})" if keys else ""
    return f"{len(keys)} tensors{first}"


def _unwrapped(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take away what wrappers put in front of every name: DDP, torch.compile, trainers."""
    for prefix in ("_orig_mod.", "module.", "model."):
        if found and all(key.startswith(prefix) for key in found):
            found = {key.removeprefix(prefix): value for key, value in found.items()}
    return found


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        what = f"There is no file {path}."
        fix = "Give random, pretrained, or the path of a safetensors file."
        raise ConfigError(Problem("WEIGHTS", what, "model.weights", fix))
    try:
        found = load_file(path)
    except SafetensorError as error:
        what = f"{path.name} is no safetensors file ({error})."
        fix = "Pickled weights (.pt, .pth) can run code and are not read."
        raise ConfigError(Problem("WEIGHTS", what, "model.weights", fix)) from error
    infinite = [key for key, value in found.items() if not value.isfinite().all()]
    if infinite:
        what = f"{path.name} holds NaN or infinity in {', '.join(infinite[:3])}."
        raise ConfigError(Problem("WEIGHTS", what, "model.weights"))
    return found
