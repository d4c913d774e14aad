"""Splits keep groups whole and classes even, and are written down."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookright.data.split import SHARES, split, write_split
from lookright.errors import ConfigError, DataError


def patients(count: int, images: int = 4, rare: float = 0.25, seed: int = 0) -> pl.DataFrame:
    """Rows of patients with one to several images each; a patient has one label."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, images + 1, count)
    labels = np.where(np.arange(count) < max(3, round(rare * count)), "ill", "well")
    group = np.repeat(np.arange(count), sizes)
    return pl.DataFrame(
        {
            "image": [f"{number}.png" for number in range(len(group))],
            "label": np.repeat(labels, sizes).tolist(),
            "group": [f"p{number}" for number in group],
        }
    )


def counts(rows: pl.DataFrame, drawn: np.ndarray) -> pl.DataFrame:
    return rows.with_columns(pl.Series("split", drawn.tolist())).group_by("split", "label").len()


@settings(max_examples=40, deadline=None)
@given(st.integers(12, 200), st.integers(1, 9), st.integers(0, 9))
def test_no_group_is_divided_and_every_row_gets_a_split(count: int, images: int, seed: int):
    rows = patients(count, images, seed=seed)
    drawn = split(rows, SHARES, seed)
    together = rows.with_columns(pl.Series("split", drawn.tolist()))
    assert together.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(drawn) <= set(SHARES)


def test_every_class_gets_its_shares():
    rows = patients(600)
    table = counts(rows, split(rows, SHARES, 0))
    for label in ("ill", "well"):
        part = table.filter(pl.col("label") == label)
        total = part["len"].sum()
        for name, share in SHARES.items():
            found = part.filter(pl.col("split") == name)["len"].sum()
            assert found / total == pytest.approx(share, abs=0.02)


def test_rows_without_groups_are_divided_exactly():
    rows = pl.DataFrame({"label": ["a"] * 100 + ["b"] * 20, "group": [""] * 120})
    table = {(s, k): n for s, k, n in counts(rows, split(rows, SHARES, 0)).iter_rows()}
    assert [table[name, "a"] for name in SHARES] == [70, 15, 15]
    assert [table[name, "b"] for name in SHARES] == [14, 3, 3]


def test_the_seed_decides_and_nothing_else():
    rows = patients(100)
    assert (split(rows, SHARES, 5) == split(rows, SHARES, 5)).all()
    assert (split(rows, SHARES, 5) != split(rows, SHARES, 6)).any()


def test_a_group_with_two_labels_stays_whole():
    rows = pl.DataFrame({"label": ["a", "b"] * 30, "group": [f"p{n // 2}" for n in range(60)]})
    together = rows.with_columns(pl.Series("split", split(rows, SHARES, 0).tolist()))
    assert together.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    assert together["split"].n_unique() == 3


def test_MF22_a_class_with_too_few_groups_is_an_error_with_counts():
    rows = pl.DataFrame({"label": ["a"] * 990 + ["b"] * 10, "group": [""] * 990 + ["p", "q"] * 5})
    with pytest.raises(DataError, match="'b' has 10 images in 2 groups; 3 splits"):
        split(rows, SHARES, 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("images", [1, 9])
def test_MF22_a_rare_class_is_in_every_split(seed: int, images: int):
    rows = patients(1000, images, rare=0.003, seed=seed)
    table = counts(rows, split(rows, SHARES, seed))
    assert len(table.filter(pl.col("label") == "ill")) == 3


def manifest(folder: Path, rows: pl.DataFrame, name: str = "manifest.csv") -> Path:
    rows.write_csv(folder / name)
    return folder / name


def test_the_split_is_written_into_the_manifest_and_all_else_kept(tmp_path: Path):
    rows = patients(60).with_columns(pl.lit("001").alias("id"), pl.lit("1e5").alias("note"))
    path = manifest(tmp_path, rows)
    assert write_split(path, seed=1) == path
    found = pl.read_csv(path, infer_schema=False)
    assert found.drop("split").equals(rows)
    assert (found["split"].to_numpy() == split(rows, SHARES, 1)).all()


def test_given_splits_are_not_overwritten(tmp_path: Path):
    path = manifest(tmp_path, patients(60).with_columns(pl.lit("train").alias("split")))
    before = path.read_bytes()
    with pytest.raises(DataError, match="There are splits already"):
        write_split(path)
    out = write_split(path, out=tmp_path / "new.csv")
    assert path.read_bytes() == before
    assert set(pl.read_csv(out)["split"]) == set(SHARES)
    with pytest.raises(DataError, match="a manifest already"):
        write_split(path, out=out)
    (tmp_path / "else").mkdir()
    with pytest.raises(DataError, match="relative to its folder"):
        write_split(path, out=tmp_path / "else" / "new.csv")


def test_one_split_can_be_divided_and_the_others_stay(tmp_path: Path):
    rows = patients(90)
    official = (pl.col("group").str.slice(1).cast(pl.Int64) % 3 == 0).replace_strict(
        {True: "test", False: "train"}
    )
    path = manifest(tmp_path, rows.with_columns(official.alias("split")))
    before = pl.read_csv(path)
    write_split(path, {"train": 0.8, "val": 0.2}, within="train")
    after = pl.read_csv(path)
    kept = (before["split"] == "test").to_numpy()
    assert (after["split"].to_numpy()[kept] == "test").all()
    assert set(after["split"].to_numpy()[~kept]) == {"train", "val"}
    with pytest.raises(DataError, match="No row is in split 'validation'"):
        write_split(path, within="validation")


@pytest.mark.parametrize(
    "shares", [{"train": 1.0}, {"train": 0.8, "vaild": 0.2}, {"train": 1.0, "val": 0.0}]
)
def test_shares_that_cannot_be_are_refused(tmp_path: Path, shares: dict[str, float]):
    with pytest.raises(ConfigError):
        write_split(manifest(tmp_path, patients(60)), shares)


def test_parquet_stays_parquet(tmp_path: Path):
    patients(60).write_parquet(tmp_path / "m.parquet")
    write_split(tmp_path / "m.parquet")
    assert set(pl.read_parquet(tmp_path / "m.parquet")["split"]) == set(SHARES)
