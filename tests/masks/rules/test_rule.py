"""Mask rules: what may be asked of quality bands, what is refused, and what comes of it on every backend."""

import itertools
import json
import re
import warnings

import numpy as np
import pytest
from checkout import SHARED

import gpumask
from gpumask import (
    GpumaskError,
    MaskRule,
    MaskRuleError,
    flags_definition,
    flags_definition_from,
    mask_from_rules,
    ready_definitions,
)

DATA = SHARED / "data"
INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
pixels = np.arange(256, dtype=np.uint8)
BIT = {"0": False, "1": True}
DEFINITION = {
    "cloud": {"bits": 6, "values": BIT, "description": "any cloud"},
    "shadow": {"bits": 3, "values": BIT},
    "water": {"bits": 0, "values": BIT},
    "conf": {"bits": [4, 5], "values": {"0": "none", "1": "low", "2": "medium", "3": "high"}},
}
CLOUD, SHADOW, WATER = (pixels >> bit & 1 == 1 for bit in (6, 3, 0))
CONF = pixels >> 4 & 3

pytestmark = pytest.mark.usefixtures("on_every_backend")


def matches(config, band=pixels, definition=DEFINITION):
    return MaskRule.from_config(config, definition).evaluate(band)


def one_flag(entry, label, band=pixels):
    """Return where a band has a label of the only flag of a definition."""
    return matches({"flags": {"flag": label}}, band, {"flag": entry})


def assert_refused(config, *words, definition=DEFINITION):
    with pytest.raises(MaskRuleError) as caught:
        MaskRule.from_config(config, definition)
    for word in words:
        assert word in str(caught.value)


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
        found = matches({"enum": [3, 5]})
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(found, np.isin(pixels, (3, 5)))
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


@pytest.mark.parametrize(
    "entry",
    [
        None,
        6,
        {},
        {"bits": 6},
        {"values": BIT},
        {"bits": 6, "values": [False, True]},
        {"bits": "6", "values": BIT},
        {"bits": 6.0, "values": BIT},
        {"bits": True, "values": BIT},
        {"bits": None, "values": BIT},
        {"bits": [], "values": BIT},
        {"bits": -1, "values": BIT},
        {"bits": 64, "values": BIT},
        {"bits": [6, "7"], "values": BIT},
        {"bits": [6, -7], "values": BIT},
        {"bits": 6, "values": {"on": True}},
        {"bits": 6, "values": {"0x1": True}},
        {"bits": 6, "values": {"1.5": True}},
        {"bits": 6, "values": {1.5: True}},
        {"bits": 6, "values": {None: True}},
        {"bits": [6], "values": {"2": True}},
        {"bits": [6], "values": {"-1": True}},
        {"bits": [4, 5], "values": {"4": "many"}},
        {"bits": [1, 4], "values": {"2": "in the gap"}},
    ],
    ids=str,
)
def test_a_wrong_definition_is_refused_by_the_flags_name(entry):
    assert_refused({"flags": {"flag": True}}, "flag", definition={"flag": entry})


def test_errors_are_those_of_the_library():
    assert issubclass(MaskRuleError, GpumaskError)
    assert issubclass(MaskRuleError, ValueError)


# A flag test.


def test_labels_are_compared_as_python_does():
    np.testing.assert_array_equal(matches({"flags": {"cloud": 1}}), CLOUD)
    np.testing.assert_array_equal(matches({"flags": {"cloud": 0.0}}), ~CLOUD)
    np.testing.assert_array_equal(matches({"flags": {"cloud": np.True_}}), CLOUD)
    assert_refused({"flags": {"cloud": "1"}}, "cloud")
    labels = {"bits": [0, 1], "values": {0: 1, 1: "1", 2: None, 3: 2.5}}
    for number, label in enumerate([1, "1", None, 2.5]):
        np.testing.assert_array_equal(one_flag(labels, label), pixels & 3 == number)
    np.testing.assert_array_equal(one_flag(labels, True), pixels & 3 == 0)


def test_a_label_of_several_values_matches_any():
    entry = {"bits": [0, 1], "values": {0: "clear", 1: "hazy", 2: "hazy", 3: "thick"}}
    np.testing.assert_array_equal(one_flag(entry, "hazy"), np.isin(pixels & 3, (1, 2)))
    np.testing.assert_array_equal(one_flag({"bits": 0, "values": {0: "any", 1: "any"}}, "any"), True)


@pytest.mark.parametrize("several", [list, tuple, set, frozenset])
def test_several_labels_match_any(several):
    found = matches({"flags": {"conf": several(["low", "high"]), "cloud": False}})
    np.testing.assert_array_equal(found, np.isin(CONF, (1, 3)) & ~CLOUD)
    np.testing.assert_array_equal(matches({"flags": {"cloud": several([False, True])}}), True)


def test_several_labels_are_all_known():
    assert_refused({"flags": {"conf": ["low", "highest"]}}, "conf", "'highest'")
    assert_refused({"flags": {"conf": []}}, "conf")


@pytest.mark.parametrize("keys", [(0, 1), ("0", "1"), (0, 2), ("0", "7"), (0, -1), ("00", "+1"), (np.int8(0), 9)])
def test_of_a_single_bit_any_key_but_zero_means_set(keys):
    entry = {"bits": 6, "values": dict(zip(keys, ("no", "yes"), strict=True))}
    np.testing.assert_array_equal(one_flag(entry, "yes"), CLOUD)
    np.testing.assert_array_equal(one_flag(entry, "no"), ~CLOUD)


def test_a_list_of_one_bit_is_a_list():
    entry = {"bits": [6], "values": BIT}
    np.testing.assert_array_equal(one_flag(entry, True), CLOUD)
    np.testing.assert_array_equal(one_flag({"bits": np.int32(6), "values": BIT}, False), ~CLOUD)


@pytest.mark.parametrize("bits", [[4, 5, 6], (6, 4, 5), [5, 6, 4, 4], range(4, 7), np.array([6, 5, 4])], ids=repr)
@pytest.mark.parametrize("as_key", [int, str, np.uint8])
def test_keys_count_from_the_lowest_bit_in_whatever_order(bits, as_key):
    entry = {"bits": bits, "values": {as_key(key): f"class {key}" for key in range(8)}}
    for key in range(8):
        np.testing.assert_array_equal(one_flag(entry, f"class {key}"), pixels >> 4 & 7 == key)


def test_gaps_among_bits_are_kept():
    entry = {"bits": [1, 4], "values": {"0": "none", "1": "first", "8": "fourth", "9": "both"}}
    for label, bits in {"none": 0, "first": 0b10, "fourth": 0b10000, "both": 0b10010}.items():
        np.testing.assert_array_equal(one_flag(entry, label), pixels & 0b10010 == bits)


SHARING = {
    "low": {"bits": 0, "values": BIT},
    "pair": {"bits": [0, 1], "values": {0: "none", 1: "one", 2: "two", 3: "three"}},
    "again": {"bits": 0, "values": {0: "off", 1: "on"}},
}


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


def test_a_contradiction_matches_nothing():
    flags = {"low": False, "pair": "one"}
    assert not matches({"flags": flags}, definition=SHARING).any()
    assert matches({"flags": flags, "invert": True}, definition=SHARING).all()


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


# Bands.


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_bit_of_every_integer_type(dtype):
    width = 8 * np.dtype(dtype).itemsize
    band = (np.uint64(1) << np.arange(width, dtype=np.uint64)).astype(dtype)
    for bit in range(width):
        expected = np.arange(width) == bit
        np.testing.assert_array_equal(one_flag({"bits": bit, "values": BIT}, True, band), expected)
        np.testing.assert_array_equal(one_flag({"bits": bit, "values": BIT}, False, ~band), expected)
    top = {"bits": [width - 2, width - 1], "values": {"0": "a", "1": "b", "2": "c", "3": "d"}}
    np.testing.assert_array_equal(one_flag(top, "c", band), np.arange(width) == width - 1)
    every = {"bits": range(width), "values": {2**width - 1: "all"}}
    assert one_flag(every, "all", ~np.zeros(2, dtype)).all()
    assert not one_flag(every, "all", band).any()


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
def test_a_bit_that_a_band_lacks_is_refused_by_the_flags_name(dtype):
    width = 1 if dtype == "bool" else 8 * np.dtype(dtype).itemsize
    for bits in (width, [0, width], 63):
        if width == 64:
            continue
        rule = MaskRule.from_config({"flags": {"far": 0}}, {"far": {"bits": bits, "values": {"0": 0}}})
        with pytest.raises(MaskRuleError, match=f"far.*{dtype}"):
            rule.evaluate(np.zeros(3, dtype))
        with pytest.raises(MaskRuleError, match=f"far.*{dtype}"):
            rule.evaluate(np.zeros(0, dtype))


def test_a_bool_has_bit_zero():
    band = np.array([[False, True], [True, True]])
    np.testing.assert_array_equal(matches({"flags": {"water": True}}, band), band)
    np.testing.assert_array_equal(matches({"flags": {"water": False}}, band), ~band)
    np.testing.assert_array_equal(matches({"values": [1]}, band), band)
    np.testing.assert_array_equal(matches({"values": [0]}, band), ~band)
    for values in ([2], [-1], [255], [256], [0.5]):
        assert not matches({"values": values}, band).any()


@pytest.mark.parametrize("dtype", INTEGERS)
def test_values_do_not_wrap(dtype):
    info, width = np.iinfo(dtype), 8 * np.dtype(dtype).itemsize
    band = np.array([info.min, info.min + 1, 0, 1, 44, info.max - 1, info.max], dtype)
    for value in band.tolist():
        np.testing.assert_array_equal(matches({"values": [value]}, band), band == band.dtype.type(value))
        for beyond in (value + 2**width, value - 2**width, value + 2**64, value + 0.5):
            if abs(value) < 2**40 or isinstance(beyond, int):
                assert not matches({"values": [beyond]}, band).any(), beyond
                assert matches({"values": [beyond], "invert": True}, band).all(), beyond
    for value in (np.inf, -np.inf, 1e300, 2**200, -(2**200)):
        assert not matches({"values": [value]}, band).any(), value


def test_numbers_beyond_every_float_match_nothing():
    for dtype in ("uint8", "float64"):
        assert not matches({"values": [10**400, -(10**400)]}, np.zeros(3, dtype)).any()


def test_a_type_matches_only_what_it_holds():
    assert not matches({"values": [300, -1]}, pixels).any()
    assert not matches({"values": [255]}, np.array([-1], np.int8)).any()
    assert matches({"values": [-1]}, np.array([-1], np.int8)).all()


@pytest.mark.parametrize(
    ("dtype", "low"),
    [("uint64", 2**53), ("int64", 2**53), ("int64", -(2**53) - 2), ("uint64", 2**63), ("uint64", 2**64 - 3)],
)
def test_integers_of_64_bits_are_exact(dtype, low):
    band = np.array([low, low + 1, low + 2], dtype)
    for i in range(3):
        for value in (low + i, np.dtype(dtype).type(low + i)):
            np.testing.assert_array_equal(matches({"values": [value]}, band), np.arange(3) == i)
    if float(low) == low:
        np.testing.assert_array_equal(matches({"values": [float(low)]}, band), [True, False, False])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_compare_exactly_and_nan_matches_nothing(dtype):
    band = np.array([0.1, 0.5, 3, -0.0, np.nan, np.inf, -np.inf], dtype)
    for values, expected in {(0.5, 3): [1, 2], (0,): [3], (np.inf,): [5], (-np.inf,): [6], (7, 300, -1): []}.items():
        assert np.flatnonzero(matches({"values": list(values)}, band)).tolist() == expected
        assert np.flatnonzero(~matches({"values": list(values), "invert": True}, band)).tolist() == sorted(
            [*expected, 4]
        )
    assert np.flatnonzero(matches({"values": [0.1]}, band)).tolist() == ([0] if dtype == "float64" else [])
    assert np.flatnonzero(matches({"values": [float(band[0])]}, band)).tolist() == [0]


def test_whole_numbers_that_no_float_is_match_none():
    band = np.array([2.0**53, 2.0**53 + 2])
    assert not matches({"values": [2**53 + 1]}, band).any()
    assert matches({"values": [2**53 + 2]}, band).tolist() == [False, True]
    assert not matches({"values": [2**24 + 1]}, np.array([2.0**24], np.float32)).any()


def test_nodata_plays_no_part():
    band = np.array([0, 255, 0, 64], np.uint8)
    np.testing.assert_array_equal(matches({"flags": {"cloud": True}}, band), [False, True, False, True])
    np.testing.assert_array_equal(matches({"values": [0, 255], "invert": True}, band), [False, False, False, True])


def views():
    """Return arrays of every kind of layout, by name."""
    large = np.random.default_rng(1).integers(0, 128, (6, 40, 150)).astype(np.int16)
    packed = np.zeros((9, 1), [("other", np.uint8), ("qa", np.uint16)])
    packed["qa"] = large[0, :9, :1]
    read_only = large[1].copy()
    read_only.flags.writeable = False
    return {
        "no axes": np.array(65, np.uint8),
        "one pixel": np.full((1, 1), 65, np.uint8),
        "one axis": large[0, 0],
        "one axis, strided": large[0, ::-3, 5],
        "a long axis": np.resize(large, 1 << 15),
        "a long axis and one more": np.resize(large, (1 << 15) + 1),
        "two axes": large[0],
        "three axes": large,
        "four axes": large.reshape(2, 3, 40, 150),
        "cropped": large[2, 3:-4, 5:-6],
        "strided": large[::2, ::-1, ::3],
        "upside down": large[0, ::-1],
        "other order": np.asfortranarray(large[0]),
        "axes swapped": large.transpose(2, 0, 1),
        "one row for all": np.broadcast_to(large[0, 0], (7, 150)),
        "one pixel for all": np.broadcast_to(np.uint8(65), (3, 4)),
        "one column": large[0, :, 7:8],
        "read-only": read_only,
        "big-endian": large[0].astype(">i2"),
        "little-endian": large[0].astype("<u4"),
        "big-endian, strided": large.astype(">u8")[:, ::2, ::-2],
        "packed": packed["qa"],
        "unaligned": np.frombuffer(b"\0" + large[0].tobytes(), np.int16, offset=1).reshape(40, 150),
        "one column of bands": large.reshape(6, 40, 150)[:, :, :1],
        "many short rows": np.resize(large, (4, 2048, 4)),
        "no pixels": np.zeros(0, np.uint8),
        "no rows": np.zeros((0, 5), np.uint16),
        "no columns": np.zeros((5, 0), np.float32),
        "no bands": np.zeros((0, 3, 4), np.uint8),
        "no rows of bands": np.zeros((2, 0, 4), np.uint8),
        "no columns of bands": np.zeros((2, 3, 0), np.uint8),
    }


@pytest.mark.parametrize("name", views())
def test_arrays_of_every_layout_work_and_are_left_alone(name):
    band = views()[name]
    before, layout = band.copy(), (band.shape, band.strides, band.dtype, band.flags.writeable)
    expected = np.isin(band, (65, 3, 17))
    rules = [{"band": "qa", "values": [65, 3, 17]}, {"band": "more", "values": [17], "invert": True}]
    for found, wanted in (
        (matches({"values": [65, 3, 17]}, band), expected),
        (mask_from_rules(rules[:1], {"qa": band}), expected),
        (mask_from_rules(rules, {"qa": band, "more": band}), expected & (band != 17)),
    ):
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.shape) == (bool, band.shape)
        assert found.flags.writeable
        assert not np.shares_memory(found, band)
        np.testing.assert_array_equal(found, wanted)
    if band.dtype.kind != "f":
        np.testing.assert_array_equal(matches({"flags": {"cloud": True}}, band), band & 64 != 0)
    np.testing.assert_array_equal(band, before)
    assert (band.shape, band.strides, band.dtype, band.flags.writeable) == layout


def test_results_are_zeros_and_ones_in_memory():
    found = matches({"flags": {"cloud": True}, "invert": True})
    assert set(found.view(np.uint8).tolist()) == {0, 1}


def test_lists_are_bands():
    assert matches({"values": [3]}, [[1, 3], [3, 5]]).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    "band", [np.zeros(3, complex), np.array(["a"]), np.ma.zeros(3), np.zeros(3, object), "qa", None], ids=repr
)
def test_what_is_no_band_is_refused(band):
    with pytest.raises(GpumaskError, match="band"):
        matches({"values": [3]}, band)
    with pytest.raises(GpumaskError, match="qa"):
        mask_from_rules([{"band": "qa", "values": [3]}], {"qa": band})


# Many rules on many bands.

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


def test_a_rule_is_a_value():
    config = {"band": "qa", "flags": {"cloud": True}}
    rule = MaskRule.from_config(config, DEFINITION)
    assert rule == MaskRule.from_config(dict(config), json.loads(json.dumps(DEFINITION)))
    assert rule.band == "qa"
    assert config == {"band": "qa", "flags": {"cloud": True}}
    with pytest.raises(AttributeError):
        rule.band = "other"


# In words.


@pytest.mark.parametrize(
    ("config", "definition", "words"),
    [
        ({"flags": {"cloud_confidence": "high"}}, "landsat_c2_qa_pixel", "bits 8-9 of uint16 == 3 (high)"),
        ({"flags": {"cloud": True}}, "landsat_c2_qa_pixel", "bit 3 of uint16 == 1 (True)"),
        ({"flags": {"cloud": False}}, "hls_fmask", "bit 1 of uint8 == 0 (False)"),
        ({"flags": {"cloud": True}, "invert": True}, "hls_fmask", "not (bit 1 of uint8 == 1 (True))"),
        (
            {"flags": {"cloud": False, "aerosol": "high"}},
            "hls_fmask",
            "bit 1 of uint8 == 0 (False) and bits 6-7 of uint8 == 3 (high)",
        ),
        (
            {"flags": {"or": {"cloud": True, "water": True}}, "invert": True},
            "hls_fmask",
            "not (bit 1 of uint8 == 1 (True) or bit 5 of uint8 == 1 (True))",
        ),
        (
            {"flags": {"aerosol": ["low", "high"]}},
            "hls_fmask",
            "bits 6-7 of uint8 in (1, 3) (low, high) and value != 255",
        ),
        ({"flags": {"fill": False}}, "hls_fmask", "value != 255 (False)"),
        (
            {"flags": {"or": {"cloud": True, "water": True}}},
            "hls_fmask",
            "(bit 1 of uint8 == 1 (True) or bit 5 of uint8 == 1 (True)) and value != 255",
        ),
        ({"flags": {"gap": "x"}}, {"gap": {"bits": [1, 20], "values": {1: "x"}}}, "bits 1, 20 of uint32 == 1 (x)"),
        ({"flags": {"far": 1}}, {"far": {"bits": 63, "values": {1: 1}}}, "bit 63 of uint64 == 1 (1)"),
        ({"values": [3]}, None, "value == 3"),
        ({"values": [3, 7.0, 0.5]}, None, "value in (3, 7, 0.5)"),
        ({"values": 3, "invert": True}, None, "not (value == 3)"),
    ],
    ids=str,
)
def test_a_rule_in_words(config, definition, words):
    assert MaskRule.from_config(config, definition).explain() == words


# Definitions.


@pytest.mark.parametrize("name", ready_definitions())
def test_every_label_of_a_ready_definition_can_be_asked_for(name):
    definition, band = flags_definition(name), np.arange(1 << 16, dtype=np.uint16)
    for flag, entry in definition.items():
        assert entry["description"]
        assert len(set(map(str, entry["values"].values()))) == len(entry["values"])
        bits = list(range(16)) if entry["bits"] == "all" else np.atleast_1d(entry["bits"]).tolist()
        says = ~np.isin(band, entry.get("except", []))
        for key, label in entry["values"].items():
            expected = (band >> min(bits) & (1 << len(bits)) - 1 == int(key)) & says
            np.testing.assert_array_equal(matches({"flags": {flag: label}}, band, name), expected)
    of_some = [entry["bits"] for entry in definition.values() if entry["bits"] != "all"]
    used = [bit for bits in of_some for bit in np.atleast_1d(bits).tolist()]
    assert len(set(used)) == len(used)


def test_a_ready_definition_is_the_callers_own():
    flags_definition("hls_fmask")["cloud"]["bits"] = 5
    assert flags_definition("hls_fmask")["cloud"]["bits"] == 1


def test_unknown_names_list_the_ready_definitions():
    for ask in (flags_definition, lambda name: MaskRule.from_config({"flags": {"cloud": True}}, name)):
        with pytest.raises(MaskRuleError) as caught:
            ask("landsat9")
        assert all(name in str(caught.value) for name in ready_definitions())


@pytest.mark.parametrize(("name", "folder"), [("landsat8_bqa", "landsat8"), ("landsat_c2_qa_pixel", "landsat8_c2")])
def test_ready_definitions_are_those_of_real_images(name, folder):
    if not (DATA / folder).exists():
        pytest.skip(f"no shared/data/{folder}")
    known = json.loads((DATA / folder / "flags.json").read_text())
    found = flags_definition(name)
    assert found.keys() == known.keys()
    for flag, entry in known.items():
        assert (found[flag]["bits"], found[flag]["values"]) == (entry["bits"], entry["values"]), flag


@pytest.mark.parametrize("written", [lambda found: found, json.dumps], ids=["mapping", "text"])
def test_definitions_of_the_open_data_cube(written):
    found = flags_definition_from({"units": "1", "flags_definition": written(DEFINITION)})
    assert found == DEFINITION
    np.testing.assert_array_equal(matches({"flags": {"conf": "low"}}, definition=found), CONF == 1)


@pytest.mark.parametrize("as_number", [list, np.array, lambda n: np.array(n, np.uint8), lambda n: [f"{i}b" for i in n]])
def test_cf_masks_are_flags_that_are_set_or_not(as_number):
    attrs = {"flag_masks": as_number([1, 64, 48]), "flag_meanings": "water cloud any_confidence"}
    found = flags_definition_from(attrs)
    assert list(found) == ["water", "cloud", "any_confidence"]
    for flag, expected in {"water": WATER, "cloud": CLOUD, "any_confidence": CONF > 0}.items():
        np.testing.assert_array_equal(matches({"flags": {flag: True}}, definition=found), expected)
        np.testing.assert_array_equal(matches({"flags": {flag: False}}, definition=found), ~expected)


def test_cf_values_are_classes():
    attrs = {"flag_values": np.array([0, 3, 200], np.uint8), "flag_meanings": "no_data cloud_shadow water"}
    found = flags_definition_from(attrs)
    assert list(found) == ["class"]
    for label, value in {"no_data": 0, "cloud_shadow": 3, "water": 200}.items():
        np.testing.assert_array_equal(matches({"flags": {"class": label}}, definition=found), pixels == value)


def test_cf_values_are_as_wide_as_their_type():
    attrs = {"flag_values": np.array([1, 3], np.int16), "flag_meanings": "land cloud"}
    found = flags_definition_from(attrs)
    band = np.array([3, 259, 3 - 256, 1], np.int16)
    assert matches({"flags": {"class": "cloud"}}, band, found).tolist() == [True, False, False, False]


def test_cf_masks_and_values_are_fields():
    # The example of the conventions: a flag of one bit, and four values of two.
    attrs = {
        "flag_masks": np.array([1, 2, 12, 12, 12], np.int8),
        "flag_values": np.array([1, 2, 4, 8, 12], np.int8),
        "flag_meanings": "low_battery processor_fault mode_1 mode_2 mode_3",
    }
    found = flags_definition_from(attrs)
    for flag, mask, value in zip(found, attrs["flag_masks"].tolist(), attrs["flag_values"].tolist(), strict=True):
        np.testing.assert_array_equal(matches({"flags": {flag: True}}, definition=found), pixels & mask == value)
        np.testing.assert_array_equal(matches({"flags": {flag: False}}, definition=found), pixels & mask != value)


def test_cf_masks_with_gaps():
    attrs = {"flag_masks": [0b1010, 0b1010], "flag_values": [0b1000, 0], "flag_meanings": "high neither"}
    found = flags_definition_from(attrs)
    np.testing.assert_array_equal(matches({"flags": {"high": True}}, definition=found), pixels & 0b1010 == 0b1000)
    np.testing.assert_array_equal(matches({"flags": {"neither": True}}, definition=found), pixels & 0b1010 == 0)
    np.testing.assert_array_equal(matches({"flags": {"high": False}}, definition=found), pixels & 0b1010 != 0b1000)


def test_cf_masks_may_be_hexadecimal():
    found = flags_definition_from({"flag_masks": ["0x40", "0x1b"], "flag_meanings": "cloud other"})
    assert [entry["bits"] for entry in found.values()] == [[6], [0, 1, 3, 4]]


def test_one_cf_flag():
    found = flags_definition_from({"flag_masks": np.uint8(64), "flag_meanings": "cloud"})
    np.testing.assert_array_equal(matches({"flags": {"cloud": True}}, definition=found), CLOUD)


def test_stac_bitfields():
    attrs = {
        "classification:bitfields": [
            {
                "name": "cloud",
                "description": "any cloud",
                "offset": 6,
                "length": 1,
                "classes": [{"value": 0, "name": "no"}, {"value": 1, "name": "yes"}],
            },
            {
                "name": "conf",
                "offset": 4,
                "length": 2,
                "classes": [
                    {"value": value, "name": name} for value, name in enumerate(["none", "low", "mid", "high"])
                ],
            },
        ]
    }
    found = flags_definition_from(attrs)
    assert found["cloud"]["description"] == "any cloud"
    np.testing.assert_array_equal(matches({"flags": {"cloud": "yes"}}, definition=found), CLOUD)
    np.testing.assert_array_equal(
        matches({"flags": {"cloud": "no", "conf": "mid"}}, definition=found), ~CLOUD & (CONF == 2)
    )


@pytest.mark.parametrize(("value", "dtype"), [(11, "uint8"), (-1, "int8"), (300, "uint16"), (70_000, "uint32")])
def test_stac_classes(value, dtype):
    attrs = {"classification:classes": [{"value": 0, "name": "no_data"}, {"value": value, "name": "snow"}]}
    found = flags_definition_from(attrs)
    band = np.array([0, 5, value]).astype(dtype)
    assert matches({"flags": {"class": "snow"}}, band, found).tolist() == [False, False, True]
    assert matches({"flags": {"class": "no_data"}}, band, found).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("attrs", "word"),
    [
        ({}, "flags_definition"),
        (None, "attrs: expected a mapping"),
        ({"units": "1"}, "units"),
        ({"flag_meanings": 5, "flag_masks": [1]}, "flag_meanings"),
        ({"classification:bitfields": 5}, "classification:bitfields"),
        ({"classification:classes": [{"value": "a", "name": "b"}]}, "classes"),
        ({"classification:classes": [{"value": 1, "name": n} for n in "ab"]}, "classification:classes"),
        (
            {"classification:bitfields": [{"name": "a", "offset": n, "length": 1, "classes": []} for n in (0, 1)]},
            "classification:bitfields",
        ),
        ({"flags_definition": {}}, "flags_definition"),
        ({"flags_definition": {"cloud": {"bits": 6}}}, "cloud"),
        ({"flags_definition": "{not json"}, "flags_definition"),
        ({"flags_definition": "[1, 2]"}, "flags_definition"),
        ({"flag_meanings": "a b"}, "flag_masks"),
        ({"flag_meanings": "a b", "flag_masks": [1]}, "flag_masks"),
        ({"flag_meanings": "a b", "flag_values": [1, 2, 3]}, "flag_values"),
        ({"flag_meanings": "a b", "flag_masks": [1, 2], "flag_values": [1]}, "flag_values"),
        ({"flag_meanings": "a", "flag_masks": [1], "flag_values": [2]}, "a"),
        ({"flag_meanings": "a", "flag_masks": [0]}, "a"),
        ({"flag_meanings": "a", "flag_masks": ["x"]}, "flag_masks"),
        ({"flag_meanings": "a", "flag_values": [0.5]}, "flag_values"),
        ({"flag_meanings": "", "flag_values": []}, "classes"),
        ({"flag_meanings": "a b", "flag_values": [1, 1]}, "flag_values"),
        ({"flag_meanings": "a a", "flag_masks": [1, 2]}, "flag_meanings"),
        ({"classification:bitfields": []}, "classification:bitfields"),
        ({"classification:classes": []}, "classification:classes"),
        (
            {
                "classification:bitfields": [
                    {"name": "a", "offset": 0, "length": 1, "classes": [{"value": 2, "name": "b"}]}
                ]
            },
            "a",
        ),
        ({"classification:bitfields": [{"name": "a", "length": 1, "classes": []}]}, "classification:bitfields"),
        ({"classification:classes": [{"name": "water"}]}, "classification:classes"),
    ],
    ids=str,
)
def test_attributes_that_define_no_flags_are_refused(attrs, word):
    with pytest.raises(MaskRuleError, match=word):
        flags_definition_from(attrs)


def test_the_public_names_are_there():
    for name in ("MaskRule", "MaskRuleError", "mask_from_rules", "flags_definition_from"):
        assert name in gpumask.__all__


def test_evaluating_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matches({"values": [0.5, np.inf, 2**70]}, np.array([np.nan, np.inf, 1]))
        matches({"values": [0.5, np.inf, 2**70]}, np.array([1, 2]))
