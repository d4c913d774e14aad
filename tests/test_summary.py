"""One row per image -> results.csv."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score, roc_curve

from lookright.errors import ConfigError
from lookright.metrics.summary import COLUMNS, summarise

CLASSES = ("ill", "well")
ANGLES = (-15, 5)


def predictions(count=40, classes=CLASSES, **columns):
    generator = np.random.default_rng(0)
    labels = [classes[k % len(classes)] for k in range(count)]
    probabilities = generator.dirichlet(np.ones(len(classes)), count)
    framing = generator.random(count)
    framing[:3] = np.nan
    table = pl.DataFrame(
        {
            "id": [f"{k:04}" for k in range(count)],
            "split": ["val"] * (count // 4) + ["test"] * (count - count // 4),
            "label": labels,
            "predicted": [classes[k] for k in probabilities.argmax(1)],
            "framing_sensitivity": framing,
            "energy_pointing": 1 - framing,
        }
    )
    p = {f"p_{name}": probabilities[:, k] for k, name in enumerate(classes)}
    flips = {f"flip_{angle}": generator.integers(0, 2, count) * 1.0 for angle in ANGLES}
    controls = {f"control_{angle}": generator.integers(0, 2, count) * 1.0 for angle in ANGLES}
    moves = {f"dp_{angle}": generator.random(count) for angle in ANGLES}
    every = {**p, **flips, **controls, **moves, **columns}
    return table.with_columns(**{name: pl.Series(values) for name, values in every.items()})


def value(results, measure, split="test", by="all", value_of=""):
    key = pl.col("split").eq(split) & pl.col("by").eq(by) & pl.col("value_of").eq(value_of)
    (row,) = results.filter(key & (pl.col("measure") == measure)).to_dicts()
    return row


def test_results_have_the_agreed_columns_and_no_row_twice():
    table = predictions(group=["a", "b"] * 20, source=["one"] * 40)
    results = summarise(table, CLASSES)
    assert dict(results.schema) == COLUMNS
    assert results.select("split", "by", "value_of", "measure").is_unique().all()
    assert results["split"].unique(maintain_order=True).to_list() == ["val", "test"]


def test_every_split_is_scored_on_its_own_images():
    table = predictions()
    results = summarise(table, CLASSES)
    for split in ("val", "test"):
        part = table.filter(split=split)
        auroc = value(results, "auroc", split)
        expected = roc_auc_score(part["label"] == "well", part["p_well"])
        assert auroc["value"] == pytest.approx(expected, abs=1e-12)
        assert auroc["count"] == len(part)
        expected = accuracy_score(part["label"], part["predicted"])
        assert value(results, "accuracy", split)["value"] == pytest.approx(expected)


def test_undefined_images_are_counted_and_not_averaged():
    table = predictions()
    row = value(summarise(table, CLASSES), "framing_sensitivity", "val")
    defined = table.filter(split="val")["framing_sensitivity"].to_numpy()[3:]
    assert row["value"] == pytest.approx(defined.mean())
    assert (row["count"], row["undefined"]) == (7, 3)


def test_missing_values_are_undefined_as_well():
    table = predictions(count=8, framing_chance=[None, 0.5] * 4)
    row = value(summarise(table, CLASSES), "framing_chance")
    assert (row["value"], row["count"], row["undefined"]) == (0.5, 3, 3)


def test_flip_rates_are_means_over_images_and_angles():
    table = predictions()
    results = summarise(table, CLASSES)
    part = table.filter(split="test")
    flipped = part.select("flip_-15", "flip_5").to_numpy()
    right = (part["label"] == part["predicted"]).to_numpy()
    expected = {
        "flip_rate": flipped.mean(),
        "flip_rate_any": flipped.any(1).mean(),
        "flip_-15": flipped[:, 0].mean(),
        "flip_5": flipped[:, 1].mean(),
        "flip_rate_right": flipped[right].mean(),
        "flip_rate_wrong": flipped[~right].mean(),
        "flip_rate_control": part.select("control_-15", "control_5").to_numpy().mean(),
        "mean_dp": part.select("dp_-15", "dp_5").to_numpy().mean(),
    }
    for measure, number in expected.items():
        assert value(results, measure)["value"] == pytest.approx(number), measure
    assert value(results, "flip_rate_right")["count"] == right.sum()
    assert value(results, "flip_rate_wrong")["count"] == (~right).sum()


def test_groups_that_repeat_are_listed_with_the_worst_of_them():
    table = predictions(group=["a", "b", "c", "c"] * 10)
    results = summarise(table, CLASSES)
    right = pl.col("label") == pl.col("predicted")
    test = table.filter(split="test")
    by_hand = {
        name: test.filter(group=name).select(right.mean()).item() for name in ("a", "b", "c")
    }
    for name, accuracy in by_hand.items():
        assert value(results, "accuracy", by="group", value_of=name)["value"] == accuracy
    assert value(results, "worst_group_accuracy")["value"] == min(by_hand.values())
    ranked = [value(results, "auroc", by="group", value_of=name)["value"] for name in ("b", "c")]
    assert np.isnan(value(results, "auroc", by="group", value_of="a")["value"])  # all are ill
    assert value(results, "worst_group_auroc")["value"] == np.nanmin(ranked)


def test_where_no_group_has_both_classes_none_is_the_worst():
    table = predictions(group=["a", "b"] * 20)  # a is ill, b is well
    row = value(summarise(table, CLASSES), "worst_group_auroc")
    assert np.isnan(row["value"])
    assert (row["count"], row["undefined"]) == (0, 30)


def test_a_shared_class_joins_every_part_so_that_its_ranking_is_defined():
    generators = ["first", None, "second", None] * 10  # every second image is well, and of nobody
    table = predictions(generator=generators)
    results = summarise(table, CLASSES, by=["generator"], shared="well")
    assert set(results["by"]) == {"all", "class", "generator"}
    test = table.filter(split="test")
    for name in ("first", "second"):
        part = test.filter((pl.col("generator") == name) | (pl.col("label") == "well"))
        row = value(results, "auroc", by="generator", value_of=name)
        assert row["value"] == roc_auc_score(part["label"] == "well", part["p_well"])
        assert row["count"] == len(part)
    alone = summarise(table, CLASSES, by=["generator"])
    assert np.isnan(value(alone, "auroc", by="generator", value_of="first")["value"])


def test_a_shared_class_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'well'"):
        summarise(predictions(), CLASSES, shared="wel")


def test_columns_to_list_by_are_those_asked_for():
    table = predictions(group=["a", "b"] * 20, camera=["x", "y"] * 20)
    assert set(summarise(table, CLASSES, by=["camera"])["by"]) == {"all", "class", "camera"}
    assert set(summarise(table, CLASSES)["by"]) == {"all", "class", "group"}
    assert set(summarise(table, CLASSES, by=["no such column"])["by"]) == {"all", "class"}


def test_of_two_classes_the_second_is_the_attack():
    table = predictions()
    results = summarise(table, CLASSES)
    part = table.filter(split="test")
    attack = (part["label"] == "well").to_numpy()
    called = (part["p_well"] >= 0.5).to_numpy()
    missed, refused = (~called)[attack].mean(), called[~attack].mean()
    assert value(results, "apcer")["value"] == pytest.approx(missed)
    assert value(results, "bpcer")["value"] == pytest.approx(refused)
    assert value(results, "acer")["value"] == pytest.approx((missed + refused) / 2)
    rejected, found, _ = roc_curve(attack, part["p_well"])
    assert value(results, "eer")["value"] == pytest.approx(
        rejected[np.abs(rejected - (1 - found)).argmin()], abs=0.05
    )
    three = summarise(predictions(60, ("a", "b", "c")), ("a", "b", "c"))
    assert not {"eer", "apcer", "bpcer", "acer"} & set(three["measure"])


@pytest.mark.parametrize(
    "groups",
    [[f"patient {k}" for k in range(40)], [f"patient {k // 2}" for k in range(400)]],
    ids=["one image each", "too many"],
)
def test_patients_are_no_groups_to_compare(groups):
    results = summarise(predictions(len(groups), group=groups), CLASSES)
    assert "group" not in results["by"].unique().to_list()
    assert "worst_group_accuracy" not in results["measure"].unique().to_list()


def test_sources_are_listed_and_images_of_none_belong_to_none():
    table = predictions(source=["lab", None] * 20)
    results = summarise(table, CLASSES)
    assert results.filter(by="source")["value_of"].unique().to_list() == ["lab"]
    assert value(results, "accuracy", by="source", value_of="lab")["count"] == 15


def test_a_class_is_ranked_against_the_rest_and_averaged_over_its_own():
    classes = ("a", "b", "c")
    table = predictions(60, classes)
    results = summarise(table, classes)
    test = table.filter(split="test")
    own = test.filter(label="b")
    auroc = value(results, "auroc", by="class", value_of="b")["value"]
    assert auroc == pytest.approx(roc_auc_score(test["label"] == "b", test["p_b"]), abs=1e-12)
    recall = (own["predicted"] == "b").mean()
    assert value(results, "accuracy", by="class", value_of="b")["value"] == pytest.approx(recall)
    framing = value(results, "framing_sensitivity", by="class", value_of="b")
    assert framing["value"] == pytest.approx(own["framing_sensitivity"].mean())


def test_TR09_a_split_of_one_class_has_no_auroc_and_says_so():
    table = predictions().filter(pl.col("label") == "ill")
    results = summarise(table, CLASSES)
    for row in (
        value(results, "auroc"),
        value(results, "balanced_accuracy"),
        value(results, "auroc", by="class", value_of="well"),
    ):
        assert np.isnan(row["value"])
        assert (row["count"], row["undefined"]) == (0, 15)
    empty = value(results, "framing_sensitivity", by="class", value_of="well")
    assert np.isnan(empty["value"])
    assert empty["count"] == 0
