"""Every coordinate holds: grids of models that are not smooth, compared with the models at every pixel."""

import dataclasses
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from click.testing import CliRunner
from exhaustive import draws
from mesh_cases import between as between_places
from mesh_cases import coordinates, exactly, in_source
from rasterio.control import GroundControlPoint
from rasterio.transform import RPCTransformer
from rasterio.warp import transform
from sensor_cases import rational_polynomials, swath
from warp_cases import PAIRS, Pair, placed, read, words_of, written

from gpumask import ControlPoints, Geolocation, Place, ProjectedGrid, RationalPolynomials, Window, warp_file
from gpumask.cli import main

SHAPE = (200, 240)
ROUNDED = 2e-6  # pixels: nodes are rounded to 1e-6, and what is smooth in the ground is interpolated to 1e-6
RPC = rational_polynomials(0.25)  # 0.05 rows, and 0.0048 columns, for a metre


def by_gdal(target, rpc, **heights):
    """Return rows and columns in the source for each pixel of a target, by GDAL; NaN where there are none."""
    cols, rows = np.meshgrid(np.arange(target.shape[1]) + 0.5, np.arange(target.shape[0]) + 0.5)
    to_lon_lat = pyproj.Transformer.from_crs(target.crs, "OGC:CRS84", always_xy=True).transform
    lon_lat = to_lon_lat(*(target.transform @ (cols.ravel(), rows.ravel())))
    with rasterio.Env(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # of places without heights
        found = RPCTransformer(rpc, **heights).rowcol(*lon_lat, op=np.positive)
    found = np.reshape(found, (2, *target.shape)) - 0.5
    return np.where(np.isfinite(found).all(axis=0), found, np.nan)


def of_parts(grid):
    """Return the coordinates of all pixels of a ProjectedGrid."""
    found = np.full((2, *grid.full_shape), np.inf)
    for part, _ in grid.parts(Window.of_shape(grid.full_shape)):
        found[:, *part.slices] = coordinates(grid.read(part))
    return found


def off(found, exact, source_shape, max_error):
    """Count pixels in the source, by either, whose coordinates are further off than that."""
    nowhere = np.isnan(exact).any(axis=0)
    lost = np.isnan(found).any(axis=0)
    inside = in_source(exact, source_shape) | (in_source(found, source_shape) & ~lost)
    with np.errstate(invalid="ignore"):
        bad = np.where(nowhere | lost, nowhere != lost, np.hypot(*(found - exact)) > max_error + ROUNDED)
    return int((bad & inside).sum()), int(inside.sum())


def around(crs, size, shape, turned=0.0, middle=(15.12, 49.9)):
    """Return a place around a place on the ground; size: of a pixel, in metres."""
    (x,), (y,) = transform("OGC:CRS84", crs, [middle[0]], [middle[1]])
    size = size / 90_000 if rasterio.crs.CRS.from_user_input(crs).is_geographic else size
    turn = Affine.rotation(turned) @ Affine.scale(size, -size)
    return Place(crs, Affine.translation(x, y) @ turn @ Affine.translation(-shape[1] / 2, -shape[0] / 2), shape)


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


GROUND = placed("EPSG:4326", 14.99, 50.02, 0.0005, (500, 540))  # about 50 m
TARGET = placed("EPSG:32633", 501_000, 5_536_000, 20, (700, 800))


def plain_with(feature):
    """Return heights of a plain with one thing on it."""
    z = np.zeros(GROUND.shape, np.float32)
    rows, cols = {
        "hill": (slice(240, 260), slice(230, 250)), "wall": (slice(None), 241), "pit": (243, 231), "post": (250, 250),
        "island": (slice(240, 250), slice(230, 250)), "hole": (slice(240, 250), slice(230, 250)),
    }[feature]  # fmt: skip
    z[rows, cols] = {"pit": -60, "island": 30, "hole": -9999}.get(feature, 100)
    if feature == "island":
        z[z == 0] = -9999
    return z


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


def test_a_plain_beside_a_hill_stays_coarse(tmp_path):
    dem = written(tmp_path / "dem.tif", plain_with("hill")[None], GROUND)
    grid = ProjectedGrid(Place("OGC:CRS84", RationalPolynomials(RPC, dem=str(dem)), SHAPE), TARGET)
    parts = list(grid.parts(Window.of_shape(TARGET.shape)))
    exact = sum(part.rows * part.cols for part, step in parts if step == (1, 1))
    assert 0 < exact < 0.5 * 700 * 800 and max(step for _, step in parts) > (16, 16)


@pytest.mark.parametrize("seed", draws(3))
def test_windows_of_a_grid_over_terrain_have_the_pixels_of_the_whole(seed, tmp_path):
    z = plain_with("hill")
    z[300:320] = np.random.default_rng(seed).uniform(0, 900, (20, 540))
    z[100:400, 300] = 3000  # further up than heights are interpolated
    dem = written(tmp_path / "dem.tif", z[None], GROUND)
    grid = ProjectedGrid(Place("OGC:CRS84", RationalPolynomials(RPC, dem=str(dem)), SHAPE), TARGET)
    whole, rng = of_parts(grid), np.random.default_rng(seed)
    for _ in range(30):
        row, col = (int(rng.integers(0, n)) for n in TARGET.shape)
        window = Window(row, col, *rng.integers(1, 300, 2)).intersect(Window.of_shape(TARGET.shape))
        with ThreadPoolExecutor(2) as pool:  # which have no dataset yet
            for part, here in [(part, pool.submit(grid.read, part)) for part, _ in grid.parts(window)]:
                np.testing.assert_array_equal(coordinates(here.result()), whole[:, *part.slices])


def test_over_terrain_a_lazy_result_is_the_eager_one_and_that_of_files(tmp_path):
    dask_array, xarray = pytest.importorskip("dask.array"), pytest.importorskip("xarray")
    pytest.importorskip("gpumask.xarray")
    dem = written(tmp_path / "dem.tif", plain_with("hill")[None], GROUND)
    grid = ProjectedGrid(Place("OGC:CRS84", RationalPolynomials(RPC, dem=str(dem)), SHAPE), TARGET)
    image = np.random.default_rng(0).integers(0, 4000, SHAPE, dtype=np.uint16)
    eager = xarray.DataArray(image, dims=("y", "x")).gpumask.resample(grid, nodata_out=0)
    lazy = xarray.DataArray(dask_array.from_array(image, chunks=(90, 100)), dims=("y", "x"))
    lazy = lazy.gpumask.resample(grid, chunks=(300, 333), nodata_out=0).compute()
    np.testing.assert_array_equal(lazy, eager)
    np.testing.assert_array_equal(lazy.validity, eager.validity)
    path = with_polynomials(tmp_path / "source.tif", image)
    warp_file(path, tmp_path / "out.tif", dem=dem, **words_of(TARGET), tile_shape=(128, 384), nodata_out=0)
    np.testing.assert_array_equal(read(tmp_path / "out.tif")[0][0], np.where(eager.validity, eager, 0))


def with_polynomials(path, image):
    """Write an image with its polynomials."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it lies only when it is there
        written(path, image[None], Place(None, Affine.identity(), image.shape))
        with rasterio.open(path, "r+") as file:
            file.rpcs = RPC
    return path


def test_a_hill_is_where_it_is_in_a_file(tmp_path):
    dem = written(tmp_path / "dem.tif", plain_with("hill")[None], GROUND)
    path = with_polynomials(tmp_path / "source.tif", np.mgrid[:200, :240][0].astype(np.float32))
    warp_file(path, tmp_path / "out.tif", dem=dem, **words_of(TARGET), interp="linear", nodata_out=-1)
    found = read(tmp_path / "out.tif")[0][0]
    expected = by_gdal(TARGET, RPC, RPC_DEM=str(dem))[0]
    assert (found >= 0).sum() > 100_000 and abs(found - expected)[found >= 0].max() < 0.011


def test_heights_that_a_geoid_shifts_are_those_of_gdal(tmp_path):
    """They are not what is in the raster, so GDAL is asked for each pixel."""
    places = struct.pack(">4d2i", -90, -180, 1, 1, 181, 361)
    (tmp_path / "geoid.gtx").write_bytes(places + np.full((181, 361), 40, ">f4").tobytes())
    written(tmp_path / "dem.tif", plain_with("hill")[None], GROUND)
    geographic = pyproj.CRS("OGC:CRS84").to_wkt("WKT1_GDAL")
    vertical = f'VERT_DATUM["g",2005,EXTENSION["PROJ4_GRIDS","{tmp_path}/geoid.gtx"]],UNIT["metre",1],AXIS["Up",UP]'
    t = GROUND.transform
    (tmp_path / "dem.vrt").write_text(
        f"""<VRTDataset rasterXSize="540" rasterYSize="500">
        <SRS dataAxisToSRSAxisMapping="1,2">COMPD_CS["c",{geographic},VERT_CS["g",{vertical}]]</SRS>
        <GeoTransform>{t.c},{t.a},0,{t.f},0,{t.e}</GeoTransform><VRTRasterBand dataType="Float32" band="1">
        <SimpleSource><SourceFilename>{tmp_path}/dem.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>
        </VRTRasterBand></VRTDataset>"""
    )
    exact, level = (by_gdal(TARGET, RPC, RPC_DEM=str(tmp_path / name)) for name in ("dem.vrt", "dem.tif"))
    assert np.nanmedian(exact[0] - level[0]) > 1.9
    source = Place("OGC:CRS84", RationalPolynomials(RPC, dem=str(tmp_path / "dem.vrt")), SHAPE)
    bad, inside = off(of_parts(ProjectedGrid(source, TARGET)), exact, SHAPE, 0.01)
    assert bad == 0 and inside > 100_000


def test_heights_that_change_in_their_file_are_read_anew(tmp_path):
    def found():
        return of_parts(ProjectedGrid(Place("OGC:CRS84", RationalPolynomials(RPC, dem=str(dem)), SHAPE), TARGET))

    dem = written(tmp_path / "dem.tif", plain_with("hill")[None], GROUND)
    before = found()
    written(dem, plain_with("wall")[None], GROUND, compress="deflate")
    assert off(before, found(), SHAPE, 0.01)[0] > 1000
    assert off(found(), by_gdal(TARGET, RPC, RPC_DEM=str(dem)), SHAPE, 0.01)[0] == 0


@pytest.mark.parametrize("kind", ["bump", "hole"])
def test_what_a_few_samples_of_a_swath_say_is_seen(kind):
    row, col = np.mgrid[:160, :180].astype(float)
    x, y = 5e5 + 62 * col + 14 * row, 5_540_000 - 58 * row + 9 * col
    if kind == "bump":
        x[71:73, 83] += 25
    else:
        x[71:74, 83:86] = np.nan
    target = placed("EPSG:32633", 504_900, 5_537_900, 31, (130, 140))
    pair = Pair(Place("EPSG:32633", Geolocation(x, y), (160, 180)), target)
    exact = exactly(pair)
    for found in (of_parts(ProjectedGrid(*pair)), coordinates(between_places(pair))):
        bad, inside = off(found, exact, (160, 180), 0.01)
        assert bad == 0 and inside > 18_000


def test_a_point_that_bends_a_spline_is_seen():
    places = [(row, col) for row in np.linspace(0, 200, 5) for col in np.linspace(0, 240, 6)]
    places += [(row, col) for row in range(90, 104, 2) for col in range(121, 135, 2)]
    points = [
        GroundControlPoint(
            row + ((row, col) == (96, 127)),
            col,
            15.02 + 0.0009 * col + 0.0002 * row,
            49.98 - 0.0007 * row + 0.00015 * col,
        )
        for row, col in places
    ]
    target = around("EPSG:32633", 30.0, (600, 640), 0.0, (15.13, 49.93))
    pair = Pair(Place("EPSG:4326", ControlPoints(points, thin_plate=True), SHAPE), target)
    exact = exactly(pair)
    for max_error in (0.02, 0.1, 0.5):
        bad, inside = off(of_parts(ProjectedGrid(*pair, max_error)), exact, SHAPE, max_error)
        assert bad == 0 and inside > 200_000


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
