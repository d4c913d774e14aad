"""A run that was stopped, killed or starved goes on to the very end that it would have had."""

import errno
import importlib.util
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from lookright import session
from lookright import train as training
from lookright.checkpoint import hold, newest_bundle
from lookright.cli.run_verbs import _nothing_left_of_a_false_start
from lookright.data.loader import order, plan
from lookright.display import Display
from lookright.errors import ConfigError, RunError, Stopped
from lookright.objective import Objective
from lookright.run import Run
from lookright.train import train

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kill_training.py"
specification = importlib.util.spec_from_file_location("kill_training", SCRIPT)
assert specification is not None
assert specification.loader is not None
kill_training = importlib.util.module_from_spec(specification)
specification.loader.exec_module(kill_training)

STEPS = 12  # of the small run: three epochs of four batches


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute in one thread: the tests fork, and sums must not depend on who computes them."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kill_training.draw_images(tmp_path_factory.mktemp("data") / "images")


@pytest.fixture(scope="module")
def run(manifest: Path) -> Run:
    return kill_training.small_run(manifest)


@pytest.fixture(scope="module")
def whole(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run leaves behind that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(run, folder)
    return kill_training.result(folder)


def ends_as(folder: Path, run: Run, whole: dict[str, bytes]) -> bool:
    """Let a run go on to its end and compare."""
    train(run, folder, resume=True)
    return kill_training.result(folder) == whole


def newest(folder: Path) -> int:
    bundle = newest_bundle(folder / "checkpoints")
    return bundle.step if bundle else 0


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Do something when a step was just made, once."""
    original = Display.step

    def arrange(step: int, action: Callable[[], object]) -> None:
        steps = iter(range(1, step + 1))

        def after(self: Display, *arguments: object) -> None:
            original(self, *arguments)  # type: ignore[arg-type]
            if next(steps, None) == step:
                action()

        monkeypatch.setattr(Display, "step", after)

    yield arrange
    monkeypatch.setattr(Display, "step", original)


# Children come from a parent that has imported everything and computed nothing: a fork of this
# process would wait for ever for the threads that polars has here and not there.
clean = multiprocessing.get_context("forkserver")
clean.set_forkserver_preload(["lookright.train", "torch.utils.tensorboard"])


def end_in_a_child(run: Run, folder: Path, name: str, call: int, number: int, times: int) -> int:
    """Train in a child that sends itself a signal when something is called for the n-th time."""
    child = clean.Process(target=_train_and_fall, args=(run, folder, name, call, number, times))
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _train_and_fall(run: Run, folder: Path, name: str, call: int, number: int, times: int) -> None:
    owner = Display if name == "step" else training
    original, calls = getattr(owner, name), iter(range(1, call + 1))

    def deadly(*arguments: object) -> object:
        if next(calls, None) == call:
            for _ in range(times):
                signal.raise_signal(number)
        return original(*arguments)

    setattr(owner, name, deadly)
    torch.set_num_threads(1)
    train(run, folder)


# -- killed ----------------------------------------------------------------------------------


def test_CK01_CK18_twenty_kills_and_other_workers_change_nothing() -> None:
    command = [sys.executable, SCRIPT, "--kills", "20", "--seed", str(random.randrange(10**6))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 kills: all finished, all identical to the byte" in done.stdout


@pytest.mark.parametrize(
    ("name", "call"),
    [("look", 1), ("look", 3), ("write_history", 2), ("write_history", 3), ("write_atomically", 1)],
)
def test_CK05_a_run_killed_between_training_and_saving_goes_on(
    run: Run, whole: dict[str, bytes], tmp_path: Path, name: str, call: int
) -> None:
    """Killed as it validates, writes its metrics, or (`write_atomically`) its timing."""
    end = end_in_a_child(run, tmp_path / "run", name, call, signal.SIGKILL, times=1)
    assert end == -signal.SIGKILL
    assert ends_as(tmp_path / "run", run, whole)


@pytest.mark.parametrize(
    "changes",
    [
        ["optimiser.name=sgd", "schedule.name=plateau", "schedule.patience=1", "training.clip=0.5"],
        ["optimiser.name=adam", "schedule.name=one_cycle", "training.precision=bf16"],
        ["objective.name=adversarial", "training.channels_last=false", "training.patience=1"],
        ["schedule.name=step", "training.class_weighting=balanced", "data.cache=none"],
    ],
    ids=lambda changes: changes[0],
)
def test_whatever_the_settings_a_resumed_run_ends_the_same(
    manifest: Path, tmp_path: Path, at_step: Callable[..., None], changes: list[str]
) -> None:
    run = kill_training.small_run(manifest, *changes)
    train(run, tmp_path / "whole")
    at_step(7, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Stopped):
        train(run, tmp_path / "run")
    assert ends_as(tmp_path / "run", run, kill_training.result(tmp_path / "whole"))


# -- asked to stop ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=lambda each: each.name)
@pytest.mark.parametrize("step", [1, 3, 4, STEPS])
def test_CK06_a_warned_run_saves_and_can_go_on(
    run: Run,
    whole: dict[str, bytes],
    tmp_path: Path,
    at_step: Callable[..., None],
    number: signal.Signals,
    step: int,
) -> None:
    at_step(step, lambda: signal.raise_signal(number))
    with pytest.raises(Stopped, match=f"after step {step}.*--resume") as caught:
        train(run, tmp_path / "run")
    assert caught.value.exit_status == 75
    assert newest(tmp_path / "run") == step
    assert ends_as(tmp_path / "run", run, whole)


def test_CK06_the_second_warning_acts_at_once(
    run: Run, whole: dict[str, bytes], tmp_path: Path
) -> None:
    end = end_in_a_child(run, tmp_path / "run", "step", 3, signal.SIGTERM, times=2)
    assert end == -signal.SIGTERM
    assert newest(tmp_path / "run") == 2
    assert ends_as(tmp_path / "run", run, whole)


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """A shell that starts tests in the background makes them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("times", "saved"), [(1, 3), (2, 2)])
@pytest.mark.usefixtures("hears_ctrl_c")
def test_CK07_ctrl_c_saves_and_a_second_one_does_not_wait(
    run: Run,
    whole: dict[str, bytes],
    tmp_path: Path,
    at_step: Callable[..., None],
    times: int,
    saved: int,
) -> None:
    def interrupt() -> None:
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)

    at_step(3, interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(run, tmp_path / "run")
    assert newest(tmp_path / "run") == saved
    assert ends_as(tmp_path / "run", run, whole)


def lookright(*words: object) -> subprocess.Popen[str]:
    code = "import sys; from lookright.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)], ids=["CK06", "CK07"]
)
def test_the_command_line_tells_its_caller_that_a_run_can_go_on(
    run: Run, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    recipe, folder = tmp_path / "small.yaml", tmp_path / "run"
    longer = run.training.model_copy(update={"epochs": 1000, "checkpoint_steps": 1})
    run.model_copy(update={"training": longer}).save(recipe)
    process = lookright("train", recipe, "--out", folder)
    while not list(folder.glob("checkpoints/step-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status, said
    assert "Traceback" not in said
    assert newest(folder) > 0


def test_CK20_a_command_that_came_second_leaves_the_folder_of_the_first(
    run: Run, tmp_path: Path
) -> None:
    """The second saw no folder when it started; the first has not written its facts yet."""
    folder = tmp_path / "run"

    def second() -> None:
        with _nothing_left_of_a_false_start(folder):
            run.save(folder / "run.yaml")  # as the first does meanwhile
            train(run, folder)

    with pytest.raises(ConfigError, match="already holds a run"):
        second()
    assert (folder / "run.yaml").exists()


# -- the disk --------------------------------------------------------------------------------


@pytest.fixture
def stopped(run: Run, tmp_path: Path, at_step: Callable[..., None]) -> Path:
    """A run that was stopped after its sixth step, with bundles of steps 4, 5 and 6."""
    at_step(5, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Stopped):
        train(run, tmp_path / "run")
    at_step(1, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Stopped):
        train(run, tmp_path / "run", resume=True)
    at_step(STEPS, lambda: None)
    return tmp_path / "run"


def test_CK09_a_damaged_checkpoint_costs_some_steps_and_nothing_else(
    stopped: Path, run: Run, whole: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = stopped / "checkpoints" / f"step-{6:08d}" / "optimizer_0.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert newest(stopped) == 5
    assert ends_as(stopped, run, whole)
    assert "falling back" in caplog.text


def test_CK11_a_run_without_a_whole_checkpoint_does_not_silently_start_again(
    stopped: Path, run: Run
) -> None:
    for path in stopped.glob("checkpoints/*/weights.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(RunError, match="no bundle is whole"):
        train(run, stopped, resume=True)


def test_CK12_after_a_full_disk_a_run_goes_on_as_if_nothing_was(
    run: Run, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def after(self: Display, *arguments: object) -> None:
        if (tmp_path / "run" / "checkpoints" / f"step-{4:08d}").exists():
            monkeypatch.setattr(os, "fsync", full)

    with monkeypatch.context() as patched:
        patched.setattr(Display, "step", after)
        with pytest.raises(Stopped, match=r"bytes, .* are free") as caught:
            train(run, tmp_path / "run")
    monkeypatch.undo()
    assert caught.value.exit_status == 75
    assert newest(tmp_path / "run") == 4
    assert ends_as(tmp_path / "run", run, whole)


def test_CK14_a_place_that_cannot_be_written_is_refused_before_training(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write here"):
        train(run, tmp_path / "file" / "run")


# -- what may have changed -------------------------------------------------------------------


def test_CK15_a_folder_that_holds_a_run_is_never_written_over(stopped: Path, run: Run) -> None:
    before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=r"already holds a run.*--resume"):
        train(run, stopped)
    assert before == {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}


def test_CK16_all_settings_that_would_change_the_result_are_refused(
    stopped: Path, manifest: Path
) -> None:
    other = kill_training.small_run(manifest, "optimiser.lr=0.1", "training.batch=4", "seed=1")
    with pytest.raises(ConfigError) as caught:
        train(other, stopped, resume=True)
    assert len(caught.value.problems) == 3
    assert re.search(r"optimiser\.lr was 0\.001 .* is 0\.1 now", str(caught.value))


def test_CK16_harmless_settings_may_change(
    stopped: Path, manifest: Path, whole: dict[str, bytes]
) -> None:
    harmless = ["training.workers=1", "training.checkpoint_steps=3", "data.cache=none", "name=a"]
    other = kill_training.small_run(manifest, *harmless)
    assert ends_as(stopped, other, whole)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("row removed", r"0 changed, 0 added, 1 removed \(39\.png\)"),
        ("label changed", "data_fingerprint was"),
        ("image changed", r"1 changed, 0 added, 0 removed \(1\.png\)"),
        ("map changed", r"1 changed, 0 added, 0 removed \(1\.png\)"),
    ],
)
def test_CK17_other_data_are_refused(
    manifest: Path, tmp_path: Path, at_step: Callable[..., None], change: str, answer: str
) -> None:
    own = kill_training.draw_images(tmp_path / "images")
    run = kill_training.small_run(own)
    at_step(1, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Stopped):
        train(run, tmp_path / "run")
    at_step(STEPS, lambda: None)
    lines = own.read_text().splitlines()
    if change == "row removed":
        own.write_text("\n".join(lines[:-1]) + "\n")
    elif change == "label changed":
        own.write_text("\n".join([*lines[:-1], lines[-1].replace("bright", "dim")]) + "\n")
    else:
        pair = ("1.png", "2.png") if change == "image changed" else ("1-map.png", "2-map.png")
        (own.parent / pair[0]).write_bytes((own.parent / pair[1]).read_bytes())
    with pytest.raises(ConfigError, match=answer):
        train(run, tmp_path / "run", resume=True)


def test_CK20_a_run_that_another_process_writes_is_left_alone(stopped: Path, run: Run) -> None:
    with hold(stopped), pytest.raises(ConfigError, match="has been writing here since"):
        train(run, stopped, resume=True)


def test_CK25_a_finished_run_has_nothing_left_to_do(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(run, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("checkpoints/*/*")}
    result = kill_training.result(folder)
    assert ends_as(folder, run, result)
    assert before == {path: path.stat().st_mtime_ns for path in folder.glob("checkpoints/*/*")}


# -- numbers ---------------------------------------------------------------------------------


def test_TR01_a_loss_that_is_no_number_names_its_images_and_spoils_nothing(
    run: Run, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = training.on_device, iter(range(1, 7))

    def poison(batch, *arguments):
        batch = original(batch, *arguments)
        if next(calls, None) == 6:
            batch.images[3, 0, 5, 5] = float("nan")
        return batch

    with monkeypatch.context() as patched:
        patched.setattr(training, "on_device", poison)
        with pytest.raises(RunError) as caught:
            train(run, tmp_path / "run")
    names = [f"{number}.png" for number in range(40) if number % 5]  # the others are validation
    second = plan(order(len(names), run.seed, epoch=1), 8)[1]  # an epoch has four batches
    assert str([names[position] for position in second]) in str(caught.value)
    assert caught.value.exit_status == 1
    assert json.loads((tmp_path / "run" / "failed.json").read_text())["step"] == 5
    assert newest(tmp_path / "run") == 4
    assert ends_as(tmp_path / "run", run, whole)


class Cliff(Objective):
    """A finite loss whose gradient is no number, as the slope of a root at zero is."""

    def __init__(self) -> None:
        super().__init__()
        self.log = {}

    def forward(self, model, batch, progress):
        logits = model(batch.images).logits
        return {"task": (logits - logits.detach()).sum().abs().sqrt() * 0 + logits.mean()}


def test_TR02_a_gradient_that_is_no_number_stops_before_the_step(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "build_objective", lambda *_: Cliff())
    with pytest.raises(RunError, match=r"Step 0: task = .*gradient norm nan"):
        train(run, tmp_path / "run")
    assert newest(tmp_path / "run") == 0


def test_TR06_a_last_batch_of_one_image_is_left_out(tmp_path: Path) -> None:
    manifest = kill_training.draw_images(tmp_path / "images", count=41)  # 33 - 1 train, 8 + 1 val
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([*lines[:-1], lines[-1].replace("val", "train")]) + "\n")
    train(kill_training.small_run(manifest, "training.epochs=1"), tmp_path / "run")
    assert newest(tmp_path / "run") == 4


def test_TR06_single_images_are_a_batch_when_asked_for(run: Run) -> None:
    assert plan(range(9), 8) == [list(range(8))]
    assert plan(range(3), 1) == [[0], [1], [2]]
