"""Every coordinate holds: grids of models that are not smooth, compared with the models at every pixel."""

import dataclasses

import numpy as np
import pytest
from click.testing import CliRunner
from exhaustive import draws
from mesh_cases import between as between_places
from mesh_cases import coordinates, exactly
from rasterio.control import GroundControlPoint
from sensor_cases import swath
from sound_cases import GROUND, RPC, SHAPE, TARGET, around, by_gdal, of_parts, off, plain_with
from warp_cases import PAIRS, Pair, placed, read, words_of, written

from gpumask import ControlPoints, Geolocation, Place, ProjectedGrid, RationalPolynomials, warp_file
from gpumask.cli import main


def terrain(rng, shape, dtype):
    """Return heights that are level but for hills, pits, walls, islands or noise; and their nodata value."""
    z, nodata = np.full(shape, float(rng.choice([0, 250]))), None
    kinds = rng.choice(["hill", "pit", "wall", "island", "noise", "slope", "hole"], rng.integers(1, 3), replace=False)
    for kind in kinds:
        row, col = (int(rng.integers(0, n)) for n in shape)
        high = float(rng.choice([1, 30, 100, 700, 3000], p=[0.2, 0.3, 0.3, 0.15, 0.05]))
        rows, cols = (
            slice(at, at + int(rng.integers(1, max(n // 4, 2)))) for at, n in zip((row, col), shape, strict=True)
        )
        if kind == "hill":
            z[rows, cols] += high
        elif kind == "pit":
            z[row, col] -= min(high, 700)
        elif kind == "wall":
            z[(slice(None), col) if rng.integers(2) else (row, slice(None))] += high
        elif kind == "noise":
            z[rows, cols] += rng.uniform(0, high, z[rows, cols].shape)
        elif kind == "slope":
            z += high * 0.2 * np.arange(shape[1]) / shape[1]
        else:
            nodata = -9999.0
            here = np.zeros(shape, bool)
            here[rows, cols] = True
            z[here == (kind == "hole")] = nodata
    return z.astype(dtype), nodata


def terrain_case(seed, folder):
    """Return a target, a file of heights and the error that is allowed, drawn by a seed."""
    rng = np.random.default_rng(seed)
    middle = 15.12 + rng.uniform(-0.05, 0.05), 49.9 + rng.uniform(-0.05, 0.05)
    shape = tuple(rng.integers(40, 300 if seed % 5 == 0 else 120, 2).tolist())
    size, turned = float(rng.choice([20, 60, 150])), float(rng.choice([0, 0, 30]))
    crs = str(rng.choice(["EPSG:32633", "EPSG:4326", "EPSG:3035", "EPSG:3857"]))
    target = around(crs, size, shape, turned, middle)
    finer = float(rng.choice([0.3, 1, 2.7, 10, 40]))
    covered = rng.choice([0.7, 2.0], p=[0.2, 0.8])  # of the target
    extent = tuple(max(int(n * covered / finer) + 3, 3) for n in shape)
    crs = str(rng.choice(["EPSG:4326", "EPSG:32633", "EPSG:3035", "EPSG:32632"]))
    ground = around(crs, size * finer, extent, float(rng.choice([0, 0, 20])), middle)
    z, nodata = terrain(rng, extent, rng.choice(["float32", "int16", "float64"]))
    path = folder / f"{seed}.tif"
    written(path, z[None], ground, **({} if nodata is None else {"nodata": nodata}))
    return target, path, float(rng.choice([0.001, 0.01, 0.1, 0.5, 2.0, 0.0]))


@pytest.mark.parametrize("group", draws(10))
def test_with_random_terrain_each_pixel_lies_where_gdal_has_it(group, tmp_path):
    seen = 0
    for seed in range(32 * group, 32 * (group + 1)):
        target, dem, max_error = terrain_case(seed, tmp_path)
        exact = by_gdal(target, RPC, RPC_DEM=str(dem))
        source = Place(None, RationalPolynomials(RPC, dem=str(dem)), SHAPE)
        found = (
            of_parts(ProjectedGrid(dataclasses.replace(source, crs="OGC:CRS84"), target, max_error))
            if seed % 2
            else coordinates(between_places(Pair(source, target), max_error=max_error))
        )
        bad, inside = off(found, exact, SHAPE, max_error)
        assert bad == 0, f"seed {seed}: {bad} of {inside} pixels are off"
        seen += inside
    assert seen > 30_000


def swath_case(seed):
    """Return a source of samples with bumps and holes, a target and the error that is allowed, drawn by a seed."""
    rng = np.random.default_rng(seed)
    apart = int(rng.choice([1, 2, 5, 20]))
    shape = tuple(rng.integers(60, 160, 2).tolist())
    counts = [-(-n // apart) + 1 for n in shape]
    x, y = swath(*counts, apart)
    if rng.integers(2):  # straight, so that only bumps bend it
        row, col = np.mgrid[: counts[0], : counts[1]] * float(apart)
        x, y = 5e5 + 2000 + 62 * col + 14 * row, 5_540_000 - 1500 - 58 * row + 9 * col
    for _ in range(rng.integers(1, 4)):
        i, j = (int(rng.integers(0, n)) for n in counts)
        size = int(rng.integers(1, 4))
        for axis in (x, y):
            axis[i : i + size, j : j + size] += rng.uniform(-0.3, 0.3) * 60 * apart
    if rng.integers(3) == 0:
        i, j = (int(rng.integers(0, n)) for n in counts)
        x[i : i + 3, j : j + 4] = np.nan
    size = float(rng.choice([20, 60, 150]))
    target = placed("EPSG:32633", 5e5 + rng.uniform(0, 4000), 5_540_000 - rng.uniform(0, 2000), size, (70, 90))
    source = Place("EPSG:32633", Geolocation(x, y, step=(apart, apart)), shape)
    return Pair(source, target), float(rng.choice([0.001, 0.01, 0.1, 0.5]))


def spline_case(seed):
    """Return a spline through points that are off at random, a target and the error that is allowed."""
    rng = np.random.default_rng(seed)
    points = []
    for row in np.linspace(0, SHAPE[0], int(rng.integers(3, 9))):
        for col in np.linspace(0, SHAPE[1], int(rng.integers(3, 9))):
            bump = rng.normal(0, float(rng.choice([0.3, 3])), 2) * (rng.random() < 0.3)
            x, y = 15.02 + 0.0009 * col + 0.0002 * row, 49.98 - 0.0007 * row + 0.00015 * col
            points.append(GroundControlPoint(row + bump[0], col + bump[1], x, y))
    crs, size = str(rng.choice(["EPSG:32633", "EPSG:3857"])), float(rng.choice([40, 100]))
    target = around(crs, size, tuple(rng.integers(100, 260, 2).tolist()), 0.0, (15.12, 49.91))
    source = Place("EPSG:4326", ControlPoints(points, thin_plate=True), SHAPE)
    return Pair(source, target), float(rng.choice([0.001, 0.01, 0.1, 0.5]))


@pytest.mark.parametrize(("case", "count"), [(swath_case, 8), (spline_case, 20)])
@pytest.mark.parametrize("group", draws(4))
def test_with_random_bumps_each_pixel_lies_where_the_model_has_it(case, count, group):
    seen = 0
    for seed in range(count * group, count * (group + 1)):
        pair, max_error = case(seed)
        bad, inside = off(of_parts(ProjectedGrid(*pair, max_error)), exactly(pair), pair.source.shape, max_error)
        assert bad == 0, f"seed {seed}: {bad} of {inside} pixels are off"
        seen += inside
    assert seen > 10_000


@pytest.mark.parametrize("uniform", [True, False])
@pytest.mark.parametrize("max_error", [0.01, 0.5])
@pytest.mark.parametrize("feature", ["hill", "wall", "pit", "post", "island", "hole"])
def test_what_stands_on_a_plain_is_seen(feature, max_error, uniform, tmp_path):
    dem = str(written(tmp_path / "dem.tif", plain_with(feature)[None], GROUND, nodata=-9999))
    exact = by_gdal(TARGET, RPC, RPC_DEM=dem)
    source = Place("OGC:CRS84", RationalPolynomials(RPC, dem=dem), SHAPE)
    if uniform:
        found = coordinates(between_places(Pair(source, TARGET), max_error=max_error))
    else:
        found = of_parts(ProjectedGrid(source, TARGET, max_error))
    bad, inside = off(found, exact, SHAPE, max_error)
    assert bad == 0 and inside > (100 if feature == "island" else 30_000)


def stairs(x, y):
    """Return (row, col) that jump from step to step, which no few places show."""
    return (5_540_000 - y) // 700 * 9, (x - 5e5) // 800 * 11


def test_with_no_error_allowed_there_is_a_node_for_each_pixel(tmp_path):
    target = placed("EPSG:32633", 5e5, 5_540_000, 60, (100, 130))
    pair = Pair(Place("EPSG:32633", stairs, (90, 110)), target)
    exact = exactly(pair)
    grid = ProjectedGrid(*pair, 0)
    assert grid.node_count == 100 * 130
    for found in (of_parts(grid), coordinates(between_places(pair, max_error=0))):
        bad, inside = off(found, exact, (90, 110), 0)
        assert bad == 0 and inside > 5000
    alike = PAIRS["polar"]
    grid = between_places(alike, max_error=0.0)
    assert grid.resolution == (1, 1)
    assert off(coordinates(grid), exactly(alike), alike.source.shape, 0)[0] == 0
    source = written(tmp_path / "source.tif", np.ones((1, 600, 620), np.uint8), alike.source)
    warp_file(source, tmp_path / "exact.tif", max_error=0, **words_of(alike.target))
    words = [f"{option}" for option in ("warp", source, tmp_path / "cli.tif", "--like", tmp_path / "exact.tif")]
    assert CliRunner().invoke(main, [*words, "--max-error", "0"], catch_exceptions=False).exit_code == 0
    np.testing.assert_array_equal(read(tmp_path / "cli.tif")[0], read(tmp_path / "exact.tif")[0])


def test_arrays_too_may_have_a_node_for_each_pixel():
    xarray, pytest_rio = pytest.importorskip("xarray"), pytest.importorskip("rioxarray")
    pytest.importorskip("gpumask.xarray")
    assert pytest_rio
    y, x = 5_540_000 - 60 * (np.arange(50) + 0.5), 5e5 + 60 * (np.arange(60) + 0.5)
    array = xarray.DataArray(np.random.default_rng(0).random((50, 60)), dims=("y", "x"), coords={"y": y, "x": x})
    found = array.rio.write_crs("EPSG:32633").gpumask.reproject("EPSG:3035", max_error=0)
    assert found.validity.mean() > 0.3
