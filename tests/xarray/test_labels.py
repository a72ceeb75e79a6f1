"""Names, attributes, encoding and nodata of what comes out: what still holds, and nothing else."""

import re
import warnings

import numpy as np
import pytest
from affine import Affine
from array_cases import image_at, small
from warp_cases import PAIRS, placed, words_of

from gpumask import GpumaskError, Grid

xarray = pytest.importorskip("xarray")
rioxarray = pytest.importorskip("rioxarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

PAIR = small(PAIRS["to the next zone"], 12)
WORDS = words_of(PAIR.target)
QUIET = WORDS | {"nodata_out": 65535}


def scene(**options):
    """Return an array of an image's place."""
    return image_at(PAIR.source, **options)


def file_of(path, values, place=PAIR.source, nodata=None, scale=1.0, offset=0.0):
    """Write a raster with a scale and a nodata value."""
    import rasterio

    profile = {"driver": "GTiff", "height": values.shape[-2], "width": values.shape[-1], "count": len(values)}
    with rasterio.open(
        path, "w", dtype=values.dtype, crs=place.crs, transform=place.transform, nodata=nodata, **profile
    ) as out:
        out.write(values)
        out.scales, out.offsets = (scale,) * len(values), (offset,) * len(values)
    return path


def kept(array, values):
    """Return an array of which a quality band keeps a part."""
    return array.gpumask.keep({"values": values}, array.isel(band=0, drop=True) % 7, grow=1)


@pytest.mark.parametrize("name", [None, "red"])
@pytest.mark.parametrize(
    "work",
    [
        lambda array: array.gpumask.reproject(**QUIET),
        lambda array: array.gpumask.reproject(like=array, nodata_out=65535),
        lambda array: array.gpumask.reproject(**QUIET, validity="band"),
        lambda array: array.gpumask.resample(Grid([[2.5, 2.5], [40, 40]], [[3, 50], [3, 50]], (38, 47)), nodata_out=1),
        lambda array: kept(array, [0, 1, 2, 3, 4, 5]),
        lambda array: array.gpumask.reproject(**QUIET).gpumask.where_valid(),
        lambda array: array.gpumask.reproject(**QUIET).gpumask.where_valid(7),
        lambda array: kept(array, [3, 4, 5, 6]).gpumask.reproject(**QUIET).gpumask.where_valid(),
    ],
)  # fmt: skip
def test_lazy_is_eager_with_all_that_is_said(work, name):
    array = scene(bands=[("band", 2)]).rename(name)
    lazy = work(array.chunk(y=17, x=23))
    assert lazy.name == name and lazy.chunks is not None
    eager = work(array)
    xarray.testing.assert_identical(lazy.compute(), eager)
    assert eager.name == name and lazy.encoding == eager.encoding


def test_an_array_of_dask_alone_has_the_name_that_xarray_gives_it():
    lazy = dask_array.from_array(scene().values, chunks=20)
    array = xarray.DataArray(lazy, dims=("y", "x"), coords={dim: scene()[dim] for dim in "yx"})
    found = array.rio.write_crs(PAIR.source.crs).gpumask.reproject(**QUIET)
    assert found.name == array.name and not str(found.name).endswith("-image")


def test_what_was_true_of_the_old_pixels_goes_and_what_is_known_is_renewed():
    old = {
        "res": (360.0, 360.0), "transform": tuple(PAIR.source.transform)[:6], "crs": "+init=epsg:32616",
        "nodatavals": (1, 1), "is_tiled": 1, "resolution": 360.0, "actual_range": [0, 3999], "STATISTICS_MEAN": "7",
        "STATISTICS_VALID_PERCENT": "100", "AREA_OR_POINT": "Area", "scale_factor": 0.1, "valid_range": [0, 4000],
        "long_name": "Red", "units": "1", "descriptions": ("a", "b"),
    }  # fmt: skip
    array = scene(bands=[("band", 2)]).assign_attrs(old)
    found = array.gpumask.reproject(**WORDS)
    t = PAIR.target.transform
    assert found.attrs.pop("transform") == pytest.approx(tuple(t)[:6]) and found.attrs.pop("res") == (t.a, -t.e)
    assert found.attrs == {
        "crs": "EPSG:32617", "nodatavals": (1, 1), "_FillValue": 1, "AREA_OR_POINT": "Area", "scale_factor": 0.1,
        "valid_range": [0, 4000], "long_name": "Red", "units": "1", "descriptions": ("a", "b"),
    }  # fmt: skip
    assert found.rio.transform().almost_equals(t) and found.rio.crs.to_epsg() == 32617
    other = array.gpumask.reproject(**WORDS, nodata_out=9)
    assert other.attrs["nodatavals"] == (9, 9) and other.rio.nodata == 9
    without = array.gpumask.resample(Grid([[2.5, 2.5], [40, 40]], [[3, 50], [3, 50]], (38, 47)), nodata_out=1)
    assert not {"res", "transform", "crs", "STATISTICS_MEAN"} & set(without.attrs) and without.rio.crs is None


def test_the_size_of_turned_pixels_is_that_along_their_sides():
    turned = PAIR.target.transform @ Affine.rotation(30)
    like = scene().drop_vars(["y", "x"]).rio.write_crs("EPSG:32617").rio.write_transform(turned)
    found = scene().assign_attrs(res=(1, 1)).gpumask.reproject(like=like, nodata_out=65535)
    assert found.attrs["res"] == pytest.approx((360, 360))


def test_a_source_is_as_it_was():
    array = scene().assign_attrs(res=(1, 2), STATISTICS_MEAN=3)
    array.encoding["scale_factor"] = 2.0
    before = array.copy(deep=True)
    array.gpumask.reproject(**QUIET).gpumask.where_valid()
    xarray.testing.assert_identical(array, before)
    assert array.encoding == before.encoding


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("dtype", "nodata", "scale", "offset"),
    [("uint16", 0, 1.0, 0.0), ("int16", -9999, 0.01, -3.0), ("uint8", 255, 0.5, 2.0), ("float32", -1.0, 1.0, 0.0)],
)
@pytest.mark.parametrize("way", ["raster", "netcdf"])
def test_what_is_masked_and_scaled_comes_back_from_a_file(tmp_path, dtype, nodata, scale, offset, lazy, way):
    values = np.random.default_rng(0).integers(10, 200, (1, *PAIR.source.shape)).astype(dtype)
    values[0, 10:15, 20:30] = nodata
    path = file_of(tmp_path / "in.tif", values, PAIR.source, nodata, scale, offset)
    array = rioxarray.open_rasterio(path, mask_and_scale=True).rename("red")
    found = (array.chunk(y=20) if lazy else array).gpumask.reproject(**WORDS, interp="nearest")
    for key in ("dtype", "_FillValue", "scale_factor", "add_offset"):
        assert found.encoding.get(key) == array.encoding.get(key), key
    assert "_FillValue" not in found.attrs and np.isnan(found.rio.nodata)
    raw = rioxarray.open_rasterio(path).gpumask.reproject(**WORDS, interp="nearest")  # the numbers in the file
    kept = found.gpumask.where_valid()
    for made in (found, kept):
        if way == "raster":
            made.rio.to_raster(tmp_path / "out.tif")
            again = rioxarray.open_rasterio(tmp_path / "out.tif", mask_and_scale=True)
            numbers = rioxarray.open_rasterio(tmp_path / "out.tif")
            assert numbers.dtype == dtype and numbers.rio.nodata == nodata
            np.testing.assert_array_equal(numbers.values, raw.values)
        else:
            signed = made.squeeze("band")  # files of this kind hold no unsigned integers
            signed.encoding = {**made.encoding, "dtype": "float32" if dtype == "float32" else "int16"}
            signed.to_dataset().to_netcdf(tmp_path / "out.nc", engine="scipy")
            again = xarray.open_dataset(tmp_path / "out.nc", engine="scipy", decode_coords="all").red.load()
        expected = np.where(raw.values == nodata, np.nan, raw.values * scale + offset).reshape(again.shape)
        np.testing.assert_allclose(again.values, expected, rtol=1e-6)
        assert again.rio.crs == found.rio.crs


def test_a_type_that_holds_no_nan_is_not_that_of_the_file(tmp_path):
    """Of integers with a scale but without a nodata value, the pixels outside are NaN in the file, too."""
    values = np.arange(PAIR.source.shape[0] * PAIR.source.shape[1]).reshape(1, *PAIR.source.shape).astype("uint16")
    array = rioxarray.open_rasterio(file_of(tmp_path / "in.tif", values, scale=0.5), mask_and_scale=True)
    found = array.gpumask.reproject(**WORDS, interp="nearest")
    assert found.encoding["scale_factor"] == 0.5 and "dtype" not in found.encoding
    found.rio.to_raster(tmp_path / "out.tif")
    again = rioxarray.open_rasterio(tmp_path / "out.tif", mask_and_scale=True)
    np.testing.assert_allclose(again.values, found.values)
    assert np.isnan(again.values).any()


@pytest.mark.parametrize(("words", "written"), [({"nodata_out": -1}, -1), ({"dtype": "uint8", "nodata_out": 255}, 255)])
def test_a_packing_does_not_go_along_where_it_does_not_hold_the_result(tmp_path, words, written):
    values = np.random.default_rng(0).integers(10, 90, (1, *PAIR.source.shape)).astype("uint8")
    array = rioxarray.open_rasterio(file_of(tmp_path / "in.tif", values, nodata=0, scale=0.5), mask_and_scale=True)
    found = array.gpumask.reproject(**WORDS, interp="nearest", **words)
    found.rio.to_raster(tmp_path / "out.tif")
    again = rioxarray.open_rasterio(tmp_path / "out.tif")
    np.testing.assert_array_equal(again, found)
    assert again.dtype == found.dtype and again.rio.nodata == found.rio.nodata == written


def test_a_result_of_another_type_is_written_as_that(tmp_path):
    values = np.random.default_rng(0).integers(10, 90, (1, *PAIR.source.shape)).astype("uint8")
    array = rioxarray.open_rasterio(file_of(tmp_path / "in.tif", values))
    found = array.gpumask.reproject(**WORDS, dtype="float32")
    found.rio.to_raster(tmp_path / "out.tif")
    again = rioxarray.open_rasterio(tmp_path / "out.tif")
    np.testing.assert_array_equal(again, found)
    assert again.dtype == np.float32 and np.isnan(again.rio.nodata)


def test_chunks_and_the_file_of_the_source_are_not_those_of_the_result(tmp_path):
    array = scene()
    array.encoding |= {
        "chunksizes": (1000, 1000),
        "source": "in.nc",
        "coordinates": "lat lon",
        "original_shape": (9, 9),
    }
    assert array.gpumask.reproject(**QUIET).encoding == {"grid_mapping": "spatial_ref"}


def warned(call):
    """Return what a call gives, and the files whose lines its warnings about nodata name."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = call()
    return found, [each.filename for each in caught if re.match("nodata_out: .*coordinate validity", str(each.message))]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
@pytest.mark.parametrize("lazy", [False, True])
def test_integers_without_nodata_warn_once_at_the_line_of_the_call(dtype, lazy):
    array = scene(dtype=dtype)
    array = array.chunk(y=20) if lazy else array
    like, beyond = array.gpumask.reproject(**WORDS, nodata_out=0), Grid([[-2.5] * 2, [40] * 2], [[3, 50]] * 2, (38, 47))
    for call in (
        lambda: array.gpumask.reproject(**WORDS),
        lambda: array.gpumask.reproject(like=like),
        lambda: array.gpumask.resample(beyond),
    ):
        found, files = warned(call)
        assert files == [__file__] and "_FillValue" not in found.attrs
        outside = found.validity.values == 0
        assert outside.any() and not found.values[outside].any()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_nobody_is_warned_who_is_told(dtype):
    array = scene(dtype=dtype)
    inside = Grid([[2.5, 2.5], [40, 40]], [[3, 45], [3, 45]], (38, 42))
    found = [  # warnings are errors here
        array.gpumask.reproject(**WORDS, nodata_out=0),
        array.rio.write_nodata(7).gpumask.reproject(**WORDS),
        array.gpumask.reproject(**WORDS, dtype="float32"),
        array.gpumask.resample(inside),  # where all is valid
    ]
    assert [each.rio.nodata for each in found[:2]] == [0, 7] and np.isnan(found[2].rio.nodata)
    assert found[3].validity.all()
    assert found[3].rio.nodata is None or dtype == "float32"


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("other", [np.nan, 9, 0])
def test_what_is_not_valid_is_said_by_the_pixels_alone(other, lazy):
    array = scene(bands=[("band", 2)]).rio.write_nodata(65535).chunk(y=20) if lazy else scene().rio.write_nodata(65535)
    found = array.gpumask.reproject(**WORDS)
    told = found.gpumask.where_valid(other)
    assert "validity" not in told.coords and told.rio.crs == found.rio.crs
    assert told.rio.nodata == other or (np.isnan(other) and np.isnan(told.rio.nodata))
    assert told.dtype == (float if np.isnan(other) else np.uint16)
    np.testing.assert_array_equal(told, np.where(found.validity, found, other))
    missing = np.isnan(told.values) if np.isnan(other) else told.values == other
    again = told.gpumask.reproject(like=told, interp="nearest")
    np.testing.assert_array_equal(again.validity, ~missing.any(axis=0) if lazy else ~missing)


def test_where_valid_may_take_the_pixels_of_another_array():
    found = scene().rio.write_nodata(65535).gpumask.reproject(**WORDS)
    filled = found.gpumask.where_valid(found.drop_vars("validity") * 0 + 5)
    np.testing.assert_array_equal(filled, np.where(found.validity, found, 5))
    assert filled.rio.nodata == 65535 and "validity" not in filled.coords


def test_where_valid_keeps_the_crs_by_its_name():
    like = scene().rio.write_crs(PAIR.source.crs, grid_mapping_name="utm")
    found = scene().rio.write_nodata(0).gpumask.reproject(like=like).gpumask.where_valid()
    assert found.rio.crs == like.rio.crs and found.rio.grid_mapping == "utm"


@pytest.mark.parametrize("other", [-1, 70_000, 2**70])
def test_where_valid_refuses_what_integers_can_not_hold(other):
    found = scene().gpumask.reproject(**QUIET)
    with pytest.raises(GpumaskError, match="^other: expected a value that uint16 holds; got"):
        found.gpumask.where_valid(other)


@pytest.mark.parametrize("other", [None, "none"])
def test_where_valid_refuses_what_is_no_number(other):
    with pytest.raises(GpumaskError, match="^other: expected a number; got"):
        scene().gpumask.reproject(**QUIET).gpumask.where_valid(other)


@pytest.mark.parametrize("lazy", [False, True])
def test_results_without_validity_merge_and_nothing_is_computed(lazy):
    red, green = (scene(seed=seed).rename(name) for seed, name in enumerate(("red", "green")))
    found = []
    for k, array in enumerate((red, green)):
        kept = array.gpumask.keep({"values": [0], "invert": True}, array % (11 + k))
        found.append((kept.chunk(y=20) if lazy else kept).gpumask.reproject(**QUIET))
    told = [each.gpumask.where_valid() for each in found]

    def refuse(*_, **__):
        raise AssertionError("computed")

    import dask

    with dask.config.set(scheduler=refuse):
        merged = xarray.merge(told, compat="no_conflicts")
        together = xarray.Dataset({each.name: each for each in told})
        as_variables = xarray.Dataset(
            {each.name: each.drop_vars("validity") for each in found}
            | {f"{each.name}_valid": each.validity.drop_vars("validity") for each in found}
        )
    xarray.testing.assert_identical(merged.red.compute(), told[0].compute())
    xarray.testing.assert_identical(together.green.compute(), told[1].compute())
    np.testing.assert_array_equal(as_variables.red_valid, found[0].validity)


def test_one_pixel_lies_where_its_coordinates_and_the_size_in_its_transform_say():
    place = placed("EPSG:32633", 5e5, 5e6, 10, (30, 40))
    array = image_at(place).rio.write_nodata(65535).rio.write_transform(place.transform)
    found = array.gpumask.reproject(like=array.isel(y=[7], x=[3]))
    assert found.values.tolist() == [
        [array.values[7, 3]]
    ] and found.rio.transform() == place.transform @ Affine.translation(3, 7)


@pytest.mark.parametrize("lazy", [False, True])
def test_the_mean_of_valid_and_invalid_pixels_is_not_valid(lazy):
    array = scene(dtype="float32")
    array = array.assign_coords(validity=(("y", "x"), np.ones(array.shape, np.uint8)))
    array.validity[10, 21] = 0
    means = (array.chunk(y=8) if lazy else array).coarsen(y=2, x=2, boundary="trim").mean()
    right = np.ones(means.shape, bool)
    right[5, 10] = False
    assert means.validity.dtype.kind == "f"
    np.testing.assert_array_equal(means.gpumask.where_valid().notnull(), right)
    again = means.gpumask.reproject(like=means, interp="nearest")
    np.testing.assert_array_equal(again.validity, right)


@pytest.mark.parametrize("key", ["_FillValue", "missing_value", "nodata"])
def test_nan_declares_nothing_of_integers(key):
    array = scene().assign_attrs({key: np.nan})  # as of floats that became integers
    xarray.testing.assert_identical(array.gpumask.reproject(**QUIET), scene().gpumask.reproject(**QUIET))
    kept = array.gpumask.keep({"values": [1]}, array % 2)
    assert key not in kept.attrs
    np.testing.assert_array_equal(kept.gpumask.where_valid(0), np.where(array % 2 == 1, array, 0))


def test_an_array_that_is_written_with_a_missing_value_alone_is_written_right_by_rioxarray(tmp_path):
    array = scene(dtype="float32") / 100
    array.encoding = {
        "dtype": "int16",
        "missing_value": np.int16(-1),
        "scale_factor": 0.01,
        "grid_mapping": "spatial_ref",
    }
    found = array.gpumask.reproject(**WORDS)
    assert np.isnan(found).any() and (found.encoding["_FillValue"], found.encoding["missing_value"]) == (-1, -1)
    found.rio.to_raster(tmp_path / "OUT.tif")
    with rioxarray.open_rasterio(tmp_path / "OUT.tif", mask_and_scale=True) as read:
        np.testing.assert_array_equal(np.isnan(read[0]), np.isnan(found))
        np.testing.assert_allclose(read[0], found, atol=0.006)


def test_rows_and_columns_that_rioxarray_was_told_are_known_of_what_is_kept():
    array = scene().rename(y="rows", x="cols").rio.write_nodata(65535)
    array.rio.set_spatial_dims(y_dim="rows", x_dim="cols", inplace=True)
    dataset = array.to_dataset(name="red")
    dataset.rio.set_spatial_dims(y_dim="rows", x_dim="cols", inplace=True)
    expected = scene().rio.write_nodata(65535).gpumask.keep({"values": [1]}, scene() % 2).gpumask.reproject(**WORDS)
    for given in (array, dataset):
        kept = given.gpumask.keep({"values": [1]}, array % 2)
        for each in (kept, kept.gpumask.where_valid(65535)):
            assert (each.rio.y_dim, each.rio.x_dim) == ("rows", "cols")
            found = each.gpumask.reproject(**WORDS)
            found = found if given is array else found.red
            np.testing.assert_array_equal(found, expected)
