"""Label Studio's brush: run lengths of words, packed bit by bit (the rle-pack of thi.ng).

    32 bits   how many words there are
    5 bits    bits of a word, less one: 8 in all that Label Studio writes
    4 x 4     bits of four sorts of lengths, less one
    then      1 bit: one word repeated, or words as they are; 2 bits: the sort of length;
              the length, less one; the word, or the words

The words are red, green, blue and alpha of every pixel along the rows, all four alike.
"""

from collections.abc import Iterator

import numpy as np

from lookright.data.drawings.shapes import Cells
from lookright.data.exchange.run_lengths import MOST_PIXELS
from lookright.errors import DataError, Problem

MOST_RUNS = 3_000_000
_HEADER = 53  # bits
_SORTS = (3, 4, 8, 16)  # bits of the lengths that are written here
_HALF = 128  # of 255: the brush covers half of a pixel at its edge


def decode(packed: bytes, size: tuple[int, int]) -> Cells:
    """Return (height, width) flags of the pixels that the brush covers at least by half.

    Raises DataError for what is damaged, cut off, or of another size (width, height).
    """
    pixels = size[0] * size[1]
    if pixels > MOST_PIXELS:
        what = f"A mask of {size[0]} x {size[1]} pixels; {MOST_PIXELS} is the most."
        raise DataError(Problem("MASK-LARGE", what))
    header = int.from_bytes(packed[:7].ljust(7, b"\0"), "big")
    if len(packed) >= 7 and header >> 24 != 4 * pixels:
        what = f"The brush holds {(header >> 24) / 4:g} pixels; "
        what += f"{size[0]} x {size[1]} are {pixels}."
        raise DataError(Problem("MASK-SIZE", what, fix="It may belong to another image."))
    return np.frombuffer(unpack(packed), np.uint8)[3::4].reshape(size[::-1]) >= _HALF


def unpack(packed: bytes) -> bytearray:
    """Return the words, which have 8 bits each.

    >>> list(unpack(bytes([0, 0, 0, 2, 57, 27, 252, 63, 224])))
    [255, 255]
    """
    if len(packed) < 7:
        raise DataError(Problem("MASK-RLE", "The brush is cut off."))
    header = int.from_bytes(packed[:7], "big")
    count, word = header >> 24, (header >> 19 & 31) + 1
    if word != 8 or count > 4 * MOST_PIXELS:
        what = f"The brush holds {count} words of {word} bits; words of 8 bits are read."
        raise DataError(Problem("MASK-RLE", what))
    sorts = [(header >> shift & 15) + 1 for shift in (15, 11, 7, 3)]
    words = bytearray(count)
    at = 0
    for length, value in _runs(packed, count, sorts):
        if isinstance(value, bytes):
            words[at : at + length] = value
        elif value:
            words[at : at + length] = bytes((value,)) * length
        at += length
    return words


def _runs(packed: bytes, count: int, sorts: list[int]) -> Iterator[tuple[int, int | bytes]]:
    """Yield lengths, each with the word that is repeated or the words as they are."""
    data, bits = packed + bytes(8), 8 * len(packed)
    at, left = _HEADER, count
    for _ in range(MOST_RUNS):
        if not left:
            return
        window = int.from_bytes(data[at >> 3 : (at >> 3) + 8], "big")
        below = 61 - (at & 7)  # bits of the window below the flag and the sort
        head = window >> below
        size = sorts[head & 3]
        below -= size
        length = (window >> below & (1 << size) - 1) + 1
        at += 3 + size
        width = 8 if head & 4 else 8 * length
        if length > left or at + width > bits:
            raise DataError(Problem("MASK-RLE", "The brush is damaged or cut off."))
        if head & 4:
            yield length, window >> below - 8 & 255
        else:
            yield length, _slice(data, at, length)
        at += width
        left -= length
    if left:
        raise DataError(Problem("MASK-RLE", f"The brush has more than {MOST_RUNS} runs."))


def _slice(data: bytes, at: int, length: int) -> bytes:
    """Return bytes that begin at any bit."""
    start, shift = at >> 3, 8 - (at & 7)
    whole = int.from_bytes(data[start : start + length + 1], "big") >> shift
    return (whole & (1 << 8 * length) - 1).to_bytes(length, "big")


def encode(cells: Cells) -> bytes:
    """Pack (height, width) flags as Label Studio does: marked pixels are 255 in all channels."""
    flat = cells.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = 4 * np.diff(edges, prepend=0, append=len(flat))
    bits = [f"{4 * len(flat):032b}{7:05b}", *(f"{size - 1:04b}" for size in _SORTS)]
    marked = bool(flat[0]) if len(flat) else False
    for length in lengths.tolist():
        bits += _packed(length, 255 if marked else 0)
        marked = not marked
    text = "".join(bits)
    return int(text.ljust(-len(text) // 8 * -8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def _packed(length: int, value: int) -> Iterator[str]:
    longest = 1 << _SORTS[-1]
    while length:
        part = min(length, longest)
        sort = next(index for index, size in enumerate(_SORTS) if part <= 1 << size)
        yield f"1{sort:02b}{part - 1:0{_SORTS[sort]}b}{value:08b}"
        length -= part
