"""Geolocation arrays: the way from a place to the sample of a swath."""

import numpy as np
from mesh_cases import coordinates
from sensor_cases import SHAPE, TARGET, between, swath
from warp_cases import placed

from gpumask import Geolocation, Grid, Place, ProjectedGrid, resample


def test_geolocation_arrays_find_the_way_back():
    x, y = swath()
    lies = Place("EPSG:32633", Geolocation(x, y), SHAPE)
    grid = between(lies.crs, lies.transform, max_error=1e-3)
    found, valid = resample(np.stack([x, y]), grid, "linear", nodata_out=np.nan)
    t = TARGET.transform
    there = t.f + t.e * (np.arange(330) + 0.5)[:, None], t.c + t.a * (np.arange(360) + 0.5)
    off = np.stack([found[0] - there[1], found[1] - there[0]])[:, valid != 0]
    assert valid.mean() > 0.3 and abs(off).max() < 1e-3 * 62 * 2
    assert grid.resolution[0] >= 2


def test_coarse_geolocation_arrays_are_bilinear_between_samples():
    x, y = swath(21, 25, 10)
    coarse = between("EPSG:32633", Geolocation(x, y, step=(10, 10)), max_error=0.3, source_shape=(201, 241))
    fine = between("EPSG:32633", Geolocation(*swath()), max_error=0.01)
    at = coordinates(coarse), coordinates(fine)
    inside = np.isfinite(at[0]).all(0) & (at[1][0] > 1) & (at[1][0] < 198) & (at[1][1] > 1) & (at[1][1] < 238)
    assert inside.mean() > 0.3 and abs(at[0] - at[1])[:, inside].max() < 0.4


def test_samples_tell_one_swath_from_another():
    """So that a run does not go on from the tiles of another one."""
    x, y = swath()
    bent = x.copy()
    bent[100, 100] += 30
    one, same, other = (
        ProjectedGrid(Place("EPSG:32633", Geolocation(of, y), SHAPE), TARGET, 1.0).identity
        for of in (x, x.copy(), bent)
    )
    assert one == same != other


def test_a_swath_over_the_antimeridian_is_whole():
    row, col = np.mgrid[:60, :80].astype(float)
    lon, lat = 179.2 + 0.02 * col + 0.003 * row, 10 - 0.02 * row + 0.002 * col
    lon = (lon + 180) % 360 - 180
    target = placed("EPSG:4326", 179.4, 9.9, 0.02, (40, 60))
    grid = Grid.between(
        "EPSG:4326", Geolocation(lon, lat), target.crs, target.transform, target.shape, 0.01, source_shape=(60, 80)
    )
    valid = resample(np.ones((60, 80)), grid, "linear").validity
    assert valid.all()
    west = placed("EPSG:4326", -180.0, 9.9, 0.02, (50, 50))
    grid = Grid.between(
        "EPSG:4326", Geolocation(lon, lat), west.crs, west.transform, west.shape, 0.01, source_shape=(60, 80)
    )
    assert resample(np.ones((60, 80)), grid, "linear").validity.mean() > 0.6


def test_a_swath_that_the_edge_of_a_projection_tears_is_right_on_both_sides():
    row, col = np.mgrid[:60, :80].astype(float)
    lon, lat = 179.2 + 0.02 * col, 10 - 0.02 * row
    model = Geolocation((lon + 180) % 360 - 180, lat)
    for left, side in ((19_900_000, 1), (-20_037_508, -1)):
        target = placed("EPSG:3857", left, 1_110_000, 2000, (60, 68))
        grid = Grid.between("EPSG:4326", model, target.crs, target.transform, target.shape, 0.01, source_shape=(60, 80))
        found, valid = resample(np.stack([row, col]), grid, "linear")
        x = np.broadcast_to(left + 2000 * (np.arange(68) + 0.5), (60, 68))
        at = x / 20_037_508.342789244 * 180
        expected = ((at if side > 0 else at + 360) - 179.2) / 0.02
        assert valid.mean() > 0.6 and abs(found[1] - expected)[valid != 0].max() < 0.01


def test_places_off_the_swath_have_no_coordinates():
    x, y = swath()
    far = placed("EPSG:32633", 6e5, 5_600_000, 60, (100, 100))
    grid = Grid.between("EPSG:32633", Geolocation(x, y), far.crs, far.transform, far.shape, 0.01, source_shape=SHAPE)
    assert not resample(np.ones(SHAPE), grid, "nearest").validity.any()
