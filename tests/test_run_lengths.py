"""Run lengths and brushes: equal to other decoders, and refused in words where they are damaged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as oracle

from lookright.data.drawings.shapes import Raster
from lookright.data.exchange import brush
from lookright.data.exchange.run_lengths import (
    counts_of,
    counts_of_text,
    cropped,
    from_counts,
    from_runs,
    text_of_counts,
    whole_numbers,
)
from lookright.errors import DataError

# What the encoder of Label Studio's converter makes of these words, in sorts of 3, 4, 8, 16 bits.
WORDS = [1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 4, 4, 4, 4, 4, 4, 4, 4]
PACKED = [0, 0, 0, 18, 57, 27, 252, 96, 32, 1, 0, 6, 0, 40, 0, 192, 3, 128, 17, 56, 32]


def mask(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.random(random.integers(1, 40, 2)) < random.choice([0, 0.03, 0.5, 0.98, 1])


def whole(raster: Raster, size: tuple[int, int]) -> np.ndarray:
    found = np.zeros(size[::-1], bool)
    rows, cols = raster.cells.shape
    found[raster.top : raster.top + rows, raster.left : raster.left + cols] = raster.cells
    return found


def code(run) -> str:
    with pytest.raises(DataError) as caught:
        run()
    return caught.value.problems[0].code


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000))
def test_MK12_compressed_runs_are_read_and_written_as_pycocotools_does(seed: int):
    cells = mask(seed)
    text = oracle.encode(np.asfortranarray(cells.astype(np.uint8)))["counts"].decode()
    size = cells.shape[1], cells.shape[0]
    assert (whole(from_counts(counts_of_text(text), size), size) == cells).all()
    assert text_of_counts(counts_of(cells.T)) == text


@pytest.mark.parametrize("seed", range(8))
def test_MK12_uncompressed_runs_are_read_as_pycocotools_does(seed: int):
    cells = mask(seed)
    height, width = cells.shape
    counts = counts_of(cells.T)
    packed = oracle.frPyObjects({"size": [height, width], "counts": counts.tolist()}, height, width)
    found = whole(from_counts(counts, (width, height)), (width, height))
    assert (found == oracle.decode(packed).astype(bool)).all()


def test_MK12_runs_of_another_size_are_refused():
    assert code(lambda: from_counts(np.array([5, 2]), (3, 3))) == "MASK-SIZE"
    assert code(lambda: from_counts(np.array([5, -2, 6]), (3, 3))) == "MASK-RLE"
    assert code(lambda: from_counts(np.array([10**10]), (10**5, 10**5))) == "MASK-LARGE"
    assert code(lambda: from_counts(np.array([0]), (0, 0))) == "MASK-LARGE"


@pytest.mark.parametrize("text", ["Z", " ", "é", "\ud800", "12oo", "ooooooooo0"])
def test_damaged_text_is_refused(text: str):
    assert code(lambda: counts_of_text(text)) == "MASK-RLE"


@pytest.mark.parametrize("given", [None, "12", [1.5], [[1]], [1, "a"], [10**30], {}, [True]])
def test_what_is_no_list_of_whole_numbers_is_refused(given):
    assert code(lambda: whole_numbers(given)) == "MASK-RLE"


def test_starts_and_lengths_mark_down_columns_or_along_rows():
    starts, lengths = np.array([1, 5]), np.array([2, 1])
    loop = np.zeros(6, bool)
    for start, length in zip(starts, lengths, strict=True):
        loop[start : start + length] = True
    down = whole(from_runs(starts, lengths, (3, 2)), (3, 2))
    along = whole(from_runs(starts, lengths, (3, 2), by_rows=True), (3, 2))
    assert (down == loop.reshape(3, 2).T).all()
    assert (along == loop.reshape(2, 3)).all()


def test_a_cropped_mask_is_the_mask_in_its_place():
    for seed in range(20):
        cells = mask(seed)
        assert (whole(cropped(cells), (cells.shape[1], cells.shape[0])) == cells).all()


def bit_by_bit(packed: bytes) -> list[int]:
    """Read the format as its description reads, one bit after the other."""
    bits = iter("".join(f"{each:08b}" for each in packed))

    def read(count: int) -> int:
        return int("".join(next(bits) for _ in range(count)), 2)

    count, word = read(32), read(5) + 1
    sorts = [read(4) + 1 for _ in range(4)]
    words: list[int] = []
    while len(words) < count:
        repeats = read(1)
        length = read(sorts[read(2)]) + 1
        words += [read(word)] * length if repeats else [read(word) for _ in range(length)]
    return words


def test_MK13_a_packed_brush_of_label_studio_is_unpacked():
    assert list(brush.unpack(bytes(PACKED))) == WORDS == bit_by_bit(bytes(PACKED))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000))
def test_MK13_a_brush_is_read_as_it_was_written(seed: int):
    cells = mask(seed)
    packed = brush.encode(cells)
    assert (brush.decode(packed, (cells.shape[1], cells.shape[0])) == cells).all()
    assert bit_by_bit(packed) == np.repeat(cells.ravel() * 255, 4).tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=40)), max_size=12))
def test_MK13_runs_and_words_as_they_are_begin_at_any_bit(parts: list[tuple[bool, bytes]]):
    words = [
        each for repeats, part in parts for each in (part[:1] * len(part) if repeats else part)
    ]
    bits = f"{len(words):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 6))
    for repeats, part in parts:
        bits += f"{repeats:b}11{len(part) - 1:06b}"
        bits += "".join(f"{each:08b}" for each in (part[:1] if repeats else part))
    packed = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    assert list(brush.unpack(packed)) == words == bit_by_bit(packed)


def test_MK13_a_soft_edge_belongs_to_the_brush_from_half_on():
    values = np.repeat([0, 127, 128, 255], 4)
    bits = f"{16:032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}"
    bits += f"001{15:04b}" + "".join(f"{each:08b}" for each in values)
    packed = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    assert brush.decode(packed, (2, 2)).tolist() == [[False, False], [True, True]]


def test_MK13_a_brush_that_is_damaged_or_of_another_size_is_refused():
    packed = brush.encode(np.eye(9, dtype=bool))
    assert code(lambda: brush.decode(packed, (9, 8))) == "MASK-SIZE"
    assert code(lambda: brush.decode(packed[:-9], (9, 9))) == "MASK-RLE"
    assert code(lambda: brush.decode(b"", (9, 9))) == "MASK-RLE"
    assert code(lambda: brush.decode(packed, (10**5, 10**5))) == "MASK-LARGE"
    other = bytes([*packed[:4], packed[4] | 0xF8, *packed[5:]])  # words of 32 bits
    assert code(lambda: brush.decode(other, (9, 9))) == "MASK-RLE"
