"""Colours with 16 bits keep all of them, and what would lose some is an error."""

import io
import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lookright.data.images.decode import decode
from lookright.data.images.deep_png import encoded_png
from lookright.data.maps import read_map
from lookright.data.reading import Reading
from lookright.errors import DataError

RANDOM = np.random.default_rng(0)
DEEP = RANDOM.integers(0, 65536, (20, 24, 3), dtype=np.uint16)
SMOOTH = np.dstack([np.add.outer(np.arange(20) * 900, np.arange(24) * k) for k in (700, 310, 5)])
SMOOTH = (SMOOTH + 255).astype(np.uint16)  # neighbours predict each other, so filters matter


def pixels(data: bytes, **rules: object) -> np.ndarray:
    return decode(data, Reading(**rules), "case").pixels  # type: ignore[arg-type]


def code(data: bytes) -> str:
    with pytest.raises(DataError, match="case: ") as caught:
        pixels(data)
    return caught.value.problems[0].code


def chunk(kind: bytes, body: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + crc


def png(values: np.ndarray, kinds: Sequence[int], more: bytes = b"") -> bytes:
    """Write a PNG whose lines are filtered as said, byte by byte as the standard defines it."""
    height, width, channels = values.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    lines = [row.astype(">u2").tobytes() for row in values]
    step, above, body = 2 * channels, bytes(2 * channels * width), b""
    for row, line in enumerate(lines):
        kind = kinds[row % len(kinds)]
        out = bytearray([kind])
        for at, value in enumerate(line):
            left = line[at - step] if at >= step else 0
            corner = above[at - step] if at >= step else 0
            out.append((value - predicted(kind, left, above[at], corner)) % 256)
        body, above = body + bytes(out), line
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(body))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def predicted(kind: int, left: int, above: int, corner: int) -> int:
    if kind < 4:
        return (0, left, above, (left + above) // 2)[kind]
    guess = left + above - corner
    return min((left, above, corner), key=lambda each: abs(guess - each))


def tiff(
    values: np.ndarray, order: str = "<", planes: bool = False, tile: int = 0, **tags: int
) -> bytes:
    """Write a TIFF without compression: chunky or in planes, as one strip or in tiles."""
    height, width, samples = values.shape
    parts = [values[..., each : each + 1] for each in range(samples)] if planes else [values]
    side = tile or max(height, width)
    blocks = []
    for part in parts:
        for top in range(0, height, side if tile else height):
            for left in range(0, width, side if tile else width):
                cut = part[top : top + side, left : left + side]
                if tile:
                    lacking = ((0, tile - cut.shape[0]), (0, tile - cut.shape[1]), (0, 0))
                    cut = np.pad(cut, lacking)
                blocks.append(cut.astype(f"{order}u2").tobytes())
    at = np.cumsum([8, *map(len, blocks)]).tolist()
    entries = {
        256: (4, [width]), 257: (4, [height]), 258: (3, [16] * samples), 259: (3, [1]),
        262: (3, [2 if samples >= 3 else 1]), 277: (3, [samples]), 284: (3, [2 if planes else 1]),
        (324 if tile else 273): (4, at[:-1]), (325 if tile else 279): (4, [*map(len, blocks)]),
        **({322: (3, [tile]), 323: (3, [tile])} if tile else {278: (4, [height])}),
    }  # fmt: skip
    entries |= {int(tag[1:]): (3, [value]) for tag, value in tags.items()}
    directory, extra = b"", b""
    start = at[-1] + 2 + 12 * len(entries) + 4
    for tag, (kind, held) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(held)}{'H' if kind == 3 else 'I'}", *held)
        if len(packed) > 4:
            place = struct.pack(f"{order}I", start + len(extra))
            extra += packed
        else:
            place = packed.ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", tag, kind, len(held)) + place
    mark = b"II*\0" if order == "<" else b"MM\0*"
    count = struct.pack(f"{order}H", len(entries))
    body = mark + struct.pack(f"{order}I", at[-1]) + b"".join(blocks)
    return body + count + directory + bytes(4) + extra


def test_damage_is_told_once_and_in_words(caplog: pytest.LogCaptureFixture):
    """Pillow logs an error of its own, which does not say of which file."""
    damaged = bytearray(tiff(DEEP))
    place = damaged.rindex(struct.pack("<HHI", 277, 3, 1)) + 8
    damaged[place : place + 2] = struct.pack("<H", 122)  # samples per pixel
    with pytest.raises(DataError) as caught:
        decode(bytes(damaged), Reading(), "x.tif")
    (problem,) = caught.value.problems
    assert (problem.code, problem.where) == ("IMG-DAMAGED", "x.tif")
    assert "0x" not in problem.what
    assert not caplog.records


@pytest.mark.parametrize("kinds", [[0], [1], [2], [3], [4], [4, 3, 2, 1, 0, 3, 4]])
def test_IM07_colours_of_16_bit_png_are_exact_under_every_filter(kinds: list[int]):
    for values in (DEEP, SMOOTH):
        data = png(values, kinds)
        np.testing.assert_array_equal(pixels(data, bits=16), values)
        oracle = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(pixels(data, bits=16), oracle[..., ::-1])


def test_IM07_what_other_libraries_write_is_read_exactly():
    for values in (DEEP, SMOOTH):
        written = cv2.imencode(".png", values[..., ::-1])[1].tobytes()
        np.testing.assert_array_equal(pixels(written, bits=16), values)


@pytest.mark.parametrize("shape", [(16, 16), (16, 300), (300, 16), (1, 16), (16, 1)])
def test_IM07_every_shape_of_png_is_read(shape: tuple[int, int]):
    values = RANDOM.integers(0, 65536, (*shape, 3), dtype=np.uint16)
    np.testing.assert_array_equal(pixels(png(values, [4, 3]), bits=16, min_side=1), values)


def test_IM07_deep_colours_are_stretched_by_their_bits():
    dark = DEEP >> 4
    np.testing.assert_allclose(pixels(png(dark, [1])) / 65535, dark / 4095, atol=1 / 65535)
    np.testing.assert_allclose(pixels(png(dark, [1]), bits=16) / 65535, dark / 65535, atol=1e-5)
    assert code_of_bits(png(DEEP, [1])) == "IMG-BITS"


def code_of_bits(data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        pixels(data, bits=12)
    return caught.value.problems[0].code


@pytest.mark.parametrize("channels", [2, 4])
def test_IM10_opacity_of_16_bits_is_shown_on_black(channels: int):
    values = RANDOM.integers(0, 65536, (20, 24, channels), dtype=np.uint16)
    found = decode(png(values, [4]), Reading(bits=16), "case")
    wanted = np.round(values[..., :-1] * (values[..., -1:] / 65535))
    np.testing.assert_array_equal(found.pixels, wanted)
    assert [note.code for note in found.notes] == ["IMG-TRANSPARENT"]
    values[..., -1] = 65535
    found = decode(png(values, [4]), Reading(bits=16), "case")
    np.testing.assert_array_equal(found.pixels, values[..., :-1])
    assert found.notes == ()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", [{}, {"planes": True}, {"tile": 16}, {"tile": 16, "planes": True}])
def test_IM07_colours_of_16_bit_tiff_are_exact(order: str, form: dict[str, int]):
    np.testing.assert_array_equal(pixels(tiff(DEEP, order, **form), bits=16), DEEP)


@pytest.mark.parametrize("predictor", [1, 2])
def test_IM07_a_deflated_tiff_is_exact_and_others_are_refused(predictor: int):
    options = [cv2.IMWRITE_TIFF_PREDICTOR, predictor, cv2.IMWRITE_TIFF_COMPRESSION]
    for values in (DEEP, SMOOTH):
        for compression in (1, 8):
            arguments = [*options, compression] if compression == 8 else [options[2], 1]
            data = cv2.imencode(".tiff", values[..., ::-1], arguments)[1].tobytes()
            np.testing.assert_array_equal(pixels(data, bits=16), values)
    lzw = cv2.imencode(".tiff", DEEP[..., ::-1], [*options, 5])[1].tobytes()
    assert code(lzw) == "IMG-DEEP-COLOUR"


def test_IM07_premultiplied_and_unspecified_channels_of_tiff():
    values = RANDOM.integers(0, 65536, (20, 24, 4), dtype=np.uint16)
    values[..., :3] = np.minimum(values[..., :3], values[..., 3:])
    for kind, wanted in ((0, values[..., :3]), (1, values[..., :3]), (2, None)):
        shown = pixels(tiff(values, t338=kind), bits=16)
        product = np.round(values[..., :3] * (values[..., 3:] / 65535))
        np.testing.assert_array_equal(shown, product if wanted is None else wanted)


def test_IM07_grey_tiff_whose_white_is_zero_is_turned():
    grey = np.linspace(0, 65535, 480).astype(np.uint16).reshape(20, 24, 1)
    np.testing.assert_array_equal(pixels(tiff(grey), bits=16), grey)
    np.testing.assert_array_equal(pixels(tiff(grey, t262=0), bits=16), 65535 - grey)


@pytest.mark.parametrize("white", [1023, 4095, 65535])
def test_IM07_colours_of_deep_ppm_are_scaled_by_their_white(white: int):
    values = (DEEP.astype(int) * white // 65535).astype(">u2")
    data = b"P6\n# a comment\n24 20\n%d\n" % white + values.tobytes()
    np.testing.assert_allclose(pixels(data) / 65535, values / white, atol=1 / 65535)
    assert code(data[:-10]) in ("IMG-TRUNCATED", "IMG-DAMAGED")


def test_IM12_deep_colours_are_turned_upright():
    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        buffer = io.BytesIO()
        Image.fromarray((SMOOTH >> 8).astype(np.uint8)).save(buffer, "PNG", exif=exif)
        wanted = pixels(buffer.getvalue())  # Pillow turns pictures of 8 bits
        turned = pixels(png(SMOOTH, [1], chunk(b"eXIf", exif.tobytes()[6:])), bits=16)
        np.testing.assert_array_equal(turned >> 8, wanted)


@pytest.mark.parametrize("colours", [1, 3])
def test_what_is_written_is_read_back_to_the_bit_and_holds_pixels_only(colours: int):
    for values in (DEEP[..., :colours], SMOOTH[..., :colours] >> 9):
        data = encoded_png(values)
        np.testing.assert_array_equal(pixels(data), values)  # auto: it declares its 16 bits
        oracle = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(oracle.reshape(values.shape)[..., ::-1], values)
        kinds = [data[at + 4 : at + 8] for at in _chunks(data)]
        assert kinds == [b"IHDR", b"sBIT", b"IDAT", b"IEND"]


def _chunks(data: bytes) -> list[int]:
    at, found = 8, []
    while at < len(data):
        found.append(at)
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return found


def test_a_mask_of_deep_colours_is_refused_and_not_cut_to_nothing():
    image = decode(png(DEEP, [0]), Reading(), "image")
    with pytest.raises(DataError, match="16 bits per colour"):
        read_map(png((DEEP > 40000).astype(np.uint16), [0]), Reading(), image, "mask")


def test_interlaced_deep_colours_are_refused():
    data = bytearray(png(DEEP, [0]))
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    assert code(bytes(data)) in ("IMG-DEEP-COLOUR", "IMG-TRUNCATED", "IMG-DAMAGED")


WHOLE = [png(DEEP, [4]), tiff(DEEP), tiff(DEEP, ">", tile=16), tiff(DEEP, planes=True)]
WHOLE += [b"P6 24 20 65535 " + DEEP.astype(">u2").tobytes()]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_damaged_bytes_give_pixels_or_a_typed_error(whole: bytes, draw: st.DataObject):
    data = bytearray(whole[: draw.draw(st.integers(1, len(whole)))])
    for _ in range(draw.draw(st.integers(0, 4))):
        place = st.integers(0, min(300, len(data) - 1)) | st.integers(0, len(data) - 1)
        data[draw.draw(place)] = draw.draw(st.integers(0, 255))
    try:
        read = pixels(bytes(data), max_pixels=100_000)
    except DataError:
        return
    assert read.dtype in (np.uint8, np.uint16)
