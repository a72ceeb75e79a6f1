"""Rules as the table that the kernel reads: bits, values and types."""

import numpy as np
import pytest
from flag_rules import BIT, SHARING, matches, one_flag, pixels

from gpumask import MaskRule, MaskRuleError

pytestmark = pytest.mark.usefixtures("on_every_backend")

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")


def test_a_contradiction_matches_nothing():
    flags = {"low": False, "pair": "one"}
    assert not matches({"flags": flags}, definition=SHARING).any()
    assert matches({"flags": flags, "invert": True}, definition=SHARING).all()


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


def test_whole_numbers_that_no_float_is_match_none():
    band = np.array([2.0**53, 2.0**53 + 2])
    assert not matches({"values": [2**53 + 1]}, band).any()
    assert matches({"values": [2**53 + 2]}, band).tolist() == [False, True]
    assert not matches({"values": [2**24 + 1]}, np.array([2.0**24], np.float32)).any()
