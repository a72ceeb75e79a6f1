"""Mask rules compiled to a small table, as kernels/rules.cu reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpumask.errors import MaskRuleError
from gpumask.masks.rules.bit_test import BitTest, RuleTests


def pixel_type(rules: Iterable[RuleTests], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which a band is tested. Floats become whole numbers if a rule asks for flags."""
    asked = any(test.flag for rule in rules for test in rule.tests)
    return np.dtype(np.int64) if asked and dtype.kind == "f" else dtype


def compile_table(rules: Sequence[RuleTests], dtype: np.dtype[Any]) -> tuple[int, list[Any]]:
    """Return the number of rules, and their table for a band of a dtype, as kernels/rules.cu reads it.

    `dtype` is bool, integer or float. See `pixel_type`. Raise MaskRuleError, with the flag's name, if the band lacks a
    flag's bits.
    """
    dtype = pixel_type(rules, dtype)
    table: list[Any] = []
    for rule in rules:
        tests = [_test(test, dtype) for test in rule.tests]
        if not rule.any:
            tests = _merged(tests)
        # A rule of one negated test is the inverted rule of that test. That needs one look at each pixel.
        alone = len(tests) == 1 and tests[0].negated
        table += [int(rule.any), int(rule.inverted != alone), len(tests)]
        for bits, values, negated in tests:
            count = len(values)
            table += [bits, ~count if negated and not alone else count, *values]
    excepted = _held(list(dict.fromkeys(pixel for rule in rules for pixel in rule.excepted)), dtype)
    if excepted:
        table += [0, 1, 1, -1, len(excepted), *excepted]
    return len(rules) + bool(excepted), table


class _Test(NamedTuple):
    """A test as the kernel does it."""

    bits: int
    values: list[Any]
    negated: bool


def _merged(tests: Sequence[_Test]) -> list[_Test]:
    """Return tests that all must pass, with the tests of one value merged. Contradictory tests match no value."""
    single = [test for test in tests if len(test.values) == 1 and not test.negated]
    if len(single) < 2:
        return list(tests)
    bits = value = 0
    for more, (wanted,), _ in single:
        if (value ^ wanted) & bits & more:
            return [_Test(0, [], False)]
        bits, value = bits | more, value | wanted
    return [_Test(bits, [value], False), *(test for test in tests if test not in single)]


def _test(test: BitTest, dtype: np.dtype[Any]) -> _Test:
    """Return a test of a band of a dtype: bits and values as signed 64-bit integers, or values of a float."""
    flag = test.flag
    if flag is None or flag.bits is None:
        return _Test(-1, _held(test.values, dtype), test.negated)
    width = 1 if dtype.kind == "b" else 8 * dtype.itemsize
    lacks = flag.lacks(width)
    if lacks:
        raise MaskRuleError(f"flags: expected {lacks}; got {dtype}")
    every = (1 << width) - 1
    return _Test(_signed(flag.bits & every), [_signed(value & every) for value in test.values], test.negated)


def _held(values: Sequence[Any], dtype: np.dtype[Any]) -> list[Any]:
    """Return those numbers that a band may hold. Those of integers are bits, as signed 64-bit integers."""
    if dtype.kind == "f":
        return [float(value) for value in values if isinstance(value, float) or _is_float(value)]
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return [_signed(int(value)) for value in values if isinstance(value, int) and low <= value <= high]


def _is_float(value: int) -> bool:
    """Say whether float64 holds a whole number."""
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _signed(value: int) -> int:
    """Return the signed 64-bit integer that has the same bits."""
    return (value + 2**63) % 2**64 - 2**63
