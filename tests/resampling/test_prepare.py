"""What kernels are given of a source and of a target."""

import numpy as np
import pytest

from gpumask import Grid
from gpumask.backends import get
from gpumask.pixels.boundary import Boundary
from gpumask.resampling.image import Source, Target
from gpumask.resampling.prepare import as_argument, carried, finite_source, marked


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [(200, "uint8", 200), (2**64 - 3, "uint64", -3), (-7, "int16", -7), (1.0, "float32", 0x3F800000)],
)
def test_values_that_are_no_float64_are_carried_as_bits(value, dtype, expected):
    found = carried(value, np.dtype(dtype))
    assert found == expected and isinstance(found, np.int64)
    assert isinstance(carried(value, np.dtype("float64")), float)


def test_a_source_is_given_with_its_window_and_its_turn():
    image = np.zeros((2, 5, 8))[:, 1:, 2:]
    found = as_argument(Source(image, None, (3, -4)), Boundary(around=(0, 6)))
    assert found[1:] == (4, 6, 3, -4, 0, 6)
    assert found.pixels[1:] == (2, 8, 40)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("masked", [True, False])
def test_pixels_that_are_not_finite_are_invalid_in_all_bands_or_in_one(backend, value, masked):
    chosen, image = get(backend), np.ones((2, 3, 70))
    image[1, 2, 66] = value
    valid = np.ones((3, 70), np.uint8)
    valid[0, 0] = 0
    source = Source(chosen.asarray(image), valid if masked else None)
    host = np.empty(0)
    together, alone = (
        chosen.to_family_of(host, finite_source(chosen, source, 1e300, how).valid) for how in (False, True)
    )
    expected = np.ones((2, 3, 70), np.uint8)
    expected[:, 0, 0], expected[1, 2, 66] = not masked, 0
    np.testing.assert_array_equal(alone != 0, expected)
    np.testing.assert_array_equal(together != 0, expected.all(axis=0))


def test_a_source_that_is_finite_stays_as_it_is():
    source = Source(np.ones((1, 3, 4)))
    assert finite_source(get("numpy"), source, 1e308, False) is source
    assert finite_source(get("numpy"), source, 10.0, False) is source
    assert finite_source(get("numpy"), source, 0.5, False).valid.sum() == 0


def test_kernels_write_bytes_wherever_the_validity_goes():
    grid, image = Grid(*np.mgrid[0:3, 0:4]), np.zeros((1, 3, 4))
    place, shares, told = get("numpy"), np.zeros((3, 4), np.float32), np.zeros((3, 4), np.uint8)
    given = Target(image, told, 0, outside=1)
    assert marked(place, grid, given) is given
    found = marked(place, grid, Target(image, None, 0))
    assert found.validity.dtype == np.uint8 and found.validity.shape == (3, 4) and found.outside == 0
    found = marked(place, grid, Target(image, shares, 0, valid=told))
    assert found.validity is told and found.valid is None
    found = marked(place, grid, Target(image, shares, 0))
    assert found.validity.dtype == np.uint8 and found.outside not in (0, 1)
