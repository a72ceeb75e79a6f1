"""Rules applied to several quality bands."""

import itertools
import re

import numpy as np
import pytest
from flag_rules import CLOUD, CONF, DEFINITION, SHADOW, WATER, pixels

from gpumask import GpumaskError, MaskRule, MaskRuleError, mask_from_rules

pytestmark = pytest.mark.usefixtures("on_every_backend")

OTHER = pixels[::-1].copy()

SCL = {"scl": {"bits": list(range(8)), "values": {"3": "cloud_shadow", "6": "water"}}}


def test_a_pixel_stays_where_it_matches_all_rules_of_all_bands():
    rules = [
        {"band": "qa", "flags": {"cloud": False}},
        {"band": "scl", "values": range(100, 250)},
        {"band": "qa", "flags": {"or": {"water": True, "conf": "high"}}, "invert": True},
        MaskRule.from_config({"band": "scl", "values": [200, 201], "invert": True}),
    ]
    expected = ~CLOUD & ~(WATER | (CONF == 3)) & (OTHER >= 100) & (OTHER < 250) & ~np.isin(OTHER, (200, 201))
    for order in itertools.permutations(rules):
        found = mask_from_rules(order, {"qa": pixels, "scl": OTHER}, DEFINITION)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(mask_from_rules(iter(rules), {"scl": OTHER, "qa": pixels}, DEFINITION), expected)


def test_bands_may_be_of_different_types():
    bands = {"a": pixels, "b": OTHER.astype(">f4"), "c": pixels.astype(np.int64) - 5, "d": pixels % 2 == 0}
    rules = [{"band": "b", "values": [7], "invert": True}, {"band": "c", "values": range(-3, 100)}]
    rules += [{"band": "d", "flags": {"water": True}}, {"band": "a", "flags": {"shadow": False}}]
    expected = (OTHER != 7) & (pixels >= 2) & (pixels < 105) & (pixels % 2 == 0) & ~SHADOW
    np.testing.assert_array_equal(mask_from_rules(rules, bands, DEFINITION), expected)


def test_one_rule_needs_no_list():
    rule = {"band": "qa", "values": [3]}
    for one in (rule, MaskRule.from_config(rule)):
        np.testing.assert_array_equal(mask_from_rules(one, {"qa": pixels}), pixels == 3)


@pytest.mark.parametrize("shape", [(), (256,), (16, 16), (2, 3, 4), (0,), (0, 4), (4, 0), (2, 3, 0), (2, 0, 3)])
def test_no_rules_keep_all(shape):
    found = mask_from_rules([], {"qa": np.zeros(shape, ">f4")})
    assert (found.dtype, found.shape, found.all()) == (bool, shape, True)


def test_bands_may_have_definitions_of_their_own():
    rules = [{"band": "qa", "flags": {"cloud": False}}, {"band": "scl", "flags": {"scl": "water"}, "invert": True}]
    for definitions in ({"qa": DEFINITION, "scl": SCL}, {"qa": DEFINITION, "scl": "sentinel2_scl"}):
        found = mask_from_rules(rules, {"qa": pixels, "scl": OTHER}, definitions)
        np.testing.assert_array_equal(found, ~CLOUD & (OTHER != 6))
    with pytest.raises(MaskRuleError, match="flags_definition"):
        mask_from_rules(rules, {"qa": pixels, "scl": OTHER}, {"qa": DEFINITION})
    with pytest.raises(MaskRuleError, match="flags_definition"):
        mask_from_rules(rules, {"qa": pixels, "scl": OTHER})


def test_a_band_may_have_the_name_of_a_flag():
    rule = {"band": "cloud", "flags": {"cloud": True}}
    for definitions in (DEFINITION, {"cloud": DEFINITION}):
        np.testing.assert_array_equal(mask_from_rules([rule], {"cloud": pixels}, definitions), CLOUD)


def test_a_rule_names_its_band():
    for rule in ({"values": [3]}, MaskRule.from_config({"values": [3]})):
        with pytest.raises(MaskRuleError, match=re.escape("rules[1]")):
            mask_from_rules([{"band": "qa", "values": [3]}, rule], {"qa": pixels})


def test_a_missing_band_is_named_along_with_those_there_are():
    with pytest.raises(MaskRuleError, match="'fmask'.*'qa'"):
        mask_from_rules([{"band": "fmask", "values": [3]}], {"qa": pixels})


@pytest.mark.parametrize("shape", [(255,), (256, 1), (1, 256), ()])
def test_bands_of_different_shapes_are_refused(shape):
    with pytest.raises(MaskRuleError, match="shape"):
        mask_from_rules([{"band": "a", "values": [3]}], {"a": pixels, "b": np.zeros(shape, np.uint8)})


@pytest.mark.parametrize("bands", [{}, None, pixels, [pixels]], ids=lambda bands: type(bands).__name__)
def test_bands_are_a_mapping(bands):
    with pytest.raises(MaskRuleError, match="bands"):
        mask_from_rules([], bands)


@pytest.mark.parametrize("rule", [None, "cloud", 3, ["qa"]], ids=repr)
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(MaskRuleError, match="rule"):
        mask_from_rules([rule], {"qa": pixels})


def test_the_backend_may_be_named(backend):
    rule = {"band": "qa", "values": [3]}
    np.testing.assert_array_equal(mask_from_rules([rule], {"qa": pixels}, backend=backend), pixels == 3)
    np.testing.assert_array_equal(MaskRule.from_config(rule).evaluate(pixels, backend=backend), pixels == 3)
    with pytest.raises(GpumaskError, match="backend"):
        mask_from_rules([rule], {"qa": pixels}, backend="gpu")
