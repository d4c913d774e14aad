"""Folds: who is tested, who is learnt from, and that nobody is both."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lookright.configuration import Fold, Folds
from lookright.data import open_source
from lookright.data.fold import listed, splits
from lookright.errors import ConfigError, DataError
from lookright.run import Run


def table(**columns: list[str]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    return pl.DataFrame({"id": [str(number) for number in range(count)], **columns})


def attacks() -> pl.DataFrame:
    """Bona fide samples without an attack, in splits of their own, and three kinds of attack."""
    real = [("real", "", split) for split in ["train"] * 6 + ["val"] * 2 + ["test"] * 4]
    kinds = {"print": 6, "contact": 4, "replay": 2}
    fakes = [("fake", kind, "train") for kind, count in kinds.items() for _ in range(count)]
    labels, kinds, given = zip(*real, *fakes, strict=True)
    return table(label=list(labels), attack=list(kinds), split=list(given))


def test_the_left_out_attack_is_tested_beside_the_shared_bona_fide_samples():
    rows = attacks()
    column = splits(rows, Fold(leave_out="attack", value="print"))
    told = rows.with_columns(fold=column)
    assert set(told.filter(pl.col("attack") == "print")["fold"]) == {"test"}
    assert set(told.filter(pl.col("attack").is_in(["contact", "replay"]))["fold"]) == {"train"}
    real = told.filter(pl.col("label") == "real")
    assert real["fold"].to_list() == real["split"].to_list()


def test_folds_are_listed_by_how_many_images_they_have():
    rows = attacks()
    titles = [fold.title for fold in listed(rows, Folds(leave_out="attack"))]
    assert titles == ["print", "contact", "replay"]
    largest = listed(rows, Folds(leave_out="attack", largest=2))
    assert [fold.title for fold in largest] == titles[:2]
    named = listed(rows, Folds(leave_out="attack", values=("replay",)))
    assert [fold.value for fold in named] == ["replay"]


def patients(count: int = 60) -> pl.DataFrame:
    random = np.random.default_rng(0)
    groups = [f"p{number // 2}" for number in range(count)]
    labels = random.choice(["a", "b"], count).tolist()
    cameras = random.choice(["x", "y", "z"], count).tolist()
    return table(label=labels, group=groups, camera=cameras, split=["train"] * count)


@pytest.mark.parametrize("part", range(4))
def test_no_patient_is_on_two_sides_of_a_part(part):
    rows = patients()
    told = rows.with_columns(fold=splits(rows, Fold(parts=4, part=part)))
    assert set(told["fold"]) == {"train", "val", "test"}
    assert told.group_by("group").agg(pl.col("fold").n_unique())["fold"].max() == 1


def test_the_parts_test_every_row_exactly_once():
    rows = patients()
    tested = [splits(rows, Fold(parts=4, part=part)) == "test" for part in range(4)]
    assert (np.sum([each.to_numpy() for each in tested], axis=0) == 1).all()


def test_a_patient_with_images_of_the_left_out_camera_is_not_learnt_from():
    rows = patients()
    told = rows.with_columns(fold=splits(rows, Fold(leave_out="camera", value="x")))
    tested = set(told.filter(pl.col("fold") == "test")["group"])
    learnt = set(told.filter(pl.col("fold").is_in(["train", "val"]))["group"])
    assert not tested & learnt
    assert set(told.filter(pl.col("camera") == "x")["fold"]) == {"test"}
    dropped = told.filter(pl.col("fold") == "")
    assert len(dropped)
    assert set(dropped["group"]) <= tested


def test_given_validation_stays_and_given_tests_of_other_values_are_learnt_from():
    rows = table(
        label=["a", "b"] * 6,
        camera=["x"] * 4 + ["y"] * 8,
        split=["train"] * 4 + ["val", "val", "test", "test"] + ["train"] * 4,
    )
    told = splits(rows, Fold(leave_out="camera", value="x")).to_list()
    assert told == ["test"] * 4 + ["val", "val", "train", "train"] + ["train"] * 4


def test_a_fold_without_a_class_to_learn_is_refused():
    rows = table(label=["a"] * 4 + ["b"] * 4, camera=["x"] * 4 + ["y"] * 4, split=["train"] * 8)
    with pytest.raises(DataError, match=r"Without y no training image of 'b'"):
        splits(rows, Fold(leave_out="camera", value="y"))


def test_unknown_columns_and_values_are_answered_with_near_ones():
    rows = patients()
    with pytest.raises(ConfigError, match="camera"):
        listed(rows, Folds(leave_out="cammera"))
    with pytest.raises(ConfigError, match="'q'"):
        listed(rows, Folds(leave_out="camera", values=("q",)))


def test_a_fold_is_left_out_or_a_part_but_not_both():
    for wrong in ("data.fold.leave_out=digit", "data.fold.parts=3"):
        with pytest.raises(ConfigError, match="Give leave_out and value, or parts and a part"):
            Run.load(None, ["data=digits", wrong])
    with pytest.raises(ConfigError, match="Give leave_out"):
        Run.load(None, ["data=digits", "bench.folds={}"])


def test_a_source_opens_in_its_fold_and_says_so_in_its_fingerprint():
    plain = {"name": "digits", "digits": ["02468", "13579"]}
    fold = {"leave_out": "digit", "value": "3"}
    source = open_source({**plain, "fold": fold}, Path())
    told = source.rows.filter(pl.col("split") == "test")
    assert set(told["digit"]) == {"3"}
    assert source.fingerprint != open_source(plain, Path()).fingerprint


def test_more_parts_than_groups_of_a_class_are_refused():
    rows = table(label=["a"] * 20 + ["b"] * 3, group=["g"] * 20 + list("xyz"), split=[""] * 23)
    with pytest.raises(DataError, match="one class has 1"):
        splits(rows, Fold(parts=3, part=0))
