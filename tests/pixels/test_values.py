"""Numbers as a dtype holds them, and masks as bytes."""

import math

import numpy as np
import pytest

from gpumask import ArgumentTypeError, GpumaskError
from gpumask.pixels.values import as_bytes, as_held, held, not_zero, same

INTEGERS = [f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")]


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_type_holds_its_range_and_nothing_beyond(name):
    dtype, info = np.dtype(name), np.iinfo(name)
    assert [as_held(each, dtype) for each in (info.min, info.max, 7.0)] == [info.min, info.max, 7]
    assert type(as_held(np.dtype(name).type(info.max), dtype)) is int
    for given in (info.min - 1, info.max + 1, 0.5, math.nan, math.inf, 10**400):
        assert as_held(given, dtype) is None


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_a_float_type_rounds_and_holds_nan_and_infinity_but_no_larger_number(name):
    dtype = np.dtype(name)
    for given in (0.1, -3.3, float(np.finfo(name).max), -math.inf):
        assert as_held(given, dtype) == float(dtype.type(given))
    assert math.isnan(as_held(math.nan, dtype))
    assert as_held(10**400, dtype) is None
    assert name == "float64" or as_held(1e300, dtype) is None


@pytest.mark.parametrize("given", ["7", b"7", None, [1, 2], object(), np.ma.masked])
def test_what_is_no_number_is_a_type_error_by_name(given):
    with pytest.raises(ArgumentTypeError, match="^nodata: expected a number"):
        held("nodata", given, np.dtype("uint8"))


def test_a_value_that_the_type_does_not_hold_is_refused_with_the_type():
    with pytest.raises(GpumaskError, match="^nodata: expected a value that uint8 holds; got 256"):
        held("nodata", 256, np.dtype("uint8"))


def test_values_are_the_same_with_nan_and_none_among_them():
    values = [None, math.nan, 0.0, 1, np.float32(1)]
    alike = {(i, j) for i, one in enumerate(values) for j, other in enumerate(values) if same(one, other)}
    assert alike == {*((i, i) for i in range(5)), (3, 4), (4, 3)}


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, "float16", "float32", "float64"])
def test_a_mask_as_bytes_is_zero_where_it_was(dtype):
    mask = np.array([[0, 1, 1], [1, 0, 0]], dtype)
    found = as_bytes("mask", mask)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found != 0, mask != 0)
    assert np.shares_memory(found, mask) == (mask.itemsize == 1)


@pytest.mark.parametrize("wrong", [0.5, 2.0, -1.0, math.nan, 1e-45])
def test_a_mask_of_other_floats_is_refused_by_name(wrong):
    with pytest.raises(GpumaskError, match="^mask: expected a mask of bool or integers"):
        as_bytes("mask", np.array([0, 1, wrong], np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_on_the_device_subnormal_numbers_are_not_zero_and_both_zeros_are(dtype, at_hand):
    import cupy

    numbers = np.array([0.0, -0.0, np.finfo(dtype).smallest_subnormal, 1, np.nan], dtype)
    np.testing.assert_array_equal(cupy.asnumpy(not_zero(cupy.asarray(numbers))), [False, False, True, True, True])
    np.testing.assert_array_equal(not_zero(numbers), [False, False, True, True, True])
