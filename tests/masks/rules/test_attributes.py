"""Flag definitions from every place that has them: what they mean."""

import json

import numpy as np
import pytest
from flag_cases import NAMES, classes, where
from flag_rules import CLOUD, CONF, DEFINITION, WATER, matches, pixels

from gpumask import (
    MaskRule,
    MaskRuleError,
    apply_value_map,
    describe_flags,
    flags_definition_from,
)

pytestmark = pytest.mark.usefixtures("on_every_backend")

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
BIT = {"0": False, "1": True}


def containers(values, dtype):
    """Return the same classes as each container has them."""
    meanings = " ".join(NAMES)
    letter = {"int8": "b", "int16": "s", "uint8": "ub", "uint16": "us", "int64": "LL"}.get(dtype, "")
    return {
        "NetCDF": {"flag_values": np.array(values, dtype), "flag_meanings": meanings},
        "Zarr": {"flag_values": list(values), "flag_meanings": meanings},
        "xarray, of a list": {"flag_values": np.array(values, np.int64), "flag_meanings": meanings},
        "whole floats": {"flag_values": [float(value) for value in values], "flag_meanings": meanings},
        "text": {"flag_values": " ".join(map(str, values)), "flag_meanings": meanings},
        "text with types": {
            "flag_values": ", ".join(f"{value}{letter}" for value in values),
            "flag_meanings": meanings,
        },
        "bytes": {"flag_values": " ".join(map(str, values)).encode(), "flag_meanings": meanings.encode()},
        "arrays of text": {"flag_values": np.array(list(map(str, values))), "flag_meanings": np.array(NAMES)},
        "GDAL": {"flag_values": "{" + ",".join(map(str, values)) + "}", "flag_meanings": meanings},
        "names in a list": {"flag_values": list(values), "flag_meanings": NAMES},
        "STAC": {"classification:classes": classes(values)},
        "STAC as text": {"classification:classes": json.dumps(classes(values))},
        "STAC as bytes": {"classification:classes": json.dumps(classes(values)).encode()},
        "STAC in an array": {"classification:classes": np.array(classes(values), object)},
        "STAC in a TIFF": {"classification": f"classes={json.dumps(classes(values))}", "AREA_OR_POINT": "Area"},
        "STAC band": {"bands": [{"name": "qa", "classification:classes": classes(values)}]},
        "STAC 1.0 band": {"raster:bands": [{"nodata": 0}, {"classification:classes": classes(values)}]},
        "STAC collection": {"item_assets": {"red": {}, "qa": {"classification:classes": classes(values)}}},
        "STAC item": {"assets": {"qa": {"raster:bands": [{"classification:classes": classes(values)}]}}},
        "CF band in STAC": {"bands": [{"flag_values": list(values), "flag_meanings": meanings}]},
    }


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int16", [0, 1, -32768, 256]),
        ("int8", [0, 1, -128, 127]),
        ("uint8", [0, 1, 255, 128]),
        ("uint16", [0, 1, 65535, 256]),
        ("int64", [0, 1, -(2**52), 2**40]),
    ],
)
def test_classes_are_whole_pixels_from_every_container(dtype, values):
    band = np.array([*values, 2, 3, 100], dtype)
    for container, attrs in containers(values, dtype).items():
        definition = json.loads(json.dumps(flags_definition_from(attrs)))
        for value, name in zip(values, NAMES, strict=True):
            found = where(definition, {"class": name}, band)
            assert found.tolist() == [pixel == value for pixel in band.tolist()], (container, name)
            turned = where(definition, {"class": name}, band, invert=True)
            assert turned.tolist() == [pixel != value for pixel in band.tolist()], (container, name)


def test_classes_of_a_band_of_bools():
    for values in ([False, True], np.array([False, True])):
        definition = flags_definition_from({"flag_values": values, "flag_meanings": "clear cloud"})
        assert where(definition, {"class": "cloud"}, np.array([True, False])).tolist() == [True, False]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_classes_match_nothing_that_a_type_does_not_hold(dtype):
    values = [-1, 1, 300, 2**63]
    definition = flags_definition_from({"flag_values": values, "flag_meanings": " ".join(NAMES)})
    info = np.iinfo(dtype)
    band = np.array([info.min, info.max, 1, 44], dtype)
    for value, name in zip(values, NAMES, strict=True):
        found = where(definition, {"class": name}, band)
        assert found.tolist() == [int(pixel) == value for pixel in band], (dtype, value)


@pytest.mark.parametrize(
    ("dtype", "low"), [("uint64", 2**63), ("uint64", 2**64 - 4), ("int64", -(2**63)), ("int64", 2**53)]
)
def test_classes_of_64_bits_are_exact(dtype, low):
    values = [low, low + 1, low + 2, low + 3]
    band = np.array(values, dtype)
    for given in (values, band, " ".join(map(str, values))):
        definition = flags_definition_from({"flag_values": given, "flag_meanings": " ".join(NAMES)})
        for number, name in enumerate(NAMES):
            assert np.flatnonzero(where(definition, {"class": name}, band)).tolist() == [number]


def test_a_definition_of_classes_may_be_written_by_hand():
    definition = {
        "cover": {"bits": "all", "values": {"-1": "none", "4": "crop", "5": "crop"}, "otherwise": "something"},
        "wet": {"bits": 0, "values": BIT},
    }
    band = np.array([-1, 4, 5, 6, 260], np.int16)
    assert where(definition, {"cover": "crop"}, band).tolist() == [False, True, True, False, False]
    assert where(definition, {"cover": "something"}, band).tolist() == [False, False, False, True, True]
    assert where(definition, {"cover": ["none", "something"]}, band).tolist() == [True, False, False, True, True]
    assert where(definition, {"cover": "something", "wet": False}, band).tolist() == [False, False, False, True, True]
    assert where(definition, {"or": {"cover": "something", "wet": True}}, band).tolist() == [
        True,
        False,
        True,
        True,
        True,
    ]
    nand = where(definition, {"cover": "something", "wet": False}, band, invert=True)
    assert nand.tolist() == [True, True, True, False, False]
    assert MaskRule.from_config({"flags": {"cover": "crop"}}, definition).explain() == "value in (4, 5) (crop)"
    rule = MaskRule.from_config({"flags": {"cover": "something"}}, definition)
    assert rule.explain() == "value not in (-1, 4, 5) (something)"


def test_a_definition_in_json_may_be_bytes_or_an_array_as_files_have_texts():
    definition = {"cloud": {"bits": 0, "values": BIT}}
    text = json.dumps(definition)
    for given in (text, text.encode(), np.array(text), np.bytes_(text)):
        assert flags_definition_from({"flags_definition": given}) == definition


def test_bits_may_be_of_numpy():
    band = np.arange(8, dtype=np.uint8)
    for bits, expected in ((1, [2, 3, 6, 7]), ([0, 2], [1, 3])):
        definition = {"cloud": {"bits": np.array(bits), "values": BIT}}
        assert np.flatnonzero(where(definition, {"cloud": True}, band)).tolist() == expected


def test_classes_are_told_apart_with_flags_that_look_at_their_bits():
    definition = {
        "class": {"bits": "all", "values": {"-32768": "fill", "3": "three"}},
        "sign": {"bits": 15, "values": BIT},
        "low": {"bits": 0, "values": BIT},
    }
    band = np.array([-32768, 3, -32767], np.int16)
    assert where(definition, {"class": "fill", "sign": True}, band).tolist() == [True, False, False]
    assert not where(definition, {"class": "fill", "sign": False}, band).any()
    assert where(definition, {"class": "three", "low": True, "sign": False}, band).tolist() == [False, True, False]


def test_classes_in_a_value_map():
    definition = flags_definition_from({"flag_values": [0, 1, -32768, 256], "flag_meanings": " ".join(NAMES)})
    rules = [{"flags": {"class": "fill"}, "color": "#ff0000"}, {"flags": {"class": "clear"}, "color": "#0000ff"}]
    band = np.array([0, -32768, 256, 3], np.int16)
    for given in (band, band.astype(float), band.astype(">i2")):
        found = apply_value_map({"qa": rules}, {"qa": given}, {"qa": definition})
        assert found[:, [0, 2, 3]].tolist() == [[0, 255, 255], [255, 0, 255], [0, 0, 0], [0, 0, 0]]


# Where they are.


def test_flags_of_several_bands_are_an_error_that_lists_them():
    attrs = {"item_assets": {name: {"classification:classes": classes([0, number], ["no", "yes"])} for number, name in
        enumerate(["one", "two"], 1)}}  # fmt: skip
    with pytest.raises(MaskRuleError, match=r"one band.*item_assets\['one'\], item_assets\['two'\]"):
        flags_definition_from(attrs)
    same = {"bands": [{"classification:classes": classes([0, 1], ["no", "yes"])}] * 2}
    assert list(flags_definition_from(same)) == ["class"]


def test_what_has_no_flags_within_is_refused():
    for attrs in (
        {"bands": "B1, B2"},
        {"bands": np.arange(3)},
        {"item_assets": {"qa": {"classification:classes": []}}},
    ):
        with pytest.raises(MaskRuleError, match="attrs: expected a mapping with flags_definition"):
            flags_definition_from(attrs)


@pytest.mark.parametrize(
    "masks", ["1b, 2b, 4b", "1 2 4", "{1,2,4}", "0x1 0x2 0x4", b"1, 2, 4", ["1", "2", "4"]], ids=str
)
def test_cf_masks_may_be_text(masks):
    definition = flags_definition_from({"flag_masks": masks, "flag_meanings": "a b c"})
    assert [entry["bits"] for entry in definition.values()] == [[0], [1], [2]]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize(
    "written",
    [list, np.array, lambda n: np.array(n, np.int8), lambda n: ", ".join(f"{number}b" for number in n)],
    ids=["list", "int64", "int8", "text"],
)
def test_negative_cf_masks_go_on_to_the_highest_bit(written, dtype):
    masks, values = [1, -128, -128, -64, -1, -1], [1, 0, -128, 64, -3, 5]
    band = np.array([-128, -127, -64, -3, -1, 0, 1, 5, 64, 65, 127], dtype)
    names = "odd positive lowest middle minus_three five"
    definition = flags_definition_from(
        {"flag_masks": written(masks), "flag_values": written(values), "flag_meanings": names}
    )
    definition, pixels = json.loads(json.dumps(definition)), band.astype(int).tolist()
    for name, mask, value in zip(names.split(), masks, values, strict=True):
        wanted = [pixel & mask == value for pixel in pixels]
        assert where(definition, {name: True}, band).tolist() == wanted, name
        assert where(definition, {name: False}, band).tolist() == [not each for each in wanted], name
        rows = [row for row in describe_flags(band, definition) if row.flag == name]
        assert sum(row.pixels for row in rows if row.label) == sum(wanted), name
    both = where(definition, {"positive": True, "five": False, "odd": True}, band)
    assert both.tolist() == [pixel >= 0 and pixel & 1 == 1 and pixel != 5 for pixel in map(int, pixels)]
    alone = flags_definition_from({"flag_masks": written([-128, 1]), "flag_meanings": "sign odd"})
    assert where(alone, {"sign": True}, band).tolist() == [pixel & -128 != 0 for pixel in pixels]
    rule = MaskRule.from_config({"flags": {"sign": True}}, alone)
    assert rule.explain() == "bit 7 of uint8 != 0 (True)"


@pytest.mark.parametrize("mask", [0xFFFF, 0x8001, 0x7FFF0])
def test_cf_masks_of_many_bits(mask):
    value = mask & 0x50005
    both = flags_definition_from({"flag_masks": [mask], "flag_values": [value], "flag_meanings": "a"})
    alone = flags_definition_from({"flag_masks": [mask], "flag_meanings": "a"})
    rng = np.random.default_rng(mask)
    band = np.concatenate([rng.integers(0, 2**20, 500), [value, 0, mask, value | 2**19]]).astype(np.uint32)
    for given in (both, json.loads(json.dumps(both))):
        np.testing.assert_array_equal(where(given, {"a": True}, band), band & mask == value)
        np.testing.assert_array_equal(where(given, {"a": False}, band), band & mask != value)
        np.testing.assert_array_equal(where(given, {"a": False}, band, invert=True), band & mask == value)
        assert where(given, {"a": [False, True]}, band).all()
    np.testing.assert_array_equal(where(alone, {"a": True}, band), band & mask != 0)
    np.testing.assert_array_equal(where(alone, {"a": False}, band), band & mask == 0)
    rows = describe_flags(band, alone)
    assert [(row.value, row.label) for row in rows] == [(0, False), (None, True)]
    assert [row.pixels for row in rows] == [(band & mask == 0).sum(), (band & mask != 0).sum()]


# Bands in other bytes.


@pytest.mark.parametrize("dtype", ["u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"])
def test_bytes_in_another_order_are_the_same_numbers(dtype):
    band = np.array([0, 1, 256, 258, 769, 2], dtype)
    definition = {
        "low": {"bits": [0, 1], "values": {str(n): n for n in range(4)}},
        "high": {"bits": 8, "values": BIT},
        "class": {"bits": "all", "values": {"258": "it"}},
    }
    rules = [{"flags": {"class": "it"}, "color": "red"}, {"flags": {"high": True}, "color": "blue"}]
    for other in (band.astype(f">{dtype}"), band.astype(f">{dtype}")[::-1][::-1], band.astype(f"<{dtype}")):
        assert describe_flags(other, definition) == describe_flags(band, definition)
        assert where(definition, {"low": 2}, other).tolist() == [False, False, False, True, False, True]
        assert where(definition, {"high": True}, other).tolist() == [False, False, True, True, True, False]
        assert where(definition, {"class": "it"}, other).tolist() == [pixel == 258 for pixel in band]
        assert MaskRule.from_config({"values": [769]}).evaluate(other).tolist() == [pixel == 769 for pixel in band]
        found = apply_value_map({"qa": rules}, {"qa": other}, {"qa": definition})
        assert np.flatnonzero(found[:, 2]).tolist() == [2, 4]
    counts = {(row.flag, row.label): row.pixels for row in describe_flags(band.astype(f">{dtype}"), definition)}
    assert (counts["low", 2], counts["high", True], counts["class", "it"]) == (2, 3, 1)


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
