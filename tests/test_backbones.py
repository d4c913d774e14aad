"""Networks by name, and where their weights come from."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import timm
import torch
from safetensors.torch import save, save_file
from torch import Tensor

from lookright import backbones
from lookright.backbones import build
from lookright.errors import ConfigError

SMALL = "mobilenetv3_small_050"
OFFLINE_SECONDS = 10


def images(side: int = 64) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))


def weights(name: str, seed: int = 1) -> dict[str, Tensor]:
    """Draw weights of timm's whole network, its classifier of 1000 classes included."""
    torch.manual_seed(seed)
    return timm.create_model(name).state_dict()


def test_CF14_an_unknown_network_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no network 'resnet81'.*resnet18") as caught:
        build("resnet81", 2)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vgg11", "resnet18_max"])
def test_a_network_without_pool_and_linear_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "resnet18_max":  # a name of ours for a network that pools maxima
        resnet = partial(timm.create_model, "resnet18", global_pool="max")
        monkeypatch.setattr(backbones, "_create", lambda *_: resnet(num_classes=0))
    with pytest.raises(ConfigError, match="does not end in average pooling"):
        build(name, 2)


def test_a_head_is_new_and_small() -> None:
    head = build("resnet18", 7).head
    assert head.weight.shape == (7, 512)
    assert head.weight.abs().max() < 0.1
    assert not head.bias.any()


# -- a file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "efficientnet_lite0"])
@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_weights_of_a_file_are_those_of_timm(name: str, prefix: str, tmp_path: Path) -> None:
    given = weights(name)
    save_file({prefix + key: value for key, value in given.items()}, tmp_path / "w.safetensors")
    model = build(name, 2, str(tmp_path / "w.safetensors")).eval()
    whole = timm.create_model(name).eval()
    whole.load_state_dict(given)
    with torch.no_grad():
        seen = model(images())
        torch.testing.assert_close(
            seen.features, whole.forward_features((images() - model.mean) / model.std)
        )


def test_a_tail_that_moved_in_front_of_the_pooling_keeps_its_weights(tmp_path: Path) -> None:
    given = weights(SMALL)
    save_file(given, tmp_path / "w.safetensors")
    model = build(SMALL, 2, str(tmp_path / "w.safetensors"))
    assert torch.equal(model.trunk.tail[0].weight, given["conv_head.weight"])  # type: ignore


def test_weights_of_our_own_network_come_back(tmp_path: Path) -> None:
    first = build("lookright_tiny", 2)
    save_file(first.trunk.state_dict(), tmp_path / "w.safetensors")
    second = build("lookright_tiny", 3, str(tmp_path / "w.safetensors"))
    for one, other in zip(first.trunk.parameters(), second.trunk.parameters(), strict=True):
        assert torch.equal(one, other)


def damaged(kind: str) -> bytes:
    """Make a file of ResNet-18's weights that is wrong in one way."""
    given = weights("resnet18")
    if kind == "missing":
        return save({key: value for key, value in given.items() if not key.startswith("layer4")})
    if kind == "shape":
        return save(given | {"conv1.weight": torch.zeros(64, 1, 7, 7)})
    if kind == "nan":
        given["layer1.0.conv1.weight"][3, 2, 1, 0] = float("nan")
        return save(given)
    whole = save(given)
    if kind == "cut":
        return whole[: len(whole) // 2]
    if kind == "huge header":
        return (10**12).to_bytes(8, "little") + whole[8:]
    return {"empty": b"", "pickle": b"\x80\x02}q\x00."}[kind]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        pytest.param("missing", r"WEIGHTS-MISMATCH", id="WT04 missing"),
        pytest.param("shape", r"0 tensors missing, 1 tensors \(conv1\.weight\)", id="WT04 shape"),
        pytest.param("nan", "NaN or infinity in layer1.0.conv1.weight", id="WT03 nan"),
        pytest.param("cut", "no safetensors file", id="WT03 cut"),
        pytest.param("huge header", "no safetensors file", id="WT03 huge header"),
        pytest.param("empty", "no safetensors file", id="WT03 empty"),
        pytest.param("pickle", "Pickled weights .* are not read", id="WT02 pickle"),
    ],
)
def test_weights_that_cannot_be_right_are_refused(kind: str, answer: str, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(damaged(kind))
    with pytest.raises(ConfigError, match=answer):
        build("resnet18", 2, str(tmp_path / "w.safetensors"))


def test_WT04_of_many_missing_tensors_the_first_ten_are_named(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(damaged("missing"))
    with pytest.raises(ConfigError) as caught:
        build("resnet18", 2, str(tmp_path / "w.safetensors"))
    assert str(caught.value).count("layer4") == 10


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no file .*none\.safetensors"):
        build("resnet18", 2, str(tmp_path / "none.safetensors"))


# -- the stride ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stride", "cells"),
    [("resnet18", None, 2), ("resnet18", 16, 4), ("resnet18", 8, 8), ("lookright_tiny", 8, 8)],
)
def test_a_smaller_stride_makes_finer_maps(name: str, stride: int | None, cells: int) -> None:
    model = build(name, 2, stride=stride).eval()
    with torch.no_grad():
        assert model(images()).cams.shape == (2, 2, cells, cells)


@pytest.mark.parametrize("name", ["densenet121", "lookright_tiny"])
def test_a_stride_that_a_network_does_not_offer_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no maps with a stride of 16 pixels"):
        build(name, 2, stride=16)


# -- downloads -------------------------------------------------------------------------------


class Hub(BaseHTTPRequestHandler):
    """The part of the hub that a download of one file asks for."""

    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        content = self.files.get(self.path)
        self.send_response(404 if content is None else 200)
        content = content or b""
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    path = f"/timm/{SMALL}.lamb_in1k/resolve/main/model.safetensors"
    handler = type("Stocked", (Hub,), {"files": {path: save(weights(SMALL))}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


BUILD = f"""
import torch
from lookright.backbones import build
from lookright.errors import ConfigError
try:
    print(build({SMALL!r}, 2, "pretrained").trunk.net.conv_stem.weight.sum().item())
except ConfigError as error:
    print("refused:", error)
"""


def build_elsewhere(endpoint: str, home: Path) -> str:
    """Build with pretrained weights in a process of its own: the hub reads its place once."""
    own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1"}
    own |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", BUILD]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_CF12_pretrained_weights_are_fetched_once_and_then_work_offline(
    hub: str, tmp_path: Path
) -> None:
    expected = weights(SMALL)["conv_stem.weight"].sum().item()
    assert float(build_elsewhere(hub, tmp_path)) == pytest.approx(expected)
    assert float(build_elsewhere(closed(), tmp_path)) == pytest.approx(expected)


def closed() -> str:
    """Name a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_CF12_without_a_connection_one_message_names_the_ways_out(tmp_path: Path) -> None:
    began = time.monotonic()
    said = build_elsewhere(closed(), tmp_path)
    assert time.monotonic() - began < OFFLINE_SECONDS + 10  # the imports take some of it
    assert said.startswith("refused: model.weights: ")
    for word in (f"timm/{SMALL}.lamb_in1k", "HF_HOME", "safetensors", "model.weights: random"):
        assert word in said


def test_our_own_network_has_nothing_to_download() -> None:
    with pytest.raises(ConfigError, match="no pretrained weights"):
        build("lookright_tiny", 2, "pretrained")


def test_behind_a_proxy_it_is_the_proxy_that_must_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    hub = urlsplit("https://hub.example")
    assert backbones._gate(hub) == hub
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert backbones._gate(hub).netloc == "proxy.example:3128"
    monkeypatch.setenv("no_proxy", "hub.example")
    assert backbones._gate(hub) == hub
