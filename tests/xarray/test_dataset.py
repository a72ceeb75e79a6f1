"""Datasets: each variable as it would be alone, by its own dtype, nodata and place, and all else as it was."""

import warnings

import numpy as np
import pytest
from dataset_cases import CLOUD, FINE, INTERPS, alone, classes_at, scene, the_same
from lazy_cases import never

from gpumask import GpumaskError, Grid, Place
from gpumask.errors import ArgumentTypeError

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

# Integers without a nodata value, which tests here have no need of.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out. expected a value for invalid pixels")


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
