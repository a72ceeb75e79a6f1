"""The variables of a Dataset that have rows and columns."""

import logging

import numpy as np
import pytest
from array_cases import image_at, small
from dataset_cases import CLOUD, FINE, scene, the_same
from warp_cases import PAIRS

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")
# Integers without a nodata value, which tests here have no need of.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out. expected a value for invalid pixels")


def test_each_variable_may_have_a_grid_mapping_of_its_own():
    pair = small(PAIRS["to the next zone"], 6)
    one = image_at(pair.source)
    other = image_at(pair.target, seed=1).rio.write_crs(pair.target.crs, grid_mapping_name="zone34")
    other = other.drop_vars("spatial_ref", errors="ignore").rename(y="y34", x="x34")
    dataset = xarray.Dataset({"one": one, "other": other})
    found = dataset.gpumask.reproject("EPSG:3035")
    for name in dataset:
        array = dataset[name].rename({"y34": "y", "x34": "x"} if name == "other" else {})
        the_same(found, name, array.gpumask.reproject(like=found))
    assert "zone34" not in found.variables and found.other.rio.crs.to_epsg() == 3035


def test_a_grid_mapping_may_be_a_variable_as_files_have_it():
    dataset = scene().drop_vars("swir")
    expected = dataset.gpumask.reproject("EPSG:32634")
    for name in ("red", "nir", "qa"):
        dataset[name].encoding.pop("grid_mapping", None)
        dataset[name].attrs["grid_mapping"] = "spatial_ref"
    found = dataset.reset_coords("spatial_ref").gpumask.reproject("EPSG:32634")
    xarray.testing.assert_identical(found, expected)


@pytest.mark.parametrize("dims", [("lat", "lon"), ("latitude", "longitude"), ("y_20m", "x_20m"), ("rows", "cols")])
def test_rows_and_columns_have_any_names(dims):
    places = dict(zip(("y", "x"), dims, strict=True))
    dataset = scene()[["red", "nir", "qa"]]
    named = dataset.rename(places)
    if dims[0] == "rows":
        named = named.rio.set_spatial_dims(y_dim=dims[0], x_dim=dims[1])
    found = named.gpumask.reproject("EPSG:32634")
    expected = dataset.gpumask.reproject("EPSG:32634")
    xarray.testing.assert_identical(found, expected)
    kept = named.gpumask.keep(CLOUD, "qa", grow=1)
    assert kept.nir.dims == ("time", *dims) and kept.nir_validity.dims == dims
    xarray.testing.assert_identical(kept.rename({new: old for old, new in places.items()}),
                                    dataset.gpumask.keep(CLOUD, "qa", grow=1))  # fmt: skip


def test_what_lies_along_rows_alone_is_left_out_and_said_so(caplog):
    dataset = scene(row_time=("y", np.arange(60)), y20_bounds=(("y20", "nv"), np.zeros((30, 2))))
    dataset = dataset.assign_coords(line=("y", np.arange(60)), sun=(("y", "x"), np.zeros(FINE.shape)))
    with caplog.at_level(logging.INFO, "gpumask"):
        found = dataset.gpumask.reproject("EPSG:32634")
    assert not {"row_time", "y20_bounds", "line", "sun"} & set(found.variables)
    assert "row_time, y20_bounds" in caplog.text
    kept = dataset.drop_vars("swir").gpumask.keep(CLOUD, "qa")
    assert {"row_time", "y20_bounds", "line", "sun"} <= set(kept.variables)


def test_coordinates_of_nothing_are_kept_and_variables_in_order():
    dataset = scene().assign_coords(wavelength=("spectrum", [0.5, 0.6]), orbit=7)
    dataset = dataset[["swir", "note", "red", "seen"]].assign_coords(wavelength=dataset.wavelength)
    found = dataset.gpumask.reproject("EPSG:32634")
    assert list(found.data_vars) == ["swir", "note", "red", "seen"] and found.orbit == 7
    np.testing.assert_array_equal(found.wavelength, [0.5, 0.6])


def test_names_may_be_numbers():
    bands = image_at(FINE, bands=[("band", 3)]).to_dataset("band")
    found = bands.gpumask.reproject("EPSG:32634", interp={1: "linear"})
    filled = found.gpumask.where_valid({2: 0})
    for name, interp in enumerate(["cubic", "linear", "cubic"]):
        expected = bands[name].gpumask.reproject("EPSG:32634", interp=interp)
        the_same(found, name, expected)
        wanted = expected.gpumask.where_valid(0 if name == 2 else np.nan)
        np.testing.assert_array_equal(filled[name], wanted)
        assert filled[name].dtype == wanted.dtype
