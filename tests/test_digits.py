"""The embedded data set: real digits, a planted shortcut, and everything from one seed."""

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lookright.data import open_source, sets
from lookright.data.checks.check import check
from lookright.data.export import export
from lookright.data.manifest import read_manifest
from lookright.data.sets.digits import Digits
from lookright.errors import ConfigError, DataError
from lookright.signature import describe

GOLDEN = [589, 513, 60, 62, 15, 44]
SMALL = {"train": 60, "val": 20, "test": 20, "test_shifted": 40}
MARKERS = ("frame", "corner", "text", "texture")


def small(**settings: object) -> Digits:
    return Digits(**(SMALL | settings))  # type: ignore[arg-type]


def agreement(data: Digits) -> dict[str, float]:
    shares = data.rows.group_by("split").agg((pl.col("marker") == pl.col("label")).mean())
    return dict(shares.iter_rows())


def test_the_directory_is_the_registry():
    assert sets.names() == ["digits"]
    assert sets.find("digits") is Digits
    with pytest.raises(ConfigError, match="Did you mean 'digits'"):
        sets.find("digit")


def test_settings_are_the_constructors_and_wrong_ones_are_answered_with_the_nearest():
    assert {"correlation", "marker", "share_annotated", "seed"} <= {
        each.name for each in describe(Digits)
    }
    with pytest.raises(ConfigError, match="Did you mean 'correlation'"):
        open_source({"name": "digits", "corelation": 0.9}, Path())
    with pytest.raises(ConfigError, match="frame"):
        open_source({"name": "digits", "marker": "frme"}, Path())
    with pytest.raises(ConfigError, match="has its own"):
        open_source({"name": "digits", "classes": ["a", "b"]}, Path())
    given = {"name": "digits", "digits": [3, 8], "size": 224, "train": 30, "cache": "auto"}
    assert open_source(given, Path()).classes == ("3", "8")


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"digits": ("3",)}, "data.digits"),
        ({"digits": ("3", "x")}, "data.digits"),
        ({"digits": ("12", "23")}, "data.digits"),
        ({"marker_size": 20}, "data.marker_size"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], where: str):
    with pytest.raises(ConfigError, match=where):
        small(**settings)


def test_the_same_seed_gives_the_same_pixels_in_any_order():
    one, other = small(seed=3), small(seed=3)
    assert one.rows.equals(other.rows)
    forward = [one.sample(index) for index in range(12)]
    backward = [other.sample(index) for index in reversed(range(12))][::-1]
    for first, second in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.map, second.map)


def test_another_seed_gives_other_pixels_and_another_fingerprint():
    one, other = small(seed=0), small(seed=1)
    assert (one.sample(0).image != other.sample(0).image).any()
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == small(seed=0).fingerprint


def test_pixels_are_golden():
    """The same settings give the same pixels on every machine, up to a grey level."""
    seen = Digits(seed=0).sample(0)
    assert seen.map is not None
    found = [int(seen.image.sum()) // 1000, int(seen.map.sum()), *seen.image[30, 28:32, 0].tolist()]
    np.testing.assert_allclose(found, GOLDEN, atol=1)


def test_no_original_digit_is_in_two_splits():
    data = Digits()
    assert data.rows.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    counts = data.rows.group_by("split").agg(pl.col("group").n_unique())
    assert min(counts["group"]) >= 30


def test_classes_are_balanced_and_named_by_their_digits():
    data = small(digits=("02468", "13579"))
    counts = data.rows.group_by("split", "label").len()
    assert set(data.rows["label"]) == {"02468", "13579"}
    assert (counts["len"] * 2 == counts["split"].replace_strict(SMALL)).all()
    assert all(digit in label for digit, label in data.rows.select("digit", "label").iter_rows())


@pytest.mark.parametrize("correlation", [0.5, 0.95, 1.0])
def test_the_marker_agrees_as_often_as_asked_and_contradicts_when_shifted(correlation: float):
    shares = agreement(Digits(correlation=correlation))
    for split in ("train", "val", "test"):
        assert shares[split] == pytest.approx(correlation, abs=1e-3)
    assert shares["test_shifted"] == pytest.approx(1 - correlation, abs=1e-3)


def test_an_ignoring_shift_makes_the_marker_say_nothing():
    data = Digits(shift="ignore")
    assert agreement(data)["test_shifted"] == pytest.approx(0.5, abs=0.1)
    counts = data.rows.filter(pl.col("split") == "test_shifted").group_by("marker").len()
    assert counts["len"].to_list() == [200, 200]


def test_ten_classes_have_ten_markers():
    data = Digits(digits=tuple("0123456789"))
    assert agreement(data)["train"] == pytest.approx(0.95, abs=1e-3)
    wrong = data.rows.filter(pl.col("marker") != pl.col("label"))
    assert wrong["marker"].n_unique() == 10


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("digits", [("0", "1"), tuple("0123456789")])
def test_a_marker_tells_its_class_and_only_a_texture_touches_the_evidence(
    marker: str, digits: tuple[str, ...]
):
    loud, silent = (
        small(marker=marker, digits=digits, noise=0.0, marker_contrast=contrast)
        for contrast in (0.6, 0.0)
    )
    told: dict[str, set[bytes]] = {}
    for index in range(60):
        with_marker, without = loud.sample(index), silent.sample(index)
        change = with_marker.image[:, :, 0].astype(int) - without.image[:, :, 0]
        assert change.any()
        if marker == "texture":
            continue
        assert with_marker.map is not None
        assert not (change * with_marker.map).any()
        seen = np.sign(change) if marker != "frame" else change[:1]
        told.setdefault(loud.rows["marker"][index], set()).add(seen.tobytes())
    if marker != "texture":
        assert set(told) == set(digits)
        assert all(len(marks) == 1 for marks in told.values())
        assert len(set.union(*told.values())) == len(digits)


def test_a_texture_points_to_its_class_by_the_direction_of_its_stripes():
    data = small(marker="texture", noise=0.0, marker_size=6)
    for index in range(60):
        power = abs(np.fft.fft2(data.sample(index).image[:, :, 0] - 128.0))
        across, down = power[0, 8:14].max(), power[8:14, 0].max()
        assert (across > down) == (data.rows["marker"][index] == "0")


def test_maps_are_strokes_or_boxes_around_them():
    masks, boxes = small(), small(annotation="box")
    for index in range(20):
        mask, box = masks.sample(index).map, boxes.sample(index).map
        assert mask is not None
        assert box is not None
        assert 10 < mask.sum() < box.sum()
        assert (box >= mask).all()
        rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert box.sum() == (rows[-1] - rows[0] + 1) * (cols[-1] - cols[0] + 1)


def test_the_evidence_is_where_the_contrast_is():
    loud, silent = small(digit_contrast=0.3, noise=0.0), small(digit_contrast=0.0, noise=0.0)
    for index in range(20):
        one, other = loud.sample(index), silent.sample(index)
        change = abs(one.image.astype(int) - other.image)[:, :, 0]
        assert one.map is not None
        assert change[one.map > 0].min() >= 0.4 * 0.3 * 255 - 2


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_only_the_asked_share_is_annotated(share: float):
    data = small(share_annotated=share)
    trained = data.rows.filter(pl.col("split") == "train")
    assert trained["annotated"].sum() == round(share * 60)
    for index in range(10):
        assert (data.sample(index).map is None) == (not data.rows["annotated"][index])


def test_two_thousand_images_take_seconds():
    data = Digits()
    start = time.process_time()
    for index in range(2000):
        data.sample(index)
    assert time.process_time() - start < 4


def test_a_data_set_written_out_is_the_same_data_set(tmp_path: Path):
    data = small(share_annotated=0.5)
    steps: list[tuple[int, int]] = []
    path = export(data, tmp_path / "out", progress=lambda *now: steps.append(now))
    assert steps[-1] == (140, 140)
    copy = read_manifest(path)
    assert copy.classes == data.classes
    columns = ["id", "label", "split", "group", "annotated"]
    assert copy.rows.select(columns).equals(data.rows.select(columns))
    for index in range(0, 140, 9):
        one, other = data.sample(index), copy.sample(index)
        np.testing.assert_array_equal(one.image, other.image)
        assert (one.map is None) == (other.map is None)
        if one.map is not None and other.map is not None:
            np.testing.assert_array_equal(one.map, other.map)
    assert check(path).passed
    with pytest.raises(DataError, match="a manifest already"):
        export(data, tmp_path / "out")
