"""Images as kernels take them, with the pixels that are valid."""

import numpy as np
import pytest

from gpumask import GpumaskError, Window
from gpumask.resampling.image import Source, Target, taken_as

IMAGE = np.arange(2 * 5 * 6, dtype=np.int16).reshape(2, 5, 6)
VALID = (np.random.default_rng(0).random((2, 5, 6)) > 0.3).astype(np.uint8)


@pytest.mark.parametrize("by_band", [False, True])
def test_a_validity_of_bands_is_theirs_or_that_of_all(by_band):
    found = Source.of(IMAGE, VALID, by_band).valid
    np.testing.assert_array_equal(found != 0, VALID != 0 if by_band else VALID.all(axis=0))
    np.testing.assert_array_equal(Source.of(IMAGE, VALID[0], by_band).valid, VALID[0])
    assert Source.of(IMAGE, None, by_band).valid is None


@pytest.mark.parametrize("by_band", [False, True])
def test_what_is_masked_and_what_a_validity_says_are_anded(by_band):
    masked = np.ma.masked_array(IMAGE, np.random.default_rng(1).random(IMAGE.shape) < 0.2)
    for valid in (None, VALID, VALID[0]):
        counts = ~masked.mask & (True if valid is None else valid != 0)
        found = Source.of(masked, valid, by_band)
        np.testing.assert_array_equal(found.valid != 0, counts if by_band else counts.all(axis=0))
        np.testing.assert_array_equal(found.image, IMAGE)


def test_a_part_of_a_part_is_that_part_of_the_whole():
    whole = Source(IMAGE, VALID, origin=(10, 20), whole=(100, 100))
    part = whole.crop(Window(11, 21, 4, 4)).crop(Window(12, 22, 2, 3))
    np.testing.assert_array_equal(part.image, IMAGE[:, 2:4, 2:5])
    np.testing.assert_array_equal(part.valid, VALID[:, 2:4, 2:5])
    assert (part.window, part.whole_window) == (Window(12, 22, 2, 3), Window(0, 0, 100, 100))
    assert np.shares_memory(part.image, IMAGE)


def test_one_band_has_its_own_validity_or_that_of_all():
    for valid in (None, VALID[0], VALID):
        source = Source(IMAGE, valid)
        for number in range(2):
            band = source.band(number)
            np.testing.assert_array_equal(band.image, IMAGE[number : number + 1])
            own = valid if valid is None or valid.ndim == 2 else valid[number]
            assert band.valid is own or np.array_equal(band.valid, own)
    target = Target(np.zeros((2, 3, 4)), np.zeros((2, 3, 4), np.uint8), 7.0)
    assert target.by_band and target.band(1).validity.shape == (3, 4) and not target.band(1).by_band


@pytest.mark.parametrize(
    ("source", "valid", "says"),
    [
        (IMAGE[0, 0], None, "^source: expected .row, col. or .band, row, col. with pixels"),
        (IMAGE[None], None, "^source: expected .row, col. or"),
        (IMAGE[:, :0], None, "^source: expected .row, col. or"),
        (IMAGE.astype(np.longdouble), None, "^source: expected up to 64 bits"),
        (IMAGE, VALID[:, :, :5], "^source_valid: expected shape .5, 6., .* or .2, 5, 6. with its bands"),
        (IMAGE[0], VALID, "^source_valid: expected shape .5, 6., the source's rows and columns; got"),
        (IMAGE, VALID + 0.5, "^source_valid: expected a mask of bool or integers"),
    ],
)
def test_what_can_not_be_right_is_refused_by_name(source, valid, says):
    with pytest.raises(GpumaskError, match=says):
        Source.of(source, valid)


@pytest.mark.parametrize("name", ["bool", "float16", "uint8", "int64", "float32"])
def test_a_type_that_kernels_lack_becomes_one_that_holds_all_its_values(name):
    taken = taken_as(np.dtype(name))
    assert np.can_cast(name, taken, "safe") and taken_as(taken) == taken
    assert Source.of(IMAGE.astype(name)).image.dtype == taken
