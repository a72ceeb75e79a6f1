"""Polygons burnt into rasters under GridR's names."""

import itertools

import numpy as np
import pytest
import shapely
from mask_parts import EXAMPLES, GEOMETRY_OPTIONS, RASTERIO, SHAPE
from shapely import Polygon, box

import gpumask
from gpumask import GridRasterizeAlg, build_mask

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("kwargs", [None, {}, {"alg": None}, {"alg": RASTERIO}, {"alg": 1, "kwargs_alg": None}])
def test_without_rasterize_kwargs_the_rule_is_that_of_rasterio(kwargs):
    options = GEOMETRY_OPTIONS | {"rasterize_kwargs": kwargs}
    np.testing.assert_array_equal(build_mask(SHAPE, (1, 1), None, **options), EXAMPLES["geometries"][3])


def test_the_shape_may_be_that_of_the_window_or_of_the_array():
    np.testing.assert_array_equal(build_mask(None, (1, 1), None, **EXAMPLES["window"][0]), EXAMPLES["window"][3])
    out = np.zeros(SHAPE, np.uint8)
    build_mask(None, (1, 1), out, **GEOMETRY_OPTIONS)
    np.testing.assert_array_equal(out, EXAMPLES["geometries"][3])


# Not square pixels, whose rows and columns count up, or down.
GRID = {"shape": (7, 9), "origin": (4.0, -2.0), "resolution": (-0.5, 1.5)}

X, Y = GRID["origin"][1] + 1.5 * np.arange(9), GRID["origin"][0] - 0.5 * np.arange(7)

TRIANGLE = Polygon([(-1.2, 0.7), (9.3, 1.1), (4.1, 3.6)])


def rasterized(grid=None, win=None, geometry=TRIANGLE, values=(1, 0, 0), **options):
    """Call grid_rasterize; grid is grid_coords, None stands for GRID."""
    regular = (None, *GRID.values()) if grid is None else (grid, None, None, None)
    options = options if "output" in options else {"dtype": np.uint8} | options
    return gpumask.grid_rasterize(*regular, win, *values, geometry, **options)


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_a_regular_grid_may_be_given_in_every_form(alg):
    expected = shapely.intersects_xy(TRIANGLE, *np.meshgrid(X, Y))
    assert 0.1 < expected.mean() < 0.9
    mesh = np.meshgrid(X, Y)
    for grid in (None, (X, Y), [X, Y], [X.tolist(), Y.tolist()], tuple(mesh), mesh, np.stack(mesh)):
        np.testing.assert_array_equal(rasterized(grid, alg=alg), expected)


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_a_grid_of_one_row_or_column_is_that_of_the_whole(alg):
    whole = rasterized(alg=alg)
    for row in range(7):
        for grid in ((X, Y[row : row + 1]), np.meshgrid(X, Y[row : row + 1])):
            np.testing.assert_array_equal(rasterized(grid, alg=alg), whole[row : row + 1])
    for col in range(9):
        for grid in ((X[col : col + 1], Y), np.meshgrid(X[col : col + 1], Y)):
            np.testing.assert_array_equal(rasterized(grid, alg=alg), whole[:, col : col + 1])


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_every_window_of_a_raster_is_its_crop(alg):
    whole = rasterized(alg=alg)
    for top, bottom in itertools.combinations_with_replacement(range(0, 7, 2), 2):
        for left, right in itertools.combinations_with_replacement(range(0, 9, 2), 2):
            found = rasterized(win=((top, bottom), (left, right)), alg=alg)
            np.testing.assert_array_equal(found, whole[top : bottom + 1, left : right + 1])


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_a_raster_holds_the_values_asked_for_in_a_new_array_or_a_given_one(alg):
    inside = rasterized(alg=alg)
    for dtype, values in (("int16", (-7, 300, 5)), ("float32", (np.nan, 0.5, 5)), ("bool", (False, True, False))):
        found = rasterized(values=values, alg=alg, dtype=dtype)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.where(inside, values[0], values[1]))
        output = np.zeros_like(found)
        returned = rasterized(values=values, alg=alg, output=output)
        assert returned is (output if alg == RASTERIO else None)
        np.testing.assert_array_equal(output, found)
        assert (rasterized(geometry=[], values=values, alg=alg, dtype=dtype) == values[2]).all()


@pytest.mark.parametrize("alg", GridRasterizeAlg)
def test_reduced_a_raster_of_one_value_is_that_value(alg):
    options = {"values": (7, 8, 9), "alg": alg, "reduce": True}
    assert rasterized(geometry=box(-50, -50, 50, 50), **options) == 7
    assert rasterized(geometry=box(40, 40, 50, 50), **options) == 8
    assert rasterized(geometry=[], **options) == 9
    np.testing.assert_array_equal(rasterized(**options), np.where(rasterized(alg=alg), 7, 8))
