"""Flag definitions from every place that has them: what they mean, and what they bear that nobody asks for."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from commands import fails, read, run, write
from test_readme import blocks

import gpumask
from gpumask import (
    MaskRule,
    MaskRuleError,
    apply_value_map,
    describe_flags,
    flag_problems,
    flags_definition,
    flags_definition_from,
    mask_from_rules,
    ready_definitions,
)

pytestmark = [
    pytest.mark.usefixtures("on_every_backend"),
    pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]

ROOT = Path(__file__).parents[1]
INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
BIT = {"0": False, "1": True}
NAMES = ["clear", "cloud", "fill", "shadow"]


def where(definition, flags, band, **more):
    return MaskRule.from_config({"flags": flags, **more}, definition).evaluate(band)


def classes(values, names=NAMES):
    return [{"value": value, "name": name} for value, name in zip(values, names, strict=True)]


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


# What nobody asks for.


REPEATED = {
    "CF masks": ({"flag_masks": [1, 2, 4, 8], "flag_meanings": "cloud unused unused snow"}, "unused"),
    "STAC bitfields": (
        {
            "classification:bitfields": [
                {"name": name, "offset": offset, "length": 1, "classes": classes([0, 1], [False, True])}
                for offset, name in enumerate(["cloud", "SPARE", "SPARE", "snow"])
            ]
        },
        "SPARE",
    ),
    "ODC text": (
        {
            "flags_definition": '{"cloud": {"bits": 0, "values": {"0": false, "1": true}},'
            ' "x": {"bits": 1, "values": {}}, "x": {"bits": 2, "values": {}},'
            ' "snow": {"bits": 3, "values": {"0": false, "1": true}}}'
        },
        "x",
    ),
}


@pytest.mark.parametrize("name", REPEATED)
def test_names_of_two_flags_are_an_error_just_where_they_are_asked_for(name):
    attrs, repeated = REPEATED[name]
    definition = json.loads(json.dumps(flags_definition_from(attrs)))
    label = "True" if name == "STAC bitfields" else True
    band = np.arange(16, dtype=np.uint8)
    np.testing.assert_array_equal(where(definition, {"cloud": label}, band), band & 1 != 0)
    np.testing.assert_array_equal(where(definition, {"snow": label}, band), band & 8 != 0)
    with pytest.raises(MaskRuleError, match=f"{repeated}.*2 times"):
        MaskRule.from_config({"flags": {"cloud": label, repeated: label}}, definition)
    assert list(flag_problems(definition)) == [repeated]
    assert {row.flag for row in describe_flags(band, definition)} == {"cloud", "snow"}


@pytest.mark.parametrize(
    "attrs",
    [
        {"flag_values": [0, 1, 2, 3], "flag_meanings": "clear SPARE SPARE cloud"},
        {"classification:classes": classes(range(4), ["clear", "SPARE", "SPARE", "cloud"])},
    ],
    ids=["CF", "STAC"],
)
def test_names_of_two_classes_are_an_error_just_where_they_are_asked_for(attrs):
    definition = json.loads(json.dumps(flags_definition_from(attrs)))
    band = np.arange(5, dtype=np.uint8)
    np.testing.assert_array_equal(where(definition, {"class": ["clear", "cloud"]}, band), (band == 0) | (band == 3))
    with pytest.raises(MaskRuleError, match="'class'.*'SPARE' 2 times"):
        MaskRule.from_config({"flags": {"class": ["clear", "SPARE"]}}, definition)
    np.testing.assert_array_equal(where(definition, {"class": 2}, band), band == 2)  # by its number
    rows = [(row.value, row.label) for row in describe_flags(band, definition)]
    assert rows == [(0, "clear"), (1, "SPARE"), (2, "SPARE"), (3, "cloud"), (4, None)]
    assert "SPARE" in flag_problems(definition)["class"][0]


def test_two_names_of_one_class_are_an_error_just_where_they_are_asked_for():
    definition = flags_definition_from({"flag_values": [0, 3, 3], "flag_meanings": "clear fog mist"})
    band = np.arange(5, dtype=np.uint8)
    np.testing.assert_array_equal(where(definition, {"class": "clear"}, band), band == 0)
    for name in ("fog", "mist"):
        with pytest.raises(MaskRuleError, match="'fog' and 'mist'"):
            where(definition, {"class": name}, band)


def test_a_label_that_does_not_fit_its_bits_is_an_error_just_where_it_is_asked_for():
    definition = {
        "conf": {"bits": [4, 5], "values": {"0": "none", "3": "high", "4": "beyond", "x": "odd"}},
        "cloud": {"bits": 6, "values": BIT},
    }
    band = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(where(definition, {"conf": "high"}, band), band >> 4 & 3 == 3)
    np.testing.assert_array_equal(where(definition, {"cloud": True}, band), band & 64 != 0)
    for label, key in (("beyond", "'4'"), ("odd", "'x'")):
        with pytest.raises(MaskRuleError, match=f"'conf'.*{key}.*'{label}'"):
            where(definition, {"conf": label}, band)
    assert len(flag_problems(definition)["conf"]) == 2
    field = {"name": "conf", "offset": 4, "length": 2, "classes": classes([0, 3, 4], ["none", "high", "beyond"])}
    found = flags_definition_from({"classification:bitfields": [field]})
    np.testing.assert_array_equal(where(found, {"conf": "high"}, band), band >> 4 & 3 == 3)
    with pytest.raises(MaskRuleError, match="'conf'.*'beyond'"):
        where(found, {"conf": "beyond"}, band)


ODD = [None, 6, {}, {"bits": 6}, {"values": BIT}, {"bits": None, "values": BIT}, {"bits": 64, "values": BIT}]


@pytest.mark.parametrize("entry", ODD, ids=str)
def test_an_entry_that_cannot_be_right_is_an_error_just_where_it_is_asked_for(entry):
    definition = {"odd": entry, "cloud": {"bits": 6, "values": BIT}}
    band = np.arange(256, dtype=np.uint8)
    for given in (definition, flags_definition_from({"flags_definition": definition})):
        np.testing.assert_array_equal(where(given, {"cloud": True}, band), band & 64 != 0)
        with pytest.raises(MaskRuleError, match="'odd'"):
            where(given, {"odd": True}, band)
        assert list(flag_problems(given)) == ["odd"]


@pytest.mark.parametrize(
    ("attrs", "good"),
    [
        ({"flag_masks": [0, 64, "x"], "flag_meanings": "odd cloud odder"}, True),
        ({"flag_masks": [1, 64], "flag_values": [2, 64], "flag_meanings": "odd cloud"}, True),
        ({"flag_masks": [0.5, 64], "flag_meanings": "odd cloud"}, True),
        (
            {
                "classification:bitfields": [
                    {"name": "odd", "length": 1, "classes": []},
                    "odder",
                    {"name": "cloud", "offset": 6, "length": 1, "classes": classes([0, 1], ["no", "yes"])},
                ]
            },
            "yes",
        ),
    ],
    ids=["no bits", "value beyond", "fraction", "STAC"],
)
def test_attributes_with_a_flag_that_cannot_be_right_define_the_others(attrs, good):
    definition, band = flags_definition_from(attrs), np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(where(definition, {"cloud": good}, band), band & 64 != 0)
    with pytest.raises(MaskRuleError, match="'odd'"):
        where(definition, {"odd": True}, band)


def test_classes_without_a_name_have_their_description_or_their_number_as_one():
    listed = [{"value": 0, "description": "no data"}, {"value": 7}, {"value": -3, "name": "ice"}, {"name": "lost"}]
    band = np.array([0, 7, -3], np.int16)
    for definition in (
        flags_definition_from({"classification:classes": listed}),
        flags_definition_from({"bands": [{"classification:classes": listed}]}),
    ):
        assert where(definition, {"class": "no data"}, band).tolist() == [True, False, False]
        assert where(definition, {"class": "7"}, band).tolist() == [False, True, False]
        assert where(definition, {"class": 7}, band).tolist() == [False, True, False]
        assert where(definition, {"class": "ice"}, band).tolist() == [False, False, True]
        with pytest.raises(MaskRuleError, match="'lost'"):
            where(definition, {"class": "lost"}, band)
    fields = [{"description": "haze", "offset": 1, "length": 1, "classes": [{"value": 1}, {"value": 0, "name": "no"}]}]
    definition = flags_definition_from({"classification:bitfields": fields})
    assert where(definition, {"haze": "1"}, np.array([2, 1])).tolist() == [True, False]


def test_bits_beyond_the_band_are_an_error_just_where_they_are_asked_for():
    definition = {"far": {"bits": 9, "values": BIT}, "cloud": {"bits": 6, "values": BIT}}
    band = np.arange(256, dtype=np.uint8)
    found = mask_from_rules([{"band": "qa", "flags": {"cloud": True}}], {"qa": band}, definition)
    np.testing.assert_array_equal(found, band & 64 != 0)
    with pytest.raises(MaskRuleError, match="far.*uint8"):
        where(definition, {"far": False}, band)
    assert flag_problems(definition) == {}
    assert flag_problems(definition, "uint8") == {"far": ["expected a band with bit 9 of uint16 for far; got uint8"]}
    assert [tuple(row) for row in describe_flags(band, definition)] == [
        ("cloud", 0, False, 128),
        ("cloud", 1, True, 128),
    ]


def test_the_command_lists_what_cannot_be_asked_for(tmp_path, monkeypatch):
    pytest.importorskip("yaml")
    monkeypatch.chdir(tmp_path)
    write("qa.tif", np.array([[0, 1, 9]], np.uint8))
    (tmp_path / "cf.json").write_text(
        json.dumps({"flag_masks": [1, 2, 4, 8, 256], "flag_meanings": "cloud unused unused snow far"})
    )
    (tmp_path / "twice.json").write_text(
        '{"a": {"bits": 0, "values": {"1": "yes"}}, "b": {"bits": 1, "values": {}}, "b": {"bits": 2, "values": {}}}'
    )
    (tmp_path / "twice.yaml").write_text("{a: {bits: 0, values: {1: 'yes'}}, b: {bits: 1, values: {}}, b: {bits: 2}}")
    (tmp_path / "stac.json").write_text(json.dumps({"bands": [{"classification:classes": [{"value": 9}]}]}))
    lines = run("flags", "qa.tif", "--definition", "cf.json").stdout.splitlines()
    assert [line.split()[:4] for line in lines[:2]] == [["cloud", "0", "False", "1"], ["cloud", "1", "True", "2"]]
    assert lines[-2].startswith("unused      -  flags_definition['unused']: expected names of their own")
    assert lines[-1] == "far         -  expected a band with bit 8 of uint16 for far; got uint8"
    for name in ("twice.json", "twice.yaml"):
        lines = run("flags", "qa.tif", "--definition", name).stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["a", "a", "b"]
        assert "'b' 2 times" in lines[-1]
    assert run("flags", "qa.tif", "--definition", "stac.json").stdout.splitlines()[-1].split()[:4] == [
        "class",
        "9",
        "9",
        "1",
    ]
    for name, kind in (("twice.json", "json"), ("twice.yaml", "yaml")):
        text = (tmp_path / name).read_text()
        rules = '{"rules": [{"flags": {"%s": "yes"}}], "flags_definition": ' + text + "}"
        for flag in "ab":
            (tmp_path / f"{flag}.{kind}").write_text(rules.replace("%s", flag))
        words = ("mask", "--like", "qa.tif", f"{kind}.tif", "--quality-band", "qa.tif", "--rules")
        run(*words, f"a.{kind}")
        assert read(f"{kind}.tif")[0].tolist() == [[0, 1, 1]]
        assert "'b' 2 times" in fails(*words, f"b.{kind}", "--overwrite")
    (tmp_path / "none.json").write_text(json.dumps({"flag_masks": [512], "flag_meanings": "far"}))
    assert fails("flags", "qa.tif", "--definition", "none.json").startswith("gpumask: FILE: expected a band with bit 9")


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


@pytest.mark.parametrize("masks", ["1b, 2b, -128b", "1 2 128", [1, 2, -128], "{1,2,128}", "0x1 0x2 0x80"], ids=str)
def test_cf_masks_may_be_text_and_signed(masks):
    definition = flags_definition_from({"flag_masks": masks, "flag_meanings": "a b c"})
    assert [entry["bits"] for entry in definition.values()] == [[0], [1], [7]]


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


# Ready definitions.


def test_nothing_else_is_true_where_fmask_is_fill():
    band, definition = np.arange(256, dtype=np.uint8), flags_definition("hls_fmask")
    fill = band == 255
    np.testing.assert_array_equal(where("hls_fmask", {"fill": True}, band), fill)
    np.testing.assert_array_equal(where("hls_fmask", {"fill": False}, band), ~fill)
    for name, entry in definition.items():
        for key, label in entry["values"].items():
            if name != "fill":
                expected = band >> np.min(entry["bits"]) & (1 << np.size(entry["bits"])) - 1 == int(key)
                np.testing.assert_array_equal(where("hls_fmask", {name: label}, band), expected & ~fill)
                inverted = where("hls_fmask", {name: label}, band, invert=True)
                np.testing.assert_array_equal(inverted, ~expected & ~fill)
    both = where("hls_fmask", {"or": {"fill": True, "cloud": True}}, band, invert=True)
    np.testing.assert_array_equal(both, band & 2 == 0)
    np.testing.assert_array_equal(where("hls_fmask", {"or": {"fill": True, "cloud": True}}, band), band & 2 != 0)
    nand = where("hls_fmask", {"fill": False, "cloud": False}, band, invert=True)
    np.testing.assert_array_equal(nand, fill | (band & 2 != 0))
    rows = {(row.flag, row.label): row.pixels for row in describe_flags(band, "hls_fmask")}
    assert rows["fill", True] == 1 and rows["fill", False] == 255
    assert rows["cloud", True] == 127 and rows["cloud", False] == 128


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32", "int64"])
def test_fmask_is_fill_in_every_type(dtype):
    band = np.array([255, 2, 0, 253], dtype)
    assert where("hls_fmask", {"cloud": True}, band).tolist() == [False, True, False, False]
    assert where("hls_fmask", {"fill": False}, band).tolist() == [False, True, True, True]
    rules = [{"band": "qa", "flags": {"cloud": True}, "invert": True}, {"band": "qa", "flags": {"adjacent": False}}]
    assert mask_from_rules(rules, {"qa": band}, "hls_fmask").tolist() == [False, False, True, False]


def test_the_quality_band_of_landsat_collection_1():
    # Values of the USGS' table of Landsat 8 Collection 1 BQA pixels, and what it says of them.
    said = {
        1: {"fill": True},
        2: {"fill": False, "terrain_occlusion_or_dropped_pixel": True},
        2720: {"cloud": False, "cloud_confidence": "low", "cloud_shadow_confidence": "low",
               "snow_ice_confidence": "low", "cirrus_confidence": "low", "radiometric_saturation": "none"},
        2724: {"radiometric_saturation": "1_to_2_bands"},
        2728: {"radiometric_saturation": "3_to_4_bands"},
        2732: {"radiometric_saturation": "5_or_more_bands"},
        2800: {"cloud": True, "cloud_confidence": "high", "cloud_shadow_confidence": "low"},
        2752: {"cloud": False, "cloud_confidence": "medium"},
        2976: {"cloud_shadow_confidence": "high", "cloud_confidence": "low"},
        3744: {"snow_ice_confidence": "high"},
        6816: {"cirrus_confidence": "high"},
    }  # fmt: skip
    for pixel, labels in said.items():
        for flag, label in labels.items():
            assert where("landsat_c1_bqa", {flag: label}, np.array([pixel], np.uint16)).all(), (pixel, flag)
    assert "before Collection 1" in flags_definition("landsat8_bqa")["cloud"]["description"]
    assert "landsat_c1_bqa" in ready_definitions()


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="not in a checkout")
def test_the_page_of_flags_is_so():
    page = ROOT / "docs" / "flags.md"
    for text in (page.read_text(), (ROOT / "README.md").read_text()):
        assert all(f"`{name}`" in text for name in ready_definitions())
    names: dict = {}
    for block in blocks("python", page):
        for line in block.splitlines():
            code, _, comment = line.partition("  # ")
            if comment.startswith("["):
                assert str(np.asarray(eval(code, names)).tolist()) == comment, line
            else:
                exec(code, names)
    text = inspect.getdoc(gpumask.flags)
    assert all(f'`"{key}": ' in text for key in ("bits", "otherwise", "except", "unusable"))
