"""torchvision is made to work where its extension does not load, and otherwise left alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from lookright.torchvision_repair import repair


def python(code: str, beside: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, with the modules of a folder in front of all others."""
    first = f"import sys; sys.path.insert(0, {str(beside)!r});" if beside else ""
    command = [sys.executable, "-c", first + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_repairing_twice_changes_nothing() -> None:
    repair()
    before = sys.modules["torchvision"]
    repair()
    assert sys.modules["torchvision"] is before


def test_what_we_need_of_torchvision_works_after_a_repair() -> None:
    code = """
from lookright.torchvision_repair import repair
repair(); repair()
import torch, timm
from torchvision.transforms import v2
assert v2.functional.rotate(torch.ones(1, 8, 8), 90).sum() == 64
assert timm.is_model("resnet18")
"""
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_a_torchvision_that_imports_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("good = True")
    code = """
import torch
from lookright import torchvision_repair
torchvision_repair.repair()
import torchvision
assert torchvision.good and not torchvision_repair._kept
assert not hasattr(torch.ops.torchvision, "nms")
"""
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("error", ["RuntimeError('no driver')", "ImportError('torchvision::nms')"])
def test_another_fault_of_torchvision_is_not_hidden(error: str, tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text(f"raise {error}")
    done = python("from lookright.torchvision_repair import repair; repair()", tmp_path)
    assert done.returncode == 1
    assert error.partition("(")[0] in done.stderr.splitlines()[-1]


def test_a_build_for_another_torch_is_repaired(tmp_path: Path) -> None:
    """The wheel's own first line that fails, in a torchvision of our own."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "from torchvision import registrations\ngood = True\n"
    )
    (tmp_path / "torchvision" / "registrations.py").write_text(
        "import torch\n"
        "@torch.library.register_fake('torchvision::nms')\n"
        "def nms(dets, scores, iou_threshold): ...\n"
    )
    assert python("import torchvision", tmp_path).returncode == 1
    code = "from lookright.torchvision_repair import repair; repair(); import torchvision as t;"
    done = python(code + "assert t.good", tmp_path)
    assert done.returncode == 0, done.stderr
