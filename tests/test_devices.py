"""Devices by name."""

import pytest
import torch

from lookright.devices import accelerator
from lookright.errors import ConfigError


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_CF11_a_device_that_is_not_there_is_refused_and_only_auto_falls_back(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert accelerator("auto") == {"accelerator": "auto", "devices": 1}
    assert accelerator("cpu") == {"accelerator": "cpu", "devices": 1}
    for device in ("cuda", "cuda:0"):
        with pytest.raises(ConfigError, match=f"There is no {device} here. Found: cpu"):
            accelerator(device)


@pytest.mark.usefixtures("two_gpus")
def test_CF11_a_card_that_is_not_there_is_refused_with_those_that_are():
    assert accelerator("cuda:1") == {"accelerator": "cuda", "devices": [1]}
    assert accelerator("cuda") == {"accelerator": "cuda", "devices": 1}
    with pytest.raises(ConfigError, match=r"no cuda:7 here.*cuda:0, cuda:1"):
        accelerator("cuda:7")
