"""What rules keep of DataArrays."""

import numpy as np
import pytest
from array_cases import image_at, small
from warp_cases import PAIRS, placed, words_of

from gpumask import MaskRule, flags_definition, mask_from_rules

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("gpumask.xarray")
# Most arrays here declare no nodata value, so that every pixel of theirs counts.
pytestmark = pytest.mark.filterwarnings("ignore:nodata_out:UserWarning")

QA = {"flags_definition": flags_definition("landsat_c2_qa_pixel")}


def quality_at(place, **options):
    """Return a quality band of random flags, with the Open Data Cube's attributes."""
    array = image_at(place, seed=4, **options)
    values = np.random.default_rng(7).choice(
        np.array([21824, 22280, 55052, 23888], np.uint16), array.shape, p=[0.97, 0.01, 0.01, 0.01]
    )
    return array.copy(data=values).assign_attrs(QA)


@pytest.mark.parametrize("grow", [None, 3])
def test_rules_about_a_quality_band_keep(grow):
    place = placed("EPSG:32633", 5e5, 5e6, 10, (80, 90))
    array, qa = image_at(place, bands=[("time", 2)]), quality_at(place, bands=[("time", 2)])
    rule = {"flags": {"cloud": False, "cloud_shadow": False}}
    checked = MaskRule.from_config({"band": "red", **rule}, QA["flags_definition"])
    expected = mask_from_rules([checked], {"red": qa.values}, grow=grow)
    found = array.gpumask.keep(rule, qa, grow=grow)
    np.testing.assert_array_equal(found.validity, expected)
    assert 0 < expected.mean() < 1
    lazily = array.chunk(y=30, x=31).gpumask.keep(rule, qa.chunk(y=27, x=50), grow=grow)
    assert lazily.validity.chunks is not None
    np.testing.assert_array_equal(lazily.validity, expected)
    again = found.gpumask.keep([checked], {"red": qa}, grow=grow)
    xarray.testing.assert_identical(again, found)


@pytest.mark.parametrize("dims", [("y", "x", "time"), ("x", "time", "y")])
def test_what_is_not_kept_grows_on_the_ground_whatever_comes_last(dims):
    place = placed("EPSG:32633", 5e5, 5e6, 10, (40, 50))
    array, qa = image_at(place, bands=[("time", 3)]), quality_at(place, bands=[("time", 3)])
    rule = {"flags": {"cloud": False}}
    expected = array.gpumask.keep(rule, qa, grow=2).validity
    turned, quality = array.transpose(*dims), qa.transpose(*dims)
    for lazy in (turned, turned.chunk(time=1, y=13)):
        found = lazy.gpumask.keep(rule, quality if lazy is turned else quality.chunk(y=7, x=9), grow=2)
        np.testing.assert_array_equal(found.validity.transpose(*expected.dims), expected)


def test_a_validity_has_the_order_of_the_array_s_dimensions():
    place = placed("EPSG:32633", 5e5, 5e6, 10, (6, 7))
    array, qa = image_at(place, bands=[("time", 2)]), quality_at(place)
    array = array.assign_coords(validity=(("time", "y", "x"), np.ones(array.shape, np.uint8)))
    for given in (array, array.transpose("x", "y", "time")):
        assert given.gpumask.keep({"flags": {"cloud": False}}, qa).validity.dims == given.dims
        dataset = given.to_dataset().assign(other=given[{"time": 0}].drop_vars("validity"))
        assert dataset.gpumask.keep({"flags": {"cloud": False}}, qa).red_validity.dims == given.dims


def test_what_rules_do_not_keep_gets_into_no_pixel():
    pair = small(PAIRS["to longitudes and latitudes"])
    array, qa = image_at(pair.source), quality_at(pair.source)
    rule = {"flags": {"cloud": False}}
    kept = array.gpumask.keep(rule, qa)
    spoiled = kept.copy(data=np.where(kept.validity, kept.values, 65535).astype(np.uint16))
    words = words_of(pair.target) | {"interp": "linear"}
    xarray.testing.assert_identical(spoiled.gpumask.reproject(**words), kept.gpumask.reproject(**words))


def test_where_nothing_is_masked_all_is_kept():
    array = image_at(placed("EPSG:32633", 5e5, 5e6, 10, (8, 9)))
    xarray.testing.assert_identical(array.gpumask.where_valid(), array)
