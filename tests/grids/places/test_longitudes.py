"""Every pixel lies where it says: on both sides of 180 degrees, and at the poles."""

import itertools
import math

import numpy as np
import pyproj
import pytest
from affine import Affine
from commands import write
from exhaustive import few_of
from longitude_cases import (
    CASES,
    COMBINATIONS,
    GRADS,
    SHAPE,
    WEB,
    a_case,
    a_target,
    bent,
    centres,
    from_pole,
    nearest_turn,
    suggested,
    targets,
    through,
    transform,
    wrap,
)
from mesh_cases import coordinates
from rasterio.control import GroundControlPoint
from sensor_cases import rational_polynomials
from warp_cases import placed, ramps, read, written

from gpumask import (
    ControlPoints,
    Geolocation,
    Grid,
    Place,
    ProjectedGrid,
    RationalPolynomials,
    resample,
    warp_file,
)
from gpumask.grids.places.projection import projection


@pytest.mark.parametrize("numbers", few_of(CASES, CASES[:1]))
@pytest.mark.parametrize(("crs", "kind"), COMBINATIONS)
def test_coordinates_are_those_worked_out_by_hand(crs, kind, numbers):
    """Within 0.01 pixels; between samples next to a pole within what a chord is off an arc."""
    for number in numbers:
        rng = np.random.default_rng([number, *map(ord, crs[:12] + kind)])
        case = a_case(rng, crs, kind)
        to = str(rng.choice(targets(case)))
        target = a_target(rng, case, to)
        with np.errstate(all="ignore"):
            expected = case.pixels(to, *centres(target))
            if bent(case):
                found = np.array(projection(case.place, target)(*np.ix_(*map(np.arange, target.shape))))
            elif number % 2:
                words = case.place.crs, case.place.transform, to, target.transform, target.shape
                found = coordinates(Grid.between(*words, source_shape=SHAPE))
            else:
                found = through(ProjectedGrid(case.place, target), target.shape)
        inside = ((expected >= -0.5) & (expected <= np.reshape(SHAPE, (2, 1, 1)) - 0.5)).all(axis=0)
        away = from_pole(case, *expected)
        most = 0.0101 + (0.8 / away if bent(case) else 0.0)
        inside &= (away > 4) | (not bent(case))
        assert inside.sum() > 20 and (abs(found - expected).max(axis=0) <= most)[inside].all(), (number, to)


def on_both_sides(lon, lat=50.0, turn=360.0, **words):
    """Return control points at the corners and the middles of an image, some on the other side of a longitude."""
    at = itertools.product((0, 15, 30), (0, 20, 40))
    points = [(row, col, lon + 0.01 * (col - 20), lat - 0.01 * row) for row, col in at]
    return ControlPoints([GroundControlPoint(r, c, wrap(x, turn), y) for r, c, x, y in points], **words)


@pytest.mark.parametrize("thin_plate", [False, True])
@pytest.mark.parametrize(("crs", "turn"), [("EPSG:4326", 360.0), (GRADS, 400.0)])
def test_control_points_on_both_sides_of_180_degrees_are_one_image(crs, turn, thin_plate):
    points = on_both_sides(turn / 2, turn=turn, thin_plate=thin_plate)
    for side in (-turn / 2, turn / 2):
        target = placed(crs, side - 0.1, 49.9, 0.01, (10, 20))
        grid = Grid.between(crs, points, crs, target.transform, target.shape, source_shape=SHAPE)
        row, col = coordinates(grid)
        np.testing.assert_allclose(row[:, 0], np.arange(10) + 10, atol=1e-5)
        np.testing.assert_allclose(col[0], np.arange(20) + 10, atol=1e-5)


def test_control_points_may_count_from_0_to_360_degrees():
    points = [
        GroundControlPoint(r, c, (0.01 * (c - 20)) % 360, 10 - 0.01 * r) for r in (0, 15, 30) for c in (0, 20, 40)
    ]
    target = placed("EPSG:4326", -0.2, 10, 0.01, SHAPE)
    grid = Grid.between("EPSG:4326", points, "EPSG:4326", target.transform, SHAPE, source_shape=SHAPE)
    np.testing.assert_allclose(coordinates(grid), ramps(SHAPE), atol=1e-5)


@pytest.mark.parametrize("cols", [2, 3, 5])
@pytest.mark.parametrize("edge", [180.0, 179.75])
def test_control_points_of_all_the_world_stay_as_they_are(cols, edge):
    """Although those at one side are next to those at the other."""
    points = [
        GroundControlPoint(row, col, -edge + 2 * edge * col / 40, 80 - 160 * row / 30)
        for row in np.linspace(0, 30, cols) for col in np.linspace(0, 40, cols)
    ]  # fmt: skip
    x, y = np.array([-120.0, 0.0, 120.0]), np.zeros(3)
    target = placed("EPSG:4326", -180, 80, 10, (16, 36))
    row, col = projection(Place("EPSG:4326", ControlPoints(points), SHAPE), target)((80 - y) / 10 - 0.5, (x + 175) / 10)
    np.testing.assert_allclose(col + 0.5, (x + edge) / (2 * edge) * 40, atol=1e-5)


def test_points_that_are_in_no_need_of_it_are_kept_to_the_bit():
    points = on_both_sides(100.0)
    assert points.unwrapped(360.0) == points


def swath_at(lon, lat=10.0, width=4.0, hole=False):
    """Return a swath whose longitudes begin anew at 180 degrees; and how they would go on."""
    row, col = np.mgrid[:60, :80].astype(float)
    x, y = lon + width * (col - 39.5) / 80 + 0.003 * row, lat - 0.02 * row + 0.002 * col
    if hole:
        x[20:30, 30:50] = x[:2] = np.nan
    return Place("OGC:CRS84", Geolocation(wrap(x), y), (60, 80)), x, y


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize("to", ["EPSG:4326", "EPSG:3857", "EPSG:32601"])
def test_a_swath_over_180_degrees_has_a_narrow_default_target(to, hole):
    swath, x, y = swath_at(180.0, hole=hole)
    target, (left, bottom, right, top) = suggested(swath, to)
    x, y = transform("EPSG:4326", to)(x, np.where(np.isnan(x), np.nan, y))
    x = nearest_turn(to, x, (left + right) / 2)
    size = target.transform.a
    for found, end, about in ((left, x.min, -1), (right, x.max, 1), (bottom, y.min, -1), (top, y.max, 1)):
        values = x if end in (x.min, x.max) else y
        extreme = np.nanmin(values) if about < 0 else np.nanmax(values)
        assert -0.5 * size < (found - extreme) * about < 3 * size
    row, col = ProjectedGrid(swath, target)._mesh.exact(*np.ix_(*map(np.arange, target.shape)))
    inside = (row > 31) & (row < 58) & (col > 1) & (col < 78)
    assert inside.sum() > 300
    at = transform(to, "EPSG:4326")(*centres(target))
    off = wrap(at[0] - (180 + 4 * (col - 39.5) / 80 + 0.003 * row))
    assert abs(off[inside]).max() < 1e-3


def test_a_swath_at_the_edges_of_a_target_of_all_the_world_has_no_gap():
    swath, _, _ = swath_at(180.0)
    target = placed("EPSG:4326", -180, 10.5, 0.05, (60, 7200))
    row, col = through(ProjectedGrid(swath, target), target.shape)
    lon, lat = centres(target)
    east = np.where(lon < 0, lon + 360, lon)
    q = 40 + (east - 180.0) / 0.05  # in columns, but for what rows add
    inside = (q > 6) & (q < 70) & (lat < 9.8) & (lat > 9.1)
    assert inside.sum() > 500 and np.isfinite(col[inside]).all()
    np.testing.assert_allclose((180 + 4 * (col - 39.5) / 80 + 0.003 * row)[inside], east[inside], atol=1e-3)


def test_a_web_map_source_over_180_degrees_is_whole():
    source = placed("EPSG:3857", WEB / 2 - 20_000, 1e6, 1000, SHAPE)
    for turns in (-1, 0, 1):
        target = placed("EPSG:4326", 179.85 + 360 * turns, 8.95, 0.01, (20, 30))
        row, col = through(ProjectedGrid(source, target), target.shape)
        x = np.radians(centres(target)[0] - 360 * turns) * 6378137
        np.testing.assert_allclose(col, (x - WEB / 2 + 20_000) / 1000 - 0.5, atol=0.0101)


@pytest.mark.parametrize("turns", [-3, 2, 5])
def test_targets_may_lie_any_number_of_turns_away(turns):
    source = placed("EPSG:32660", 8e5, 1_200_000, 100, SHAPE)
    target = placed("EPSG:4326", 179.74, 10.84, 0.001, (20, 30))
    far = Place(target.crs, Affine.translation(360.0 * turns, 0) @ target.transform, target.shape)
    found, expected = (through(ProjectedGrid(source, place), place.shape) for place in (far, target))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_bounds_may_cross_180_degrees_on_web_maps():
    place = placed("EPSG:32660", 8e5, 1_200_000, 100, (600, 620))
    bounds = (WEB / 2 - 30_000, 1.21e6, -WEB / 2 + 20_000, 1.25e6)
    target, found = suggested(place, "EPSG:3857", bounds=bounds, resolution=100)
    np.testing.assert_allclose(found, [WEB / 2 - 30_000, 1.21e6, WEB / 2 + 20_000, 1.25e6], atol=1e-6)
    assert target.shape == (400, 500)


@pytest.mark.parametrize(("off", "west"), [(179.9, -182.0), (-179.9, 178.0), (179.9, 178.0), (540.1, -180.5)])
def test_heights_may_lie_on_another_turn_than_the_polynomials_that_need_them(off, west, tmp_path):
    rpc = rational_polynomials(0.1)
    rpc.long_off = off
    ground = placed("EPSG:4326", west, 50.2, 0.01, (60, 400))
    dem = written(tmp_path / "dem.tif", np.full((1, *ground.shape), 350, np.float32), ground)
    there = placed("EPSG:3857", math.radians(wrap(off) - 0.1) * 6378137, 6.43e6, 200, (80, 100))
    found, level = (
        through(ProjectedGrid(Place(None, RationalPolynomials(rpc, **of), (200, 240)), there), there.shape)
        for of in ({"dem": str(dem)}, {"height": 350.0})
    )
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, level, atol=0.02)
    assert np.ptp(suggested(Place(None, RationalPolynomials(rpc, dem=str(dem)), (200, 240)), "EPSG:4326")[1][::2]) < 0.4


@pytest.mark.parametrize("kind", ["gcps", "array"])
def test_files_and_arrays_over_180_degrees_have_the_right_values(kind, tmp_path):
    """An image of its own columns, to the web, without a word about where."""
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("rioxarray")
    import gpumask.xarray  # noqa: F401

    image = ramps(SHAPE)
    if kind == "gcps":
        points = [GroundControlPoint(p[0], p[1], p[2], p[3]) for p in on_both_sides(180.0).points]
        path = write(tmp_path / "source.tif", image, gcps=points, crs="EPSG:4326")
        warp_file(path, tmp_path / "out.tif", crs="EPSG:3857", interp="linear", nodata_out=np.nan)
        found, profile = read(tmp_path / "out.tif")
        x = profile["transform"].c + profile["transform"].a * (np.arange(profile["width"]) + 0.5)
    else:
        array = xarray.DataArray(
            image, dims=("band", "y", "x"),
            coords={"y": 50 - 0.01 * (np.arange(30) + 0.5), "x": 179.8 + 0.01 * (np.arange(40) + 0.5)},
        ).rio.write_crs("EPSG:4326")  # fmt: skip
        made = array.gpumask.reproject("EPSG:3857", interp="linear")
        found, x = made.where(made.validity == 1).values, made.x.values
    expected = (np.degrees(x / 6378137) - 179.8) / 0.01 - 0.5
    assert x[0] < WEB / 2 < x[-1] and len(x) < 60
    inside = (expected > 0) & (expected < 39)
    assert (abs(found[1] - expected) < 0.011)[5:20, inside].all()


@pytest.mark.parametrize("crs", ["EPSG:3035", "ESRI:54009", "+proj=aeqd +lat_0=40 +lon_0=10"])
@pytest.mark.parametrize("step", [10.0, 5.0, 2.0])
def test_a_cell_that_a_projection_tears_holds_nothing(crs, step):
    """Such as one with the place opposite the middle of a map, or one at its edge."""
    lon, lat = np.meshgrid(np.arange(100, 261, step), np.arange(60, -61, -step))
    swath, at = Geolocation((lon + 180) % 360 - 180, lat), Affine(4e5, 0, -18e6, 0, -4e5, 9e6)
    for max_error in (0, 0.01):
        grid = Grid.between("OGC:CRS84", swath, crs, at, (45, 90), max_error=max_error, source_shape=lon.shape)
        (found_lon, found_lat), valid = resample(np.stack([lon, lat]), grid, "linear", backend="numpy")
        found = (values[:45, :90] for values in (found_lon, found_lat))
        x, y = np.meshgrid(at.c + at.a * (np.arange(90) + 0.5), at.f + at.e * (np.arange(45) + 0.5))
        truth = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform(x, y)
        with np.errstate(invalid="ignore"):
            off = [~(abs((a - b + 180) % 360 - 180) <= step) for a, b in zip(found, truth, strict=True)]
        assert not ((off[0] | off[1]) & (valid[:45, :90] != 0)).any()
        assert valid.any()
