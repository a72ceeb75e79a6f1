"""Mask rules: how they are written, and what is refused."""

import itertools
import json

import numpy as np
import pytest
from flag_rules import BIT, CLOUD, CONF, DEFINITION, SHADOW, SHARING, WATER, assert_refused, matches, pixels

import gpumask
from gpumask import (
    GpumaskError,
    MaskRule,
    MaskRuleError,
    mask_from_rules,
)

pytestmark = pytest.mark.usefixtures("on_every_backend")


# Configuration.


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"cloud": True}, CLOUD),
        ({"cloud": False}, ~CLOUD),
        ({"cloud": False, "shadow": False}, ~CLOUD & ~SHADOW),
        ({"and": {"cloud": False, "water": True}}, ~CLOUD & WATER),
        ({"and": {"cloud": True}}, CLOUD),
        ({"or": {"cloud": True, "shadow": True}}, CLOUD | SHADOW),
        ({"or": {"conf": "high"}}, CONF == 3),
        ({"or": {"conf": "medium", "water": False, "cloud": True}}, (CONF == 2) | ~WATER | CLOUD),
        ({"conf": "low", "water": True}, (CONF == 1) & WATER),
    ],
)
def test_flags_match_where_all_of_them_or_any_has_its_label(flags, expected):
    np.testing.assert_array_equal(matches({"flags": flags}), expected)
    np.testing.assert_array_equal(matches({"band": "qa", "flags": flags, "invert": False}), expected)
    np.testing.assert_array_equal(matches({"flags": flags, "invert": True}), ~expected)
    np.testing.assert_array_equal(matches({"flags": flags, "invert": np.True_}), ~expected)


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (3, [3]),
        (0, [0]),
        (np.uint16(3), [3]),
        (3.0, [3]),
        (np.float32(3), [3]),
        ([0], [0]),
        ([2, 3, 7], [2, 3, 7]),
        ((3, 15), [3, 15]),
        ({3, 4}, [3, 4]),
        (frozenset({3}), [3]),
        (range(2, 5), [2, 3, 4]),
        (np.array([3, 5]), [3, 5]),
        (np.array([3.0, 5.0]), [3, 5]),
        ([np.int64(3), 5.0, np.uint8(255)], [3, 5, 255]),
        ([3, 3, 3], [3]),
    ],
    ids=str,
)
def test_values_match_the_numbers_given_in_any_way(values, numbers):
    np.testing.assert_array_equal(matches({"values": values}), np.isin(pixels, numbers))
    np.testing.assert_array_equal(matches({"values": values, "invert": True}), ~np.isin(pixels, numbers))


def test_values_of_an_iterator_are_read_once():
    rule = MaskRule.from_config({"values": iter([3, 5])})
    for _ in range(2):
        np.testing.assert_array_equal(rule.evaluate(pixels), np.isin(pixels, (3, 5)))


def test_values_may_be_an_array_without_axes():
    np.testing.assert_array_equal(matches({"values": np.array(3)}), pixels == 3)


def test_values_are_made_a_list_when_the_rule_is():
    values = [3, 5]
    rule = MaskRule.from_config({"values": values})
    values.append(7)
    np.testing.assert_array_equal(rule.evaluate(pixels), np.isin(pixels, (3, 5)))


@pytest.mark.parametrize(
    "values",
    [
        {"3": 1},
        {},
        "3",
        "",
        b"3",
        [None],
        ["3"],
        [[3]],
        [3, [4]],
        np.array([[3]]),
        float("nan"),
        [np.nan],
        [3j],
        3j,
        ...,
    ],
    ids=repr,
)
def test_values_that_are_no_numbers_are_refused(values):
    assert_refused({"values": values}, "values")


@pytest.mark.parametrize("empty", [[], (), None, np.array([]), set()], ids=repr)
def test_empty_values_beside_flags_are_ignored(empty):
    np.testing.assert_array_equal(matches({"flags": {"cloud": True}, "values": empty}), CLOUD)


@pytest.mark.parametrize("empty", [{}, None], ids=repr)
def test_empty_flags_beside_values_are_ignored(empty):
    np.testing.assert_array_equal(matches({"flags": empty, "values": [3]}, definition=None), pixels == 3)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"band": "qa"},
        {"flags": {}},
        {"values": []},
        {"values": None},
        {"flags": {}, "values": []},
        {"flags": None, "values": None},
        {"flags": {"cloud": True}, "values": [3]},
        {"flags": {"cloud": True}, "values": 0},
    ],
    ids=str,
)
def test_a_rule_has_either_flags_or_values(config):
    assert_refused(config, "flags", "values")


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ({"and": {"cloud": True}, "or": {"water": True}}, "or"),
        ({"or": {"cloud": True}, "water": True}, "water"),
        ({"water": True, "and": {"cloud": True}}, "water"),
        ({"and": {"or": {"cloud": True}}}, "or"),
        ({"or": {"and": {"cloud": True}, "water": True}}, "and"),
        ({"and": {"and": {"cloud": True}}}, "and"),
        ({"or": {}}, "or"),
        ({"and": {}}, "and"),
        ({"or": None}, "or"),
        ({"and": ["cloud"]}, "and"),
        (["cloud"], "flags"),
        ([], "flags"),
        ("cloud", "flags"),
        (True, "flags"),
    ],
    ids=str,
)
def test_operators_stand_alone_and_hold_flags(flags, word):
    assert_refused({"flags": flags}, "flags", word)


def test_enum_is_an_old_name_of_values():
    with pytest.warns(DeprecationWarning, match="enum") as caught:
        rule = MaskRule.from_config({"enum": [3, 5]})
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(rule.evaluate(pixels), np.isin(pixels, (3, 5)))
    with pytest.warns(DeprecationWarning, match="enum"):
        np.testing.assert_array_equal(matches({"enum": 3, "invert": True}), pixels != 3)


@pytest.mark.parametrize("beside", [{"values": [3]}, {"flags": {"cloud": True}}, {"values": 4}], ids=str)
def test_enum_stands_alone(beside):
    assert_refused({"enum": [3], **beside}, "enum")


@pytest.mark.parametrize("invert", ["False", "True", 1, 0, None, [True]], ids=repr)
def test_invert_is_a_bool(invert):
    assert_refused({"values": [3], "invert": invert}, "invert", repr(invert))


@pytest.mark.parametrize("key", ["inverted", "Values", "flag", "title", "color", "alpha", "mask", "abstract", 3])
def test_unknown_keys_are_named(key):
    assert_refused({"values": [3], key: 1}, str(key))


@pytest.mark.parametrize("config", [None, [], "cloud", 3], ids=repr)
def test_a_rule_is_a_mapping(config):
    assert_refused(config, "rule", repr(config))


@pytest.mark.parametrize("band", [3, ["qa"], True], ids=repr)
def test_a_band_is_a_name(band):
    assert_refused({"band": band, "values": [3]}, "band", repr(band))
    for definitions in (None, DEFINITION):
        with pytest.raises(MaskRuleError, match="band"):
            mask_from_rules([{"band": band, "values": [3]}], {"qa": pixels}, definitions)


def test_unknown_flags_and_labels_list_what_is_known():
    assert_refused({"flags": {"clouds": True}}, "'clouds'", *DEFINITION)
    assert_refused({"flags": {"or": {"cloud": True, "clouds": True}}}, "'clouds'", *DEFINITION)
    assert_refused({"flags": {"conf": "highest"}}, "conf", "'none', 'low', 'medium', 'high'", "'highest'")
    assert_refused({"flags": {"cloud": "True"}}, "cloud", "False, True", "'True'")
    assert_refused({"flags": {"cloud": None}}, "cloud", "None")


@pytest.mark.parametrize("definition", [None, {}, [], "landsat9", 3], ids=repr)
def test_flags_need_a_definition(definition):
    assert_refused({"flags": {"cloud": True}}, "flags_definition", definition=definition)


def test_values_need_none():
    np.testing.assert_array_equal(matches({"values": [3]}, definition=None), pixels == 3)


def test_errors_are_those_of_the_library():
    assert issubclass(MaskRuleError, GpumaskError)
    assert issubclass(MaskRuleError, ValueError)


# A flag test.


@pytest.mark.parametrize("several", [list, tuple, set, frozenset])
def test_several_labels_match_any(several):
    found = matches({"flags": {"conf": several(["low", "high"]), "cloud": False}})
    np.testing.assert_array_equal(found, np.isin(CONF, (1, 3)) & ~CLOUD)
    np.testing.assert_array_equal(matches({"flags": {"cloud": several([False, True])}}), True)


def test_several_labels_are_all_known():
    assert_refused({"flags": {"conf": ["low", "highest"]}}, "conf", "'highest'")
    assert_refused({"flags": {"conf": []}}, "conf")


@pytest.mark.parametrize("operator", ["and", "or"])
@pytest.mark.parametrize("labels", [*itertools.product(*(entry["values"].values() for entry in SHARING.values()))])
def test_flags_that_share_bits_are_tested_each_on_its_own(operator, labels):
    flags = dict(zip(SHARING, labels, strict=True))
    tests = [
        (pixels & 1 == 1) == flags["low"],
        pixels & 3 == ["none", "one", "two", "three"].index(flags["pair"]),
        pixels & 1 == ["off", "on"].index(flags["again"]),
    ]
    expected = (np.logical_and if operator == "and" else np.logical_or).reduce(tests)
    np.testing.assert_array_equal(matches({"flags": {operator: flags}}, definition=SHARING), expected)


@pytest.mark.parametrize("name", ["variable", "self", "band", "bits", "", "cloud shadow", "Wölkchen", "not", "AND"])
def test_a_flag_may_have_any_name(name):
    definition = {name: DEFINITION["cloud"]}
    np.testing.assert_array_equal(matches({"flags": {name: True}}, definition=definition), CLOUD)
    np.testing.assert_array_equal(matches({"flags": {"or": {name: False}}}, definition=definition), ~CLOUD)
    for definitions in (definition, {"qa": definition}):
        found = mask_from_rules([{"band": "qa", "flags": {name: True}}], {"qa": pixels}, definitions)
        np.testing.assert_array_equal(found, CLOUD)


@pytest.mark.parametrize("name", ["and", "or"])
def test_a_flag_of_an_operators_name_cannot_be_asked_for(name):
    definition = {**DEFINITION, name: {"bits": 1, "values": BIT}}
    assert_refused({"flags": {name: True}}, repr(name), "can't be the name of a flag", definition=definition)
    assert_refused({"flags": {name: True, "cloud": True}}, repr(name), definition=definition)
    assert_refused({"flags": {"and": {name: True}}}, repr(name), definition=definition)
    np.testing.assert_array_equal(matches({"flags": {"cloud": True}}, definition=definition), CLOUD)


def test_a_rule_is_a_value():
    config = {"band": "qa", "flags": {"cloud": True}}
    rule = MaskRule.from_config(config, DEFINITION)
    assert rule == MaskRule.from_config(dict(config), json.loads(json.dumps(DEFINITION)))
    assert rule.band == "qa"
    assert config == {"band": "qa", "flags": {"cloud": True}}
    with pytest.raises(AttributeError):
        rule.band = "other"


def test_the_public_names_are_there():
    for name in ("MaskRule", "MaskRuleError", "mask_from_rules", "flags_definition_from"):
        assert name in gpumask.__all__
