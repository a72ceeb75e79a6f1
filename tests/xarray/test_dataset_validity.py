"""Validities of a Dataset's variables: what rules keep of each, and that nothing of it is lost on the way."""

import warnings

import numpy as np
import pytest
from array_cases import image_at
from dataset_cases import CLOUD, COARSE, FINE, alone, classes_at, scene, the_same
from exhaustive import draws
from lazy_cases import chunking, grown, moved
from warp_cases import placed

from gpumask import GpumaskError, MaskRule, Place
from gpumask.errors import ArgumentTypeError

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
dask_array = pytest.importorskip("dask.array")
pytest.importorskip("gpumask.xarray")

# Integers without a nodata value, which tests here have no need of.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out. expected a value for invalid pixels")

NAMED = {"band": "qa", **CLOUD}


def one_place(**others):
    return scene(haze=classes_at(FINE, 9), **others).drop_vars("swir")


@pytest.mark.parametrize(
    ("rules", "quality"),
    [
        (CLOUD, "qa"),
        (NAMED, None),
        ([NAMED], ["qa"]),
        (NAMED, {"qa": "qa"}),
        ({"band": "scl", **CLOUD}, {"scl": "qa"}),
        (CLOUD, scene()["qa"]),
        (NAMED, [scene()["qa"]]),
        (MaskRule.from_config(NAMED), None),
        ([{"band": "qa", "flags": {"class": "clear"}}, {"band": "qa", "values": [2], "invert": True}], None),
    ],
)
@pytest.mark.parametrize("grow", [None, 2])
def test_quality_bands_are_found_by_name_or_given(rules, quality, grow):
    dataset = one_place()
    found = dataset.gpumask.keep(rules, quality, grow=grow)
    flags = isinstance(rules, list) and len(rules) > 1
    clear = grown(dataset.qa.values == 0 if flags else dataset.qa.values != 1, grow or 0)
    assert 0.03 < clear.mean() < 0.95
    for name in ("red", "nir", "haze"):
        np.testing.assert_array_equal(found[f"{name}_validity"], clear)
        np.testing.assert_array_equal(found[name], dataset[name])
        assert found[name].attrs["ancillary_variables"] == f"{name}_validity"
    given = isinstance(quality, xarray.DataArray) or (isinstance(quality, list) and not isinstance(quality[0], str))
    assert ("qa_validity" in found.variables) == given
    assert "ancillary_variables" not in dataset.red.attrs and "red_validity" not in dataset.variables


def test_several_quality_bands_count_together_and_are_not_masked():
    dataset = one_place()
    found = dataset.gpumask.keep([NAMED, {"band": "haze", "values": [0]}])
    np.testing.assert_array_equal(found.red_validity, (dataset.qa != 1) & (dataset.haze == 0))
    assert not {"qa_validity", "haze_validity"} & set(found.variables)
    xarray.testing.assert_identical(found.qa.drop_vars(["red_validity", "nir_validity"]), dataset.qa)


def test_each_variable_has_its_own_quality_by_its_attributes():
    dataset = one_place()
    dataset["red"].attrs["ancillary_variables"] = "qa red_error"
    dataset["nir"].attrs["ancillary_variables"] = "haze"
    dataset = dataset.assign(green=dataset.red.copy(data=dataset.red.values).assign_attrs(ancillary_variables=""))
    found = dataset.gpumask.keep(CLOUD, grow=1)
    np.testing.assert_array_equal(found.red_validity, grown(dataset.qa.values != 1, 1))
    np.testing.assert_array_equal(found.nir_validity, grown(dataset.haze.values != 1, 1))
    assert found.red.attrs["ancillary_variables"] == "qa red_error red_validity"
    assert not {"green_validity", "qa_validity", "haze_validity"} & set(found.variables)


def test_a_variable_without_dates_is_not_masked_by_those_of_quality_bands():
    dataset = one_place(dates=classes_at(FINE, 3, bands=[("time", 2)]))
    found = dataset.gpumask.keep(CLOUD, "dates")
    np.testing.assert_array_equal(found.nir_validity, dataset.dates != 1)
    assert found.nir_validity.dims == ("time", "y", "x") and "red_validity" not in found.variables


def test_what_is_kept_twice_is_kept_by_both():
    dataset = one_place()
    found = dataset.gpumask.keep(NAMED).gpumask.keep({"band": "haze", **CLOUD})
    both = (dataset.qa != 1) & (dataset.haze != 1)
    np.testing.assert_array_equal(found.red_validity, both)
    np.testing.assert_array_equal(found.haze_validity, dataset.qa != 1)
    np.testing.assert_array_equal(found.qa_validity, dataset.haze != 1)
    assert found.red.attrs["ancillary_variables"] == "red_validity"


def test_variables_of_one_name_have_the_coordinate_that_data_arrays_have():
    dataset = one_place()[["red"]].drop_attrs(deep=False)
    found = dataset.gpumask.keep(CLOUD, one_place().qa)
    expected = dataset.red.gpumask.keep(CLOUD, one_place().qa)
    xarray.testing.assert_identical(found, expected.to_dataset())
    there = found.gpumask.reproject("EPSG:32634")
    xarray.testing.assert_identical(there, expected.gpumask.reproject("EPSG:32634").to_dataset())
    xarray.testing.assert_identical(there.gpumask.where_valid(5).red, there.red.gpumask.where_valid(5))


def test_a_validity_of_all_counts_for_each():
    dataset = one_place()
    valid = np.random.default_rng(0).random(FINE.shape) < 0.9
    marked = dataset.assign_coords(validity=(("y", "x"), valid))
    found = marked.gpumask.keep(NAMED).gpumask.reproject("EPSG:32634")
    for name, said in {"red": valid & (dataset.qa != 1), "qa": valid}.items():
        array = dataset[name].assign_coords(validity=(("y", "x"), np.asarray(said)))
        interp = "nearest" if name == "qa" else "cubic"
        the_same(found, name, array.gpumask.reproject(like=found, interp=interp))


@pytest.mark.parametrize("lazy", [False, True])
def test_nothing_is_lost_from_one_place_to_the_next(lazy):
    dataset = scene()
    given = dataset.chunk(y=30, x=30) if lazy else dataset
    there = given.gpumask.reproject("EPSG:32634", resolution=10)
    back = there.gpumask.reproject("EPSG:32633", resolution=10)
    renamed = there.rename(red="b4").gpumask.reproject(like=back)
    np.testing.assert_array_equal(renamed.b4, back.red)
    np.testing.assert_array_equal(renamed.b4_validity, back.red_validity)
    for name in ("red", "nir", "swir", "qa"):
        interp = "nearest" if name == "qa" else "cubic"
        first = alone(dataset, name).gpumask.reproject(like=there, interp=interp)
        the_same(back, name, first.gpumask.reproject(like=back, interp=interp))
        assert 0 < back[f"{name}_validity"].mean() < 1
        assert list(back[name].attrs["ancillary_variables"].split()) == [f"{name}_validity"]


def test_a_variable_taken_out_keeps_its_validity():
    there = scene().gpumask.reproject("EPSG:32634", resolution=10)
    for name in ("red", "nir", "swir"):
        array = there[name]
        wanted = np.where(np.broadcast_to(there[f"{name}_validity"], array.shape) == 1, array, np.nan)
        np.testing.assert_array_equal(array.gpumask.where_valid(), wanted)
        np.testing.assert_array_equal((array * 2).gpumask.where_valid(), wanted * 2)
        np.testing.assert_array_equal(array.rename("other").gpumask.where_valid(), wanted)
        np.testing.assert_array_equal(there.gpumask.where_valid()[name], wanted)
        again = array.gpumask.reproject("EPSG:32633")
        assert "ancillary_variables" not in again.attrs and "validity" in again.coords


def test_arithmetic_keeps_the_validities_of_both_sides():
    there = scene().gpumask.reproject("EPSG:32634", resolution=10)
    ratio = there.nir / there.swir
    assert {"nir_validity", "swir_validity"} <= set(ratio.coords)
    clear = there.gpumask.where_valid()
    known = (there.nir_validity == 1) & (there.swir_validity == 1)
    np.testing.assert_array_equal(np.isfinite(clear.nir / clear.swir), known)


def test_values_for_what_is_not_valid_may_be_said_by_name():
    there = scene().gpumask.reproject("EPSG:32634", resolution=10)
    found = there.gpumask.where_valid({"red": 9, "qa": 255})
    np.testing.assert_array_equal(found.red, np.where(there.red_validity == 1, there.red, 9))
    np.testing.assert_array_equal(found.qa, np.where(there.qa_validity == 1, there.qa, 255))
    assert found.red.dtype == np.uint16 and found.qa.dtype == np.uint8 and found.swir.dtype.kind == "f"
    own = {key: said for key, said in there.red.attrs.items() if key != "ancillary_variables"}
    assert found.red.attrs == {**own, "_FillValue": 9} and found.note == "hello"
    rest = there.coords.to_dataset().drop_vars([name for name in there.coords if str(name).endswith("validity")])
    xarray.testing.assert_identical(there.gpumask.where_valid().coords.to_dataset(), rest)


@pytest.mark.parametrize("decode_coords", [True, "all"])
def test_a_store_brings_validities_back(tmp_path, decode_coords):
    pytest.importorskip("zarr")
    there = scene().drop_vars("note").chunk(y=30, x=40).gpumask.reproject("EPSG:32634", resolution=10)
    there.to_zarr(tmp_path / "it.zarr", consolidated=False)
    again = xarray.open_zarr(
        tmp_path / "it.zarr", decode_coords=decode_coords, consolidated=False, mask_and_scale=False
    )
    found, expected = (each.gpumask.reproject("EPSG:32633") for each in (again, there))
    for name in ("red", "nir", "swir", "qa"):
        np.testing.assert_array_equal(found[name], expected[name])
        np.testing.assert_array_equal(found[f"{name}_validity"], expected[f"{name}_validity"])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda d: d.gpumask.keep(CLOUD), GpumaskError, "quality: expected names of variables, rules that name them"),
        (lambda d: d.gpumask.keep(CLOUD, "scl"), GpumaskError, "quality: expected .*got 'scl'"),
        (lambda d: d.gpumask.keep({"band": "scl", **CLOUD}), GpumaskError, "quality: expected .*got 'scl'"),
        (lambda d: d.gpumask.keep([NAMED, CLOUD]), GpumaskError, "rules: expected all of them to name a band, or none"),
        (lambda d: d.gpumask.keep(None), ArgumentTypeError, "rules: expected a rule, or a list of rules; got None"),
        (lambda d: d.gpumask.keep(CLOUD, []), GpumaskError, "quality: expected at least one band; got none"),
        (lambda d: d.gpumask.keep(CLOUD, 3), ArgumentTypeError, "quality: expected DataArrays, or names .*got 3"),
        (lambda d: d.gpumask.keep(CLOUD, np.zeros(FINE.shape)), ArgumentTypeError, "quality: expected DataArrays"),
        (lambda d: d.gpumask.keep({"flags": {"fog": True}}, "qa"), GpumaskError, "fog.*variable 'red'"),
        (lambda d: d.gpumask.keep(CLOUD, "qa", grow=-1), GpumaskError, "grow: expected a radius"),
        (
            lambda d: d[["qa"]].gpumask.keep(CLOUD, "qa"),
            GpumaskError,
            "quality: expected a quality band for at least one variable",
        ),
        (
            lambda d: d.assign(red=d.red.assign_attrs(ancillary_variables="qa haze")).gpumask.keep(CLOUD),
            GpumaskError,
            "quality: expected names of quality bands, as 'red' has several",
        ),
    ],
)
def test_what_can_not_be_kept_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(one_place())


GROUPS, CASES = 8, 40
SIDE = 10.0


def random_scene(rng):
    """Return a Dataset, and by name each variable's values in fine pixels and where they are valid, by hand.

    It has variables of the fine place and of one of pixels twice as large, which has other dimensions.
    """
    rows, cols = (2 * int(n) for n in rng.integers(2, 8, 2))
    variables, expected = {}, {}
    for number in range(rng.integers(1, 5)):
        name, factor = f"v{number}", int(rng.integers(1, 3))
        lead = [("time", 2)] * int(rng.integers(2))
        shape = (*(n for _, n in lead), rows // factor, cols // factor)
        kind = np.dtype(rng.choice(["uint8", "int16", "float32"]))
        values = rng.integers(0, 9, shape).astype(kind)
        if kind.kind == "f":
            values[rng.random(shape) < 0.1] = np.nan
        attrs = {"_FillValue": 3} if rng.random() < 0.5 else {}
        known = ~np.isnan(values) & ~((values == 3) if attrs else False)
        place = placed("EPSG:32633", 5e5, 5e6, SIDE * factor, shape[-2:])
        array = image_at(place, bands=lead).copy(data=values).assign_attrs(attrs).drop_attrs(deep=False)
        array.attrs = dict(attrs)
        array.encoding["grid_mapping"] = "spatial_ref"
        if rng.random() < 0.5:
            array = array.copy(data=dask_array.from_array(values, chunks=chunking(rng, shape)))
        variables[name] = array.rename(y="y20", x="x20") if factor == 2 else array
        big = [each.repeat(factor, -2).repeat(factor, -1) for each in (values, known)]
        expected[name] = (*big, factor)
    return xarray.Dataset(variables), expected, (rows, cols)


@pytest.mark.parametrize("group", draws(GROUPS))
def test_moved_datasets_are_those_of_slices(group):
    rng, different = np.random.default_rng(group), 0
    for _ in range(CASES):
        dataset, expected, shape = random_scene(rng)
        fine = [name for name, (*_, factor) in expected.items() if factor == 1]
        grow, own = int(rng.integers(0, 4)), set()
        if len(fine) > 1 and rng.random() < 0.6:
            clouds = rng.random(shape) < 0.1
            qa = image_at(placed("EPSG:32633", 5e5, 5e6, SIDE, shape)).copy(data=clouds.astype(np.uint8)).drop_attrs()
            own = set(fine)
            dataset = dataset[fine].assign(qa=qa).gpumask.keep({"values": [0]}, "qa", grow=grow)
            clear = grown(~clouds, grow)
            expected = {name: (each[0], each[1] & clear, 1) for name, each in expected.items() if name in own}
        by = [int(rng.integers(-n + 1, n)) for n in shape]
        like = Place(
            "EPSG:32633", placed("EPSG:32633", 5e5 + SIDE * by[1], 5e6 - SIDE * by[0], SIDE, shape).transform, shape
        )
        fills = {name: int(rng.integers(0, 200)) for name in expected if rng.random() < 0.5}
        found = dataset.gpumask.reproject(like=image_at(like), interp="nearest", nodata_out=fills)
        for name, (values, known, _) in expected.items():
            default = 3 if "_FillValue" in dataset[name].attrs else np.nan if values.dtype.kind == "f" else 0
            image, valid = moved(values, known.astype(np.uint8), by, values.dtype.type(fills.get(name, default)))
            says = found["validity" if len(expected) == 1 and not own else f"{name}_validity"]
            different += not (
                np.array_equal(found[name], image, equal_nan=values.dtype.kind == "f")
                and np.array_equal(says, valid)
                and found[name].dtype == values.dtype
            )
    assert different == 0


def test_quality_of_coarser_pixels_counts_for_all_of_each():
    dataset = scene(scl=classes_at(COARSE, 2).rename(y="y20", x="x20"))
    found = dataset.gpumask.keep(CLOUD, "scl")
    np.testing.assert_array_equal(found.swir_validity, dataset.scl != 1)
    np.testing.assert_array_equal(found.red_validity, (dataset.scl.values != 1).repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("dims", [(), ("y",), ("y", "x")])
def test_a_variable_that_is_called_validity_and_says_something_else_is_kept(dims):
    dataset = scene()[["red", "nir"]]
    score = xarray.DataArray(np.full([dataset.sizes[dim] for dim in dims], 3, np.uint8), dims=dims)
    dataset = dataset.assign(validity=score)
    np.testing.assert_array_equal(dataset.gpumask.where_valid().validity, score)
    if dims == ("y",):  # which lies along rows alone
        return
    told = dataset.gpumask.reproject("EPSG:32634", nodata_out=0).gpumask.where_valid(0)
    assert set(np.unique(told.validity)) == ({0, 3} if dims else {3})


def test_what_says_where_a_lone_variable_is_valid_takes_no_other_ones_name():
    dataset = scene()[["red"]].assign(validity=5)
    for work in (lambda: dataset.gpumask.keep({"values": [0]}, dataset.red), lambda: dataset.gpumask.reproject(4326)):
        with pytest.raises(
            GpumaskError, match="^dataset: expected no variable 'validity', the name for the validity of 'red'; got"
        ):
            work()


def test_a_validity_counts_after_a_reset_of_coordinates():
    kept = scene()[["red"]].gpumask.keep(CLOUD, classes_at(FINE))
    for work in (lambda each: each.where_valid(), lambda each: each.reproject("EPSG:32634", nodata_out=0)):
        xarray.testing.assert_identical(work(kept.reset_coords("validity").gpumask), work(kept.gpumask))


def test_quality_bands_may_have_numbers_for_names():
    dataset = scene()[["red", "qa"]].rename(red=1, qa=2)
    expected = scene().red.gpumask.keep(CLOUD, scene().qa).validity
    for quality in (2, [2], dataset[2], [dataset[2]], {"qa": 2}):
        rules = {"band": "qa", **CLOUD} if isinstance(quality, dict) else CLOUD
        np.testing.assert_array_equal(dataset.gpumask.keep(rules, quality)["1_validity"], expected)
    np.testing.assert_array_equal(dataset[1].gpumask.keep(CLOUD, dataset[2]).validity, expected)


@pytest.mark.parametrize("made", [lambda each: each.red - each.qa, lambda each: each.to_array("band")])
def test_what_is_made_of_several_variables_is_not_silently_unmasked(made):
    kept = scene()[["red", "nir", "qa"]].isel(time=0).gpumask.keep(CLOUD, classes_at(FINE))
    several = made(kept)
    for work in (lambda each: each.where_valid(), lambda each: each.keep(CLOUD, classes_at(FINE))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            work(several.copy().gpumask)
        ours = [each for each in caught if issubclass(each.category, UserWarning)]
        assert [each.filename for each in ours] == [__file__]
        assert str(ours[0].message).startswith("array: expected one validity; got those of the variables that it was m")
    made(kept.gpumask.where_valid()).gpumask.where_valid()
    kept.red.gpumask.where_valid()
