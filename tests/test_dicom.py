"""DICOM is shown as a workstation shows it, and what is wrong with it is said without a name."""

import io
import logging
import struct
import subprocess
import sys
import traceback
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.pixels.decoders import JPEG2000LosslessDecoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from broken_data import write_manifest
from dicom_files import NAME, again, betrayals, dataset, dicom, file_of
from lookright.data.checks.check import check
from lookright.data.checks.inspection import inspect
from lookright.data.dicom import apart
from lookright.data.dicom.dataset import read_dataset
from lookright.data.dicom.decode import ELEMENTS
from lookright.data.images.decode import decode
from lookright.data.images.decoded import Decoded
from lookright.data.manifest import read_manifest
from lookright.data.maps import read_map
from lookright.data.reading import Reading
from lookright.errors import DataError
from peak_memory import PEAK_MEMORY

RAMP = np.linspace(0, 4095, 32 * 40).round().astype(np.uint16).reshape(32, 40)
HOUNSFIELD = np.linspace(-1024, 3071, 32 * 40).round().astype(np.int16).reshape(32, 40)
COLOURS = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)


def read(data: bytes, **rules: object) -> Decoded:
    return decode(data, Reading(**rules), "case")  # type: ignore[arg-type]


def grey(data: bytes, **rules: object) -> np.ndarray:
    """The picture as shares of white."""
    pixels = read(data, **rules).pixels
    assert pixels.dtype == np.uint16
    assert pixels.shape[2] == 1
    return pixels[:, :, 0] / 65535


def refused(data: bytes, **rules: object) -> str:
    """The code of the one problem; nothing in its words may be about the patient."""
    with pytest.raises(DataError, match="case: ") as caught:
        read(data, **rules)
    (problem,) = caught.value.problems
    assert not betrayals(str(caught.value))
    return problem.code


def noted(data: bytes, **rules: object) -> list[str]:
    return [note.code for note in read(data, **rules).notes]


def near(shown: np.ndarray, wanted: np.ndarray) -> None:
    """Equal to one of 65536 grey levels."""
    np.testing.assert_allclose(shown, wanted, rtol=0, atol=1 / 65535)


def lut(entries: np.ndarray, first: int, bits: int, kind: str = "OW") -> Dataset:
    """A table as numbers (US) or as bytes (OW): files have either."""
    table = Dataset()
    table.LUTDescriptor = [len(entries) % 65536, first, bits]
    value = entries.tolist() if kind == "US" else entries.astype("<u2").tobytes()
    table.add_new("LUTData", kind, value)
    return table


# What no DICOM file is


def test_DC01_a_file_without_preamble_is_refused_and_never_forced():
    data = dicom(RAMP, BitsStored=12)
    with pytest.raises(DataError, match="DICOM without its preamble"):
        read(data[132:])
    assert refused(data[:128] + b"DICX" + data[132:]) == "IMG-FORMAT"


def test_DC01_a_head_without_transfer_syntax_or_cut_off_is_damaged():
    data = dicom(RAMP, BitsStored=12)
    assert refused(data[:132]) == "DICOM-DAMAGED"
    assert refused(data[:150]) == "DICOM-DAMAGED"
    assert refused(data[:132] + b"\xff" * 400) == "DICOM-DAMAGED"


def test_DC02_a_file_without_pixels_says_so():
    assert refused(dicom(RAMP, PixelData=None)) == "DICOM-PIXELS"
    made = dataset(RAMP.astype(np.uint16), PixelData=None, BitsAllocated=32)
    made.FloatPixelData = RAMP.astype(np.float32).tobytes()
    assert refused(file_of(made)) == "DICOM-PIXELS"


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8, 0.999])
def test_DC02_truncated_files_are_an_error(share: float):
    data = dicom(RAMP, BitsStored=12)
    told = refused(data[: round(len(data) * share)])
    assert told in ("DICOM-TRUNCATED", "DICOM-DAMAGED", "DICOM-PIXELS")


def test_DC02_pixels_that_are_fewer_than_said_are_an_error():
    assert refused(dicom(RAMP, PixelData=RAMP.tobytes()[:-80])) == "DICOM-TRUNCATED"


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGBaseline8Bit])
def test_DC02_a_compressed_frame_without_its_end_is_an_error(syntax):
    data = compressed(syntax)
    made = again(data)
    stream = jpeg(RAMP) if syntax == JPEGBaseline8Bit else j2k(RAMP)
    made.PixelData = encapsulate([stream[: len(stream) // 2]])
    assert refused(file_of(made)) == "DICOM-TRUNCATED"


def test_DC02_a_file_that_lacks_elements_names_all_of_them():
    made = dataset(RAMP)
    del made.Columns, made.BitsStored
    with pytest.raises(DataError, match="lacks Columns, BitsStored"):
        read(file_of(made))


# Brightness


def test_DC03_monochrome1_is_inverted():
    plain = dicom(RAMP, BitsStored=12)
    other = dicom(RAMP, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    near(grey(plain), RAMP / 4095)
    near(grey(other), 1 - RAMP / 4095)
    windowed = {"WindowCenter": 2048, "WindowWidth": 1000}
    one = dicom(RAMP, BitsStored=12, **windowed)
    two = dicom(RAMP, BitsStored=12, PhotometricInterpretation="MONOCHROME1", **windowed)
    near(grey(one), 1 - grey(two))


def test_DC03_monochrome2_that_says_it_is_inverted_is_a_warning_and_is_not_inverted():
    data = dicom(RAMP, BitsStored=12, PresentationLUTShape="INVERSE")
    near(grey(data), RAMP / 4095)
    assert "DICOM-INVERSE" in noted(data)
    pair = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    assert "DICOM-INVERSE" not in noted(dicom(RAMP, BitsStored=12, **pair))


def test_DC04_rescale_and_window_are_applied_in_that_order():
    stored = (HOUNSFIELD + 1024).astype(np.uint16)
    data = dicom(
        stored,
        BitsStored=12,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        WindowCenter=40,
        WindowWidth=400,
    )
    wanted = np.clip((HOUNSFIELD - 39.5) / 399 + 0.5, 0, 1)  # PS3.3 C.11.2.1.2.1
    near(grey(data), wanted)


@pytest.mark.filterwarnings("ignore:overflow")  # in the oracle
@pytest.mark.parametrize("curve", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("window", [(40, 400), (300.5, 1500), (0, 1.5)])
def test_DC04_each_curve_equals_pydicom(curve: str, window: tuple[float, float]):
    data = dicom(
        HOUNSFIELD,
        BitsStored=16,
        RescaleSlope=0.5,
        RescaleIntercept=-7,
        WindowCenter=window[0],
        WindowWidth=window[1],
        VOILUTFunction=curve,
    )
    made = again(data)
    values = apply_modality_lut(pixel_array(made), made)
    oracle = apply_voi_lut(values, made)
    ends = (np.array([-32768, 32767]) * 0.5 - 7).tolist()  # to which pydicom stretches
    near(grey(data), (oracle - ends[0]) / (ends[1] - ends[0]))


def test_DC04_of_several_windows_the_first_is_taken_and_said():
    data = dicom(HOUNSFIELD, WindowCenter=[40, -600], WindowWidth=[400, 1500])
    near(grey(data), np.clip((HOUNSFIELD - 39.5) / 399 + 0.5, 0, 1))
    assert noted(data) == ["DICOM-WINDOWS"]


@pytest.mark.parametrize("kind", ["OW", "US"])
def test_DC04_a_voi_table_is_looked_up_and_comes_before_the_window(kind: str):
    entries = np.round(4095 * np.linspace(0, 1, 3000) ** 2).astype(int)
    made = dataset(RAMP, BitsStored=12, WindowCenter=40, WindowWidth=400)
    made.VOILUTSequence = [lut(entries, 500, 12, kind)]
    near(grey(file_of(made)), entries[np.clip(RAMP.astype(int) - 500, 0, 2999)] / 4095)
    near(grey(file_of(made)), apply_voi_lut(pixel_array(made), made) / 4095)


def test_DC04_a_modality_table_is_looked_up_before_the_window():
    entries = np.arange(4096)[::-1] * 4
    made = dataset(RAMP, BitsStored=12, WindowCenter=8000, WindowWidth=4000)
    made.ModalityLUTSequence = [lut(entries, 0, 16)]
    near(grey(file_of(made)), np.clip(((4095.0 - RAMP) * 4 - 7999.5) / 3999 + 0.5, 0, 1))


def test_DC04_the_rule_says_whose_window_counts():
    data = dicom(HOUNSFIELD, BitsStored=16, WindowCenter=40, WindowWidth=400)
    bare = dicom(HOUNSFIELD, BitsStored=16)
    whole = (HOUNSFIELD + 32768.0) / 65535
    near(grey(data, dicom_window="full"), whole)
    near(grey(bare, dicom_window="full"), whole)
    near(grey(bare, dicom_window="voi"), whole)
    near(grey(bare, dicom_window="auto"), (HOUNSFIELD + 1024.0) / 4095)
    near(grey(data, dicom_window="auto"), grey(data))
    assert noted(bare) == ["DICOM-WINDOW-NONE"]
    assert noted(bare, dicom_window="full") == noted(bare, dicom_window="auto") == []


def test_DC04_the_window_of_the_manifest_comes_before_the_file():
    data = dicom(HOUNSFIELD, WindowCenter=40, WindowWidth=400)
    near(grey(data, window=(-600.0, 1500.0)), np.clip((HOUNSFIELD + 600.5) / 1499 + 0.5, 0, 1))
    same = grey(data, window=(40.0, 400.0))
    np.testing.assert_array_equal(same, grey(data))


def test_DC04_windows_of_width_one_and_none():
    data = dicom(HOUNSFIELD, WindowCenter=0, WindowWidth=1)
    near(grey(data), (HOUNSFIELD > -0.5).astype(float))
    assert refused(dicom(HOUNSFIELD, WindowCenter=0, WindowWidth=0)) == "DICOM-WINDOW"
    assert refused(dicom(HOUNSFIELD, RescaleSlope=0, RescaleIntercept=0)) == "DICOM-RESCALE"


def test_DC04_an_enhanced_file_keeps_its_window_with_the_frame():
    made = dataset(np.stack([HOUNSFIELD, HOUNSFIELD - 7]), NumberOfFrames=2)
    groups = []
    for slope, centre in ((1, 40), (2, 300)):
        value, voi, group = Dataset(), Dataset(), Dataset()
        value.RescaleSlope, value.RescaleIntercept = slope, -5
        voi.WindowCenter, voi.WindowWidth = centre, 401
        group.PixelValueTransformationSequence, group.FrameVOILUTSequence = [value], [voi]
        groups.append(group)
    made.PerFrameFunctionalGroupsSequence = groups
    second = (HOUNSFIELD - 7.0) * 2 - 5
    near(grey(file_of(made), frame=2), np.clip((second - 299.5) / 400 + 0.5, 0, 1))
    made.SharedFunctionalGroupsSequence, made.PerFrameFunctionalGroupsSequence = groups[:1], []
    near(grey(file_of(made), frame=2), np.clip((HOUNSFIELD - 7 - 5 - 39.5) / 400 + 0.5, 0, 1))


@pytest.mark.parametrize("colours", ["MONOCHROME1", "MONOCHROME2"])
def test_DC04_padding_is_black_and_stretches_nothing(colours: str):
    padded = HOUNSFIELD.copy()
    padded[:, :8] = -30000
    data = dicom(padded, PhotometricInterpretation=colours, PixelPaddingValue=-30000)
    shown = grey(data, dicom_window="auto")
    assert (shown[:, :8] == 0).all()
    assert (shown[:, 8:].min(), shown[:, 8:].max()) == (0, 1)


# Bits


def test_DC05_signed_values_are_signed():
    near(
        grey(dicom(HOUNSFIELD, WindowCenter=0.5, WindowWidth=2049)),
        np.clip(HOUNSFIELD / 2048 + 0.5, 0, 1),
    )
    eight = np.arange(-128, 128, dtype=np.int8).reshape(16, 16)
    near(grey(dicom(eight)), (eight.astype(int) + 128) / 255)


def test_DC05_twelve_bits_that_are_signed_are_extended_by_their_own_sign():
    twelve = np.linspace(-2048, 2047, 1280).round().astype(np.int16).reshape(32, 40)
    stored = (twelve & 0x0FFF).astype(np.uint16)  # the upper bits are not the sign's
    data = dicom(stored, BitsStored=12, PixelRepresentation=1)
    near(grey(data), (twelve + 2048) / 4095)


def test_DC05_bits_above_the_value_such_as_overlays_are_cut_off():
    overlay = np.zeros((32, 40), np.uint16)
    overlay[5:20, 5:20] = 0x9000
    np.testing.assert_array_equal(
        read(dicom(RAMP | overlay, BitsStored=12)).pixels, read(dicom(RAMP, BitsStored=12)).pixels
    )


def test_DC05_a_value_may_lie_above_bits_that_are_not_its_own():
    high = (RAMP << 4) | 0x000B
    near(grey(dicom(high, BitsStored=12, HighBit=15)), RAMP / 4095)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_DC05_white_is_the_top_of_the_stored_bits(bits: int):
    deep = np.linspace(0, 2**bits - 1, 1280).round().astype(np.uint16).reshape(32, 40)
    near(grey(dicom(deep, BitsStored=bits)), deep / (2**bits - 1))


def test_DC05_thirty_two_bits_keep_their_values():
    deep = (RAMP.astype(np.uint32) << 16) + 5
    data = dicom(deep, WindowCenter=2**27, WindowWidth=2**28)
    near(grey(data), np.clip((deep - (2**27 - 0.5)) / (2**28 - 1) + 0.5, 0, 1))


def test_DC05_single_bits_are_black_and_white():
    ones = (RAMP > 2000).astype(np.uint8)
    packed = np.packbits(ones.ravel(), bitorder="little").tobytes()
    made = dataset(ones, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed)
    near(grey(file_of(made)), ones)


@pytest.mark.parametrize(
    "wrong",
    [{"BitsStored": 17}, {"BitsStored": 0}, {"HighBit": 3}, {"HighBit": 40}, {"BitsAllocated": 12}],
)
def test_DC05_bits_that_cannot_be_are_an_error(wrong: dict[str, int]):
    made = dataset(RAMP, BitsStored=12)
    for keyword, value in wrong.items():
        setattr(made, keyword, value)
    assert refused(file_of(made)) == "DICOM-BITS"


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_DC05_every_order_of_bytes_gives_the_same_picture(syntax):
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    made = dataset(HOUNSFIELD.astype(f"{order}i2"), syntax, WindowCenter=40, WindowWidth=400)
    near(grey(file_of(made)), grey(dicom(HOUNSFIELD, WindowCenter=40, WindowWidth=400)))


# Compression


def jpeg(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    eight = values if values.dtype == np.uint8 else (values // 16).astype(np.uint8)
    Image.fromarray(eight).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def j2k(values: np.ndarray) -> bytes:
    made = dataset(values, BitsStored=12)
    made.compress(JPEG2000Lossless)
    return get_frame(made.PixelData, 0, number_of_frames=1)


def compressed(syntax) -> bytes:
    """RAMP under a syntax: 12 bits without loss, or 8 bits of a JPEG."""
    if syntax == JPEGBaseline8Bit:
        eight = (RAMP // 16).astype(np.uint8)
        made = dataset(eight, syntax)
        made.PixelData = encapsulate([jpeg(RAMP)])
        made["PixelData"].is_undefined_length = True
        return file_of(made)
    made = dataset(RAMP, BitsStored=12)
    made.compress(syntax)
    return file_of(made)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_DC06_lossless_compression_loses_nothing(syntax):
    np.testing.assert_array_equal(
        read(compressed(syntax)).pixels, read(dicom(RAMP, BitsStored=12)).pixels
    )


def lossless_jpeg(tmp_path: Path) -> bytes:
    """RAMP as archives keep it."""
    gdcm = pytest.importorskip("gdcm")
    (tmp_path / "plain.dcm").write_bytes(dicom(RAMP, BitsStored=12))
    reader = gdcm.ImageReader()
    reader.SetFileName(str(tmp_path / "plain.dcm"))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(tmp_path / "packed.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    data = (tmp_path / "packed.dcm").read_bytes()
    assert again(data).file_meta.TransferSyntaxUID == JPEGLosslessSV1
    return data


def test_DC06_lossless_jpeg_is_read(tmp_path: Path):
    data = lossless_jpeg(tmp_path)
    near(grey(data), RAMP / 4095)
    near(grey(data), RAMP / 4095)


def test_DC06_a_decoder_that_dies_takes_nothing_with_it(tmp_path: Path):
    whole = lossless_jpeg(tmp_path)
    start = whole.rindex(b"\xff\xda") + 12
    told = set()
    for number in range(6):
        data = bytearray(whole)
        data[start - number * 9 - 4] ^= 0x5A
        try:
            read(bytes(data))
        except DataError as error:
            told.add(error.problems[0].code)
    assert told <= {"DICOM-DAMAGED", "DICOM-SIZE", "DICOM-TRUNCATED"}
    assert told
    near(grey(whole), RAMP / 4095)


def test_DC06_decoders_answer_many_threads_each_with_its_own(tmp_path: Path):
    bright = lossless_jpeg(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        for shown in pool.map(grey, [bright] * 8):
            near(shown, RAMP / 4095)


def test_DC06_a_child_that_was_killed_is_one_damaged_file(tmp_path: Path):
    data = lossless_jpeg(tmp_path)
    read(data)
    apart._idle[0][1].kill()
    apart._idle[0][1].wait()
    assert refused(data) == "DICOM-DAMAGED"
    near(grey(data), RAMP / 4095)


def test_DC06_jpeg_is_what_pillow_makes_of_it():
    wanted = np.asarray(Image.open(io.BytesIO(jpeg(RAMP))))
    assert abs(grey(compressed(JPEGBaseline8Bit)) * 255 - wanted).max() <= 1


def test_DC06_a_decoder_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch):
    data = compressed(JPEG2000Lossless)
    monkeypatch.setattr(JPEG2000LosslessDecoder, "_available", {})
    with pytest.raises(DataError, match=r'pip install "lookright\[dicom\]"') as caught:
        read(data)
    assert "JPEG 2000" in str(caught.value)
    assert caught.value.problems[0].code == "EXTRA"


def test_DC06_without_pydicom_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lookright.data.dicom.dataset.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r'pip install "lookright\[dicom\]"'):
        read(dicom(RAMP, BitsStored=12))


def test_DC06_a_syntax_that_nobody_knows_is_an_error():
    data = dicom(RAMP, BitsStored=12)
    head, old = b"\x02\x00\x10\x00UI\x14\x00", b"1.2.840.10008.1.2.1\0"
    assert head + old in data
    assert refused(data.replace(head + old, head + b"1.2.840.10008.1.2.9\0")) == "DICOM-SYNTAX"


# Frames and colours


def test_DC07_several_frames_are_refused_unless_one_is_chosen():
    data = dicom(np.stack([RAMP, RAMP // 2, RAMP // 4]), BitsStored=12, NumberOfFrames=3)
    assert refused(data) == "IMG-FRAMES"
    near(grey(data, frame=1), RAMP / 4095)
    near(grey(data, frame=3), (RAMP // 4) / 4095)
    assert refused(data, frame=4) == "IMG-FRAMES"
    near(grey(dicom(RAMP, BitsStored=12), frame=1), RAMP / 4095)


def test_DC07_a_frame_of_compressed_ones_is_chosen():
    made = dataset(np.stack([RAMP, RAMP[::-1]]), BitsStored=12, NumberOfFrames=2)
    made.compress(RLELossless)
    near(grey(file_of(made), frame=2), RAMP[::-1] / 4095)


@pytest.mark.parametrize("planar", [0, 1])
def test_DC07_rgb_is_rgb_in_either_order_of_planes(planar: int):
    stored = COLOURS if planar == 0 else COLOURS.transpose(2, 0, 1)
    data = dicom(COLOURS, PlanarConfiguration=planar, PixelData=stored.tobytes())
    np.testing.assert_array_equal(read(data).pixels, COLOURS)


def test_DC07_ybr_becomes_rgb_by_the_rule_of_the_standard():
    flat = np.repeat(np.repeat(COLOURS[::8, ::8], 8, 0), 8, 1).astype(float)
    red, green, blue = np.moveaxis(flat, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue  # PS3.3 C.7.6.3.1.2
    pair = [128 - 0.168736 * red - 0.331264 * green + 0.5 * blue,
            128 + 0.5 * red - 0.418688 * green - 0.081312 * blue]  # fmt: skip
    ybr = np.clip(np.round(np.dstack([luma, *pair])), 0, 255).astype(np.uint8)
    shown = read(dicom(ybr, PhotometricInterpretation="YBR_FULL")).pixels
    np.testing.assert_allclose(shown.astype(float), flat, atol=2)
    half = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], -1)
    packed = {"PhotometricInterpretation": "YBR_FULL_422", "PixelData": half.tobytes()}
    np.testing.assert_array_equal(read(dicom(ybr, **packed)).pixels, shown)


def test_DC07_a_colour_jpeg_is_what_pillow_makes_of_it():
    flat = np.repeat(np.repeat(COLOURS[::8, ::8], 8, 0), 8, 1)
    made = dataset(flat, JPEGBaseline8Bit, PhotometricInterpretation="YBR_FULL")
    made.PixelData = encapsulate([jpeg(flat)])
    made["PixelData"].is_undefined_length = True
    wanted = np.asarray(Image.open(io.BytesIO(jpeg(flat)))).astype(int)
    assert abs(read(file_of(made)).pixels - wanted).max() <= 3


def test_DC07_sixteen_bits_per_colour_are_kept():
    deep = COLOURS.astype(np.uint16) * 16 + 3
    shown = read(dicom(deep, BitsStored=12)).pixels
    assert shown.dtype == np.uint16
    np.testing.assert_allclose(shown / 65535, deep / 4095, atol=1 / 65535)


@pytest.mark.parametrize("bits", [8, 16])
def test_DC07_a_palette_gives_its_colours(bits: int):
    places = (RAMP // 16).astype(np.uint8)
    random = np.random.default_rng(1)
    tables = random.integers(0, 2**bits, (3, 256))
    made = dataset(places, PhotometricInterpretation="PALETTE COLOR")
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [256, 0, bits])
        stored = table.astype(f"<u{bits // 8}").tobytes()
        setattr(made, f"{name}PaletteColorLookupTableData", stored)
    shown = read(file_of(made)).pixels
    np.testing.assert_array_equal(shown, np.moveaxis(tables[:, places], 0, -1))
    assert shown.dtype == (np.uint8 if bits == 8 else np.uint16)


def test_DC07_colours_that_are_not_read_are_an_error_without_their_word():
    assert refused(dicom(COLOURS, PhotometricInterpretation="HSV")) == "DICOM-COLOURS"
    assert refused(dicom(RAMP, PhotometricInterpretation=NAME.upper()[:16])) == "DICOM-COLOURS"
    assert refused(dicom(RAMP, PhotometricInterpretation="RGB")) == "DICOM-COLOURS"
    assert refused(dicom(RAMP, PhotometricInterpretation="PALETTE COLOR")) == "DICOM-DAMAGED"


# Bombs and lies


def deflated(body: int, **elements: object) -> bytes:
    """A deflated file whose pixels are `body` zeros."""
    made = dataset(RAMP, DeflatedExplicitVRLittleEndian, PixelData=b"\0" * body, **elements)
    return file_of(made)


def test_DC08_a_deflated_file_is_read_like_any_other():
    data = dicom(RAMP, DeflatedExplicitVRLittleEndian, BitsStored=12)
    assert len(data) < len(dicom(RAMP, BitsStored=12))
    near(grey(data), RAMP / 4095)
    assert refused(data[:-40]) == "DICOM-DAMAGED"


def test_DC08_a_deflated_bomb_is_stopped_at_the_limit():
    data = deflated(20_000_000)
    assert len(data) < 30_000
    assert refused(data, max_inflated=2**24) == "DICOM-INFLATED"
    assert refused(data) == "DICOM-SIZE"  # below the limit, but not what rows and columns say


def bomb(mebibytes: int) -> bytes:
    """A head as of a deflated file, and zeros: no library takes part in the making."""
    syntax = b"1.2.840.10008.1.2.1.99"
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = press.compress(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, mebibytes << 20))
    head += press.flush(zlib.Z_FULL_FLUSH)
    one = press.compress(bytes(2**20)) + press.flush(zlib.Z_FULL_FLUSH)  # may be repeated
    return bytes(128) + b"DICM" + element + head + mebibytes * one + press.flush()


def test_DC08_six_hundred_megabytes_of_nothing_take_a_gibibyte_at_most(tmp_path: Path):
    (tmp_path / "bomb.dcm").write_bytes(bomb(600))
    assert (tmp_path / "bomb.dcm").stat().st_size < 700_000
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from lookright.data.images.decode import read_image\n"
        "from lookright.errors import DataError\n"
        "try:\n    read_image(Path(sys.argv[1]))\nexcept DataError as error:\n"
        "    print(error.code)\n"
        "print(peak_memory())\n"
    )
    command = [sys.executable, "-c", PEAK_MEMORY + code, str(tmp_path / "bomb.dcm")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    told, memory = ran.stdout.split()
    assert told == "ERR-DICOM-INFLATED"
    assert float(memory) <= 1


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        ("Rows", 64, "DICOM-TRUNCATED"), ("Columns", 80, "DICOM-TRUNCATED"),
        ("Rows", 31, "DICOM-SIZE"), ("Columns", 16, "DICOM-SIZE"),
        ("SamplesPerPixel", 3, "DICOM-COLOURS"), ("BitsAllocated", 32, "DICOM-TRUNCATED"),
    ],
)  # fmt: skip
def test_DC09_rows_and_columns_that_lie_are_an_error(keyword: str, value: int, code: str):
    made = dataset(RAMP, BitsStored=12)
    setattr(made, keyword, value)
    assert refused(file_of(made)) == code


def test_DC09_frames_that_are_not_there_are_an_error():
    made = dataset(RAMP, BitsStored=12)
    made.NumberOfFrames = 3
    assert refused(file_of(made), frame=1) == "DICOM-TRUNCATED"


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGBaseline8Bit])
@pytest.mark.parametrize("lie", [{"Rows": 64}, {"Columns": 20}, {"Rows": 40, "Columns": 32}])
def test_DC09_compressed_pixels_of_another_size_are_an_error(syntax, lie: dict[str, int]):
    made = again(compressed(syntax))
    for keyword, value in lie.items():
        setattr(made, keyword, value)
    assert refused(file_of(made)) == "DICOM-SIZE"


def test_DC09_a_size_beyond_the_limits_is_refused_before_any_decoding():
    made = dataset(RAMP, BitsStored=12)
    made.Rows = made.Columns = 60000
    assert refused(file_of(made)) == "IMG-PIXELS"
    made.Rows = made.Columns = 4
    assert refused(file_of(made)) == "IMG-SMALL"


# People


@pytest.fixture
def talkative():
    """What pydicom says, where it would be heard."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


SPOILT = ["WindowCenter", "RescaleSlope", "PixelSpacing", "NumberOfFrames", "Rows", "BitsStored"]
SPOILT += ["PhotometricInterpretation", "VOILUTFunction", "BurnedInAnnotation", "PixelPaddingValue"]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_DC10_a_name_in_the_wrong_place_is_in_no_error_no_warning_and_no_log(
    spoilt: str, talkative: io.StringIO, capfd: pytest.CaptureFixture[str]
):
    made = dataset(RAMP, BitsStored=12)
    made.add_new(spoilt, "LO", NAME)  # as text, whatever the element holds
    data = file_of(made)
    capfd.readouterr()
    try:
        told = str(read(data).notes)
    except DataError as error:
        told = "".join(traceback.format_exception(error))  # as --debug prints it
    out, err = capfd.readouterr()
    assert not betrayals(told + talkative.getvalue() + out + err)


def test_DC10_text_that_is_burned_in_is_a_warning():
    assert "DICOM-BURNED-IN" in noted(dicom(RAMP, BitsStored=12, BurnedInAnnotation="YES"))
    assert "DICOM-BURNED-IN" not in noted(dicom(RAMP, BitsStored=12, BurnedInAnnotation="NO"))


def test_DC10_elements_about_a_person_are_never_parsed():
    found = read_dataset(dicom(RAMP), ELEMENTS, 2**20, "case")
    assert not betrayals(str(found))
    assert {"PatientName", "PatientID"}.isdisjoint(element.keyword for element in found)


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_DC11_a_directory_is_refused_whatever_it_refers_to():
    made = dataset(RAMP, PixelData=None)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    entry = Dataset()
    entry.ReferencedFileID = ["..", "SECRET"]
    made.DirectoryRecordSequence = [entry]
    assert refused(file_of(made)) == "DICOM-DIRECTORY"


def test_DC11_a_manifest_cannot_name_a_dicom_file_outside(tmp_path: Path):
    (tmp_path / "study").mkdir()
    (tmp_path / "secret.dcm").write_bytes(dicom(RAMP))
    rows = [{"image": "../secret.dcm", "label": "a"}, {"image": "b.dcm", "label": "b"}]
    (tmp_path / "study" / "b.dcm").symlink_to(tmp_path / "secret.dcm")
    with pytest.raises(DataError) as caught:
        read_manifest(write_manifest(tmp_path / "study", rows))
    assert [each.code for each in caught.value.problems] == ["PATH", "PATH"]


def test_DC12_pixels_that_are_no_squares_are_a_warning():
    assert "DICOM-SPACING" in noted(dicom(RAMP, BitsStored=12, PixelSpacing=[0.2, 0.1]))
    assert "DICOM-SPACING" in noted(dicom(RAMP, BitsStored=12, ImagerPixelSpacing=[0.1, 0.2]))
    assert "DICOM-SPACING" in noted(dicom(RAMP, BitsStored=12, PixelAspectRatio=[2, 1]))
    assert "DICOM-SPACING" not in noted(dicom(RAMP, BitsStored=12, PixelSpacing=[0.1, 0.1]))


# As a part of data


def test_a_manifest_of_dicom_files_is_checked_and_read_with_windows_of_its_own(tmp_path: Path):
    mask = np.zeros((32, 40), np.uint8)
    mask[4:20, 6:30] = 255
    rows = []
    for number in range(4):
        (tmp_path / f"{number}.dcm").write_bytes(dicom(HOUNSFIELD + number, BitsStored=16))
        mask[number] = 255
        Image.fromarray(mask).save(tmp_path / f"{number}.png")
        rows.append({
            "image": f"{number}.dcm", "label": "ab"[number % 2], "mask": f"{number}.png",
            "split": "train" if number < 2 else "val",
            "window_centre": "40" if number else "", "window_width": "400" if number else "",
        })  # fmt: skip
    path = write_manifest(tmp_path, rows)
    checked = check(path)
    assert checked.passed
    assert not betrayals(str(checked.findings))
    data = read_manifest(path)
    wide, narrow = (data.sample(index).image[:, :, 0] / 65535 for index in (0, 1))
    near(wide, (HOUNSFIELD + 32768.0) / 65535)
    near(narrow, np.clip((HOUNSFIELD + 1 - 39.5) / 399 + 0.5, 0, 1))
    assert data.sample(0).map is not None
    row = dict(rows[1], id="1")
    assert inspect(1, row, tmp_path, Reading(), "here").size == (40, 32)
    other = read_manifest(path, reading=Reading(dicom_window="full"))
    assert other.fingerprint != data.fingerprint


def test_a_map_that_is_dicom_is_refused_with_a_way_out():
    image = read(dicom(RAMP))
    with pytest.raises(DataError, match="lookright list formats"):
        read_map(dicom(RAMP), Reading(), image, "mask")


WHOLE = [
    dicom(RAMP, BitsStored=12, WindowCenter=40, WindowWidth=400),
    dicom(COLOURS, ImplicitVRLittleEndian),
    dicom(HOUNSFIELD, DeflatedExplicitVRLittleEndian),
    compressed(RLELossless),
    compressed(JPEG2000Lossless),
    compressed(JPEGBaseline8Bit),
]  # lossless JPEG is damaged above: each death of its decoder costs half a second


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_damaged_files_give_pixels_or_a_typed_error_without_a_name(
    whole: bytes, draw: st.DataObject
):
    data = bytearray(
        whole[: draw.draw(st.integers(1, len(whole)))] if draw.draw(st.booleans()) else whole
    )
    for _ in range(draw.draw(st.integers(0, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        found = read(bytes(data), max_pixels=1_000_000, max_inflated=2**24)
    except DataError as error:
        assert not betrayals(str(error))  # noqa: PT017
        return
    assert found.pixels.dtype in (np.uint8, np.uint16)
    assert found.pixels.ndim == 3
