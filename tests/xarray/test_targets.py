"""Where the variables of a Dataset lie, and the one place to which all of them are brought."""

import numpy as np
import pytest
from array_cases import image_at
from dataset_cases import COARSE, FINE, INTERPS, alone, scene, the_same
from warp_cases import placed

from gpumask import Geolocation, GpumaskError, Grid, ProjectedGrid

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")
# Integers without a nodata value, which tests here have no need of.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out. expected a value for invalid pixels")


def test_the_finest_pixels_say_where_to():
    dataset = scene()
    for words in ({}, {"resolution": 25}, {"bounds": (28_000, 5_016_000, 29_000, 5_017_000)}):
        expected = dataset.red.gpumask.reproject("EPSG:32634", **words)
        found = dataset.gpumask.reproject("EPSG:32634", **words)
        assert found.rio.transform() == expected.rio.transform() and found.red.shape == expected.shape
        found = dataset[["swir", "red"]].gpumask.reproject("EPSG:32634", **words)
        assert found.rio.transform() == expected.rio.transform() and found.red.shape == expected.shape


@pytest.mark.parametrize("crs", ["EPSG:32634", "EPSG:4326", "EPSG:3857"])
def test_the_place_holds_all_variables(crs):
    wide = image_at(placed("EPSG:32633", 4.99e5, 5.002e6, 40, (100, 120)), seed=4).rename(y="y40", x="x40")
    dataset = scene().drop_vars("swir").assign(wide=wide)
    found = dataset.gpumask.reproject(crs)
    own = wide.rename(y40="y", x40="x").gpumask.reproject(crs)
    red = dataset.red.gpumask.reproject(crs)
    assert np.allclose(found.rio.resolution(), red.rio.resolution(), rtol=1e-12)
    off = np.array(red.rio.transform())[[2, 5]] - np.array(found.rio.transform())[[2, 5]]
    steps = off / found.rio.resolution()
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    (left, bottom, right, top), (x, y) = own.rio.bounds(), np.abs(own.rio.resolution())
    has = found.rio.bounds()
    assert has[0] <= left + x and has[1] <= bottom + y and has[2] >= right - x and has[3] >= top - y
    assert has[0] > left - x and has[1] > bottom - y and has[2] < right + x and has[3] < top + y
    np.testing.assert_allclose(found.wide_validity.mean(), own.validity.mean(), rtol=0.1)


def test_places_on_both_sides_of_180_degrees_stay_neighbours():
    one = image_at(placed("EPSG:4326", 179.5, 10, 0.01, (40, 60)))
    other = image_at(placed("EPSG:4326", -179.95, 10, 0.02, (20, 30))).rename(y="y2", x="x2")
    found = xarray.Dataset({"one": one, "other": other}).gpumask.reproject("EPSG:4326", interp="nearest")
    assert found.one.shape == (40, 115)
    assert found.one_validity.sum() == 40 * 60 and found.other_validity.sum() == 40 * 60


def test_a_grid_is_taken_where_all_lie_in_one_place():
    dataset = scene().drop_vars("swir")
    grid = Grid([[2.5, 2.5], [40.5, 40.5]], [[3, 50], [3, 50]], resolution=(38, 47))
    found = dataset.gpumask.resample(grid, "linear")
    for name in ("red", "nir", "qa"):
        interp = "nearest" if name == "qa" else "linear"
        the_same(found, name, dataset[name].gpumask.resample(grid, interp))
    assert found.red.rio.crs is None and "x" not in found.coords
    for more in (scene().swir, dataset.red.assign_coords(x=dataset.x + 5).rename(y="y2", x="x2")):
        with pytest.raises(GpumaskError, match="grid: expected a ProjectedGrid, or variables of one place; got a Grid"):
            dataset.assign(more=more).gpumask.resample(grid)


def test_variables_of_other_places_come_to_the_target_of_a_projected_grid():
    shifted = image_at(placed("EPSG:32633", 5.001e5, 5.0001e6, 10, (60, 80)), seed=8).rename(y="y2", x="x2")
    dataset = scene(shifted=shifted)
    target = placed("EPSG:32634", 28_300, 5.018e6, 10, (70, 90))
    found = dataset.gpumask.resample(ProjectedGrid(FINE, target))
    assert found.rio.transform() == target.transform
    for name, interp in (INTERPS | {"shifted": "cubic"}).items():
        array = alone(dataset, name)
        array = array.rename(y2="y", x2="x") if "y2" in array.dims else array
        the_same(found, name, array.gpumask.reproject(like=found, interp=interp))


def test_a_model_says_where_all_lie_or_each():
    lat, lon = np.mgrid[45:45.3:61j, 15:15.4:81j]
    swath = Geolocation(lon[:60, :80], lat[:60, :80][::-1])
    dataset = scene().drop_vars("swir")
    found = dataset.gpumask.reproject("EPSG:32633", resolution=500, model=swath)
    the_same(found, "red", dataset.red.gpumask.reproject(like=found, model=swath))
    with pytest.raises(GpumaskError, match="model: expected a mapping of names"):
        scene().gpumask.reproject("EPSG:32633", model=swath)
    by_name = scene().gpumask.reproject("EPSG:32633", model={"red": FINE, "swir": COARSE})
    xarray.testing.assert_identical(by_name, scene().gpumask.reproject("EPSG:32633"))
