"""Projected grids: windows have the pixels of the whole, and coordinates are exact where a coarse grid would not do."""

import dataclasses

import numpy as np
import pytest
from mesh_cases import between, coordinates, exactly, in_source
from warp_cases import PAIRS, POLE, Pair, placed

from gpumask import GpumaskError, ProjectedGrid, Window, resample
from gpumask.errors import ArgumentTypeError


@pytest.mark.parametrize("pair", [*PAIRS.values(), POLE], ids=[*PAIRS, "with the pole in it"])
def test_windows_of_a_projected_grid_have_the_pixels_of_the_whole(pair):
    whole, shape = ProjectedGrid(*pair), pair.target.shape

    def of(window):
        found = np.full((2, *shape), np.inf)
        for part, step in whole.parts(window):
            grid = whole.read(part)
            assert grid.resolution == step and grid.shape == part.shape
            found[:, *part.slices] = coordinates(grid)
        return found[:, *window.slices]

    everything = of(Window.of_shape(shape))
    for rows, cols in ((64, 64), (101, 333), (1, 500), (257, 1)):
        for window in list(Window.of_shape(shape).tiles(rows, cols))[:: max(1, 90_000 // (rows * cols) * 3)]:
            np.testing.assert_array_equal(of(window), everything[:, *window.slices])


def test_around_a_pole_coordinates_are_exact_and_elsewhere_few():
    grid, exact = ProjectedGrid(*POLE), exactly(POLE)
    steps = {step for _, step in grid.parts(Window.of_shape(POLE.target.shape))}
    assert (1, 1) in steps and max(steps) > (2, 2)
    inside = in_source(exact, POLE.source.shape)
    for part, _ in grid.parts(Window.of_shape(POLE.target.shape)):
        off = abs(coordinates(grid.read(part)) - exact[:, *part.slices])[:, inside[part.slices]]
        assert off.size == 0 or off.max() < 0.011


def test_no_pixel_of_a_seam_is_lost():
    """Where the longitudes of a source begin anew in the target, all pixels are valid that lie in its rows."""
    grid, image = ProjectedGrid(*POLE), np.ones(POLE.source.shape)
    valid = np.concatenate([
        resample(image, grid.read(part), "nearest").validity.ravel()
        for part, _ in grid.parts(Window.of_shape(POLE.target.shape))
    ])  # fmt: skip
    rows, _ = exactly(POLE)
    assert valid.sum() == ((rows >= -0.5) & (rows < POLE.source.shape[0] - 0.5)).sum()


def test_longitudes_go_on_over_the_antimeridian():
    source = placed("EPSG:4326", 170.0, 10.0, 0.1, (200, 200))
    target = placed("EPSG:4326", -185.0, 5.0, 0.1, (100, 100))  # the same places, a turn away
    row, col = coordinates(between(Pair(source, target)))
    np.testing.assert_array_equal(row[:, 0], np.arange(50, 150))
    np.testing.assert_array_equal(col[0], np.arange(50, 150))


def test_all_of_a_crs_tells_one_grid_from_another():
    """What pyproj shows of a CRS is cut short."""
    pyproj = pytest.importorskip("pyproj")
    text = "+proj=laea +lat_0=10 +lon_0=20 +ellps=GRS80 +units=m +y_0=1000000 +x_0="
    crs = [pyproj.CRS(text + x) for x in ("1000000", "1000000", "2000000")]
    place = placed("EPSG:4326", 20.0, 10.0, 0.01, (50, 50))
    one, same, other = (ProjectedGrid(dataclasses.replace(place, crs=each), place).identity for each in crs)
    assert one == same != other


def test_a_projected_grid_needs_shapes():
    source, target = PAIRS["polar"]
    with pytest.raises(ArgumentTypeError, match="target: expected a Place; got int"):
        ProjectedGrid(source, 3)
    with pytest.raises(GpumaskError, match="source: expected a place with a shape; got None"):
        ProjectedGrid(dataclasses.replace(source, shape=None), target)
