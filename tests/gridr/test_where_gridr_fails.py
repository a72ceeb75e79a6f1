"""Grids, windows and pixels.

Where GridR 0.7.0 crashes or answers wrongly: each name says what holds here, each docstring what GridR does instead.
docs/where-gridr-fails.md is made of both, by docs/where_gridr_fails.py.
"""

import warnings

import numpy as np
import pytest
from gridr_scenes import NOISE, RAMP, nodes, quiet, sample, sample_by_gridr

import gpumask

INTERPS = ("nearest", "linear", "cubic")

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("interp", INTERPS)
def test_a_window_on_the_last_columns_is_a_slice_of_the_whole(interp):
    """Panics where a window begins on the last column of nodes and reaches the last rows."""
    row, col = np.mgrid[1:8:5j, 2:9:4j]
    image, mask = sample(interp, row, col + 0.1 * row, resolution=(3, 4))
    assert image.shape == (13, 13)
    for first in range(13):
        win = np.array([[first, 12], [12, 12]])
        part, part_mask = sample(interp, row, col + 0.1 * row, resolution=(3, 4), win=win)
        np.testing.assert_array_equal(part, image[first:, 12].squeeze())
        np.testing.assert_array_equal(part_mask, mask[first:, 12:])
    with pytest.raises(BaseException, match="index out of bounds"):
        sample_by_gridr(interp, row, col, resolution=(3, 4), win=np.array([[11, 12], [12, 12]]))


def test_a_grid_of_one_column_is_resampled():
    """Panics at a grid of one column."""
    image, mask = sample("linear", nodes(1, 2, 3).T, nodes(1, 2, 3).T, resolution=(2, 1))
    np.testing.assert_array_equal(image, [11, 16.5, 22, 27.5, 33])
    assert mask.all()
    with pytest.raises(BaseException, match="index out of bounds"):
        sample_by_gridr("linear", nodes(1, 2, 3).T, nodes(1, 2, 3).T, resolution=(2, 1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("standalone", [True, False])
def test_a_node_that_is_not_finite_makes_only_its_own_pixels_invalid(bad, standalone):
    """Takes NaN for pixel 0 and calls the pixel valid, or raises. Raises at infinity too."""
    for row, col in ((nodes(4, bad, 5), nodes(4, 4, 5)), (nodes(4, 4, 5), nodes(4, bad, 5))):
        for interp in INTERPS:
            image, mask = sample(interp, row, col, nodata_out=-1, standalone=standalone)
            np.testing.assert_array_equal(mask, [[1, 0, 1]])
            np.testing.assert_array_equal(image, [44, -1, 55])
    if np.isnan(bad):
        np.testing.assert_array_equal(
            sample_by_gridr("linear", nodes(4, bad, 5), nodes(4, 4, 5), standalone=standalone)[1], [[1, 1, 1]]
        )
    elif standalone:
        with pytest.raises(OverflowError):
            sample_by_gridr("linear", nodes(4, bad, 5), nodes(4, 4, 5))


def test_a_nan_node_of_a_coarse_grid_spoils_the_cells_around_it_alone():
    """Calls the cells around a NaN node valid. If the last node is NaN, raises ValueError."""
    row, col = np.mgrid[1:9:3j, 1:9:3j]
    row[1, 1] = np.nan
    mask = sample("linear", row, col, resolution=(4, 4))[1]
    expected = np.ones((9, 9))
    expected[1:8, 1:8] = 0
    np.testing.assert_array_equal(mask, expected)
    assert sample_by_gridr("linear", row, col, resolution=(4, 4))[1].all()
    with pytest.raises(ValueError, match="NaN to integer"):
        sample_by_gridr("linear", nodes(4, 5, np.nan), nodes(4, 4, 5))


@pytest.mark.parametrize("interp", INTERPS)
def test_nan_beside_a_whole_coordinate_changes_nothing(interp):
    """Multiplies NaN by a weight of 0, masked or not: the result is NaN, flagged valid."""
    source = RAMP.copy()
    source[4, 4] = np.nan
    valid = np.isfinite(source).astype(np.uint8)
    for mask in (valid, None):
        image, found = sample(interp, nodes(4, 3), nodes(3, 4), source, array_in_mask=mask)
        np.testing.assert_array_equal(image, [43, 34])
        assert found.all()
        if interp != "nearest":
            image, found = sample_by_gridr(interp, nodes(4, 3), nodes(3, 4), source, array_in_mask=mask)
            assert np.isnan(image).all()
            assert found.all()


def test_nan_in_the_source_is_an_invalid_pixel():
    """Returns NaN, flagged valid, also a pixel further than a tap with a weight reaches."""
    source = RAMP.copy()
    source[4, 4] = np.nan
    row, col = np.mgrid[0.5:9.5, 0.5:9.5]
    for interp, reach in (("linear", slice(3, 5)), ("cubic", slice(2, 6))):
        image, mask = sample(interp, row, col, source, nodata_out=-1)
        expected = sample(interp, row, col)[1]
        expected[reach, reach] = 0
        np.testing.assert_array_equal(mask, expected)
        assert not np.isnan(image).any()
    image, mask = sample_by_gridr("linear", row, col, source)
    assert np.isnan(image).sum() == 9
    assert mask.all()


def test_a_safe_window_makes_no_invalid_pixel_valid():
    """A safe window smaller than the interpolator's footprint wraps around, and validates masked pixels far from it."""
    mask = np.zeros((10, 10), np.uint8)
    mask[0, 0] = 1
    safe = np.array([[1, 2], [1, 2]])
    found = sample("linear", nodes(4.75), nodes(4.75), array_in_mask=mask, array_in_mask_safe_win=safe)[1]
    np.testing.assert_array_equal(found, [[0]])
    found = sample_by_gridr("linear", nodes(4.75), nodes(4.75), array_in_mask=mask, array_in_mask_safe_win=safe)[1]
    np.testing.assert_array_equal(found, [[1]])


@pytest.mark.parametrize(("interp", "size", "beyond"), [("linear", 3, 2.25), ("cubic", 5, 3.25), ("cubic", 5, 4.25)])
def test_in_a_source_smaller_than_a_stencil_pixels_beyond_it_are_invalid(interp, size, beyond):
    """Its own safe window wraps around too: the zeros that it pads with are averaged in, and the pixel is valid."""
    source = np.ones((size, size))
    where = nodes(beyond, size - 1)
    image, mask = sample(interp, where, where, source)
    np.testing.assert_array_equal(mask, [[0, 1]])
    np.testing.assert_array_equal(image, [0, 1])
    peer_image, peer_mask = sample_by_gridr(interp, where, where, source)
    assert peer_mask[0, 0] == 1
    assert peer_image[0] != 1


@pytest.mark.parametrize("interp", INTERPS)
def test_every_mask_value_but_zero_is_valid(interp):
    """Nearest wants a 1 in the mask, the others anything but 0."""
    row, col = np.mgrid[0:9:0.5, 0:9:0.5]
    mask = (np.arange(100).reshape(10, 10) % 7 > 0).astype(np.uint8)
    expected = sample(interp, row, col, array_in_mask=mask)
    for factor in (2, 9, 255):
        found = sample(interp, row, col, array_in_mask=mask * np.uint8(factor))
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
    found = sample_by_gridr(interp, row, col, array_in_mask=mask * np.uint8(2))[1]
    assert found.any() == (interp != "nearest")


def test_one_large_mask_value_does_not_outweigh_zeros():
    """Sums the mask over a footprint: one pixel of 9 among eight of 0 is taken for nine of 1."""
    mask = np.zeros((10, 10), np.uint8)
    mask[4, 4] = 9
    assert not sample("linear", nodes(4.25), nodes(4.25), array_in_mask=mask)[1].any()
    assert sample_by_gridr("linear", nodes(4.25), nodes(4.25), array_in_mask=mask)[1].all()


@pytest.mark.parametrize("interp", INTERPS)
@pytest.mark.parametrize("standalone", [True, False])
def test_bounds_are_checked_whatever_check_boundaries_says(interp, standalone):
    """Without check_boundaries it reads whatever lies in memory beyond the array, flagged valid, or crashes."""
    row, col = nodes(12, 1e9, -3, 1e300, 5), nodes(3, 3, -1e12, 3, 3)
    image, mask = sample(interp, row, col, check_boundaries=False, standalone=standalone, nodata_out=-1)
    np.testing.assert_array_equal(mask, [[0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(image, [-1, -1, -1, -1, 53])
    memory = np.full((20, 10), 7.0)
    memory[:10] = RAMP
    options = {"standalone": False, "check_boundaries": False, "array_out_mask": True}
    peer = pytest.importorskip("gridr.core.grid.grid_resampling").array_grid_resampling
    image, mask = peer("linear", memory[:10], nodes(12), nodes(3), (1, 1), None, **options)
    assert (image, mask) == (7, 1)


def test_a_plain_call_warns_of_nothing():
    """Its defaults warn of themselves: boundary_condition=None with trust_padding=True."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpumask.array_grid_resampling("linear", RAMP, nodes(4.5), nodes(4.5), (1, 1), None)
    assert caught == []
    peer = pytest.importorskip("gridr.core.grid.grid_resampling").array_grid_resampling
    with pytest.warns(UserWarning, match="trust_padding will be ignored"):
        peer("linear", RAMP, nodes(4.5), nodes(4.5), (1, 1), None)


def test_nodata_in_either_coordinate_makes_a_node_not_count():
    """Looks for grid_nodata in the rows alone."""
    # 3 is inside the source, so that nothing else makes these pixels invalid.
    row, col = nodes(4, 3, 6, 3.000001, 8, 8), nodes(4, 5, 3, 7, 2.999999, 8)
    image, mask = sample("linear", row, col, grid_nodata=3, nodata_out=-1)
    np.testing.assert_array_equal(mask, [[1, 0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(image, [44, -1, -1, -1, -1, 88])
    np.testing.assert_array_equal(sample_by_gridr("linear", row, col, grid_nodata=3)[1], [[1, 0, 1, 0, 1, 1]])


def test_the_grid_nodata_may_be_nan():
    """NaN as grid_nodata never matches."""
    mask = sample("linear", nodes(4, np.nan, 6), nodes(4, 5, np.nan), grid_nodata=np.nan)[1]
    np.testing.assert_array_equal(mask, [[1, 0, 0]])
    found = sample_by_gridr("linear", nodes(4, np.nan, 6), nodes(4, 5, 7), grid_nodata=np.nan)[1]
    np.testing.assert_array_equal(found, [[1, 1, 1]])


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_of_64_bits_are_filled(dtype):
    """Fills float64 arrays only."""
    out = np.zeros((1, 2), dtype)
    gpumask.array_grid_resampling("linear", RAMP, nodes(4.25, 30), nodes(4, 4), (1, 1), out, nodata_out=2**53)
    np.testing.assert_array_equal(out, [[46, 2**53]])  # 46.5 to even
    with pytest.raises(Exception, match="not available for types"):
        sample_by_gridr("linear", nodes(4.25, 30), nodes(4, 4), array_out=np.zeros((1, 2), dtype))


def test_infinity_stays_infinity_in_float32():
    """Fills float64 arrays only. From file to file, infinity becomes 3.4e38."""
    source = np.full((3, 3), np.inf)
    out = np.zeros((1, 2), np.float32)
    gpumask.array_grid_resampling("linear", source, nodes(0.5, 9), nodes(0.5, 9), (1, 1), out, nodata_out=-np.inf)
    np.testing.assert_array_equal(out, [[np.inf, -np.inf]])
    with pytest.raises(Exception, match="not available for types"):
        sample_by_gridr("linear", nodes(0.5), nodes(0.5), source, array_out=np.zeros((1, 1), np.float32))


@pytest.mark.parametrize("flag", [True, np.True_])
def test_a_mask_may_be_asked_for_with_any_true(flag):
    """Asserts at NumPy's own True."""
    where = nodes(4.0)
    mask = gpumask.array_grid_resampling("linear", RAMP, where, where, (1, 1), None, array_out_mask=flag)[1]
    np.testing.assert_array_equal(mask, [[1]])
    if flag is not True:
        with pytest.raises(AssertionError):
            sample_by_gridr("linear", where, where, array_out_mask=flag)


def test_an_image_may_be_resampled_in_place():
    """Panics with standalone=False, where it makes no copy."""
    image = np.random.default_rng(0).random((200, 200))
    row, col = np.mgrid[0:200, 0:200].astype(float)
    expected = gpumask.array_grid_resampling("cubic", image, row[::-1] - 0.3, col, (1, 1), None)[0]
    gpumask.array_grid_resampling("cubic", image, row[::-1] - 0.3, col, (1, 1), image)
    np.testing.assert_array_equal(image, expected)
    peer = pytest.importorskip("gridr.core.grid.grid_resampling").array_grid_resampling
    with quiet(), pytest.raises(BaseException, match="AlreadyBorrowed"):
        peer("cubic", image, row, col, (1, 1), image, standalone=False)


def test_a_float32_grid_is_shifted_in_float64():
    """Refuses grids of any type but float64."""
    row = np.full((1, 1), 10000.25, np.float32)
    options = {"standalone": False, "array_in_origin": (-9998.1234567, 0.0)}
    image = gpumask.array_grid_resampling("linear", RAMP, row, nodes(0), (1, 1), None, **options)[0]
    assert abs(image - (10000.25 - 9998.1234567) * 10) < 1e-8
    with pytest.raises(Exception, match="not available for types"):
        sample_by_gridr("linear", row, nodes(0).astype(np.float32), **options)


def test_a_window_beyond_the_grid_is_refused():
    """Takes columns beyond the grid from its next row, flagged valid. Panics at rows beyond it."""
    row, col = np.mgrid[0:4.0, 0:4.0]
    right, below = np.array([[0, 1], [2, 5]]), np.array([[2, 5], [0, 1]])
    for win in (right, below):
        with pytest.raises(gpumask.GpumaskError, match="^win: expected a window with pixels inside 4 x 4"):
            sample("linear", row, col, win=win)
    image, mask = sample_by_gridr("linear", row, col, win=right)
    np.testing.assert_array_equal(image, [[2, 3, 10, 11], [12, 13, 20, 21]])
    assert mask.all()
    with pytest.raises(BaseException, match="index out of bounds"):
        sample_by_gridr("linear", row, col, win=below)


def test_a_place_in_the_output_of_another_shape_than_the_window_is_refused():
    """Writes on into the next pixels: four in a row, where a square of two by two was asked for."""
    options = {"win": np.array([[0, 0], [0, 3]]), "array_out_win": np.array([[0, 1], [0, 1]])}
    out, (row, col) = np.zeros((4, 4)), np.mgrid[0:4.0, 0:4.0]
    with pytest.raises(gpumask.GpumaskError, match="^array_out_win: expected 1 x 4 pixels, the size of win"):
        sample("linear", row, col, array_out=out, array_out_mask=None, **options)
    assert not out.any()
    peer = pytest.importorskip("gridr.core.grid.grid_resampling").array_grid_resampling
    with quiet():
        peer("linear", RAMP.copy(), row, col, (1, 1), out, **options)
    np.testing.assert_array_equal(out[0], [0, 1, 2, 3])


@pytest.mark.parametrize("interp", ["linear", "cubic"])
def test_a_trusted_constant_is_valid_whatever_the_mask_holds(interp):
    """Zeros beyond the edges are valid, until a pixel is masked anywhere in the image."""
    ones, far = np.ones((10, 10), np.uint8), np.ones((10, 10), np.uint8)
    far[9, 9] = 0
    row, col, options = nodes(-0.5, 5), nodes(4, 4), {"boundary_condition": "constant", "trust_padding": True}
    found = [sample(interp, row, col, array_in_mask=mask, **options) for mask in (None, ones, far)]
    for image, mask in found:
        np.testing.assert_array_equal(mask, [[1, 1]])
        np.testing.assert_array_equal(image, found[0][0])
    masks = [sample_by_gridr(interp, row, col, array_in_mask=mask, **options)[1].tolist() for mask in (None, ones, far)]
    assert masks == [[[1, 1]], [[1, 1]], [[0, 1]]]


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_beyond_the_edges_a_window_is_a_slice_of_the_whole(mode):
    """Pads by what the window's nodes need. If all lie beyond an edge, pads nothing, so the same pixels are invalid."""
    row, col, options = nodes(-0.5, -0.25, 4), nodes(2, 2, 2), {"boundary_condition": mode}
    win = np.array([[0, 0], [0, 1]])
    image, mask = sample("linear", row, col, **options)
    part, part_mask = sample("linear", row, col, win=win, **options)
    np.testing.assert_array_equal(part, image[:2])
    np.testing.assert_array_equal(part_mask, mask[:, :2])
    assert mask.all()
    assert sample_by_gridr("linear", row, col, **options)[1].all()
    assert not sample_by_gridr("linear", row, col, win=win, **options)[1].any()


def test_an_unknown_boundary_is_refused_always():
    """Notices an unknown boundary_condition only where it has to pad."""
    with pytest.raises(gpumask.GpumaskError, match="^boundary_condition: expected one of constant, edge"):
        sample("linear", nodes(4), nodes(4), boundary_condition="nearest")
    np.testing.assert_array_equal(sample_by_gridr("linear", nodes(4), nodes(4), boundary_condition="nearest")[0], 44)


@pytest.mark.parametrize(
    ("named", "source", "options", "peer_error"),
    [
        ("array_in_mask", RAMP, {"array_in_mask": np.ones((3, 3), np.uint8)}, AssertionError),
        ("array_in", RAMP[0], {}, IndexError),
        ("interp", RAMP, {"interp": "spline"}, Exception),
        ("win", RAMP, {"win": np.array([[0, 0], [-1, 0]])}, OverflowError),
        ("grid_mask_valid_value", RAMP, {"grid_mask": np.ones((1, 1), np.uint8), "grid_mask_valid_value": 300},
         OverflowError),
        ("grid_row", RAMP, {"row": np.zeros((0, 1)), "col": np.zeros((0, 1))}, OverflowError),
    ],
)  # fmt: skip
def test_a_users_error_is_a_value_error_that_names_the_argument(named, source, options, peer_error):
    """Raises AssertionError without a word, IndexError, OverflowError, or plain Exception."""
    right = {"interp": "linear", "row": nodes(4), "col": nodes(4), "source": source}
    with pytest.raises(ValueError, match=f"^{named}: .*expected"):
        sample(**right | options)
    with pytest.raises(peer_error) as caught:
        sample_by_gridr(**right | options)
    assert type(caught.value) is peer_error


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8", "bool"])
def test_images_and_masks_of_any_type_and_layout_are_taken(dtype):
    """Refuses images and grids that are not float64, masks that are not uint8, views with steps, and lists."""
    source, where = (RAMP > 50 if dtype == "bool" else RAMP).astype(dtype), nodes(4)
    every_second = NOISE[::2, ::2]
    assert sample("linear", where, where, source)[0] == source[4, 4]
    assert sample("linear", where, where, every_second)[0] == NOISE[8, 8]
    assert sample("linear", where, where, array_in_mask=np.ones((10, 10), bool), win=[[0, 0], [0, 0]])[1] == 1
    peer = pytest.importorskip("gridr.core.grid.grid_resampling").array_grid_resampling
    with pytest.raises(Exception, match="not available for types"):
        sample_by_gridr("linear", where, where, source)
    with pytest.raises(AssertionError), quiet():
        peer("linear", every_second, where, where, (1, 1), None)
    with pytest.raises(AssertionError):
        sample_by_gridr("linear", where, where, array_in_mask=np.ones((10, 10), bool))
    with pytest.raises(TypeError):
        sample_by_gridr("linear", where, where, win=[[0, 0], [0, 0]])
