"""Checkpoints: whole or not there, whatever happens while they are written or lie on disk."""

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lookright import checkpoint
from lookright.checkpoint import lock, newest_bundle, open_bundle, probe, prune, save_bundle
from lookright.checkpoint.lock import LOCK, me
from lookright.checkpoint.manifest import MANIFEST, manifest, text
from lookright.errors import ConfigError, RunError, Stopped

FILES = ["weights.safetensors", "optimizer.safetensors", "state.json", MANIFEST]


def tensors(step: int) -> dict[str, dict[str, torch.Tensor]]:
    weights = {"weight": torch.full((3, 2), float(step)), "count": torch.tensor(step)}
    return {"weights": weights, "optimizer": {"momentum": torch.full((4,), -float(step))}}


def save(root: Path, step: int) -> Path:
    return save_bundle(root, step, tensors(step), {"epoch": step, "best": None})


def is_as_saved(root: Path, step: int) -> bool:
    bundle = open_bundle(root, step)
    return bundle.state["epoch"] == step and all(
        torch.equal(bundle.tensors(stem)[name], tensor)
        for stem, named in tensors(step).items()
        for name, tensor in named.items()
    )


def newest(root: Path) -> int:
    bundle = newest_bundle(root)
    return bundle.step if bundle else 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "run" / "checkpoints"
    save(root, 1)
    save(root, 2)
    return root


def killed_at(moment: int, work: Callable[[], object]) -> bool:
    """Do some work in a child that is killed at its n-th touch of the disk; False: it survived."""
    child = os.fork()
    if child == 0:
        touches = iter(range(moment))
        flush = os.fsync

        def count(event: str = "", _: object = None) -> None:
            if event.startswith(("os.", "open", "flush")) and next(touches, None) is None:
                signal.raise_signal(signal.SIGKILL)

        os.fsync = lambda handle: (count("flush"), flush(handle))  # type: ignore[assignment]
        sys.addaudithook(count)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert end in (0, -signal.SIGKILL), "the work failed"
    return end != 0


# -- what is saved comes back ----------------------------------------------------------------


def test_an_empty_root_has_no_bundle(tmp_path: Path) -> None:
    assert newest_bundle(tmp_path / "nowhere") is None


def test_what_was_saved_comes_back(root: Path) -> None:
    assert newest(root) == 2
    assert is_as_saved(root, 1)
    assert is_as_saved(root, 2)
    assert sorted(path.name for path in (root / "step-00000002").iterdir()) == sorted(FILES)
    assert (root / "latest.txt").read_text() == "step-00000002\n"


def test_saving_a_step_again_replaces_it(root: Path) -> None:
    save_bundle(root, 2, tensors(2), {"epoch": 7})
    assert open_bundle(root, 2).state == {"epoch": 7}


def test_equal_content_gives_equal_bytes(root: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "other", 2)
    for name in FILES:
        assert (root / "step-00000002" / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool]
)
def test_CK24_the_dtype_is_recorded(tmp_path: Path, dtype: torch.dtype) -> None:
    saved = torch.tensor([[0, 1], [3, 0]]).to(dtype)
    save_bundle(tmp_path, 1, {"weights": {"weight": saved}}, {})
    found = open_bundle(tmp_path, 1).tensors("weights", torch.device("cpu"))["weight"]
    assert found.dtype == dtype
    assert torch.equal(found, saved)


def test_CK24_weights_in_bf16_load_into_a_network_in_float32(tmp_path: Path) -> None:
    net = nn.Linear(2, 2)
    half = {name: weight.bfloat16() for name, weight in net.state_dict().items()}
    save_bundle(tmp_path, 1, {"weights": half}, {})
    net.load_state_dict(open_bundle(tmp_path, 1).tensors("weights"))
    assert net.weight.dtype == torch.float32
    assert torch.equal(net.weight, half["weight"].float())


def test_CK24_a_missing_part_is_named(root: Path) -> None:
    with pytest.raises(RunError, match=r"no average\.safetensors; it has weights\.safetensors"):
        open_bundle(root, 2).tensors("average")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 4, 5, 3).movedim(-1, 1),
        torch.randn(3, 4).T,
        torch.tensor(2.5),
        torch.empty(0, 3),
        torch.randn(6, requires_grad=True),
    ],
    ids=["channels last", "transposed", "scalar", "empty", "parameter"],
)
def test_a_tensor_keeps_its_memory_layout(tmp_path: Path, tensor: torch.Tensor) -> None:
    save_bundle(tmp_path, 1, {"weights": {"tensor": tensor}}, {})
    found = open_bundle(tmp_path, 1).tensors("weights")["tensor"]
    assert torch.equal(found, tensor)
    assert found.stride() == tensor.stride()


def test_tensors_that_share_memory_are_each_saved(tmp_path: Path) -> None:
    whole = torch.arange(10)
    save_bundle(tmp_path, 1, {"weights": {"all": whole, "tied": whole, "even": whole[::2]}}, {})
    found = open_bundle(tmp_path, 1).tensors("weights")
    assert torch.equal(found["tied"], whole)
    assert torch.equal(found["even"], whole[::2])


OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.01, betas=(0.8, 0.99), amsgrad=True),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.01, weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("steps", [0, 3])
def test_a_restored_optimiser_goes_on_to_the_bit(tmp_path: Path, name: str, steps: int) -> None:
    def start() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(36, 2))
        net.to(memory_format=torch.channels_last)
        return net, OPTIMISERS[name](net.parameters())

    def learn(net: nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            images = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(step))
            optimiser.zero_grad()
            net(images).square().mean().backward()
            optimiser.step()

    net, optimiser = start()
    learn(net, optimiser, range(steps))
    parts, skeleton = checkpoint.flatten_optimizer(optimiser.state_dict())
    files = {"weights": net.state_dict(), "optimizer": parts}
    save_bundle(tmp_path, steps, files, {"optimizer": skeleton})
    learn(net, optimiser, range(steps, steps + 3))

    bundle = newest_bundle(tmp_path)
    assert bundle is not None
    again, restored = start()
    again.load_state_dict(bundle.tensors("weights"))
    parts = bundle.tensors("optimizer")
    restored.load_state_dict(checkpoint.unflatten_optimizer(parts, bundle.state["optimizer"]))
    learn(again, restored, range(steps, steps + 3))
    for weight, other in zip(net.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(weight, other)
    for found in (optimiser, restored):
        found.zero_grad()
    assert str(optimiser.state_dict()) == str(restored.state_dict())


# -- killed ----------------------------------------------------------------------------------


def test_CK02_a_save_killed_at_any_touch_of_the_disk_leaves_the_bundle_before(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: dict[int, int] = {2: 0, 3: 0}
    moment = 0
    copy = tmp_path / "copy" / "checkpoints"
    while True:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(root, copy)
        if not killed_at(moment, lambda: save(copy, 3)):
            break
        step = newest(copy)
        assert is_as_saved(copy, step)
        assert is_as_saved(copy, 1)
        assert not list(copy.glob(".*"))
        seen[step] += 1
        moment += 1
    assert newest(copy) == 3
    assert seen[2] > 5, "the kills must also hit before the rename"
    assert seen[3] > 1, "and after it"
    assert "removed incomplete" in caplog.text
    assert "step-00000003" in caplog.text


def test_CK02_an_interrupted_replacement_keeps_one_of_the_two(tmp_path: Path) -> None:
    root, moment = tmp_path / "run" / "checkpoints", 0
    save(root, 1)

    def again() -> None:
        save_bundle(root, 1, tensors(1), {"epoch": 1, "again": True})

    while killed_at(moment, again):
        assert is_as_saved(root, newest(root))
        shutil.rmtree(root)
        save(root, 1)
        moment += 1
    assert open_bundle(root, 1).state["again"]
    assert moment > 10


def test_CK03_the_newest_bundle_is_found_whatever_the_pointer_says(root: Path) -> None:
    (root / "latest.txt").write_text("step-00000001\n")
    assert newest(root) == 2
    (root / "latest.txt").unlink()
    assert newest(root) == 2


def test_CK04_deleting_killed_at_any_touch_of_the_disk_leaves_the_kept_ones(
    root: Path, tmp_path: Path
) -> None:
    save(root, 3)
    save(root, 4)
    copy, moment = tmp_path / "copy" / "checkpoints", 0
    while True:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(root, copy)
        if not killed_at(moment, lambda: prune(copy, {2, 4})):
            break
        newest_bundle(copy, strict=True)
        assert all(is_as_saved(copy, int(path.name[5:])) for path in copy.glob("step-*"))
        assert is_as_saved(copy, 2)
        assert is_as_saved(copy, 4)
        moment += 1
    assert sorted(path.name for path in copy.glob("step-*")) == ["step-00000002", "step-00000004"]
    assert moment > 10


def test_CK04_nothing_is_deleted_for_a_damaged_bundle(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "step-00000002" / "weights.safetensors").write_bytes(b"")
    prune(root, {2})
    assert newest(root) == 1
    assert "nothing is deleted" in caplog.text


def test_SIGKILL_while_saving_leaves_no_unloadable_file() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "kill_saving.py"
    command = [sys.executable, script, "--kills", "20", "--seed", str(random.randrange(10**6))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all loadable" in done.stdout


def test_leftovers_of_a_process_that_still_saves_are_not_touched(root: Path) -> None:
    leftover = root / ".step-00000003.incomplete"
    leftover.mkdir()
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        born = lock._born(other.pid)
        (root.parent / LOCK).write_text(json.dumps(asdict(replace(me(), pid=other.pid, born=born))))
        assert newest(root) == 2
        assert leftover.exists()
    finally:
        other.communicate(b"\n")
    assert newest(root) == 2
    assert not leftover.exists()


# -- damaged ---------------------------------------------------------------------------------


def damaged(root: Path) -> bool:
    """Say whether the newest bundle is recognised as damaged, and the one before is used."""
    try:
        newest_bundle(root, strict=True)
    except RunError as error:
        return error.code == "ERR-CKPT-HASH" and newest(root) == 1
    return False


@pytest.mark.parametrize("name", FILES)
def test_CK08_a_file_that_power_loss_left_empty_is_noticed(root: Path, name: str) -> None:
    (root / "step-00000002" / name).write_bytes(b"")
    assert damaged(root)


def test_CK08_every_file_and_folder_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: set[str] = set()

    def note(handle: int) -> None:
        flushed.add(os.readlink(f"/proc/self/fd/{handle}"))

    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not tell which file a handle belongs to")
    monkeypatch.setattr(os, "fsync", note)
    folder = save(tmp_path / "checkpoints", 1)
    new = str(folder.with_name(f".{folder.name}.incomplete"))
    assert {new, *(f"{new}/{name}" for name in FILES), str(folder.parent)} <= flushed


@pytest.mark.parametrize("name", FILES)
def test_CK09_any_changed_byte_is_noticed(
    root: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, draw = root / "step-00000002" / name, random.Random(name)
    good = path.read_bytes()
    for _ in range(200):
        bad, place = bytearray(good), draw.randrange(len(good))
        bad[place] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        assert damaged(root), f"byte {place} of {name}"
    assert "falling back" in caplog.text
    assert name in caplog.text


@pytest.mark.parametrize("name", FILES)
def test_CK10_any_truncation_is_noticed(root: Path, name: str) -> None:
    path, draw = root / "step-00000002" / name, random.Random(name)
    good = path.read_bytes()
    shares = [0, 0.3, 0.99, *(draw.random() for _ in range(97))]
    for share in shares:
        path.write_bytes(good[: int(share * len(good))])
        assert damaged(root), f"{name} cut to {share:.0%}"


@pytest.mark.parametrize("name", FILES)
def test_CK10_a_missing_file_is_noticed(root: Path, name: str) -> None:
    (root / "step-00000002" / name).unlink()
    assert damaged(root)


def test_a_bundle_under_another_name_is_noticed(root: Path) -> None:
    (root / "step-00000001").rename(root / "step-00000009")
    with pytest.raises(RunError, match="saved as step-00000001"):
        newest_bundle(root, strict=True)


def test_a_bundle_that_changed_since_it_was_opened_is_noticed(root: Path) -> None:
    bundle = open_bundle(root, 2)
    path = bundle.folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(RunError, match="SHA-256"):
        bundle.tensors("weights")


def test_CK11_when_all_bundles_are_bad_each_is_listed_with_its_reason(root: Path) -> None:
    (root / "step-00000001" / "state.json").unlink()
    (root / "step-00000002" / "weights.safetensors").write_bytes(b"short")
    with pytest.raises(RunError) as caught:
        newest_bundle(root)
    assert caught.value.exit_status == 1
    message = str(caught.value)
    assert re.search(r"step-00000001.state\.json: cannot be read: No such file", message)
    assert re.search(r"step-00000002.weights\.safetensors: has 5 bytes instead of \d+", message)
    assert "start from scratch" in message


# -- the disk --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("moment", range(5))
def test_CK12_a_full_disk_stops_the_run_and_spoils_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, moment: int, code: int
) -> None:
    """Simulated at the lowest level, where flushing fails; the next test fills a real disk."""
    calls = iter(range(moment))

    def fail(_: int) -> None:
        if next(calls, None) is None:
            raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(Stopped) as caught:
            save(root, 3)
    assert caught.value.exit_status == 75
    assert re.search(rf"{root}.*needs \d+ bytes, \d+ are free", str(caught.value))
    assert not list(root.glob(".*"))
    assert newest(root) == 2
    save(root, 3)
    assert is_as_saved(root, 3)


FILL_A_REAL_DISK = """
    import subprocess, sys, torch
    from pathlib import Path
    from lookright.checkpoint import newest_bundle, open_bundle, probe, save_bundle
    from lookright.errors import ConfigError, Stopped

    disk = Path(sys.argv[1])
    root = disk / "run" / "checkpoints"
    (disk / "ballast").write_bytes(bytes(100_000))
    def save(step):
        save_bundle(root, step, {"weights": {"weight": torch.full((25_000,), float(step))}}, {})
    save(1)
    save(2)
    try:
        save(3)
    except Stopped as error:
        print(error, error.exit_status)
    bundle = newest_bundle(root, strict=True)
    print("newest", bundle.step, "hidden", list(root.glob(".*")))
    (disk / "ballast").unlink()
    save(3)
    print("then", open_bundle(root, 3).tensors("weights")["weight"][0].item())
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        probe(disk / "another")
    except ConfigError as error:
        print(error)
"""


def test_CK12_CK14_a_real_full_disk_and_a_real_read_only_one(tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=400k tmpfs '{tmp_path}'"
    if (
        not shutil.which("unshare")
        or subprocess.run([*alone, mount], capture_output=True).returncode
    ):
        pytest.skip("this system does not let a test mount a small disk")
    code = textwrap.dedent(FILL_A_REAL_DISK)
    command = f"""{mount} && exec "$0" -c "$1" '{tmp_path}'"""
    done = subprocess.run([*alone, command, sys.executable, code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    full, kept, then, read_only = done.stdout.splitlines()
    assert re.search(r"needs 10\d{4} bytes, \d{1,5} are free.*\[ERR-CKPT-FULL\] 75", full)
    assert kept == "newest 2 hidden []"
    assert then == "then 3.0"
    assert re.search(r"another: cannot write here: Read-only file system", read_only)


def test_CK14_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write here: Not a directory"):
        probe(tmp_path / "file" / "run")


def test_CK14_the_write_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    probe(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_CK21_the_order_is_by_step_and_not_by_clock(root: Path) -> None:
    save(root, 100_000_000)
    for path in (root / "step-100000000").iterdir():
        os.utime(path, (0, 0))
    os.utime(root / "step-100000000", (0, 0))
    assert newest(root) == 100_000_000


def test_CK21_the_pointer_is_a_text_file(root: Path) -> None:
    assert not any(path.is_symlink() for path in root.rglob("*"))


@pytest.mark.parametrize(
    ("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o007, 0o660, 0o770)]
)
def test_CK22_modes_follow_the_umask(tmp_path: Path, umask: int, file: int, folder: int) -> None:
    before = os.umask(umask)
    try:
        saved = save(tmp_path / "checkpoints", 1)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in saved.iterdir()} == {file}
    assert (tmp_path / "checkpoints" / "latest.txt").stat().st_mode & 0o777 == file
    assert saved.stat().st_mode & 0o777 == folder


def made_by(root: Path, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a bundle as another version of lookright would."""
    with monkeypatch.context() as patched:
        patched.setattr("lookright.checkpoint.manifest.version", lambda _: number)
        save(root, 5)


@pytest.mark.parametrize("number", ["99.0.0", "0.99.1", "1.0rc1"])
def test_CK23_a_bundle_of_a_newer_version_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setattr("lookright.checkpoint.manifest.version", lambda _: "0.1.0")
    made_by(root, number, monkeypatch)
    with pytest.raises(RunError, match=rf"made by {number}, you have 0\.1\.0"):
        newest_bundle(root)


@pytest.mark.parametrize("number", ["0.0.9", "0.1.0", "0.1.7"])
def test_CK23_an_older_version_or_another_patch_is_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setattr("lookright.checkpoint.manifest.version", lambda _: "0.1.0")
    made_by(root, number, monkeypatch)
    assert newest(root) == 5


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.float64(0.5), "numpy.float64"),
        (np.random.default_rng(0), "Generator"),
        (np.arange(3), "numpy.ndarray"),
        (Path("run"), "pathlib"),
        (Namespace(lr=1), "argparse.Namespace"),
        (torch.tensor(1.0), "torch.Tensor"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ((1, 2), "tuple"),
        ({1: "one"}, "the key 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_CK26_what_json_would_change_is_refused_when_saving(
    root: Path, value: object, reason: str
) -> None:
    with pytest.raises(RunError, match=rf"state\.deep\.1.*{reason}"):
        save_bundle(root, 3, tensors(3), {"deep": [0, value], "fine": [1, 0.5, "a", None, True]})
    assert newest(root) == 2
    assert not list(root.glob(".*"))


def test_CK26_all_offenders_are_listed_at_once(root: Path) -> None:
    with pytest.raises(RunError) as caught:
        save_bundle(root, 3, {}, {"folder": Path("x"), "best": np.float32(1)})
    assert len(caught.value.problems) == 2


def test_a_forged_manifest_needs_its_seal(root: Path) -> None:
    good = (root / "step-00000002" / MANIFEST).read_bytes()
    assert (
        manifest(2, {name: (root / "step-00000002" / name).read_bytes() for name in FILES[:3]})
        == good
    )
    entries = json.loads(good)
    (root / "step-00000002" / MANIFEST).write_bytes(text({**entries, "lookright": "0.0.1"}))
    assert damaged(root)
