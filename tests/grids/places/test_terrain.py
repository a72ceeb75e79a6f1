"""Models of sensors over terrain: every pixel lies where its height puts it."""

import struct
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from exhaustive import draws
from mesh_cases import coordinates
from sound_cases import GROUND, RPC, SHAPE, TARGET, by_gdal, of_parts, off, plain_with
from warp_cases import read, words_of, written

from gpumask import Place, ProjectedGrid, RationalPolynomials, Window, warp_file


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
