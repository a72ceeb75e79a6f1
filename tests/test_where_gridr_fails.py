"""Where GridR 0.7.0 crashes or answers wrongly, each name says what holds here instead.

Windows on the last nodes, nodes and pixels that are not finite, safe windows, mask values, bounds, nodata, types.
"""

import warnings

import numpy as np
import pytest

import gpumask

INTERPS = ("nearest", "linear", "cubic")

pytestmark = pytest.mark.usefixtures("on_every_backend")
RAMP = np.arange(100.0).reshape(10, 10)


def nodes(*values):
    """Return a grid's coordinates in one row."""
    return np.array([values], float)


def sample(interp, row, col, source=RAMP, resolution=(1, 1), **options):
    """Return GridR-shaped results of gpumask: image and mask."""
    return gpumask.array_grid_resampling(interp, source, row, col, resolution, None, array_out_mask=True, **options)


@pytest.mark.parametrize("interp", INTERPS)
def test_a_window_on_the_last_columns_is_a_slice_of_the_whole(interp):
    row, col = np.mgrid[1:8:5j, 2:9:4j]
    image, mask = sample(interp, row, col + 0.1 * row, resolution=(3, 4))
    assert image.shape == (13, 13)
    for first in range(13):
        win = np.array([[first, 12], [12, 12]])
        part, part_mask = sample(interp, row, col + 0.1 * row, resolution=(3, 4), win=win)
        np.testing.assert_array_equal(part, image[first:, 12].squeeze())
        np.testing.assert_array_equal(part_mask, mask[first:, 12:])


def test_a_grid_of_one_column_is_resampled():
    image, mask = sample("linear", nodes(1, 2, 3).T, nodes(1, 2, 3).T, resolution=(2, 1))
    np.testing.assert_array_equal(image, [11, 16.5, 22, 27.5, 33])
    assert mask.all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("standalone", [True, False])
def test_a_node_that_is_not_finite_makes_only_its_own_pixels_invalid(bad, standalone):
    for row, col in ((nodes(4, bad, 5), nodes(4, 4, 5)), (nodes(4, 4, 5), nodes(4, bad, 5))):
        for interp in INTERPS:
            image, mask = sample(interp, row, col, nodata_out=-1, standalone=standalone)
            np.testing.assert_array_equal(mask, [[1, 0, 1]])
            np.testing.assert_array_equal(image, [44, -1, 55])


def test_a_nan_node_of_a_coarse_grid_spoils_the_cells_around_it_alone():
    row, col = np.mgrid[1:9:3j, 1:9:3j]
    row[1, 1] = np.nan
    mask = sample("linear", row, col, resolution=(4, 4))[1]
    expected = np.ones((9, 9))
    expected[1:8, 1:8] = 0
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("interp", INTERPS)
def test_nan_beside_a_whole_coordinate_changes_nothing(interp):
    source = RAMP.copy()
    source[4, 4] = np.nan
    valid = np.isfinite(source).astype(np.uint8)
    for mask in (valid, None):
        image, found = sample(interp, nodes(4, 3), nodes(3, 4), source, array_in_mask=mask)
        np.testing.assert_array_equal(image, [43, 34])
        assert found.all()


def test_nan_in_the_source_is_an_invalid_pixel():
    source = RAMP.copy()
    source[4, 4] = np.nan
    row, col = np.mgrid[0.5:9.5, 0.5:9.5]
    for interp, reach in (("linear", slice(3, 5)), ("cubic", slice(2, 6))):
        image, mask = sample(interp, row, col, source, nodata_out=-1)
        expected = sample(interp, row, col)[1]
        expected[reach, reach] = 0
        np.testing.assert_array_equal(mask, expected)
        assert not np.isnan(image).any()


def test_a_safe_window_makes_no_invalid_pixel_valid():
    mask = np.zeros((10, 10), np.uint8)
    mask[0, 0] = 1
    safe = np.array([[1, 2], [1, 2]])
    found = sample("linear", nodes(4.75), nodes(4.75), array_in_mask=mask, array_in_mask_safe_win=safe)[1]
    np.testing.assert_array_equal(found, [[0]])


@pytest.mark.parametrize(("interp", "size", "beyond"), [("linear", 3, 2.25), ("cubic", 5, 3.25), ("cubic", 5, 4.25)])
def test_in_a_source_smaller_than_a_stencil_pixels_beyond_it_are_invalid(interp, size, beyond):
    source = np.ones((size, size))
    where = nodes(beyond, size - 1)
    image, mask = sample(interp, where, where, source)
    np.testing.assert_array_equal(mask, [[0, 1]])
    np.testing.assert_array_equal(image, [0, 1])
    # GridR's safe window wraps around, and a zero that it padded with counts: why the random sources are larger.
    gridr = pytest.importorskip("gridr.core.grid.grid_resampling")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer_image, peer_mask = gridr.array_grid_resampling(
            interp, source, where, where, (1, 1), None, array_out_mask=True
        )
    assert peer_mask[0, 0] == 1
    assert peer_image[0] != 1


@pytest.mark.parametrize("interp", INTERPS)
def test_every_mask_value_but_zero_is_valid(interp):
    row, col = np.mgrid[0:9:0.5, 0:9:0.5]
    mask = (np.arange(100).reshape(10, 10) % 7 > 0).astype(np.uint8)
    expected = sample(interp, row, col, array_in_mask=mask)
    for factor in (2, 9, 255):
        found = sample(interp, row, col, array_in_mask=mask * np.uint8(factor))
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_one_large_mask_value_does_not_outweigh_zeros():
    mask = np.zeros((10, 10), np.uint8)
    mask[4, 4] = 9
    assert not sample("linear", nodes(4.25), nodes(4.25), array_in_mask=mask)[1].any()


@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize("standalone", [True, False])
def test_bounds_are_checked_whatever_check_boundaries_says(interp, standalone):
    row, col = nodes(12, 1e9, -3, 1e300, 5), nodes(3, 3, -1e12, 3, 3)
    image, mask = sample(interp, row, col, check_boundaries=False, standalone=standalone, nodata_out=-1)
    np.testing.assert_array_equal(mask, [[0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(image, [-1, -1, -1, -1, 53])


def test_a_plain_call_warns_of_nothing():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpumask.array_grid_resampling("linear", RAMP, nodes(4.5), nodes(4.5), (1, 1), None)
    assert caught == []


def test_nodata_in_either_coordinate_makes_a_node_not_count():
    # 3 is inside the source, so that nothing else makes these pixels invalid.
    row, col = nodes(4, 3, 6, 3.000001, 8, 8), nodes(4, 5, 3, 7, 2.999999, 8)
    image, mask = sample("linear", row, col, grid_nodata=3, nodata_out=-1)
    np.testing.assert_array_equal(mask, [[1, 0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(image, [44, -1, -1, -1, -1, 88])


def test_the_grid_nodata_may_be_nan():
    mask = sample("linear", nodes(4, np.nan, 6), nodes(4, 5, np.nan), grid_nodata=np.nan)[1]
    np.testing.assert_array_equal(mask, [[1, 0, 0]])


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_of_64_bits_are_filled(dtype):
    out = np.zeros((1, 2), dtype)
    gpumask.array_grid_resampling("linear", RAMP, nodes(4.25, 30), nodes(4, 4), (1, 1), out, nodata_out=2**53)
    np.testing.assert_array_equal(out, [[46, 2**53]])  # 46.5 to even


def test_infinity_stays_infinity_in_float32():
    source = np.full((3, 3), np.inf)
    out = np.zeros((1, 2), np.float32)
    gpumask.array_grid_resampling("linear", source, nodes(0.5, 9), nodes(0.5, 9), (1, 1), out, nodata_out=-np.inf)
    np.testing.assert_array_equal(out, [[np.inf, -np.inf]])


@pytest.mark.parametrize("flag", [True, np.True_])
def test_a_mask_may_be_asked_for_with_any_true(flag):
    where = nodes(4.0)
    mask = gpumask.array_grid_resampling("linear", RAMP, where, where, (1, 1), None, array_out_mask=flag)[1]
    np.testing.assert_array_equal(mask, [[1]])


def test_an_image_may_be_resampled_in_place():
    image = np.random.default_rng(0).random((200, 200))
    row, col = np.mgrid[0:200, 0:200].astype(float)
    expected = gpumask.array_grid_resampling("cubic", image, row[::-1] - 0.3, col, (1, 1), None)[0]
    gpumask.array_grid_resampling("cubic", image, row[::-1] - 0.3, col, (1, 1), image)
    np.testing.assert_array_equal(image, expected)


def test_a_float32_grid_is_shifted_in_float64():
    row = np.full((1, 1), 10000.25, np.float32)
    options = {"standalone": False, "array_in_origin": (-9998.1234567, 0.0)}
    image = gpumask.array_grid_resampling("linear", RAMP, row, nodes(0), (1, 1), None, **options)[0]
    assert abs(image - (10000.25 - 9998.1234567) * 10) < 1e-8
