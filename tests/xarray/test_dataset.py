"""Datasets: each variable as it would be alone, by its own dtype, nodata and place, and all else as it was."""

import logging
import warnings

import numpy as np
import pytest
from array_cases import image_at, small
from dataset_cases import CLOUD, COARSE, FINE, alone, classes_at, scene, the_same
from lazy_cases import never
from warp_cases import PAIRS, placed

from gpumask import Geolocation, GpumaskError, Grid, Place, ProjectedGrid
from gpumask.errors import ArgumentTypeError

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

# Integers without a nodata value, which tests here have no need of.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out. expected a value for invalid pixels")

RNG = np.random.default_rng(5)


INTERPS = {"red": "cubic", "nir": "cubic", "swir": "cubic", "qa": "nearest"}


@pytest.mark.parametrize("chunks", [None, {"y": 25, "x": 33, "y20": 11, "x20": 17, "time": 1}])
def test_each_variable_is_as_it_would_be_alone(chunks):
    dataset = scene() if chunks is None else scene().chunk(chunks)
    found = dataset.gpumask.reproject("EPSG:32634", resolution=10)
    for name, interp in INTERPS.items():
        expected = alone(scene(), name).gpumask.reproject(like=found, interp=interp)
        the_same(found, name, expected)
        assert (chunks is None) == (found[name].chunks is None) == (found[f"{name}_validity"].chunks is None)
    assert found.attrs == {"title": "scene"} and list(found.data_vars) == list(dataset.data_vars)
    assert found.red.rio.nodata == 0 and found.swir.rio.nodata == -1 and found.qa.attrs["flag_meanings"]
    for name in ("note", "gain", "seen"):
        xarray.testing.assert_identical(found[name].drop_vars("spatial_ref"), scene()[name].drop_vars("spatial_ref"))
    assert found.rio.crs.to_epsg() == 32634 and found.red.rio.crs.to_epsg() == 32634
    assert not {"y20", "x20"} & set(found.variables) and found.rio.transform() == found.red.rio.transform()


def test_lazy_is_eager_to_the_bit_with_all_that_is_said():
    dataset = scene()
    lazy = dataset.chunk(y=20, x=30, y20=9, x20=40, time=1)

    def work(given):
        kept = given.gpumask.keep(CLOUD, classes_at(FINE, 4), grow=70) if "swir" not in given else given
        warped = kept.gpumask.reproject("EPSG:32634", resolution=10, nodata_out={"nir": -1})
        return kept, warped, warped.gpumask.where_valid({"nir": 5})

    for pair in ((lazy, dataset), (lazy.drop_vars("swir"), dataset.drop_vars("swir"))):
        for found, expected in zip(*map(work, pair), strict=True):
            xarray.testing.assert_identical(found.compute(), expected)


def test_nothing_is_computed_before_it_is_asked_for():
    dataset = scene().drop_vars("swir")
    dataset = dataset.assign({
        name: dataset[name].copy(data=never(dataset[name].shape, dataset[name].dtype)) for name in ("red", "nir", "qa")
    }).assign_coords(validity=(("y", "x"), never(FINE.shape)))  # fmt: skip
    kept = dataset.gpumask.keep(CLOUD, "qa", grow=100).gpumask.keep({"band": "qa", "values": [0]})
    kept.gpumask.reproject("EPSG:32634").gpumask.reproject("EPSG:32635").gpumask.where_valid()


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


@pytest.mark.filterwarnings("ignore:interp. linear makes values between classes")
def test_options_may_be_said_by_name():
    dataset = scene()
    words = {
        "interp": {"red": "linear", "qa": "linear"},
        "nodata_out": {"red": 7, "nir": -1},
        "dtype": {"red": "float64", "qa": "float32"},
        "validity": {"nir": "band"},
    }
    found = dataset.gpumask.reproject("EPSG:32634", resolution=20, **words)
    for name, interp in INTERPS.items():
        own = {key: given[name] for key, given in words.items() if name in given}
        expected = alone(dataset, name).gpumask.reproject(like=found, **{"interp": interp} | own)
        the_same(found, name, expected)
    found = dataset.gpumask.reproject("EPSG:32634", interp="linear", dtype="float64", nodata_out=-5)
    assert {found[name].dtype for name in INTERPS} == {np.dtype("float64")}
    for name in INTERPS:
        interp = "nearest" if name == "qa" else "linear"
        expected = alone(dataset, name).gpumask.reproject(like=found, interp=interp, dtype="float64", nodata_out=-5)
        the_same(found, name, expected)


@pytest.mark.parametrize("interp", [None, "cubic", "linear", "bspline3", {"red": "linear"}])
def test_categories_are_never_mixed(interp):
    dataset = scene()
    dataset["qa"][:] = np.where(np.indices(FINE.shape).sum(0) % 2, 2, 0)
    found = dataset.gpumask.reproject("EPSG:32634", interp=interp)
    assert set(np.unique(found.qa)) == {0, 2}


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


def test_a_dataset_that_came_from_a_geobox_goes_to_another():
    pytest.importorskip("odc.geo.xr")
    dataset = scene()
    box = dataset.red.gpumask.reproject("EPSG:32634").odc.geobox
    assert dataset.gpumask.reproject(like=box).odc.geobox == box


def test_a_variable_that_lies_nowhere_is_refused_by_name():
    dataset = scene()
    turned = Place("EPSG:32633", FINE.transform, FINE.shape)
    without = dataset.drop_vars(["y", "x", "y20", "x20"]).rio.write_transform(turned.transform)
    with pytest.raises(GpumaskError, match="expected coordinates along y and x, or a grid mapping.*variable 'red'"):
        without.gpumask.reproject("EPSG:32634")
    xarray.testing.assert_identical(
        without.drop_vars("swir").gpumask.reproject("EPSG:32634"),
        dataset.drop_vars(["swir", "y20", "x20"]).gpumask.reproject("EPSG:32634"),
    )


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda d: d.gpumask.reproject(), GpumaskError, "crs: expected a CRS"),
        (lambda d: d[["note", "gain"]].gpumask.reproject("EPSG:32634"), GpumaskError, "dataset: expected a variable w"),
        (lambda d: d[[]].gpumask.where_valid(), GpumaskError, "dataset: expected a variable with dimensions y and x"),
        (lambda d: d.drop_vars("spatial_ref").gpumask.reproject("EPSG:4326"), GpumaskError, "a CRS.*variable 'red'"),
        (lambda d: d.gpumask.reproject("EPSG:32634", interp={"blue": "cubic"}), GpumaskError, "interp: .*got 'blue'"),
        (lambda d: d.gpumask.reproject("EPSG:32634", dtype={"note": "f4"}), GpumaskError, "dtype: .*got 'note'"),
        (lambda d: d.gpumask.reproject("EPSG:32634", nodata_out=-1), GpumaskError, "nodata_out: .*variable 'red'"),
        (lambda d: d.gpumask.reproject("EPSG:32634", interp="best"), GpumaskError, "interp: unknown"),
        (lambda d: d.gpumask.resample("best"), ArgumentTypeError, "grid: expected a Grid or a ProjectedGrid; got str"),
        (lambda d: d.gpumask.where_valid({"note": 0}), GpumaskError, "other: expected names.*got 'note'"),
        (
            lambda d: d.assign(odd=(("y", "x20"), np.zeros((60, 40)))).gpumask.reproject("EPSG:32634"),
            GpumaskError,
            "dataset: expected 'odd' to have the rows and columns of one place",
        ),
        (
            lambda d: d.assign(red_validity=1.0).gpumask.reproject("EPSG:32634"),
            GpumaskError,
            "dataset: expected no variable 'red_validity'",
        ),
        (
            lambda d: d.assign(day=(("y", "x"), np.zeros(FINE.shape, "M8[ns]"))).gpumask.reproject("EPSG:32634"),
            GpumaskError,
            "variable 'day'",
        ),
    ],
)
def test_what_can_not_be_right_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(scene())


@pytest.mark.parametrize(
    ("words", "says"), [({}, "'qa', 'again' declare"), ({"nodata_out": {"qa": 9}}, "'again' declares")]
)
def test_integers_without_a_nodata_value_are_named_in_one_warning(words, says):
    dataset = scene()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset.assign(again=dataset.qa).gpumask.reproject("EPSG:32634", **words)
    ours = [each for each in caught if issubclass(each.category, UserWarning)]
    assert [each.filename for each in ours] == [__file__]
    assert str(ours[0].message).startswith(f"nodata_out: expected a value for invalid pixels, as {says} none; got None")


def test_what_a_dataset_says_of_its_place_is_renewed_as_of_arrays():
    old = {"transform": (10, 0, 0, 0, -10, 0), "res": (10, 10), "crs": "EPSG:32633", "STATISTICS_MEAN": 4, "title": "t"}
    dataset = scene().drop_vars("swir").assign_attrs(old)
    found = dataset.gpumask.reproject("EPSG:32634", resolution=7)
    assert found.attrs == {
        "title": "t", "transform": tuple(found.rio.transform())[:6], "res": (7, 7), "crs": "EPSG:32634"
    }  # fmt: skip
    grid = Grid(np.array([[0.5, 0.5], [9, 9]]), np.array([[0.5, 9], [0.5, 9]]), (5, 5))
    assert dataset.gpumask.resample(grid).attrs == {"title": "t"}
    assert dataset.attrs == old
