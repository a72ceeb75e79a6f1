"""Affine maps, and the places of rasters in each other's pixels."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from affine import Affine

from gpumask.grids.places.affine import blocks_at, corners, in_pixels_of, is_affine, moved, pixels_off, rows_and_cols

TURNED = Affine(30, 0, 420_000, 0, -30, 5_500_000) @ Affine.rotation(5) @ Affine.shear(3)


def raster(transform, shape=(40, 60), crs="EPSG:32631"):
    """Return as much of a raster as says where it lies."""
    return SimpleNamespace(transform=transform, shape=shape, crs=crs)


def test_points_move_as_affine_moves_them_one_by_one():
    xy = np.random.default_rng(0).uniform(-100, 100, (20, 2))
    np.testing.assert_allclose(moved(TURNED, xy), [TURNED @ tuple(point) for point in xy.tolist()], rtol=1e-15)
    np.testing.assert_allclose(moved(~TURNED, moved(TURNED, xy)), xy, rtol=0, atol=1e-7)


def test_rows_and_columns_count_from_the_centre_of_the_first_pixel():
    rows, cols = np.mgrid[:5, :7].astype(float)
    x, y = moved(TURNED, np.stack([cols.ravel() + 0.5, rows.ravel() + 0.5], axis=1)).T
    np.testing.assert_allclose(rows_and_cols(TURNED, x, y), [rows.ravel(), cols.ravel()], rtol=0, atol=1e-7)


def test_corners_are_those_of_the_outermost_pixels():
    x, y = corners(Affine(10, 0, 100, 0, -5, 50), (4, 3))
    assert sorted(zip(x.tolist(), y.tolist(), strict=True)) == [(100, 30), (100, 50), (130, 30), (130, 50)]


@pytest.mark.parametrize("by", [(0, 0), (0.25, 0), (-2, 1), (0, -0.75)])
def test_a_raster_that_is_moved_is_off_by_so_many_pixels(by):
    like, other = raster(TURNED), raster(TURNED @ Affine.translation(*by))
    assert pixels_off(like, other, (1, 1)) == pytest.approx(max(map(abs, by)), abs=1e-6)


def test_what_does_not_say_where_it_lies_is_not_off_and_another_crs_is_everywhere():
    like = raster(TURNED)
    assert pixels_off(like, raster(Affine.identity()), (1, 1)) == 0
    assert in_pixels_of(like, raster(Affine.identity()), np.zeros((1, 2))) is None
    assert math.isinf(pixels_off(like, raster(TURNED, crs="EPSG:32632"), (1, 1)))
    assert pixels_off(like, raster(TURNED, crs=None), (1, 1)) < 1e-6


@pytest.mark.parametrize("factors", [(1, 1), (2, 3), (7, 4)])
def test_a_coarser_raster_stands_for_blocks_of_pixels(factors):
    down, across = factors
    shape = -(-40 // down), -(-60 // across)
    coarse = raster(TURNED @ Affine.scale(across, down), shape)
    found, covers, off = blocks_at(raster(TURNED), coarse)
    assert (found, covers) == (factors, True) and off == pytest.approx(0, abs=1e-6)
    one_less = raster(coarse.transform, (shape[0] - 1, shape[1]))
    assert blocks_at(raster(TURNED), one_less)[:2] == (factors, False)


def test_affine_maps_are_known_from_other_models():
    assert is_affine(TURNED)
    assert not any(map(is_affine, (TURNED[:6], None, [1, 2], np.eye(3), lambda x, y: (x, y))))
