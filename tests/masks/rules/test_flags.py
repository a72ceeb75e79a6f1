"""Definitions of flags: what their entries mean, what is refused, and those that come with gpumask."""

import json

import numpy as np
import pytest
from checkout import SHARED
from flag_rules import BIT, CLOUD, assert_refused, matches, one_flag, pixels

from gpumask import MaskRule, MaskRuleError, flags_definition, ready_definitions

pytestmark = pytest.mark.usefixtures("on_every_backend")

DATA = SHARED / "data"


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
