"""What is wrong in a flag definition is an error just where a rule asks for it."""

import json

import numpy as np
import pytest
from commands import fails, read, run, write
from flag_cases import classes, where

from gpumask import (
    MaskRule,
    MaskRuleError,
    describe_flags,
    flag_problems,
    flags_definition_from,
    mask_from_rules,
)

pytestmark = [
    pytest.mark.usefixtures("on_every_backend"),
    pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]

BIT = {"0": False, "1": True}


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
        ({"flag_masks": [None, 64], "flag_meanings": "odd cloud"}, True),
        ({"flag_masks": [[2], 64], "flag_meanings": "odd cloud"}, True),
        (
            {
                "classification:bitfields": [
                    {"name": "odd", "length": 1, "offset": 0, "classes": None},
                    {"name": "odder", "length": 1, "classes": []},
                    "oddest",
                    {"name": "cloud", "offset": 6, "length": 1, "classes": classes([0, 1], ["no", "yes"])},
                ]
            },
            "yes",
        ),
    ],
    ids=["no bits", "value beyond", "fraction", "null", "list", "STAC"],
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
    assert lines[-2].startswith("unused      -  flags_definition['unused']: expected different names")
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
