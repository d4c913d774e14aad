"""A mask becomes a map in [0, 1] on the image grid only when its meaning is certain."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lookright.data.images.decode import Decoded, decode
from lookright.data.maps import ReadMap, read_map
from lookright.data.reading import Reading
from lookright.errors import DataError

MASK = np.zeros((32, 48), np.uint8)
MASK[4:20, 8:40] = 1
SOFT = np.linspace(0, 1, 32 * 48).reshape(32, 48)


def stored(picture: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def image(width: int = 48, height: int = 32, orientation: int = 1) -> Decoded:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return decode(stored(Image.new("L", (width, height), 9), exif=exif), Reading(), "image")


def read(data: bytes, target: Decoded | None = None, **rules: object) -> ReadMap:
    return read_map(data, Reading(**rules), target or image(), "case")  # type: ignore[arg-type]


def drawn(data: bytes, target: Decoded | None = None, **rules: object) -> np.ndarray:
    found = read(data, target, **rules).map
    assert found is not None
    assert found.dtype == np.float32
    return found


def refused(data: bytes, target: Decoded | None = None, **rules: object) -> DataError:
    with pytest.raises(DataError, match="case: ") as caught:
        read(data, target, **rules)
    return caught.value


def test_MK01_a_mask_of_the_same_shape_is_resized():
    small = read(stored(np.kron(MASK, np.ones((2, 2), np.uint8)) * 255))
    assert small.resized
    assert small.map is not None
    np.testing.assert_array_equal(small.map, MASK)
    large = read(stored(MASK * 255), image(96, 64))
    assert large.map is not None
    assert large.map.shape == (64, 96)
    assert abs(large.map.mean() - MASK.mean()) < 0.01
    assert not read(stored(MASK * 255)).resized


def test_MK01_thin_strokes_keep_their_area_when_they_shrink():
    thin = np.zeros((320, 480), np.uint8)
    thin[:, 240:241] = 255
    assert abs(drawn(stored(thin)).mean() - 1 / 480) < 1e-4


def test_MK01_another_shape_is_an_error():
    assert refused(stored(np.ones((32, 40), np.uint8))).problems[0].code == "MASK-SIZE"


def test_MK01_a_pixel_of_rounding_is_the_same_shape():
    assert drawn(stored(np.ones((333, 500), np.uint8))).shape == (32, 48)


def test_MK02_a_transposed_mask_is_an_error_with_a_hint():
    assert "transposed" in refused(stored(MASK.T.copy())).problems[0].fix


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_MK02_a_mask_of_the_stored_frame_is_an_error_that_names_exif(orientation: int):
    turned = image(48, 32, orientation)
    assert turned.pixels.shape == (48, 32, 1)
    assert "EXIF" in refused(stored(MASK), turned).problems[0].fix
    assert drawn(stored(MASK.T.copy()), turned).shape == (48, 32)


@pytest.mark.parametrize("policy", ["ignore", "background", "error"])
def test_MK03_an_empty_mask_is_what_the_policy_says(policy: str):
    blank = stored(np.zeros((32, 48), np.uint8))
    if policy == "error":
        assert refused(blank, empty_mask=policy).problems[0].code == "MASK-EMPTY"
        return
    found = read(blank, empty_mask=policy)
    assert found.empty
    if policy == "ignore":
        assert found.map is None
    else:
        assert found.map is not None
        assert not found.map.any()


def test_MK04_a_full_mask_is_read_as_ones():
    assert (drawn(stored(np.ones((32, 48), np.uint8))) == 1).all()


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_MK05_a_jpeg_mask_is_cut_at_one_half_with_a_warning(quality: int):
    found = read(stored(MASK * 255, "JPEG", quality=quality))
    assert found.map is not None
    np.testing.assert_array_equal(found.map, MASK)
    assert [note.code for note in found.notes] == ["MASK-JPEG"]


@pytest.mark.parametrize("full", [1, 255, 65535])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_MK06_exactly_known_sets_are_scaled(full: int, kind: str):
    values = MASK.astype(np.uint16 if full > 255 else np.uint8) * full
    np.testing.assert_array_equal(drawn(stored(values, kind)), MASK)
    np.testing.assert_array_equal(drawn(stored(values.astype(np.uint16), kind)), MASK)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "PPM"])
def test_MK06_eight_bit_files_of_every_kind_are_read(kind: str):
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(drawn(stored(MASK * 255, kind, **options)), MASK)


def test_MK06_soft_maps_are_scaled_by_their_depth():
    eight, sixteen = np.round(SOFT * 255), np.round(SOFT * 65535)
    np.testing.assert_allclose(drawn(stored(eight.astype(np.uint8))), SOFT, atol=1 / 255)
    np.testing.assert_allclose(drawn(stored(sixteen.astype(np.uint16))), SOFT, atol=1e-4)
    np.testing.assert_allclose(drawn(stored(SOFT.astype(np.float32), "TIFF")), SOFT, atol=1e-6)
    half = drawn(stored((SOFT * 127).astype(np.uint8)))
    assert 0.49 < half.max() < 0.51  # not stretched to one


@pytest.mark.parametrize(
    "values",
    [
        MASK * 3 + 2 * MASK[::-1],
        MASK.astype(np.uint16) * 300,
        MASK.astype(np.float32) * 2.5,
        -MASK.astype(np.float32),
    ],
    ids=["class_numbers", "odd_16_bit", "float_above_one", "negative"],
)
def test_MK06_other_values_are_an_error(values: np.ndarray):
    kind = "TIFF" if values.dtype == np.float32 else "PNG"
    assert refused(stored(values, kind)).problems[0].code == "MASK-VALUES"


def test_MK06_nan_is_an_error():
    wrong = SOFT.astype(np.float32)
    wrong[0, 0] = np.nan
    assert refused(stored(wrong, "TIFF")).problems[0].code == "MASK-NAN"


def test_MK07_rgb_with_equal_channels_is_grey_and_opaque_alpha_is_nothing():
    grey = np.dstack([MASK * 255] * 3)
    np.testing.assert_array_equal(drawn(stored(grey)), MASK)
    opaque = np.dstack([grey, np.full_like(MASK, 255)])
    np.testing.assert_array_equal(drawn(stored(opaque)), MASK)


def test_MK07_a_coloured_mask_needs_its_channel():
    red = np.dstack([MASK * 255, MASK * 0, MASK * 0])
    assert refused(stored(red)).problems[0].code == "MASK-CHANNEL"
    np.testing.assert_array_equal(drawn(stored(red), mask_channel="red"), MASK)
    assert not drawn(stored(red), mask_channel="green", empty_mask="background").any()


def test_MK07_a_mask_in_the_alpha_channel_needs_to_be_named():
    layered = np.dstack([MASK * 0 + 90] * 3 + [MASK * 255])
    assert refused(stored(layered)).problems[0].code == "MASK-CHANNEL"
    np.testing.assert_array_equal(drawn(stored(layered), mask_channel="alpha"), MASK)


def test_MK07_palette_masks_are_read_by_grey_or_by_index():
    coloured = Image.fromarray(MASK)
    coloured.putpalette([0, 0, 0, 128, 0, 0])
    assert coloured.mode == "P"
    assert refused(stored(coloured)).problems[0].code == "MASK-CHANNEL"
    np.testing.assert_array_equal(drawn(stored(coloured), mask_channel="index"), MASK)
    grey = Image.fromarray(MASK)
    grey.putpalette([0, 0, 0, 255, 255, 255])
    np.testing.assert_array_equal(drawn(stored(grey)), MASK)


def test_MK07_one_bit_masks_are_read():
    np.testing.assert_array_equal(drawn(stored(Image.fromarray(MASK > 0))), MASK)


def test_MK18_a_mask_that_is_a_bomb_is_refused():
    huge = stored(np.ones((320, 480), np.uint8))
    assert refused(huge, max_pixels=10_000).problems[0].code == "IMG-PIXELS"


def test_MK19_a_numpy_file_is_no_mask():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"an": "object"}]), allow_pickle=True)
    assert refused(buffer.getvalue()).problems[0].code == "IMG-FORMAT"


@settings(max_examples=100, deadline=None)
@given(st.integers(8, 96), st.integers(8, 96), st.integers(0, 2**32 - 1))
def test_a_map_has_the_image_grid_and_stays_in_zero_to_one(height: int, width: int, seed: int):
    random = np.random.default_rng(seed)
    values = random.integers(0, 256, (32, 48), dtype=np.uint8)
    target = decode(stored(Image.new("L", (width * 3, width * 2))), Reading(min_side=1), "image")
    read_ = drawn(stored(values), target)
    assert read_.shape == (width * 2, width * 3)
    assert read_.min() >= 0
    assert read_.max() <= 1
    assert abs(read_.mean() - values.mean() / 255) < 0.03
