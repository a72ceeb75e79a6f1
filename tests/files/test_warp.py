"""From one coordinate reference system to another: as GDAL does it, where no mask is near."""

import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine
from checkout import SHARED
from rasterio.vrt import WarpedVRT
from rasterio.warp import calculate_default_transform
from warp_cases import PAIRS, POLE, Pair, by_gdal, placed, ramps, read, words_of, written

import gpumask
from gpumask import GpumaskError, Grid, Place, ProjectedGrid, Window, resample, warp_file
from gpumask.errors import ArgumentTypeError
from gpumask.files.warp import target_place

LANDSAT8 = SHARED / "data" / "landsat8"


def warped(image, pair, **options):
    """Resample through a projected grid, part by part."""
    grid, shape = ProjectedGrid(*pair, options.pop("max_error", 0.01)), pair.target.shape
    found = np.full((len(image), *shape), np.nan)
    valid = np.zeros(shape, bool)
    for part, _ in grid.parts(Window.of_shape(shape)):
        of_part = resample(image, grid.read(part), nodata_out=np.nan, dtype="float64", **options)
        found[:, *part.slices], valid[part.slices] = of_part
    return found, valid


@pytest.mark.parametrize("name", PAIRS)
def test_pixels_lie_where_gdal_has_them(name):
    """Cubic interpolation of an image of its own coordinates gives the coordinates."""
    pair = PAIRS[name]
    image = ramps(pair.source.shape)
    found, valid = warped(image, pair)
    expected = by_gdal(image, pair)
    assert valid.mean() > 0.4 and not np.isnan(expected[:, valid]).any()
    assert abs(found - expected)[:, valid].max() < 0.01


@pytest.mark.skipif(not LANDSAT8.exists(), reason="no Landsat images here")
@pytest.mark.parametrize("name", PAIRS)
def test_a_real_image_has_the_values_of_gdal(name):
    with rasterio.open(LANDSAT8 / "B4.tif") as file:
        image, place = file.read(), Place(file.crs, file.transform, file.shape)
    pair = PAIRS[name]
    if name == "to longitudes and latitudes":  # where it really lies
        pair = Pair(place, denser(suggested(place, "EPSG:4326")))
    rows, cols = pair.source.shape
    image = image[:, :rows, :cols]
    pair = pair._replace(source=Place(pair.source.crs, pair.source.transform, image.shape[1:]))
    found, valid = warped(image, pair, max_error=1e-5)
    expected = by_gdal(image, pair)
    assert valid.mean() > 0.2
    assert abs(found - expected)[:, valid].max() < 0.5


def denser(place):
    """Return a place with smaller pixels, lest GDAL widens its kernel."""
    rows, cols = place.shape
    return Place(place.crs, place.transform @ Affine.scale(0.85), (round(rows / 0.85), round(cols / 0.85)))


def suggested(place, crs):
    """Return where GDAL would bring a place in another CRS."""
    t, (rows, cols) = place.transform, place.shape
    bounds = t.c, t.f + rows * t.e, t.c + cols * t.a, t.f
    affine, cols, rows = calculate_default_transform(place.crs, crs, *place.shape[::-1], *bounds)
    return Place(crs, affine, (rows, cols))


@pytest.fixture
def scene(tmp_path):
    """An image at a place, with nodata in it."""
    pair = PAIRS["over the antimeridian"]
    image = np.random.default_rng(0).integers(1, 4000, (2, *pair.source.shape), dtype=np.uint16)
    image[:, 100:103, 200:260] = 0
    return pair, image, written(tmp_path / "source.tif", image, pair.source, nodata=0, tiled=True)


def test_a_file_is_resampled_through_the_grid_between(scene, tmp_path):
    pair, image, path = scene
    done = warp_file(path, tmp_path / "out.tif", **words_of(pair.target))
    found, profile = read(tmp_path / "out.tif")
    expected, valid = warped(image, pair, source_valid=image[0] != 0)
    assert profile["crs"] == pair.target.crs and profile["transform"].almost_equals(pair.target.transform, 1e-9)
    assert found.shape == expected.shape and profile["nodata"] == 0 and done.valid == valid.sum() > 0
    np.testing.assert_array_equal(found[:, valid], np.clip(np.round(expected[:, valid]), 0, 65535))
    assert not found[:, ~valid].any()


@pytest.mark.parametrize("tile_shape", [(64, 64), (100, 333), (1000, 1000)])
def test_tiles_change_nothing_even_around_a_pole(tile_shape, tmp_path):
    image = np.random.default_rng(0).integers(2000, 3000, (1, *POLE.source.shape), dtype=np.uint16)
    path = written(tmp_path / "source.tif", image, POLE.source)
    warp_file(path, tmp_path / "tiles.tif", **words_of(POLE.target), tile_shape=tile_shape, nodata_out=0)
    expected, valid = warped(image, POLE)
    found, _ = read(tmp_path / "tiles.tif")
    np.testing.assert_array_equal(found[0] != 0, valid)
    np.testing.assert_array_equal(found[0][valid], np.clip(np.round(expected[0][valid]), 0, 65535))


def test_like_is_another_raster(scene, tmp_path):
    pair, _, path = scene
    like = written(tmp_path / "like.tif", np.zeros((1, *pair.target.shape), np.uint8), pair.target)
    warp_file(path, tmp_path / "like_it.tif", like=like)
    warp_file(path, tmp_path / "by_words.tif", **words_of(pair.target))
    (found, profile), (expected, _) = read(tmp_path / "like_it.tif"), read(tmp_path / "by_words.tif")
    np.testing.assert_array_equal(found, expected)
    assert profile["transform"] == pair.target.transform


def test_a_grid_for_a_source_of_another_size_is_refused(scene, tmp_path):
    """Beyond the source that it was made for it may be off."""
    (source, target), _, path = scene
    grid = ProjectedGrid(Place(source.crs, source.transform, (100, 620)), target)
    with pytest.raises(
        GpumaskError, match="source: expected 100 x 620 pixels, as the grid's source has; got 600 x 620"
    ):
        gpumask.resample_file(path, grid, tmp_path / "out.tif")


def test_no_raster_that_is_read_is_written_over(scene, tmp_path):
    pair, _, path = scene
    like = written(tmp_path / "like.tif", np.zeros((1, *pair.target.shape), np.uint8), pair.target)
    for words in ({"output": like}, {"output": tmp_path / "out.tif", "validity": like}):
        with pytest.raises(GpumaskError, match="expected a file that is no input; got .*like.tif, which like reads"):
            warp_file(path, **words, like=like, overwrite=True)
    assert not read(like)[0].any()


def test_without_words_it_covers_what_gdal_suggests(tmp_path):
    pair = PAIRS["to the next zone"]
    path = written(tmp_path / "source.tif", np.ones((1, *pair.source.shape), np.uint8), pair.source)
    done = warp_file(path, tmp_path / "out.tif", crs="EPSG:32617", interp="nearest", nodata_out=0)
    _, profile = read(tmp_path / "out.tif")
    wanted = suggested(pair.source, "EPSG:32617")
    assert profile["transform"] == wanted.transform and (profile["height"], profile["width"]) == wanted.shape
    assert done.valid / done.pixels > 0.85


def turned(number):
    """Return a place that is turned, sheared, flipped or stands on its head."""
    rng = np.random.default_rng(number)
    crs, x, y = [("EPSG:32633", 5e5, 5.2e6), ("EPSG:3035", 4.3e6, 3.2e6), ("EPSG:4326", 14.0, 47.0)][number % 3]
    size = 8e-5 if crs == "EPSG:4326" else 7.5
    signs = [(1, -1), (1, 1), (-1, -1), (-1, 1)][number // 3 % 4]
    affine = Affine.translation(x, y) @ Affine.rotation(rng.uniform(0, 360)) @ Affine.shear(*rng.uniform(-20, 20, 2))
    if number % 5 == 0:
        affine = Affine.translation(x, y)
    affine = affine @ Affine.scale(size * signs[0], size * 0.93 * signs[1])
    return Place(crs, affine, tuple(map(int, rng.integers(20, 3000, 2))))


def test_places_however_turned_come_to_lie_where_gdal_brings_them(tmp_path):
    """As a WarpedVRT of a raster on disk has it; but what is mirrored in its own CRS is not left so."""
    for number in range(60):
        place = turned(number)
        crs = ["EPSG:32632", "EPSG:4326", "EPSG:3857", "EPSG:3035", place.crs][number // 2 % 5]
        found, path = target_place(place, crs, None, None, None), tmp_path / f"{number}.tif"
        shape = dict(zip(("height", "width"), place.shape, strict=True))
        with rasterio.open(
            path,
            "w",
            "GTiff",
            count=1,
            dtype="uint8",
            crs=place.crs,
            transform=place.transform,
            sparse_ok=True,
            **shape,
        ):
            pass
        with rasterio.open(path) as file, WarpedVRT(file, crs=crs) as there:
            if crs == place.crs and not place.transform.b and place.transform.a < 0:
                assert found.shape == there.shape and found.transform.a == -there.transform.a
                continue
            assert found.shape == there.shape and found.transform.almost_equals(there.transform, 1e-9), number


def test_any_function_will_do_where_bounds_are_given():
    place = Place("EPSG:32633", lambda x, y: ((5e6 - y) / 10, (x - 5e5) / 20), (100, 120))
    found = target_place(place, "EPSG:32633", None, None, (5e5, 4_999_000, 502_400, 5e6))
    assert found.shape == (67, 160)  # of 15 m: the mean of both sides


def test_bounds_may_cross_the_antimeridian(scene, tmp_path):
    pair, _, path = scene
    words = words_of(pair.target)
    left, bottom, right, top = words["bounds"]
    assert left < 180 < right
    warp_file(path, tmp_path / "one.tif", **words)
    warp_file(path, tmp_path / "other.tif", **words | {"bounds": (left, bottom, right - 360, top)})
    np.testing.assert_array_equal(read(tmp_path / "one.tif")[0], read(tmp_path / "other.tif")[0])


def test_it_goes_on_from_finished_tiles(scene, tmp_path):
    pair, _, path = scene
    words, calls = words_of(pair.target) | {"tile_shape": (128, 128), "resume": True}, []

    def stop(done, total):
        calls.append(done)
        if len(calls) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warp_file(path, tmp_path / "out.tif", **words, progress=stop)
    assert not (tmp_path / "out.tif").exists()
    again = []
    warp_file(path, tmp_path / "out.tif", **words, progress=lambda done, total: again.append(done))
    warp_file(path, tmp_path / "whole.tif", **words_of(pair.target))
    np.testing.assert_array_equal(read(tmp_path / "out.tif")[0], read(tmp_path / "whole.tif")[0])
    assert len(again) < done_tiles(pair.target.shape)


def done_tiles(shape):
    """Return how many tiles of 128 x 128 there are."""
    return -(-shape[0] // 128) * -(-shape[1] // 128)


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ({}, GpumaskError, "crs: expected a CRS, or a raster as like; got None"),
        ({"crs": "EPSG:4326", "like": "source"}, GpumaskError, "like: expected instead of crs, resolution and bounds"),
        ({"crs": "hello"}, GpumaskError, "crs: expected a CRS, such as EPSG:32633; got 'hello'"),
        ({"crs": "EPSG:5773"}, GpumaskError, "crs: expected a CRS of a map.*got EGM96"),
        (
            {"crs": "EPSG:4978"},
            GpumaskError,
            "crs: expected a CRS of a map.*got WGS 84",
        ),
        ({"crs": "EPSG:4326", "resolution": 0}, GpumaskError, "resolution: expected numbers above 0; got 0"),
        ({"crs": "EPSG:4326", "resolution": "a"}, ArgumentTypeError, "resolution: expected a number, or"),
        (
            {"crs": "+proj=gnom +lat_0=-12 +lon_0=-6"},
            GpumaskError,
            "crs: expected a CRS in which GDAL can place the source; got T",
        ),
        ({"crs": "EPSG:4326", "resolution": 1e-15}, GpumaskError, "resolution: expected up to 2147483640 rows and col"),
        (
            {"crs": "EPSG:4326", "model": Place("EPSG:4326", Affine(1, 0, 0, 0, -1, 0)), "height": 5},
            GpumaskError,
            "with a Pl",
        ),
        ({"crs": "EPSG:4326", "bounds": (1, 2)}, ArgumentTypeError, "bounds: expected .left, bottom, right, top."),
        ({"crs": "EPSG:32601", "bounds": (2, 2, 1, 3)}, GpumaskError, "bounds: expected left below right"),
        ({"crs": "EPSG:4326", "max_error": -1}, GpumaskError, "max_error: expected a number of pixels from 0 on"),
        ({"crs": "EPSG:4326", "model": "rpcs"}, GpumaskError, "source: expected rpcs in .*source.tif"),
        ({"crs": "EPSG:4326", "model": "best"}, GpumaskError, "model: expected auto, transform, gcps, rpcs"),
        ({"crs": "EPSG:4326", "height": 5}, GpumaskError, "height, dem: expected along with RPCs"),
        ({"crs": "EPSG:4326", "height": 0.0}, GpumaskError, "height, dem: expected along with RPCs"),
        ({"crs": "EPSG:4326", "grid_bands": (2, 1)}, GpumaskError, "grid: expected a file along with arguments about"),
    ],
)
def test_what_can_not_be_right_is_refused(words, error, says, scene, tmp_path):
    words = {key: scene[2] if value == "source" else value for key, value in words.items()}
    with pytest.raises(error, match=says):
        warp_file(scene[2], tmp_path / "out.tif", **words)
    assert not (tmp_path / "out.tif").exists()


def test_a_source_that_does_not_say_where_it_lies_is_refused(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", count=1, height=4, width=4, dtype="uint8") as file:
            file.write(np.ones((1, 4, 4), np.uint8))
        with pytest.raises(GpumaskError, match="source: expected a CRS and a transform, ground control points or RPCs"):
            warp_file(tmp_path / "a.tif", tmp_path / "b.tif", crs="EPSG:4326")


def test_a_displacement_grid_says_how_far_off_the_source_is(tmp_path):
    """As OTB's deformation grids: columns first, from the output pixel's own place."""
    rng = np.random.default_rng(0)
    place = placed("EPSG:32633", 5e5, 5e6, 10, (90, 100))
    image = rng.integers(0, 4000, (1, *place.shape), dtype=np.uint16)
    off = rng.uniform(-3, 3, (2, 10, 11))
    source = written(tmp_path / "source.tif", image, place)
    grid = written(
        tmp_path / "grid.tif", off[::-1].copy(), Place(place.crs, place.transform @ Affine.scale(8), (10, 11))
    )
    words = {"resolution": (8, 8), "grid_kind": "displacement", "grid_bands": (2, 1), "nodata_out": 0}
    for tile_shape in (None, (17, 23)):
        gpumask.resample_file(source, grid, tmp_path / "out.tif", **words, tile_shape=tile_shape, overwrite=True)
        y, x = np.mgrid[0:10, 0:11] * 8.0
        expected = resample(image, Grid(y + off[0], x + off[1], (8, 8)))
        np.testing.assert_array_equal(read(tmp_path / "out.tif")[0], expected.image)
    np.testing.assert_array_equal(Grid(*off, (8, 8)).displaced().row, y + off[0])
