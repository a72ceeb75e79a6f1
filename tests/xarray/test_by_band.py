"""Validity by band in DataArrays: eager and lazy to the bit what arrays have; and all that a DataArray declares."""

import numpy as np
import pytest
from array_cases import image_at, small
from warp_cases import PAIRS

from gpumask import GpumaskError, ProjectedGrid, Window, resample

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

PAIR = small(PAIRS["to the next zone"], 10)
GRID = ProjectedGrid(*PAIR)
WHOLE = GRID.read(Window.of_shape(GRID.full_shape))
RNG = np.random.default_rng(3)


def bands(dtype="float32", times=(), seed=0):
    """Return bands of which each has NaN, or is invalid, at other places."""
    array = image_at(PAIR.source, bands=[*times, ("band", 3)], dtype=dtype, seed=seed)
    if array.dtype.kind == "f":
        array.data[RNG.random(array.shape) < 0.03] = np.nan
    return array


def alone(array, valid=None, **words):
    """Return each band as arrays of one band are resampled."""
    found = [
        resample(pixels, WHOLE, source_valid=None if valid is None else valid[k], nodata_out=np.nan, **words)
        for k, pixels in enumerate(array.values)
    ]
    return np.stack([each.image for each in found]), np.stack([each.validity for each in found])


@pytest.mark.parametrize("chunks", [None, {"y": 25, "x": 30}, {"band": 1, "y": 40, "x": -1}])
@pytest.mark.parametrize("interp", ["nearest", "cubic", "bspline3"])
@pytest.mark.parametrize("boundary", [None, "reflect"])
def test_each_band_is_as_it_would_be_alone(chunks, interp, boundary):
    array = bands()
    lazy = array if chunks is None else array.chunk(chunks)
    found = lazy.gpumask.resample(GRID, interp, validity="band", boundary=boundary)
    image, validity = alone(array, interp=interp, boundary=boundary)
    np.testing.assert_array_equal(found.values, image)
    np.testing.assert_array_equal(found.validity.values, validity)
    assert found.validity.dims == ("band", "y", "x") and len(np.unique(validity.reshape(3, -1), axis=0)) == 3


@pytest.mark.parametrize("lazy", [False, True])
def test_a_validity_of_bands_goes_on_by_band_and_by_pixel(lazy):
    array = image_at(PAIR.source, bands=[("band", 3)], dtype="float32")
    valid = RNG.random(array.shape) > 0.05
    marked = array.assign_coords(validity=(array.dims, valid.astype(np.uint8)))
    marked = marked.chunk(y=25, x=30) if lazy else marked
    by_band = marked.gpumask.resample(GRID, validity="band")
    image, validity = alone(array, valid)
    np.testing.assert_array_equal(by_band.values, image)
    np.testing.assert_array_equal(by_band.validity.values, validity)
    by_pixel = marked.gpumask.resample(GRID)
    expected = resample(array.values, WHOLE, source_valid=valid.all(axis=0), nodata_out=np.nan)
    np.testing.assert_array_equal(by_pixel.values, expected.image)
    np.testing.assert_array_equal(by_pixel.validity.values, expected.validity)
    assert by_pixel.validity.dims == ("y", "x")
    np.testing.assert_array_equal(by_band.gpumask.where_valid(-1).values, np.where(validity, image, -1))


@pytest.mark.parametrize("lazy", [False, True])
def test_each_date_has_its_bands(lazy):
    array = bands(times=[("time", 2)])
    found = (array.chunk(time=1, y=30) if lazy else array).gpumask.resample(GRID, "linear", validity="band")
    assert found.validity.dims == ("time", "band", "y", "x")
    for k in range(2):
        image, validity = alone(array[k], interp="linear")
        np.testing.assert_array_equal(found[k].values, image)
        np.testing.assert_array_equal(found.validity[k].values, validity)


def test_rules_and_a_validity_of_bands_hold_together():
    array = bands()
    valid = RNG.random(array.shape) > 0.05
    qa = image_at(PAIR.source, dtype="uint8")
    kept = array.assign_coords(validity=(array.dims, valid.astype(np.uint8))).gpumask.keep({"values": [0]}, qa * 0)
    np.testing.assert_array_equal(kept.validity.transpose("band", "y", "x"), valid)


def test_an_array_without_bands_has_a_validity_without_bands():
    array = bands()[0].drop_vars("band")
    found, expected = (array.gpumask.resample(GRID, validity=word) for word in ("band", "pixel"))
    xarray.testing.assert_identical(found, expected)


def test_another_word_is_refused():
    with pytest.raises(GpumaskError, match="^validity: expected one of pixel, band, share, band share; got 'bands'"):
        bands().gpumask.resample(GRID, validity="bands")


@pytest.mark.parametrize(
    ("dtype", "attributes", "missing"),
    [
        ("float32", {"_FillValue": -3.4028235e38}, [np.finfo(np.float32).min]),
        ("float32", {"_FillValue": np.float64(1e20)}, [np.float32(1e20)]),
        ("float32", {"missing_value": np.float64(0.1), "_FillValue": np.float32(-1)}, [np.float32(0.1), -1]),
        ("int16", {"_FillValue": -32768, "missing_value": -1}, [-32768, -1]),
        ("int16", {"missing_value": np.array([-5, -6])}, [-5, -6]),
        ("int16", {"nodata": "-9999"}, [-9999]),
        ("float64", {"_FillValue": np.nan, "missing_value": -1.0}, [-1.0, np.nan]),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("validity", ["pixel", "band"])
def test_every_value_that_a_dataarray_declares_for_what_is_missing_counts(dtype, attributes, missing, lazy, validity):
    array = image_at(PAIR.source, bands=[("band", 2)], dtype=dtype)
    valid = np.ones(array.shape, bool)
    for k, value in enumerate(missing):
        array[k % 2, 10 + k :: 13, 5 + k :: 11], valid[k % 2, 10 + k :: 13, 5 + k :: 11] = value, False
    given = array.assign_attrs(attributes)
    found = (given.chunk(y=25) if lazy else given).gpumask.resample(GRID, "linear", validity=validity, nodata_out=7)
    expected = resample(array.values, WHOLE, "linear", source_valid=valid, validity=validity, nodata_out=7)
    np.testing.assert_array_equal(found.values, expected.image)
    np.testing.assert_array_equal(found.validity.values, expected.validity)
    assert 0.5 < expected.validity.mean() < 1


@pytest.mark.parametrize("boundary", [None, "wrap"])
@pytest.mark.parametrize("validity", ["pixel", "band"])
def test_what_is_masked_in_chunks_is_invalid(boundary, validity):
    array = image_at(PAIR.source, bands=[("band", 2)], dtype="int16")
    holes = RNG.random(array.shape) < 0.05
    pixels, masks = (dask_array.from_array(each, chunks=(2, 23, 31)) for each in (array.values, holes))

    def masked(values, mask):
        return np.ma.masked_array(np.where(mask, -999, values), mask)

    lazy = array.copy(data=dask_array.map_blocks(masked, pixels, masks, meta=np.empty((0, 0, 0), np.int16)))
    words = {"interp": "linear", "boundary": boundary, "validity": validity, "nodata_out": 7}
    found, expected = (
        lazy.gpumask.resample(GRID, **words),
        resample(array.values, WHOLE, source_valid=~holes, **words),
    )
    np.testing.assert_array_equal(found.values, expected.image)
    np.testing.assert_array_equal(found.validity.values, expected.validity)
