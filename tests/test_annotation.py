"""Fewer and worse maps: how many are left, and what each way of spoiling does to one."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lookright.configuration import Annotation
from lookright.data import open_source
from lookright.data.annotation import asked, spoil

SIDE = 40


def disc(radius: float = 8, row: float = 20, col: float = 18) -> np.ndarray:
    down, right = np.mgrid[:SIDE, :SIDE]
    return ((down - row) ** 2 + (right - col) ** 2 <= radius**2).astype(np.float32)


def spoilt(kind: str, amount: float, row: int = 0, drawn: np.ndarray | None = None) -> np.ndarray:
    drawn = disc() if drawn is None else drawn
    how = Annotation(corruption=kind, amount=amount)
    return spoil(drawn, how, row, lambda: np.eye(SIDE, dtype=np.float32))


def rows(count: int = 200) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "split": ["train"] * count + ["test"] * 20,
            "label": (["a"] * 3 + ["b"]) * (count // 4) + ["a", "b"] * 10,
            "annotated": [True, True, True, True, True, False, True, False] * (count // 8)
            + [True] * 20,
        }
    )


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.25, 0.5, 1.0])
def test_the_share_that_keeps_its_map_is_the_one_asked_for_and_the_test_keeps_all(share):
    table = rows()
    kept = asked(table, Annotation(share=share))
    candidates = int((table["annotated"] & (table["split"] == "train")).sum())
    learnt = (kept & (table["split"] == "train")).sum()
    assert learnt == (max(1, round(share * candidates)) if share else 0)
    assert kept[200:].all()
    assert not (kept & ~table["annotated"]).any()


def test_fewer_maps_are_a_part_of_more_maps_and_classes_keep_their_shares():
    table = rows(800)
    shares = (0.05, 0.1, 0.25, 0.5, 1.0)
    kept = [asked(table, Annotation(share=share))[:800].to_numpy() for share in shares]
    for few, many in pairwise(kept):
        assert (many | ~few).all()
    labels = table["label"][:800].to_numpy()
    whole = (labels[kept[-1]] == "a").mean()
    assert all(abs((labels[each] == "a").mean() - whole) < 0.03 for each in kept)


def test_another_seed_asks_about_other_images():
    table = rows()
    one, other = (asked(table, Annotation(share=0.25, seed=seed)) for seed in (0, 1))
    assert (one != other).any()


def test_a_shifted_map_is_moved_by_the_share_of_the_side():
    for row in range(8):
        moved = spoilt("shifted", 0.25, row)
        assert moved.sum() == disc().sum()
        centres = [np.argwhere(each).mean(0) for each in (moved, disc())]
        assert np.linalg.norm(centres[0] - centres[1]) == pytest.approx(0.25 * SIDE, abs=0.8)


@pytest.mark.parametrize(
    ("kind", "factor"), [("missing", 0.75), ("shrunk", 0.75), ("dilated", 1.25)]
)
def test_the_area_changes_by_the_amount(kind, factor):
    area = float(disc().sum())
    assert spoilt(kind, 0.25).sum() == pytest.approx(factor * area, abs=0.04 * area)


def test_shrinking_stays_inside_and_dilating_outside():
    assert (spoilt("shrunk", 0.5) <= disc()).all()
    assert (spoilt("missing", 0.5) <= disc()).all()
    assert (spoilt("dilated", 0.5) >= disc()).all()


def test_a_box_is_the_box_of_the_evidence_and_grows_by_the_amount():
    exact = spoilt("boxes", 0.0)
    places = np.argwhere(disc())
    top, left = places.min(0)
    bottom, right = places.max(0)
    assert exact.sum() == (bottom - top + 1) * (right - left + 1)
    assert (exact >= disc()).all()
    wide = spoilt("boxes", 0.5)
    assert wide.sum() == pytest.approx(1.5**2 * exact.sum(), rel=0.12)


def test_noise_moves_the_outline_and_more_noise_moves_it_more():
    differences = [
        np.mean([abs(spoilt("noisy", amount, row) - disc()).sum() for row in range(10)])
        for amount in (0.05, 0.1, 0.3)
    ]
    assert 0 < differences[0] < differences[1] < differences[2]


@pytest.mark.parametrize("kind", ["misplaced", "swapped"])
def test_the_amount_is_the_share_of_maps_that_are_not_where_they_were(kind):
    changed = [(spoilt(kind, 0.25, row) != disc()).any() for row in range(400)]
    assert np.mean(changed) == pytest.approx(0.25, abs=0.07)


def test_a_swapped_map_is_the_other_images_map():
    assert (spoilt("swapped", 1.0) == np.eye(SIDE)).all()


@pytest.mark.parametrize(
    "kind",
    ["missing", "shifted", "shrunk", "dilated", "boxes", "noisy", "misplaced", "swapped"],
)
def test_spoiling_is_the_same_every_time_and_leaves_an_empty_map_empty(kind):
    assert (spoilt(kind, 0.3, row=5) == spoilt(kind, 0.3, row=5)).all()
    empty = np.zeros((SIDE, SIDE), np.float32)
    assert not spoilt(kind, 0.3, drawn=empty).any()
    assert spoilt(kind, 0.3).dtype == np.float32
    full = np.ones((SIDE, SIDE), np.float32)
    assert spoilt(kind, 0.0, drawn=full).shape == full.shape


def test_a_source_spoils_only_what_is_learnt_from():
    plain = open_source({"name": "digits", "train": 60}, Path())
    how = {"share": 0.5, "corruption": "swapped", "amount": 1.0}
    source = open_source({"name": "digits", "train": 60, "maps": how}, Path())
    kept = source.rows.with_row_index().filter((pl.col("split") == "train") & pl.col("annotated"))
    assert len(kept) == 30
    there = {index: plain.sample(index).map.tobytes() for index in kept["index"]}
    for index in kept["index"]:
        found = source.sample(index).map.tobytes()
        assert found != there[index]
        assert found in there.values()
    dropped = source.rows["annotated"].arg_true()
    lost = next(index for index in range(60) if index not in set(dropped))
    assert source.sample(lost).map is None
    tested = source.rows["split"].to_list().index("test")
    assert (source.sample(tested).map == plain.sample(tested).map).all()
    assert source.fingerprint != plain.fingerprint
