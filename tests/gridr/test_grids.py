"""Grids under GridR's names: shifted, oversampled and interpolated."""

import numpy as np
import pytest

import gpumask
from gpumask import CoarseMask, GpumaskError, Window

grid_utils = pytest.importorskip("gridr.core.grid.grid_utils")

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("win", [None, np.array([[0, 1], [1, 2]])])
def test_integer_grids_are_shifted_as_in_gridr(backend, dtype, win):
    nodes = [np.arange(6).reshape(2, 3).astype(dtype) + extra for extra in (3, 20)]
    found, expected = [node.copy() for node in nodes], [node.copy() for node in nodes]
    less = -1 if dtype.startswith("i") else 1  # NumPy adds no negative number to unsigned ones
    gpumask.array_shift_grid_coordinates(*found, (2, float(less)), win)
    grid_utils.array_shift_grid_coordinates(*expected, (2, less), win)
    np.testing.assert_array_equal(found, expected)
    assert found[0].dtype == dtype


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_nodes_that_are_nodata_stay(backend, dtype):
    row, col = np.arange(6).reshape(2, 3).astype(dtype), np.arange(6).reshape(2, 3).astype(dtype) + 7
    gpumask.array_shift_grid_coordinates(row, col, (5, 1), grid_nodata=4.0)
    assert row.tolist() == [[5, 6, 7], [8, 4, 10]] and col.tolist() == [[8, 9, 10], [11, 11, 13]]
    mask = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)
    top = np.iinfo(dtype).max
    row[0, 1] = top  # a node that does not count need not hold the sum
    gpumask.array_shift_grid_coordinates(row, col, (1, -3), grid_mask=mask)
    assert row.tolist() == [[6, top, 8], [8, 4, 11]] and col.tolist() == [[5, 9, 7], [11, 11, 10]]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"grid_shift": (0.5, 1)}, "grid_shift: expected whole numbers for nodes of int8; got 0.5"),
        ({"grid_shift": (1, 120)}, "grid_shift: expected sums that int8 holds, 0 to 15; got 120.0"),
        ({"grid_shift": (-129, 0)}, "grid_shift: expected sums that int8 holds"),
        ({"grid_shift": (1e300, 0)}, "grid_shift: expected sums that int8 holds"),
        ({"grid_shift": (1, 1), "grid_nodata": 0.5}, "grid_nodata: expected a value that int8 holds"),
        ({"grid_shift": (1, 1), "grid_nodata": -9999}, "grid_nodata: expected a value that int8 holds"),
    ],
)
def test_integer_grids_never_wrap_around(words, named):
    row, col = np.arange(16, dtype=np.int8).reshape(4, 4), np.arange(16, dtype=np.int8).reshape(4, 4)
    before = row.copy()
    with pytest.raises(GpumaskError, match=named):
        gpumask.array_shift_grid_coordinates(row, col, **words)
    assert np.array_equal(row, before) and np.array_equal(col, before)


pytestmark = pytest.mark.usefixtures("on_every_backend")


def test_oversampling_by_one_gives_the_grid_and_the_mask():
    rng = np.random.default_rng(0)
    mask = rng.random((5, 7)) < 0.5
    for dtype in ("float32", "float64"):
        grid = rng.standard_normal((2, 5, 7)).astype(dtype)
        found = gpumask.oversample_regular_grid(grid, 1, 1, mask)
        assert (found[0].dtype, found[1].dtype) == (dtype, np.uint8)
        np.testing.assert_array_equal(found[0], grid)
        np.testing.assert_array_equal(found[1], mask)
        np.testing.assert_array_equal(gpumask.oversample(grid, (1, 1)), grid)


def test_an_oversampled_plane_is_the_plane_at_every_pixel():
    y, x = np.mgrid[0:25.0, 0:19.0]
    planes = np.array([8 + 2 * y - x, 3 * x - y])
    nodes = planes[:, ::8, ::6]
    np.testing.assert_allclose(gpumask.oversample(nodes, (8, 6)), planes, atol=1e-12)
    win, window = ((3, 20), (5, 18)), Window(3, 5, 18, 14)
    crop = gpumask.oversample(nodes, (8, 6))[:, *window.slices]
    np.testing.assert_array_equal(gpumask.oversample(nodes, (8, 6), window), crop)
    np.testing.assert_array_equal(gpumask.oversample_regular_grid(nodes, 8, 6, None, win=win)[0], crop)
    np.testing.assert_array_equal(gpumask.build_grid((1, 1), nodes, win, (8, 6), None), crop)
    out = np.zeros(crop.shape, np.int16)
    assert gpumask.build_grid((1, 1), nodes, win, (8, 6), out) is None
    np.testing.assert_array_equal(out, np.trunc(crop))


@pytest.mark.parametrize(("down", "across"), [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_an_axis_may_fall_and_places_beyond_it_are_nan_and_invalid(down, across):
    y, x = np.array([1.0, 2, 4, 8]), np.array([0.0, 3, 5])
    grid = np.array([np.add.outer(10 * y, x)])
    places = np.array([0.5, 1, 3, 8, 8.5, np.nan]), np.array([-1.0, 0, 4, 5, 5.01])
    found, mask = gpumask.interpolate_grid(
        grid[:, ::down, ::across], np.ones((4, 3), np.uint8), x[::across], y[::down], places[1], places[0]
    )
    expected = np.add.outer(10 * places[0], places[1])
    expected[[0, 4]], expected[:, [0, 4]] = np.nan, np.nan
    np.testing.assert_allclose(found, [expected], atol=1e-12)
    np.testing.assert_array_equal(mask, ~np.isnan(expected))


SHIFTED = np.ones((3, 4), bool)


WINDOWED = np.pad(np.ones((2, 2), bool), ((1, 0), (2, 0)))


COUNTED = np.arange(12).reshape(3, 4) % 3 == 2


NODATA = np.isin(np.arange(12).reshape(3, 4), (1, 6))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("options", "shifted"),
    [
        ({}, SHIFTED),
        ({"win": ((1, 2), (2, 3))}, WINDOWED),
        ({"grid_mask": COUNTED.astype(np.uint8)}, COUNTED),
        ({"grid_mask": np.where(COUNTED, 200, 1).astype(np.uint8), "grid_mask_valid_value": 200}, COUNTED),
        ({"grid_mask": COUNTED, "grid_mask_valid_value": 0, "win": ((1, 2), (2, 3))}, ~COUNTED & WINDOWED),
        ({"grid_nodata": -9}, ~NODATA),
        ({"grid_nodata": -9.000001, "win": ((1, 2), (2, 3))}, ~NODATA & WINDOWED),
        ({"grid_nodata": -9, "grid_mask": COUNTED}, COUNTED),
    ],
)
def test_a_shift_is_added_to_the_nodes_that_count(options, shifted, dtype):
    row, col = np.mgrid[0:3, 0:4].astype(dtype)
    row[0, 1] = col[1, 2] = -9  # either coordinate
    expected = np.where(shifted, row + 0.5, row), np.where(shifted, col - 2, col)
    assert gpumask.array_shift_grid_coordinates(row, col, (0.5, -2), **options) is None
    np.testing.assert_array_equal((row, col), expected)
    assert row.dtype == dtype


@pytest.mark.parametrize(
    ("shape", "resolution", "full"),
    [((3, 5), (4, 2), (9, 9)), ((1, 1), (7, 9), (1, 1)), ((6, 8), (1, 1), (6, 8)), ((2, 3), (1000, 1), (1001, 3))],
)
def test_nodes_cover_the_pixels_from_the_first_to_the_last_of_them(shape, resolution, full):
    assert gpumask.grid_full_resolution_shape(shape, resolution) == full
    assert gpumask.oversample(np.zeros(shape), resolution).shape == full
    assert CoarseMask(np.ones(shape), resolution).full_shape == full
