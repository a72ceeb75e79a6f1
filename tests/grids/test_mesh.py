"""Nodes for exact coordinates: few, and good enough everywhere."""

import numpy as np
import pytest
from affine import Affine
from mesh_cases import between, coordinates, exactly, in_source
from warp_cases import PAIRS, Pair, placed

from gpumask import GpumaskError, Grid
from gpumask.errors import ArgumentTypeError
from gpumask.grids.mesh import mesh
from gpumask.grids.places.projection import projection


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("max_error", [1e-4, 0.01, 0.3])
def test_a_grid_holds_between_its_nodes(name, max_error):
    pair = PAIRS[name]
    grid, exact = between(pair, max_error=max_error), exactly(pair)
    inside = in_source(exact, pair.source.shape)
    assert inside.mean() > 0.4
    off = abs(coordinates(grid) - exact)[:, inside]
    assert off.max() <= max_error + 1e-6
    assert max_error < 0.01 or grid.resolution[0] > 16


@pytest.mark.parametrize("name", PAIRS)
def test_a_grid_is_about_as_coarse_as_it_can_be(name):
    pair = PAIRS[name]
    fine, coarse = (between(pair, max_error=max_error).resolution[0] for max_error in (1e-5, 4e-5))
    assert 1.5 < coarse / fine < 2.7  # the error grows with the square of the step


def test_a_grid_of_one_place_is_the_identity():
    place = PAIRS["polar"].source
    grid = between(Pair(place, place))
    ys, xs = np.mgrid[: place.shape[0], : place.shape[1]]
    np.testing.assert_array_equal(coordinates(grid), [ys, xs])


def test_pixels_of_one_crs_that_lie_on_each_other_do_so_exactly():
    source = placed("EPSG:4326", 10.1, 50.3, 0.0001, (500, 700))
    target = placed("EPSG:4326", 10.1 + 0.0037, 50.3 + 0.0011, 0.0001, (400, 400))
    row, col = coordinates(between(Pair(source, target)))
    np.testing.assert_array_equal(row[:, 0], np.arange(-11, 389))
    np.testing.assert_array_equal(col[0], np.arange(37, 437))


def test_a_last_node_beyond_the_target_asks_for_nothing_there():
    """There is no latitude beyond 90 degrees, where the node after the last row would be."""
    source = placed("EPSG:4326", -180.0, 90.0, 1.0, (180, 360))
    target = placed("EPSG:4326", -180.0, 90.0, 0.25, (720, 1440))
    grid = between(Pair(source, target))
    assert grid.resolution[0] > 100 and np.isfinite(grid.row).all()
    np.testing.assert_allclose(coordinates(grid), exactly(Pair(source, target)), atol=1e-6)


def test_what_does_not_reach_the_source_may_be_off():
    """A small image in a target as wide as the world."""
    source = placed("EPSG:32633", 4e5, 5e6, 4000, (300, 300))
    target = placed("EPSG:4326", -180.0, 80.0, 0.04, (4000, 9000))
    near, everywhere = (mesh(projection(source, target), target.shape, shape, 0.03) for shape in (source.shape, None))
    assert near.step >= 8 and near.fine.mean() < 0.05
    assert near.step > everywhere.step and near.fine.mean() < everywhere.fine.mean() / 2


def test_without_a_source_shape_all_holds():
    pair = PAIRS["to longitudes and latitudes"]
    grid = between(pair, source_shape=None)
    np.testing.assert_allclose(coordinates(grid), exactly(pair), atol=0.011)


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"source_crs": "EPSG:99999"}, GpumaskError, "source_crs: expected a CRS.*got 'EPSG:99999'"),
        ({"target_crs": None}, GpumaskError, "target_crs: expected a CRS.*got None"),
        ({"source_transform": 3}, ArgumentTypeError, "source_transform: expected an affine.Affine.*got int"),
        (
            {"source_transform": Affine(0, 0, 1, 0, 0, 1)},
            GpumaskError,
            "source_transform: expected an affine map that can be",
        ),
        ({"target_transform": [1, 2]}, ArgumentTypeError, "target_transform: expected an affine.Affine; got list"),
        ({"target_shape": (0, 5)}, GpumaskError, r"target_shape: expected \(rows, cols\).*got \(0, 5\)"),
        ({"target_shape": None}, GpumaskError, "target_shape: .*got None"),
        ({"max_error": -1e-9}, GpumaskError, "max_error: expected a number of pixels from 0 on; got -1e-09"),
        ({"max_error": "a"}, ArgumentTypeError, "max_error: expected a number of pixels; got 'a'"),
        ({"source_shape": (5,)}, GpumaskError, r"source_shape: expected \(rows, cols\)"),
    ],
)
def test_what_can_not_be_right_is_refused(changed, error, says):
    source, target = PAIRS["polar"]
    words = {
        "source_crs": source.crs, "source_transform": source.transform, "target_crs": target.crs,
        "target_transform": target.transform, "target_shape": target.shape,
    } | changed  # fmt: skip
    with pytest.raises(error, match=says):
        Grid.between(**words)


def test_an_error_may_be_as_large_as_one_likes():
    assert between(PAIRS["polar"], max_error=1e307).resolution == (255, 255)
