"""Training from its first step to its last: every method, every setting, and what stops it."""

import json
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from lookright import objectives, session
from lookright import train as training
from lookright.checkpoint import newest_bundle
from lookright.data.loader import examples
from lookright.data.sets.digits import Digits
from lookright.errors import ConfigError, DataError, RunError
from lookright.evaluate import evaluate, load_classifier
from lookright.objective import Objective
from lookright.run import Run
from lookright.selection import MEASURES
from lookright.train import train

COUNT = 24


def small_run(*changes: str) -> Run:
    return Run.load(
        None,
        [
            "data=digits",
            "data.side=32",
            "data.size=32",
            f"data.train={COUNT}",
            "data.val=8",
            "data.test=8",
            "data.test_shifted=8",
            "model.name=lookright_tiny",
            "optimiser.lr=0.001",
            "training.epochs=1",
            "training.batch=8",
            "training.device=cpu",
            "evaluation.angles=[10]",
            *changes,
        ],
    )


def history(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path, step: int | None = None) -> dict[str, torch.Tensor]:
    root = folder / "checkpoints"
    last = max(root.glob("step-*")) if step is None else root / f"step-{step:08d}"
    return load_file(last / "weights.safetensors")


@pytest.mark.parametrize("name", objectives.names())
def test_every_method_trains_from_end_to_end(name: str, tmp_path: Path) -> None:
    train(small_run(f"objective={name}"), tmp_path / "run")
    (record,) = history(tmp_path / "run")
    assert record["step"] == COUNT // 8
    assert "task" in record["train"]
    assert set(record["val"]) == set(MEASURES)
    table = evaluate(tmp_path / "run", ["test"])
    assert len(table) == 8
    assert table["p_0"].is_between(0, 1).all()


@pytest.mark.parametrize(
    "changes",
    [
        ["optimiser.name=sgd"],
        ["optimiser.name=adam"],
        ["optimiser.name=adamw", "training.precision=bf16"],
        ["schedule.name=plateau", "training.clip=0.1"],
        ["schedule.name=one_cycle", "training.channels_last=false"],
        ["training.class_weighting=balanced", "training.deterministic=false"],
    ],
    ids=lambda changes: "+".join(changes),
)
def test_every_setting_learns_something(changes: list[str], tmp_path: Path) -> None:
    train(small_run("training.epochs=4", *changes), tmp_path / "run")
    losses = [record["train"]["task"] for record in history(tmp_path / "run")]
    assert losses[-1] < losses[0]


def test_a_rate_is_that_of_the_schedule(tmp_path: Path) -> None:
    run = small_run("training.epochs=4", "schedule.name=cosine", "schedule.warmup=0")
    train(run, tmp_path / "run")
    rates = [record["lr"] for record in history(tmp_path / "run")]
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert 0 < rates[-1] < 0.001


def test_the_first_step_of_plain_sgd_is_its_definition(tmp_path: Path) -> None:
    """w - lr * gradient of the mean cross entropy of all images, in train mode."""
    run = small_run(
        f"training.batch={COUNT}",
        "optimiser.name=sgd",
        "optimiser.lr=0.1",
        "optimiser.weight_decay=0",
        "schedule.name=constant",
        "schedule.warmup=0",
        "training.channels_last=false",
    )
    train(run, tmp_path / "run")
    torch.manual_seed(run.seed)
    model = session.build_classifier("lookright_tiny", 2)
    images = examples(Digits(**run.data.settings), ["train"], run.data)
    at = training.order(COUNT, run.seed, 0)
    (batch,) = training.load(images, [at])
    functional.cross_entropy(model(batch.images).logits, batch.labels).backward()
    after = weights(tmp_path / "run")
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        expected = parameter.detach() - 0.1 * parameter.grad
        torch.testing.assert_close(after[f"model.{name}"], expected, rtol=1e-4, atol=1e-6)


def test_clipping_bounds_the_step(tmp_path: Path) -> None:
    sgd = ["optimiser.name=sgd", "optimiser.lr=1", "optimiser.weight_decay=0"]
    constant = ["schedule.name=constant", "schedule.warmup=0", f"training.batch={COUNT}"]
    run = small_run(*sgd, *constant, "training.clip=0.01")
    train(run, tmp_path / "run")
    torch.manual_seed(run.seed)
    model = session.build_classifier("lookright_tiny", 2)
    after = weights(tmp_path / "run")
    moved = [(after[f"model.{n}"] - p.detach()).norm() for n, p in model.named_parameters()]
    assert torch.stack(moved).norm() == pytest.approx(0.01, rel=0.01)


def test_training_stops_when_validation_no_longer_improves(tmp_path: Path) -> None:
    """Nothing is learnt at such a rate, and every epoch is as good: ties go to the later."""
    stuck = ["training.epochs=9", "training.patience=2", "optimiser.lr=1e-30"]
    train(small_run(*stuck, "training.select=accuracy"), tmp_path / "ties")
    train(small_run(*stuck, "training.select=loss", "optimiser.lr=0.3"), tmp_path / "run")
    losses = [record["val"]["loss"] for record in history(tmp_path / "run")]
    assert len(losses) < 9
    assert losses.index(min(losses)) == len(losses) - 3
    assert len(history(tmp_path / "ties")) >= 3


def test_the_best_and_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    run = small_run("training.epochs=6", "training.select=loss", "optimiser.lr=0.3")
    train(run, tmp_path / "run")
    losses = [record["val"]["loss"] for record in history(tmp_path / "run")]
    best = 3 * (losses.index(min(losses)) + 1)
    steps = {int(each.name[5:]) for each in (tmp_path / "run" / "checkpoints").glob("step-*")}
    assert steps == {best, 15, 18}
    model = load_classifier(tmp_path / "run").model.state_dict()
    for name, value in weights(tmp_path / "run", best).items():
        assert torch.equal(model[name.removeprefix("model.")], value)


# -- what stops it ---------------------------------------------------------------------------


class Poison(Objective):
    """Cross entropy that is NaN from the second step on."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where, self.calls = where, 0
        self.own = torch.nn.Parameter(torch.ones(()))

    def forward(self, model, batch, progress):
        loss = functional.cross_entropy(model(batch.images).logits, batch.labels)
        self.calls += 1
        if self.calls < 2:
            return {"task": loss, "own": self.own * 0}
        if self.where == "loss":
            return {"task": loss * float("nan"), "own": self.own * 0}
        # A finite value with an infinite slope, as of a root at zero.
        return {"task": loss, "own": (self.own * 0).sqrt()}


@pytest.mark.parametrize(
    "where", [pytest.param("loss", id="TR01"), pytest.param("own", id="TR02 of the objective")]
)
def test_what_is_no_number_stops_before_the_step(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "build_objective", lambda *_: Poison(where))
    run = small_run("training.checkpoint_steps=1")
    with pytest.raises(RunError, match="Step 1: ") as caught:
        train(run, tmp_path / "run")
    assert caught.value.exit_status == 1
    second = training.plan(training.order(COUNT, run.seed, 0), 8)[1]
    names = Digits(**run.data.settings).rows["id"]
    assert str([names[position] for position in second]) in str(caught.value)
    failed = json.loads((tmp_path / "run" / "failed.json").read_text())
    assert failed["ids"] == [names[position] for position in second]
    bundle = newest_bundle(tmp_path / "run" / "checkpoints")
    assert bundle is not None
    assert bundle.step == 1
    assert all(value.isfinite().all() for value in weights(tmp_path / "run").values())


def test_TR01_a_rate_that_is_far_too_large_is_told(tmp_path: Path) -> None:
    wild = ["optimiser.name=sgd", "optimiser.lr=1e30", "schedule.warmup=0", "training.epochs=9"]
    with pytest.raises(RunError, match=r"Lower optimiser\.lr") as caught:
        train(small_run(*wild), tmp_path / "run")
    assert caught.value.code == "ERR-NOT-A-NUMBER"


def test_empty_splits_are_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Digits(side=32, train=8, val=8, test=8, test_shifted=8)
    source.rows = source.rows.with_columns(split=pl.lit("test"))
    monkeypatch.setattr(session, "open_source", lambda *_: source)
    with pytest.raises(DataError) as caught:
        train(small_run(), tmp_path / "run")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("training.select=aurco", "auroc"),
        ("objective=cybrog", "cyborg"),
        ("model.name=resnet81", "resnet18"),
    ],
)
def test_CF14_wrong_names_are_answered_before_anything_is_learnt(
    change: str, answer: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=answer):
        train(small_run(change), tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_all_that_a_run_leaves_behind_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(small_run(), folder)
    found = {each.name.partition(".out")[0] for each in folder.iterdir()}
    assert found == {
        "run.yaml",
        "facts.json",
        "contents.json",
        "metrics.jsonl",
        "timing.json",
        "events",
        "checkpoints",
    }
    facts = json.loads((folder / "facts.json").read_text())
    assert facts["classes"] == ["0", "1"]
    assert "add up to the logits" in facts["certificate"]
    assert json.loads((folder / "timing.json").read_text())["images"] == COUNT
