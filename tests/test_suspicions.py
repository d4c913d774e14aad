"""What a check suspects of pictures, maps and names, and what it leaves in peace."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from broken_data import REAL, Row, copied, generated, write_manifest
from lookright.data.checks import alike
from lookright.data.checks.alignment import align
from lookright.data.checks.check import Checked, check
from lookright.data.checks.likeness import NEAR, likeness, pairs
from lookright.data.drawings.several import combine
from lookright.data.drawings.votes import count_votes

needs_real = pytest.mark.skipif(not REAL.exists(), reason="no shared/data/kermany here")


def about(checked: Checked, code: str) -> set[str]:
    assert checked.rows is not None
    found = [each for each in checked.findings if each.problem.code == code]
    return {checked.rows["id"][index] for each in found for index in each.rows}


def told(checked: Checked, code: str) -> list[str]:
    return [each.problem.what for each in checked.findings if each.problem.code == code]


def picture(seed: int, side: int = 96) -> Image.Image:
    """A smooth random picture with detail at several sizes."""
    random = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(random.uniform(0, 255 / number, (number * 3, number * 3))).resize(
                (side, side), Image.Resampling.BICUBIC
            )
        )
        for number in (1, 2, 4)
    ]
    values = sum(layers)
    return Image.fromarray((255 * (values - values.min()) / np.ptp(values)).astype(np.uint8))


def bits(one: Image.Image, other: Image.Image) -> int:
    pixels = [np.asarray(each)[:, :, None] for each in (one, other)]
    first, second = (np.unpackbits(np.frombuffer(likeness(each), np.uint8)) for each in pixels)
    return int((first != second).sum())


# -- near-duplicates -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_MF09_a_copy_that_was_saved_again_differs_in_few_bits(seed: int, tmp_path: Path):
    first = picture(seed)
    first.save(tmp_path / "again.jpg", quality=50)
    copies = [
        Image.open(tmp_path / "again.jpg"),
        first.resize((60, 60)),
        first.resize((128, 96)),
        first.point([min(255, round(value * 1.1)) for value in range(256)]),
    ]
    assert all(bits(first, copy) <= NEAR for copy in copies)
    assert bits(first, picture(seed + 100)) > 2 * NEAR


def test_the_hash_of_16_frequencies_is_that_of_imagehash():
    imagehash = pytest.importorskip("imagehash")
    for seed in range(6):
        given = picture(seed)
        ours = np.unpackbits(np.frombuffer(likeness(np.asarray(given)[:, :, None]), np.uint8))
        theirs = imagehash.phash(given, hash_size=16).hash.ravel()
        assert (ours != theirs).sum() <= 12  # theirs rounds the small picture to bytes


@given(st.integers(0, 2**32), st.integers(2, 60))
@settings(max_examples=20, deadline=None)
def test_pairs_are_those_of_a_double_loop(seed: int, count: int):
    random = np.random.default_rng(seed)
    base = random.integers(0, 2, 256)
    flips = random.random((count, 256)) < random.uniform(0, 0.2, (count, 1))
    spread = np.packbits(base ^ flips, axis=1)
    near = [
        (one, other)
        for one, other in combinations(range(count), 2)
        if (flips[one] != flips[other]).sum() <= NEAR
    ]
    parts = random.integers(0, 3, count)
    found = pairs(spread, parts, 10**6)
    assert found.tolist() == [[one, other] for one, other in near if parts[one] != parts[other]]


def alike_in(folder: Path, change: Callable[[Image.Image], Image.Image]) -> tuple[Path, list[Row]]:
    """A data set in which a test picture is a changed copy of a training picture."""
    rows = generated(folder)
    for number, row in enumerate(rows):
        picture(number).save(folder / row["image"], quality=95)
        Image.new("L", (96, 96)).save(folder / row["mask"])
        row["mask"] = ""
    trained, tested = rows[0], next(row for row in rows if row["split"] == "test")
    change(picture(0)).save(folder / tested["image"], quality=60)
    return write_manifest(folder, rows), [trained, tested]


def test_MF09_near_duplicates_across_splits_are_a_warning_with_pictures(tmp_path: Path):
    path, pair = alike_in(tmp_path, lambda first: first.resize((80, 80)))
    checked = check(path)
    assert about(checked, "IMG-ALIKE") == {row["id"] for row in pair}
    assert checked.passed
    from lookright.data.checks.check_page import write_page

    write_page(checked, tmp_path / "check.html")
    page = (tmp_path / "check.html").read_text()
    card = page.split("<code>IMG-ALIKE</code></h3>")[1].split("</article>")[0]
    assert card.count("<img") == 2


def test_MF09_within_one_split_or_with_equal_pixels_nothing_is_told_twice(tmp_path: Path):
    path, pair = alike_in(tmp_path, lambda first: first.resize((80, 80)))
    text = path.read_text()
    lines = [
        line.replace(",test,", ",train,").replace(",val,", ",train,") for line in text.splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")
    assert about(check(path), "IMG-ALIKE") == set()
    path.write_text(text)
    (tmp_path / pair[1]["image"]).write_bytes((tmp_path / pair[0]["image"]).read_bytes())
    again = check(path)
    assert about(again, "IMG-ALIKE") == set()
    assert about(again, "IMG-SAME-SPLIT") == {row["id"] for row in pair}


def test_MF09_too_many_images_to_compare_are_said(tmp_path: Path, monkeypatch):
    path, _ = alike_in(tmp_path, lambda first: first)
    monkeypatch.setattr(alike, "MOST", 10)
    assert told(check(path), "IMG-ALIKE-MANY") == [
        "Near-duplicates are looked for among at most 10 images, here 24."
    ]


def test_MF09_a_data_set_of_one_picture_over_and_over_is_said_and_not_listed(
    tmp_path: Path, monkeypatch
):
    path, _ = alike_in(tmp_path, lambda first: first)
    for file in (tmp_path / "images").iterdir():
        picture(0, 96 + len(file.stem) + int(file.stem[1:])).save(file)
    monkeypatch.setattr(alike, "MOST_PAIRS", 20)
    (said,) = told(check(path), "IMG-ALIKE-MANY")
    assert said.startswith("Too many pictures look the same")


# -- maps that do not fit ---------------------------------------------------------------------


def bodies(folder: Path, count: int = 24) -> list[Row]:
    """Pictures of a bright body on black, and in it two brighter lobes that the map covers."""
    rows = generated(folder, count)
    for number, row in enumerate(rows):
        random = np.random.default_rng(number)
        y, x = np.indices((64, 64))
        dx, dy = random.integers(-3, 4, 2)
        body = (x - 32) ** 2 + (y - 32) ** 2 < 27**2
        lobes = (x - 24 - dx) ** 2 / 36 + (y - 24 - dy) ** 2 / 100 < 1
        lobes |= (x - 44 - dx) ** 2 + (y - 40 - dy) ** 2 < 25
        values = body * (90 + random.integers(0, 20, (64, 64))) + lobes * 60
        row["image"] = row["image"].replace(".jpg", ".png")
        Image.fromarray(values.astype(np.uint8)).save(folder / row["image"])
        Image.fromarray((lobes * 255).astype(np.uint8)).save(folder / row["mask"])
    return rows


def remade(folder: Path, row: Row, change: Callable[[np.ndarray], np.ndarray]) -> None:
    mask = np.asarray(Image.open(folder / row["mask"]))
    Image.fromarray(np.ascontiguousarray(change(mask))).save(folder / row["mask"])


TURNS = {"left to right": np.fliplr, "upside down": np.flipud, "transposed": np.transpose}


@pytest.mark.parametrize("words", TURNS)
def test_a_map_that_is_turned_round_is_suspected_and_its_neighbours_are_not(words, tmp_path: Path):
    rows = bodies(tmp_path)
    remade(tmp_path, rows[5], TURNS[words])
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "MASK-TURNED") == {rows[5]["id"]}
    assert any(words in each for each in told(checked, "MASK-TURNED"))
    assert checked.passed


def test_when_all_maps_are_turned_the_whole_data_set_is_suspected(tmp_path: Path):
    rows = bodies(tmp_path)
    for row in rows:
        remade(tmp_path, row, np.fliplr)
    checked = check(write_manifest(tmp_path, rows))
    assert "Nearly all maps fit their images better when mirrored left to right." in told(
        checked, "MASK-TURNED"
    )


def test_maps_that_say_nothing_of_their_orientation_are_left_in_peace(tmp_path: Path):
    checked = check(write_manifest(tmp_path, generated(tmp_path)))
    assert about(checked, "MASK-TURNED") == set()


@needs_real
def test_a_mirrored_mask_of_real_lungs_is_suspected(tmp_path: Path):
    rows = copied(tmp_path, 48)
    remade(tmp_path, rows[3], np.flipud)
    checked = check(write_manifest(tmp_path, rows))
    assert rows[3]["id"] in about(checked, "MASK-TURNED")
    assert len(about(checked, "MASK-TURNED")) <= 2


def test_a_map_on_black_borders_is_suspected(tmp_path: Path):
    rows = bodies(tmp_path)

    def corner(mask: np.ndarray) -> np.ndarray:
        moved = np.zeros_like(mask)
        moved[:10, 50:] = 255
        return moved

    remade(tmp_path, rows[4], corner)
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "MASK-OFF") == {rows[4]["id"]}
    assert told(checked, "MASK-OFF")[0].startswith("100% of the map")


def test_the_share_off_the_body_is_that_of_the_mass():
    pixels = np.full((64, 64, 1), 120, np.uint8)
    pixels[:, :16] = 0
    drawn = np.zeros((64, 64), np.float32)
    drawn[10:20, 8:24] = 1
    assert align(pixels, drawn).outside == pytest.approx(0.5)
    pixels[32, 40] = 0  # black, but inside the body
    drawn[:], drawn[32, 40] = 0, 1
    assert align(pixels, drawn).outside == 0


def test_normalised_coordinates_that_were_read_as_pixels_are_suspected(tmp_path: Path):
    rows = bodies(tmp_path)
    y, x = np.indices((64, 64))
    gaze = 255 * np.exp(-((x - 0.4) ** 2 + (y - 0.7) ** 2) / (2 * 4.0**2))
    remade(tmp_path, rows[2], lambda mask: np.where((x < 1) & (y < 1), 255, 0).astype(np.uint8))
    remade(tmp_path, rows[7], lambda mask: gaze.astype(np.uint8))
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "MASK-CORNER") == {rows[2]["id"], rows[7]["id"]}


def test_a_mask_that_reaches_into_the_corner_is_no_unit_error():
    drawn = np.zeros((64, 64), np.float32)
    drawn[:20, :20] = 1
    assert not align(np.zeros((64, 64, 1), np.uint8), drawn).cornered


@pytest.mark.parametrize(("most", "suspected"), [(100, True), (180, False)])
def test_percentages_that_were_read_as_pixels_are_suspected(tmp_path: Path, most, suspected):
    rows = generated(tmp_path)
    for number, row in enumerate(rows):
        picture(number, 240).save(tmp_path / row["image"])
        mask = np.zeros((240, 240), np.uint8)
        mask[10 + number : 60, 20 : most - number % 3] = 255
        Image.fromarray(mask).save(tmp_path / row["mask"])
    checked = check(write_manifest(tmp_path, rows))
    assert bool(told(checked, "MASK-PERCENT")) == suspected


# -- several annotators ------------------------------------------------------------------------


@given(st.integers(2, 6), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_MK08_the_mean_map_tells_the_dice_of_all_pairs(readers: int, seed: int):
    """Against a double loop over the readers' own masks."""
    random = np.random.default_rng(seed)
    masks = [(random.random((12, 12)) < 0.4).astype(np.float32) for _ in range(readers)]
    stored = np.round(combine(masks) * 255).astype(np.uint8) / np.float32(255)
    votes = count_votes(stored.astype(np.float32), readers)
    assert votes is not None
    both = sum(2 * (one * other).sum() for one, other in combinations(masks, 2))
    either = sum(one.sum() + other.sum() for one, other in combinations(masks, 2))
    assert votes.dice == pytest.approx(both / either, rel=1e-6)


def test_MK08_a_map_that_is_no_mean_of_masks_tells_nothing():
    random = np.random.default_rng(0).random((20, 20)).astype(np.float32)
    assert count_votes(random, 3) is None
    assert count_votes(random.round(), 1) is None
    assert count_votes(np.zeros((4, 4), np.float32), 3) is None


def read_by_several(folder: Path, maps: list[np.ndarray]) -> Checked:
    rows = generated(folder)
    for row, drawn in zip(rows, maps, strict=False):
        Image.fromarray(np.round(drawn * 255).astype(np.uint8)).save(folder / row["mask"])
        row["annotators"] = "2"
    return check(write_manifest(folder, rows))


def test_MK08_agreement_is_told_with_counts_and_images_in_dispute_by_name(tmp_path: Path):
    one, other = np.zeros((32, 40)), np.zeros((32, 40))
    one[4:12, 4:12], other[20:28, 20:28] = 1, 1
    checked = read_by_several(tmp_path, [(one + other) / 2, one, (one + one) / 2])
    assert told(checked, "MASK-READERS") == [
        "Annotators agree to a Dice of 0.67 on 3 images (2 people each)."
    ]
    assert about(checked, "MASK-DISPUTED") == {"p00"}


def test_MK08_unions_say_nothing_of_agreement(tmp_path: Path):
    one = np.zeros((32, 40))
    one[4:12, 4:12] = 1
    assert not told(read_by_several(tmp_path, [one, one]), "MASK-READERS")


# -- names -------------------------------------------------------------------------------------

PERSONAL = {
    "scan_1987-03-21_lat": "a date",
    "21.03.1987": "a date",
    "DOE^JOHN": "a person's name",
    "Miller, Anna": "a person's name",
    "patient_name_17": "a birthday",
    "dob-17": "a birthday",
    "078-05-1120": "a social security number",
}


@pytest.mark.parametrize("name", PERSONAL)
def test_names_that_look_personal_are_told_and_not_printed(name: str, tmp_path: Path):
    rows = generated(tmp_path)
    rows[3]["id"] = name
    checked = check(write_manifest(tmp_path, rows))
    assert about(checked, "NAME-PERSONAL") == {name}
    problem = next(e.problem for e in checked.findings if e.problem.code == "NAME-PERSONAL")
    assert PERSONAL[name] in problem.what
    assert name not in f"{problem.what} {problem.where} {problem.fix}"
    assert "row 5" in problem.where


def test_many_pairs_of_capitalised_words_are_people_and_few_are_classes(tmp_path: Path):
    rows = generated(tmp_path)
    people = ["Anna Miller", "Otto Kern", "Ida Blum", "Max Adler", "Eva Stein", "Jan Roth"]
    for row, name in zip(rows, people, strict=False):
        row["group"] = name
    assert len(about(check(write_manifest(tmp_path, rows)), "NAME-PERSONAL")) == len(people)
    for row in rows:
        row["group"] = "Golden Retriever" + " " + row["id"]
    assert not about(check(write_manifest(tmp_path, rows)), "NAME-PERSONAL")


def test_compact_dates_count_where_they_are_many(tmp_path: Path):
    rows = generated(tmp_path)
    for number, row in enumerate(rows):
        row["id"] = f"{48213377 + 7919 * number}"
    assert not about(check(write_manifest(tmp_path, rows)), "NAME-PERSONAL")
    for number, row in enumerate(rows):
        row["id"] = f"scan_201903{number + 1:02d}"
    assert len(about(check(write_manifest(tmp_path, rows)), "NAME-PERSONAL")) == len(rows)


def test_columns_that_sound_personal_are_told(tmp_path: Path):
    rows = generated(tmp_path)
    for row in rows:
        row["PatientName"], row["age"] = "x", "40"
    found = told(check(write_manifest(tmp_path, rows)), "NAME-COLUMN")
    assert found == ["Column 'PatientName' sounds personal, and all columns are kept."]


SPELLINGS = [
    (("P1", "p-1"), True),
    (("P1", "P01"), True),
    (("person 7", "Person_007"), True),
    (("1-11", "11-1"), False),
    (("111", "1-11"), False),
    (("P1", "P10"), False),
    (("P1", "Q1"), False),
]


@pytest.mark.parametrize(("names", "one"), SPELLINGS)
def test_MF11_one_subject_in_two_spellings_is_a_warning(names, one: bool, tmp_path: Path):
    rows = generated(tmp_path)
    rows[0]["group"], rows[1]["group"] = names
    assert bool(about(check(write_manifest(tmp_path, rows)), "GROUP-SPELLING")) == one
