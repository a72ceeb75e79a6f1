"""The way from the pixels of one raster to those of another."""

import numpy as np
import pytest
from affine import Affine
from warp_cases import PAIRS, Pair, placed

from gpumask import ArgumentTypeError, GpumaskError, Place
from gpumask.grids.places.projection import projection


@pytest.mark.parametrize("name", PAIRS)
def test_there_and_back_is_the_same_pixel(name):
    """Up to whole turns, after which the columns of a raster in longitudes are the same place."""
    source, target = PAIRS[name]
    rows, cols = np.meshgrid(*(np.linspace(0, n - 1, 9) for n in target.shape), indexing="ij")
    there = np.stack(projection(source, target)(rows, cols))
    inside = np.isfinite(there).all(axis=0)
    inside &= (there[0] >= 0) & (there[0] < source.shape[0]) & (there[1] >= 0) & (there[1] < source.shape[1])
    assert inside.mean() > 0.2
    back = np.stack(projection(target, source)(*there[:, inside]))
    np.testing.assert_allclose(back, np.stack([rows, cols])[:, inside], rtol=0, atol=1e-3)


def test_rows_and_columns_broadcast():
    source, target = next(iter(PAIRS.values()))
    way = projection(source, target)
    rows, cols = np.arange(5.0), np.arange(7.0)
    whole = way(*np.meshgrid(rows, cols, indexing="ij"))
    np.testing.assert_array_equal(np.stack(way(rows[:, None], cols)), np.stack(whole))


def test_in_one_crs_it_is_the_affine_maps_alone():
    source = placed("EPSG:32633", 5e5, 5e6, 10, (50, 60))
    pair = Pair(source, placed("EPSG:32633", 5e5 + 35, 5e6 - 20, 20, (20, 20)))
    rows, cols = projection(*pair)(np.arange(3.0), np.arange(3.0))
    np.testing.assert_allclose(rows, 2 + 0.5 + 2 * np.arange(3), rtol=0, atol=1e-9)
    np.testing.assert_allclose(cols, 3.5 + 0.5 + 2 * np.arange(3), rtol=0, atol=1e-9)


@pytest.mark.parametrize("bad", [Affine(0, 0, 1, 0, 0, 1), Affine(1, 2, 0, 2, 4, 0), Affine(np.nan, 0, 0, 0, 1, 0)])
def test_maps_that_have_no_inverse_are_refused_by_name(bad):
    good = placed("EPSG:32633", 5e5, 5e6, 10, (50, 60))
    for name, pair in (("source", (Place(good.crs, bad), good)), ("target", (good, Place(good.crs, bad)))):
        with pytest.raises(GpumaskError, match=f"^{name}_transform: expected an affine map that can be inverted"):
            projection(*pair)


def test_a_target_lies_by_an_affine_map():
    good = placed("EPSG:32633", 5e5, 5e6, 10, (50, 60))
    with pytest.raises(ArgumentTypeError, match="^target_transform: expected an affine.Affine"):
        projection(good, Place(good.crs, lambda x, y: (x, y)))
