"""What the decision rests on, where that is known because it was planted."""

from dataclasses import replace
from math import exp, log
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from lookright.agreed import agreement, class_maps
from lookright.causal import answers, causal, find_donors, intervene, table
from lookright.configuration import Data
from lookright.configuration import Intervention as Name
from lookright.data.loader import Examples, examples, load
from lookright.data.sets.digits import Digits
from lookright.evaluate import evaluate
from lookright.inference import Looks, look
from lookright.interventions import INTERVENTIONS
from lookright.metrics.causal import changed, drop, log_odds, outside_share
from lookright.model import Classifier
from lookright.run import Run
from lookright.train import train

CPU = torch.device("cpu")
NAMES: list[Name] = list(INTERVENTIONS)  # pyright: ignore[reportAssignmentType]
SIDE = 32
EVERYWHERE = ("border_paint", "text_marker")


# -- functions of logits ---------------------------------------------------------------------


def test_drops_and_changes_are_those_of_the_class_predicted_before() -> None:
    before = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    after = np.array([[0.0, 1.0], [3.0, 0.0], [np.nan, np.nan]])
    p = [1 / (1 + exp(-2)), 1 / (1 + exp(1)), 1 / (1 + exp(-3))]
    np.testing.assert_allclose(drop(before, after), [p[0] - p[1], p[0] - p[2], np.nan])
    np.testing.assert_array_equal(changed(before, after), [1, 0, np.nan])


def test_log_odds_are_those_of_the_probabilities() -> None:
    logits = np.random.default_rng(0).normal(size=(6, 4))
    for row, chosen in zip(logits, [0, 1, 2, 3, 0, 1], strict=True):
        p = exp(row[chosen]) / sum(exp(each) for each in row)
        found = log_odds(row[None], np.array([chosen]))[0]
        assert found == pytest.approx(log(p / (1 - p)))


def test_a_decision_that_nothing_moves_rests_on_neither_side() -> None:
    before = np.array([[1.0, 0.0]])
    assert np.isnan(outside_share(before, before, before))
    assert np.isnan(outside_share(before, before + np.nan, before + 1))
    assert outside_share(before, np.array([[0.7, 0]]), np.array([[1.1, 0]])) == pytest.approx(0.25)


# -- a planted linear model ------------------------------------------------------------------


class Halves(nn.Module):
    """Two features per cell: the image on its left half, and the image on its right half."""

    def forward(self, images: Tensor) -> Tensor:
        left = torch.zeros_like(images[:, :1])
        left[..., : SIDE // 2] = 1
        return torch.cat([images[:, :1] * left, images[:, :1] * (1 - left)], 1)


def planted(left: float, right: float, shared: tuple[float, float] = (0, 0)) -> Classifier:
    """Build a model whose log odds are left * (mean of the left half) + right * (the right's).

    `shared` is added to every class's weights: it repaints all maps and moves no decision.
    """
    head = nn.Linear(2, 2)
    # Each half is half of the cells that are pooled: hence the 2.
    head.weight.data = torch.tensor([[0.0, 0.0], [2 * left, 2 * right]]) + torch.tensor(shared)
    head.bias.data = torch.zeros(2)
    return Classifier(Halves(), head, mean=(0, 0, 0), std=(1, 1, 1)).eval()


def halved(model: nn.Module, inside: float = 0.2, outside: float = 0.7) -> dict[str, np.ndarray]:
    """Return the causal columns of an image whose evidence is its left half."""
    images = examples(Digits(side=SIDE, test=4), ["test"], Data(name="digits", size=SIDE))
    stack = torch.full((2, SIDE, SIDE), outside)
    stack[0, :, : SIDE // 2] = inside
    stack[1] = 0
    stack[1, :, : SIDE // 2] = 1
    images = replace(images, kept=[(stack, True)] * 4)
    return columns(model, images)[0]


def columns(
    model: nn.Module, images: Examples, batch: int = 3
) -> tuple[dict[str, np.ndarray], Looks]:
    views, donors = intervene(NAMES, annotated=True), find_donors(images, CPU)
    seen = look(model, images, batch, CPU, list(views.values()), donors=donors)
    logits = {name: seen.views[:, k] for k, name in enumerate(views)}
    framing = agreement(seen, class_maps(seen), 0.5)
    found = causal(
        seen,
        answers(seen, logits, NAMES, donors),
        framing["framing_sensitivity"],
        framing["framing_decision"],
    )
    return framing | found, seen


@pytest.mark.parametrize(("left", "right"), [(1, 0), (0, 1), (1, 1), (3, -1), (-0.5, 2)])
def test_the_share_of_the_outside_is_that_of_its_weight(left: float, right: float) -> None:
    """Both halves are flat, so occluding one gives it the other's brightness, exactly."""
    found = halved(planted(left, right))
    share = abs(right) / (abs(left) + abs(right))
    np.testing.assert_allclose(found["causal_outside"], share, atol=1e-5)


@pytest.mark.parametrize(("left", "right"), [(1, 0), (0, 1)])
def test_an_honest_map_has_no_gap(left: float, right: float) -> None:
    found = halved(planted(left, right))
    np.testing.assert_allclose(found["framing_sensitivity"], right, atol=1e-6)
    np.testing.assert_allclose(found["gap"], 0, atol=1e-5)
    np.testing.assert_allclose(found["gap_decision"], 0, atol=1e-5)


def test_a_map_that_points_inside_over_a_decision_outside_has_a_gap_of_minus_one() -> None:
    found = halved(planted(0, 1, shared=(9, -3)))
    np.testing.assert_allclose(found["framing_sensitivity"], 0, atol=1e-6)
    np.testing.assert_allclose(found["gap"], -1, atol=1e-5)
    # What is shared by all classes cannot hide in the map that tells them apart.
    np.testing.assert_allclose(found["gap_decision"], 0, atol=1e-5)


def test_a_map_that_points_outside_over_a_decision_inside_has_a_gap_of_one() -> None:
    found = halved(planted(1, 0, shared=(-3, 9)))
    np.testing.assert_allclose(found["framing_sensitivity"], 1, atol=1e-6)
    np.testing.assert_allclose(found["gap"], 1, atol=1e-5)


def test_drops_of_the_planted_model_are_in_closed_form() -> None:
    found = halved(planted(0, 4), inside=0.2, outside=0.7)
    before, after = (1 / (1 + exp(-4 * level)) for level in (0.7, 0.2))
    for name in ("occlude_outside", "foreground_only"):
        np.testing.assert_allclose(found[f"drop_{name}"], before - after, atol=1e-6)
        np.testing.assert_allclose(found[f"area_{name}"], 0.5)
    for name in ("occlude_inside", "background_only"):
        np.testing.assert_allclose(found[f"drop_{name}"], 0, atol=1e-6)
    assert (found["changed_occlude_outside"] == 0).all()


# -- a shortcut on digits --------------------------------------------------------------------


class Frame(nn.Module):
    """Two features per cell: the frame against middle grey, and its opposite."""

    def forward(self, images: Tensor) -> Tensor:
        seen = images[:, :1] - 0.5
        seen[..., 4:-4, 4:-4] = 0
        return torch.cat([-seen, seen], 1)


def framed() -> Classifier:
    head = nn.Linear(2, 2)
    head.weight.data, head.bias.data = 40 * torch.eye(2), torch.zeros(2)
    return Classifier(Frame(), head, mean=(0, 0, 0), std=(1, 1, 1)).eval()


def test_a_model_that_reads_the_frame_falls_without_it_and_stands_without_the_digit() -> None:
    source = Digits(side=64, test=60, correlation=1)
    images = examples(source, ["test"], Data(name="digits", size=64))
    found, seen = columns(framed(), images, batch=20)
    assert (seen.predicted == seen.labels).all()
    for name in ("occlude_inside", "background_only"):
        assert found[f"changed_{name}"].sum() == 0
        np.testing.assert_allclose(found[f"drop_{name}"], 0, atol=1e-3)
    for name in ("occlude_outside", "foreground_only"):
        # The digit is brighter or darker than the texture by a coin toss: half of them fall.
        assert 0.3 < found[f"changed_{name}"].mean() < 0.7
    assert found["changed_background_swap"].all()  # the donor is of the other class
    assert found["drop_border_paint"].min() > 0.4  # no frame, no opinion
    np.testing.assert_allclose(found["drop_text_marker"], 0, atol=0.05)
    np.testing.assert_allclose(found["causal_outside"], 1, atol=0.01)
    np.testing.assert_allclose(found["gap"], 0, atol=0.02)


@pytest.mark.parametrize("batch", [1, 7, 60])
def test_nothing_depends_on_the_batches(batch: int) -> None:
    source = Digits(side=32, test=12, share_annotated=0.5)
    images = examples(source, ["test"], Data(name="digits", size=32))
    found, whole = (columns(framed(), images, each)[0] for each in (batch, 12))
    for name, values in whole.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


# -- donors ----------------------------------------------------------------------------------


def prepared(**settings: object) -> Examples:
    source = Digits(side=32, **{"test": 40, "digits": ("0", "1", "2"), **settings})  # pyright: ignore
    return examples(source, ["test"], Data(name="digits", size=32))


def test_a_donor_is_of_another_class_without_its_own_evidence() -> None:
    images = prepared()
    donors = find_donors(images, CPU)
    assert len(donors.backgrounds) <= 33
    assert donors.chosen.unique().numel() > 10
    batch = next(load(images, [list(range(40))]))
    for position, chosen in enumerate(donors.chosen.tolist()):
        given = donors.backgrounds[chosen]
        outside = (batch.maps < 0.5)[:, None]
        same = ((given == batch.images) | ~outside).flatten(1).all(1)
        origin = int(torch.nonzero(same))
        assert images.labels[origin] != images.labels[position]
        filled = given[batch.maps[origin][None] == 1]
        mean = batch.images[origin][outside[origin]].mean()
        torch.testing.assert_close(filled, mean.expand_as(filled), rtol=0, atol=1e-5)


def test_a_donor_keeps_nothing_of_what_is_unknown_either(monkeypatch) -> None:
    images, (batch,) = prepared(), load(prepared(), [list(range(40))])
    unknown = torch.zeros_like(batch.maps)
    unknown[:, :8] = 1
    partly = replace(batch, unknown=unknown)

    def kept(_: Examples, cuts: list[list[int]]):
        """Give the rows of the batch that are asked for."""
        values = {name: value[cuts[0]] for name, value in vars(partly).items()}
        return iter([replace(partly, **values)])

    monkeypatch.setattr("lookright.causal.load", kept)
    backgrounds = find_donors(images, CPU).backgrounds
    spread = backgrounds[:, :, :8].flatten(2).std(2)
    torch.testing.assert_close(spread, torch.zeros_like(spread), rtol=0, atol=1e-5)
    assert backgrounds[:, :, 8:].flatten(2).std(2).min() > 0.01


def test_donors_with_maps_are_preferred() -> None:
    images = prepared(share_annotated=0.5)
    donors = find_donors(images, CPU)
    asked = images.source.rows["annotated"].gather(images.rows).sum()
    assert len(donors.backgrounds) == asked == 20


def test_the_donor_of_an_image_does_not_depend_on_the_order_of_the_table() -> None:
    images = prepared()
    forward = find_donors(images, CPU)
    order = list(range(39, -1, -1))
    rows = [images.rows[position] for position in order]
    kept = [images.kept[position] for position in order] if images.kept else None
    turned = replace(images, rows=rows, kept=kept, labels=images.labels[order])
    backward = find_donors(turned, CPU)
    positions = list(range(40))
    assert torch.equal(backward.of(positions), forward.of(order))


def test_one_class_alone_gives_to_itself_but_no_image_to_itself() -> None:
    images = prepared()
    own = [position for position in range(40) if images.labels[position] == 1]
    assert images.kept
    alone = replace(
        images,
        rows=[images.rows[each] for each in own],
        kept=[images.kept[each] for each in own],
        labels=images.labels[own],
    )
    donors = find_donors(alone, CPU)
    batch = next(load(alone, [list(range(len(own)))]))
    assert (donors.chosen >= 0).all()
    assert not (donors.of(range(len(own))) == batch.images).flatten(1).float().mean(1).gt(0.8).any()
    kept = [images.kept[own[0]]]
    single = replace(alone, rows=alone.rows[:1], kept=kept, labels=alone.labels[:1])
    assert find_donors(single, CPU).chosen.tolist() == [-1]


# -- the whole way ---------------------------------------------------------------------------


def small_run(*changes: str) -> Run:
    return Run.load(
        None,
        [
            *("data=digits", "data.side=32", "data.size=32", "data.train=24", "data.val=12"),
            *("data.test=20", "data.test_shifted=14", "data.share_annotated=0.6"),
            *("model.name=lookright_tiny", "training.epochs=1", "training.batch=12"),
            *("training.device=cpu", "evaluation.angles=[10]", "evaluation.control=false"),
            *("evaluation.parts=[marker, group]", "evaluation.splits=[test, test_shifted]"),
            *changes,
        ],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("causal") / "run"
    train(small_run(), folder)
    evaluate(folder)
    return folder


def test_every_image_has_its_columns(folder: Path) -> None:
    found = pl.read_parquet(folder / "predictions.parquet")
    for name in NAMES:
        undefined = ~found["annotated"] if name not in EVERYWHERE else pl.Series([False] * 34)
        for kind in ("drop", "changed", "area"):
            column = found[f"{kind}_{name}"]
            assert column.dtype == pl.Float64
            assert column.is_nan().to_list() == undefined.to_list()
    gap = found["framing_sensitivity"] - found["causal_outside"]
    assert found["gap"].equals(gap)
    decision = found["framing_decision"] - found["causal_outside"]
    assert found["gap_decision"].equals(decision)
    known = found["causal_outside"].drop_nans()
    assert len(known) > 0
    assert known.is_between(0, 1).all()


def test_every_changed_image_has_its_probabilities(folder: Path) -> None:
    found = pl.read_parquet(folder / "predictions.parquet")
    changed = pl.read_parquet(folder / "interventions.parquet")
    assert changed.columns == ["id", "split", "intervention", "p_0", "p_1"]
    assert len(changed) == 34 * 2 + found["annotated"].sum() * 5
    joined = changed.join(found, on=["id", "split"], suffix="_before")
    for row in joined.iter_rows(named=True):
        fall = row[f"p_{row['predicted']}_before"] - row[f"p_{row['predicted']}"]
        assert row[f"drop_{row['intervention']}"] == pytest.approx(fall, abs=1e-12)
        other = "1" if row["p_1"] > row["p_0"] else "0"
        assert row[f"changed_{row['intervention']}"] == (other != row["predicted"])


def test_results_are_scores_of_the_changed_images(folder: Path) -> None:
    found = pl.read_parquet(folder / "predictions.parquet")
    changed = pl.read_parquet(folder / "interventions.parquet")
    results = pl.read_csv(folder / "results.csv", schema_overrides={"value_of": pl.String})
    kinds = ("auroc", "auroc_change", "accuracy", "drop", "changed")
    mine = {f"{kind}_{name}" for kind in kinds for name in NAMES}
    mine |= {"causal_outside", "gap", "gap_decision"}
    rows = results.filter(pl.col("measure").is_in(mine))
    assert set(rows["measure"]) == mine
    assert set(rows["by"]) == {"all", "marker"}  # originals are as many as images: not listed
    for row in rows.iter_rows(named=True):
        part = found.filter(pl.col("split") == row["split"])
        if row["by"] == "marker":
            part = part.filter(pl.col("marker") == row["value_of"])
        value, count = scored(row["measure"], part, changed)
        assert row["value"] == pytest.approx(value, nan_ok=True)
        nothing = row["measure"].startswith("auroc") and np.isnan(value)
        assert row["count"] == (0 if nothing else count)
        assert row["count"] + row["undefined"] == len(part)


def scored(measure: str, part: pl.DataFrame, changed: pl.DataFrame) -> tuple[float, int]:
    if measure in part.columns:
        known = part[measure].drop_nans()
        return (sum(known) / len(known) if len(known) else np.nan), len(known)
    kind, name = next((k, measure.removeprefix(f"{k}_")) for k in KINDS if measure.startswith(k))
    own = changed.filter(pl.col("intervention") == name).drop("intervention")
    both = part.join(own, on=["id", "split"], suffix="_after")
    if kind == "accuracy":
        right = [(r["p_1_after"] > r["p_0_after"]) == (r["label"] == "1") for r in both.to_dicts()]
        return float(np.mean(right)), len(both)
    if both["label"].n_unique() < 2:
        return np.nan, 0
    after = roc_auc_score(both["label"] == "1", both["p_1_after"])
    before = roc_auc_score(both["label"] == "1", both["p_1"])
    return float(after - before if kind == "auroc_change" else after), len(both)


KINDS = ("auroc_change", "auroc", "accuracy")


def test_without_any_map_what_needs_one_is_undefined_and_counted(tmp_path: Path) -> None:
    train(small_run("data.share_annotated=0"), tmp_path / "run")
    found = evaluate(tmp_path / "run", ["test"])
    results = pl.read_csv(tmp_path / "run" / "results.csv").filter(pl.col("by") == "all")
    rows = {row["measure"]: row for row in results.iter_rows(named=True)}
    for name in NAMES:
        defined = name in EVERYWHERE
        assert found[f"drop_{name}"].is_nan().all() != defined
        for kind in ("drop", "auroc", "auroc_change", "accuracy"):
            row = rows[f"{kind}_{name}"]
            assert (row["count"], row["undefined"]) == ((20, 0) if defined else (0, 20))
            assert np.isnan(row["value"]) != defined
    assert found["causal_outside"].is_nan().all()
    assert rows["gap"]["undefined"] == 20


def test_nothing_is_changed_unless_asked(tmp_path: Path) -> None:
    train(small_run("evaluation.interventions=[]"), tmp_path / "run")
    found = evaluate(tmp_path / "run", ["test"])
    assert not [name for name in found.columns if name.startswith(("drop_", "changed_", "gap"))]
    assert pl.read_parquet(tmp_path / "run" / "interventions.parquet").is_empty()
    measures = pl.read_csv(tmp_path / "run" / "results.csv")["measure"]
    assert not measures.str.contains("auroc_|gap|causal").any()


def test_the_table_of_changed_images_leaves_out_what_is_undefined() -> None:
    images = pl.DataFrame({"id": ["a", "b"], "split": ["test", "test"], "label": ["x", "y"]})
    found = table(images, {"occlude_inside": np.array([[0.0, 0], [np.nan, np.nan]])}, ["x", "y"])
    assert found.rows() == [("a", "test", "occlude_inside", 0.5, 0.5)]
