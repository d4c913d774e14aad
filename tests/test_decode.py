"""Images are decoded whole, upright and unclipped, or refused in words."""

import io
import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from lookright.data.images.decode import content, decode, read_image
from lookright.data.reading import Reading
from lookright.errors import DataError
from peak_memory import PEAK_MEMORY

RAMP = np.linspace(0, 255, 40 * 32).reshape(32, 40).astype(np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)


def stored(picture: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes, **rules: object) -> np.ndarray:
    return decode(data, Reading(**rules), "case").pixels  # type: ignore[arg-type]


def code(data: bytes, **rules: object) -> str:
    with pytest.raises(DataError, match="case: ") as caught:
        pixels(data, **rules)
    (problem,) = caught.value.problems
    return problem.code


def warned(data: bytes) -> list[str]:
    return [note.code for note in decode(data, Reading(), "case").notes]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "BMP", "PPM"])
def test_lossless_formats_give_the_pixels_that_were_stored(kind: str):
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(pixels(stored(NOISE, kind, **options)), NOISE)


def test_grey_has_one_colour_and_the_ramp_survives():
    np.testing.assert_array_equal(pixels(stored(RAMP))[:, :, 0], RAMP)
    np.testing.assert_array_equal(pixels(stored(RAMP, "PPM"))[:, :, 0], RAMP)


def test_IM01_an_empty_file_is_named_so():
    assert code(b"") == "IMG-EMPTY"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html><body>404", "HTML"),
        (b"\n  <html><head>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "LFS"),
        (b"just some words", "text"),
        (bytes(range(200, 256)), "no image format"),
    ],
    ids=["doctype", "html", "lfs", "text", "bytes"],
)
def test_IM02_a_page_named_jpg_is_named_what_it_is(data: bytes, words: str):
    with pytest.raises(DataError, match=words) as caught:
        pixels(data)
    assert caught.value.problems[0].code == "IMG-FORMAT"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", ["half", "end"])
def test_IM03_a_truncated_jpeg_is_an_error(progressive: bool, cut: str):
    whole = stored(NOISE, "JPEG", progressive=progressive)
    assert pixels(whole).shape == (32, 40, 3)
    assert code(whole[: len(whole) // 2] if cut == "half" else whole[:-2]) == "IMG-TRUNCATED"


def test_IM03_pillow_is_never_told_to_load_truncated_images():
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_IM03_bytes_behind_the_end_of_a_jpeg_are_no_damage():
    whole = stored(RAMP, "JPEG")
    np.testing.assert_array_equal(pixels(whole + b"\0" * 64), pixels(whole))


def test_IM04_a_truncated_png_is_an_error_and_a_missing_end_a_warning():
    whole = stored(NOISE)
    assert code(whole[: len(whole) // 2]) in ("IMG-TRUNCATED", "IMG-DAMAGED")
    assert warned(whole[:-12]) == ["IMG-NO-END"]
    np.testing.assert_array_equal(pixels(whole[:-12]), NOISE)


def test_IM06_no_flipped_bit_of_a_png_gives_other_pixels():
    whole = stored(NOISE)
    for bit in range(64, len(whole) * 8, 97):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        try:
            np.testing.assert_array_equal(pixels(bytes(data)), NOISE)
        except DataError as error:
            assert error.problems[0].code.startswith("IMG-")  # noqa: PT017


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_IM07_deep_grey_is_stretched_by_its_bits_and_not_clipped(kind: str, bits: int):
    top = 2**bits - 1
    deep = np.round(np.linspace(0, top, 40 * 32)).reshape(32, 40).astype(np.uint16)
    for rule in (bits, "auto"):
        read = pixels(stored(deep, kind), bits=rule)
        assert read.dtype == np.uint16
        assert (read.min(), read.max()) == (0, 65535)
        np.testing.assert_allclose(read[:, :, 0] / 65535, deep / top, atol=1 / 65535)


def test_IM07_a_dark_12_bit_image_is_dark_when_12_bits_are_declared():
    dark = (RAMP // 2).astype(np.uint16)  # at most 127 of 4095
    assert pixels(stored(dark), bits=12).max() == round(127 / 4095 * 65535)


def test_IM07_a_value_above_the_declared_bits_is_an_error():
    assert code(stored(RAMP.astype(np.uint16) * 20), bits=12) == "IMG-BITS"


def test_IM07_a_png_that_declares_its_bits_is_believed():
    data = stored(RAMP.astype(np.uint16))
    chunk = b"sBIT" + bytes([12])
    added = struct.pack(">I", 1) + chunk + struct.pack(">I", zlib.crc32(chunk))
    assert pixels(data[:33] + added + data[33:]).max() == round(255 / 4095 * 65535)


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_IM11_both_byte_orders_of_16_bit_tiff_are_read(order: str):
    deep = (RAMP.astype(np.uint16) * 257).astype(order)
    np.testing.assert_array_equal(pixels(stored(deep, "TIFF"))[:, :, 0], deep)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_IM08_nan_and_infinity_in_a_float_tiff_are_errors(value: float):
    wrong = (RAMP / 255).astype(np.float32)
    assert pixels(stored(wrong, "TIFF")).max() == 65535
    wrong[3, 3] = value
    assert code(stored(wrong, "TIFF")) == "IMG-NAN"


def test_IM08_nan_and_infinity_are_zero_where_that_was_asked_for():
    odd = (RAMP / 255).astype(np.float32)
    odd[0, :3] = np.nan, np.inf, -np.inf
    read = pixels(stored(odd, "TIFF"), nan="zero")[:, :, 0] / 65535
    assert (read[0, :3] == 0).all()
    np.testing.assert_allclose(read[1:], RAMP[1:] / 255, atol=1 / 65535)


def test_IM08_float_values_beyond_one_are_an_error_without_a_window():
    data = stored(RAMP.astype(np.float32) * 4 - 300, "TIFF")
    assert code(data) == "IMG-FLOAT"
    read = pixels(data, window=(40.0, 400.0))[:, :, 0] / 65535
    wanted = np.clip((RAMP * 4.0 - 300 - 40) / 400 + 0.5, 0, 1)
    np.testing.assert_allclose(read, wanted, atol=1 / 65535)


def test_IM07_a_window_of_its_own_says_what_is_white():
    deep = np.linspace(0, 65535, 1280).astype(np.uint16).reshape(32, 40)
    wanted = np.clip((deep - 1000.0) / 500 + 0.5, 0, 1)
    for kind in ("PNG", "TIFF", "PPM"):
        read = pixels(stored(deep, kind), window=(1000.0, 500.0))
        np.testing.assert_allclose(read[:, :, 0] / 65535, wanted, atol=1 / 65535)
    signed = (deep.astype(np.int32) - 32768).astype(np.int32)
    read = pixels(stored(signed, "TIFF"), window=(0.0, 65535.0))
    np.testing.assert_allclose(read[:, :, 0] / 65535, (signed / 65535) + 0.5, atol=1 / 65535)
    assert code(stored(signed, "TIFF")) == "IMG-BITS"
    eight = pixels(stored(NOISE), window=(100.0, 50.0))
    wanted = np.clip((NOISE - 100.0) / 50 + 0.5, 0, 1)
    np.testing.assert_allclose(eight / 65535, wanted, atol=1 / 65535)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_IM09_cmyk_is_converted_with_a_warning(kind: str):
    ink = Image.new("CMYK", (40, 32), (0, 255, 255, 0))  # no cyan: red
    data = stored(ink, kind, **({"quality": 100} if kind == "JPEG" else {}))
    red = pixels(data)
    np.testing.assert_allclose(red[0, 0], (255, 0, 0), atol=3)
    assert warned(data) == ["IMG-COLOURS"]


def test_IM10_transparent_colours_are_shown_on_black_and_not_revealed():
    hidden = np.dstack([np.full((32, 40, 3), 200, np.uint8), np.zeros((32, 40), np.uint8)])
    hidden[:16, :, 3] = 255
    hidden[16:20, :, 3] = 128
    read = pixels(stored(hidden))
    assert (read[:16] == 200).all()
    assert (abs(read[16:20].astype(int) - 100) <= 1).all()
    assert (read[20:] == 0).all()
    assert warned(stored(hidden)) == ["IMG-TRANSPARENT"]
    hidden[:, :, 3] = 255
    assert warned(stored(hidden)) == []


def test_IM11_palette_one_bit_and_grey_with_alpha_are_read_right():
    palette = Image.fromarray(NOISE).quantize(16)
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(pixels(stored(palette)), expected)
    seen = pixels(stored(palette, transparency=3))
    clear = np.asarray(palette) == 3
    assert (seen[clear] == 0).all()
    np.testing.assert_array_equal(seen[~clear], expected[~clear])
    one = Image.fromarray(RAMP > 100)
    np.testing.assert_array_equal(pixels(stored(one))[:, :, 0], (RAMP > 100) * 255)
    grey = Image.merge("LA", [Image.fromarray(RAMP), Image.new("L", (40, 32), 0)])
    assert pixels(stored(grey)).shape == (32, 40, 1)
    assert pixels(stored(grey)).max() == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_IM12_exif_orientation_turns_the_image_upright(kind: str, orientation: int):
    upright = np.zeros((32, 40), np.uint8)
    upright[:16, :20] = 250  # a bright corner, upper left
    turns = {
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
        5: np.transpose, 6: np.rot90, 7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    flat = np.ascontiguousarray(turns[orientation](upright))
    read = pixels(stored(np.dstack([flat] * 3), kind, exif=exif))
    np.testing.assert_allclose(read[:, :, 0].astype(int), upright, atol=12)


def bomb(side: int) -> bytes:
    """A PNG of side x side zeros that is small on disk."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    squeezed = zlib.compressobj(9)
    rows = b"".join(squeezed.compress(bytes(side + 1)) for _ in range(side)) + squeezed.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_500, 13_500])
def test_IM13_a_bomb_is_refused_before_it_is_decoded(side: int):
    data = bomb(side)
    assert len(data) < 300_000
    start = time.process_time()
    assert code(data) == "IMG-PIXELS"
    assert time.process_time() - start < 0.5


def test_IM13_the_limit_is_a_setting():
    assert code(stored(RAMP), max_pixels=1279) == "IMG-PIXELS"
    assert pixels(stored(RAMP), max_pixels=1280).shape == (32, 40, 1)


LARGE = """
import sys
from pathlib import Path
from lookright.data.images.decode import read_image
assert read_image(Path(sys.argv[1])).shape == (7500, 8000, 1)
print(peak_memory())
"""


def test_IM14_a_radiograph_of_60_megapixels_takes_a_gibibyte_at_most(tmp_path: Path):
    deep = np.tile(np.arange(8000, dtype=np.uint16) // 2, (7500, 1))
    (tmp_path / "large.png").write_bytes(stored(deep, compress_level=1))
    command = [sys.executable, "-c", PEAK_MEMORY + LARGE, str(tmp_path / "large.png")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(ran.stdout) <= 1


def test_IM15_a_bomb_in_a_text_chunk_is_an_error_quickly():
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "x" * 80_000_000, zip=True)
    data = stored(RAMP, pnginfo=info)
    assert len(data) < 200_000
    start = time.process_time()
    assert code(data).startswith("IMG-")
    assert time.process_time() - start < 2


@pytest.mark.parametrize("size", [(1, 1), (9, 9), (15, 400)])
def test_IM16_small_images_are_an_error(size: tuple[int, int]):
    assert code(stored(Image.new("L", size))) == "IMG-SMALL"
    assert pixels(stored(Image.new("L", size)), min_side=1).shape == (size[1], size[0], 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "MPO"])
def test_IM17_several_pictures_in_a_file_are_an_error(kind: str):
    other = Image.fromarray(NOISE[::-1].copy())
    data = stored(NOISE, kind, save_all=True, append_images=[other])
    assert code(data) == "IMG-FRAMES"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_IM17_the_picture_whose_number_is_given_is_read(kind: str):
    other = Image.fromarray(NOISE[::-1].copy())
    lossless = {"lossless": True} if kind == "WEBP" else {}
    data = stored(NOISE, kind, save_all=True, append_images=[other], **lossless)
    np.testing.assert_array_equal(pixels(data, frame=1), NOISE)
    np.testing.assert_array_equal(pixels(data, frame=2), NOISE[::-1])
    assert code(data, frame=3) == "IMG-FRAMES"
    np.testing.assert_array_equal(pixels(stored(NOISE), frame=1), NOISE)


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"8BPS\0\1", b"%PDF-1.7\n",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", stored(RAMP, "GIF"),
    ],
    ids=["eps", "psd", "pdf", "svg", "gif"],
)  # fmt: skip
def test_IM18_formats_that_are_not_allowed_are_refused(data: bytes):
    assert code(data) == "IMG-FORMAT"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x20ftypheic", "HEIC"),
        (b"\0\0\0\x20ftypavif", "AVIF"),
        (b"\xff\xd8\xff\xf7\0", "JPEG-LS"),
    ],
)
def test_IM19_formats_of_other_readers_are_named(data: bytes, name: str):
    with pytest.raises(DataError, match=name):
        pixels(data)


@pytest.mark.parametrize(
    ("marker", "bits", "words"), [(0xC1, 12, "JPEG with 12 bits"), (0xC3, 16, "lossless JPEG")]
)
def test_IM19_jpegs_of_archives_are_named(marker: int, bits: int, words: str):
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 11, bits, 32, 40, 1) + b"\1\x11\0"
    with pytest.raises(DataError, match=words):
        pixels(b"\xff\xd8" + frame + b"\xff\xda\0\2\xff\xd9")


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}])
def test_IM20_progressive_and_restarted_jpegs_equal_the_plain_one(options: dict[str, object]):
    plain = pixels(stored(NOISE, "JPEG", quality=90))
    np.testing.assert_array_equal(pixels(stored(NOISE, "JPEG", quality=90, **options)), plain)


def test_IM22_a_pipe_and_a_folder_are_refused_without_waiting(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    found: list[str] = []

    def read(file: Path) -> None:
        with pytest.raises(DataError) as caught:
            content(file, "case")
        found.append(caught.value.problems[0].code)

    for file in (tmp_path / "pipe.png", tmp_path):
        thread = threading.Thread(target=read, args=(file,), daemon=True)
        thread.start()
        thread.join(5)
    assert found == ["IMG-KIND", "IMG-KIND"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_IM27_an_embedded_colour_profile_changes_nothing(kind: str):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = pixels(stored(NOISE, kind))
    assert (pixels(stored(NOISE, kind, icc_profile=profile)) == plain).all()
    assert (pixels(stored(NOISE, kind, icc_profile=b"\0" * 200)) == plain).all()


def test_IM27_a_declared_gamma_changes_nothing():
    data, chunk = stored(NOISE), b"gAMA" + struct.pack(">I", 100_000)
    added = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    np.testing.assert_array_equal(pixels(data[:33] + added + data[33:]), NOISE)


def test_read_image_reads_a_file(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(stored(NOISE))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), NOISE)
    with pytest.raises(DataError, match="Cannot be opened"):
        read_image(tmp_path / "b.png")


WHOLE = [stored(NOISE, kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM")]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_damaged_bytes_give_pixels_or_a_typed_error(whole: bytes, draw: st.DataObject):
    data = bytearray(whole[: draw.draw(st.integers(1, len(whole)))])
    for _ in range(draw.draw(st.integers(0, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        read = pixels(bytes(data), max_pixels=1_000_000)
    except DataError:
        return
    assert read.dtype in (np.uint8, np.uint16)
    assert read.ndim == 3
