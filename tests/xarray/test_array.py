"""DataArrays: eager and lazy to the bit."""

import pickle

import numpy as np
import pytest
from affine import Affine
from array_cases import image_at, same, small
from warp_cases import PAIRS, POLE, Pair, placed, words_of

from gpumask import (
    GpumaskError,
    Grid,
    Place,
    ProjectedGrid,
    Window,
    resample,
)
from gpumask.pixels.interpolators import INTERPOLATORS

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

# Most arrays here declare no nodata value, so that every pixel of theirs counts.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out:UserWarning")


@pytest.mark.parametrize("name", PAIRS)
def test_it_is_resample_through_the_grid_between(name):
    pair = small(PAIRS[name])
    array = image_at(pair.source)
    found = array.gpumask.reproject(**words_of(pair.target))
    grid = ProjectedGrid(
        Place(pair.source.crs, array.rio.transform(recalc=True), array.shape),
        Place(pair.target.crs, found.rio.transform(), found.shape),
    )
    ((part, _),) = grid.parts(Window.of_shape(found.shape))
    expected = resample(array.values, grid.read(part))
    np.testing.assert_array_equal(found, expected.image)
    np.testing.assert_array_equal(found.validity, expected.validity)
    assert 0.3 < found.validity.mean() < 1


@pytest.mark.parametrize("chunks", [(37, 50), (64, 64), (150, 155)])
@pytest.mark.parametrize("name", PAIRS)
def test_lazy_is_eager_to_the_bit(name, chunks, backend):
    pair = small(PAIRS[name])
    array = image_at(pair.source, bands=[("time", 2), ("band", 3)])
    array = array.assign_coords(
        validity=(("time", "y", "x"), np.random.default_rng(1).random((2, *pair.source.shape)) > 0.02)
    )
    words = words_of(pair.target) | {"backend": backend}
    lazy = array.chunk(dict(zip("yx", chunks, strict=True)) | {"time": 1, "band": 2})
    found = lazy.gpumask.reproject(**words, chunks=(41, 60))
    assert found.chunks is not None and found.validity.chunks is not None
    assert found.dims == ("time", "band", "y", "x") and found.validity.dims == ("time", "y", "x")
    same(found, array.gpumask.reproject(**words))


@pytest.mark.parametrize("boundary", [None, "edge", "wrap", "reflect"])
@pytest.mark.parametrize("interp", [name for name, interp in INTERPOLATORS.items() if interp.taps])
def test_every_interpolator_and_boundary_is_lazy_as_eager(interp, boundary):
    pair = small(PAIRS["over the antimeridian"], 6)
    array = image_at(pair.source, dtype="float32")
    array[5:7, 20:30] = np.nan
    words = words_of(pair.target) | {"interp": interp, "boundary": boundary}
    found = array.chunk(y=17, x=23).gpumask.reproject(**words, chunks=(30, 31))
    same(found, array.gpumask.reproject(**words))


def test_renormalized_weights_are_lazy_as_eager():
    pair = small(PAIRS["to the web"], 6)
    array = image_at(pair.source, dtype="float32")
    array[5:7, 20:30] = np.nan
    words = words_of(pair.target) | {"mask_policy": "renormalize", "interp": "linear"}
    same(array.chunk(y=17, x=23).gpumask.reproject(**words), array.gpumask.reproject(**words))


def test_around_a_pole_lazy_is_eager():
    pair = Pair(POLE.source, small(POLE, 2).target)
    array = image_at(pair.source)
    words = words_of(pair.target) | {"interp": "linear"}
    found = array.chunk(y=100, x=900).gpumask.reproject(**words, chunks=(150, 150))
    expected = array.gpumask.reproject(**words)
    same(found, expected)
    assert expected.validity.mean() > 0.9


def test_a_part_of_a_chunk_that_no_source_reaches_is_filled():
    """Around the pole there are blocks of their own, and of those some lie beyond this quarter of the world."""
    source = Place("EPSG:4326", POLE.source.transform, (300, 900))
    array = image_at(source)
    words = words_of(small(POLE, 2).target) | {"interp": "linear"}
    expected = array.gpumask.reproject(**words)
    assert 0.2 < expected.validity.mean() < 0.3
    for chunks in ((150, 150), (600, 600)):
        same(array.chunk(y=100, x=100).gpumask.reproject(**words, chunks=chunks), expected)


def test_a_chunk_needs_just_the_chunks_that_it_is_made_of():
    seen = []

    def block(block_info=None):
        (rows, cols) = block_info[None]["array-location"]
        seen.append((rows[0] // 100, cols[0] // 100))
        return np.ones((rows[1] - rows[0], cols[1] - cols[0]), np.float32)

    place = placed("EPSG:32633", 5e5, 5e6, 10, (1000, 1000))
    lazy = dask_array.map_blocks(
        block, chunks=((100,) * 10, (100,) * 10), dtype=np.float32, meta=np.empty((0, 0), np.float32)
    )
    array = image_at(place, dtype="float32").copy(data=lazy)
    shifted = Place(place.crs, place.transform @ Affine.translation(50, 50), (1000, 1200))
    found = array.gpumask.reproject(like=image_at(shifted), chunks=(100, 100))
    np.asarray(found.isel(y=slice(200, 300), x=slice(300, 400)).data)
    assert sorted(set(seen)) == [(2, 3), (2, 4), (3, 3), (3, 4)]
    seen.clear()
    beyond = found.isel(y=slice(0, 100), x=slice(1100, 1200))
    assert not np.asarray(beyond.validity.data).any() and not np.asarray(beyond.data.sum()) > 0
    assert seen == []


def test_a_grid_is_taken_too():
    array = image_at(placed("EPSG:32633", 5e5, 5e6, 10, (50, 60)))
    grid = Grid([[2.5, 2.5], [40.5, 40.5]], [[3, 50], [3, 50]], resolution=(38, 47))
    found = array.gpumask.resample(grid, "linear")
    expected = resample(array.values, grid, "linear")
    np.testing.assert_array_equal(found, expected.image)
    assert found.rio.crs is None and "x" not in found.coords
    same(array.chunk(y=20).gpumask.resample(grid, "linear", chunks=(10, 10)), found)


def test_a_grid_for_a_source_of_another_size_is_refused():
    """Beyond the source that it was made for it may be off."""
    place = placed("EPSG:32633", 5e5, 5e6, 10, (50, 60))
    grid = ProjectedGrid(place, place)
    with pytest.raises(GpumaskError, match="array: expected 50 x 60 pixels, as the grid's source has; got 50 x 40"):
        image_at(place)[:, :40].gpumask.resample(grid)


def test_what_is_said_of_the_source_is_said_of_the_result():
    pair = small(PAIRS["to the next zone"])
    array = image_at(pair.source, bands=[("time", 2)])
    array = array.assign_coords(
        season=("time", ["dry", "wet"]), platform="landsat-8", slope=(("y", "x"), array.values[0] * 1.0)
    )
    array = array.rio.write_nodata(0)
    found = array.gpumask.reproject(**words_of(pair.target))
    assert found.name == "red" and found.attrs["units"] == "1" and found.dtype == np.uint16
    assert list(found.season.values) == ["dry", "wet"] and str(found.platform.values) == "landsat-8"
    assert "slope" not in found.coords
    assert found.rio.nodata == 0 and (found.values[found.validity == 0] == 0).all()
    assert found.validity.attrs["flag_meanings"] == "invalid valid"


@pytest.mark.parametrize(("dtype", "becomes"), [("bool", "uint8"), ("float16", "float32"), (">u2", "uint16")])
def test_types_that_no_kernel_has_become_those_that_hold_them(dtype, becomes):
    place = placed("EPSG:32633", 5e5, 5e6, 10, (20, 30))
    values = np.random.default_rng(0).integers(0, 2, place.shape)
    array = image_at(place).copy(data=values.astype(dtype))
    found = array.gpumask.reproject(like=array, interp="linear")
    assert found.dtype == becomes
    np.testing.assert_array_equal(found, values)
    same(array.chunk(y=11, x=13).gpumask.reproject(like=array, interp="linear"), found)


def test_pixels_that_are_nodata_are_invalid():
    place = placed("EPSG:32633", 5e5, 5e6, 10, (20, 20))
    array = image_at(place).rio.write_nodata(7)
    array[5, 6] = 7
    found = array.gpumask.reproject(like=array)
    assert found.validity.values.sum() == 399 and found.validity.values[5, 6] == 0


def test_what_xarray_pads_is_invalid():
    place = placed("EPSG:32633", 5e5, 5e6, 10, (20, 20))
    array = image_at(place).assign_coords(validity=(("y", "x"), np.ones(place.shape, np.uint8)))
    padded = array.pad(x=(3, 0), constant_values=5)
    assert np.isnan(padded.validity[:, :3]).all()
    padded = padded.assign_coords(x=array.x.values[0] + 10.0 * np.arange(-3, 20))
    found = padded.gpumask.reproject(like=padded, interp="nearest")
    np.testing.assert_array_equal(found.validity, np.broadcast_to(np.arange(23) >= 3, (20, 23)))
    assert np.isnan(padded.gpumask.where_valid()[:, :3]).all()


def test_bands_are_valid_together_and_dates_by_themselves():
    place = placed("EPSG:32633", 5e5, 5e6, 10, (20, 20))
    array = image_at(place, bands=[("time", 2), ("band", 2)], dtype="float64")
    array[0, 1, 3, 4] = np.nan
    found = array.gpumask.reproject(like=array)
    assert found.validity.dims == ("time", "y", "x")
    assert np.argwhere(found.validity.values == 0).tolist() == [[0, 3, 4]]
    assert np.isnan(found.values[0, 0, 3, 4]) and np.isfinite(found.values[1]).all()
    np.testing.assert_array_equal(found.gpumask.where_valid(-1).values[0, :, 3, 4], [-1, -1])


def test_dimensions_may_come_in_any_order():
    pair = small(PAIRS["polar"])
    array = image_at(pair.source, bands=[("band", 3)])
    found = array.transpose("y", "x", "band").gpumask.reproject(**words_of(pair.target))
    assert found.dims == ("y", "x", "band")
    xarray.testing.assert_identical(found.transpose("band", "y", "x"), array.gpumask.reproject(**words_of(pair.target)))


def test_a_geobox_says_where_to():
    geobox_of = pytest.importorskip("odc.geo.geobox").GeoBox
    pair = small(PAIRS["to the web"])
    box = geobox_of(pair.target.shape, pair.target.transform, pair.target.crs)
    found = image_at(pair.source).gpumask.reproject(like=box)
    assert found.odc.geobox == box
    same(found.gpumask.reproject(like=found, interp="nearest"), found)


@pytest.mark.parametrize(("dtype", "other"), [("uint8", -1), ("uint8", 300), ("int16", 40_000), ("uint16", "a")])
def test_a_value_that_the_array_does_not_hold_is_refused(dtype, other):
    array = image_at(placed("EPSG:32633", 5e5, 5e6, 10, (8, 9)), dtype=dtype)
    array = array.assign_coords(validity=(("y", "x"), np.eye(8, 9)))
    with pytest.raises(GpumaskError, match="other: expected"):
        array.gpumask.where_valid(other)
    assert array.gpumask.where_valid(0.5).dtype.kind == "f" and (array.gpumask.where_valid(7) == 7).any()


def test_a_result_can_be_pickled_and_written(tmp_path):
    pytest.importorskip("zarr")
    pair = small(PAIRS["polar"])
    array = image_at(pair.source)
    found = array.chunk(y=50, x=50).gpumask.reproject(**words_of(pair.target), chunks=(64, 64))
    same(pickle.loads(pickle.dumps(found)), array.gpumask.reproject(**words_of(pair.target)))
    found.to_dataset().to_zarr(tmp_path / "it.zarr", consolidated=False)
    again = xarray.open_zarr(tmp_path / "it.zarr", decode_coords="all", consolidated=False)
    np.testing.assert_array_equal(again.red, found)
    np.testing.assert_array_equal(again.validity, found.validity)
    assert again.rio.crs == found.rio.crs and again.rio.transform() == found.rio.transform()
