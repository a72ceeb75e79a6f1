"""Tests of a pixel's bits: by hand for each pixel, and as the kernel does them."""

from types import SimpleNamespace

import numpy as np
import pytest

from gpumask.masks.rules.bit_test import BitTest, one_of
from gpumask.masks.rules.evaluate import matched
from gpumask.masks.rules.flags import Flag

PIXELS = np.arange(256, dtype=np.uint8)
PAIR = Flag("pair", 0b0011_0000, ((0, "none"), (0b01_0000, "low"), (0b11_0000, "high")))
TESTS = [
    BitTest(PAIR, (0b01_0000,), ("low",)),
    BitTest(PAIR, (0b01_0000, 0b11_0000), ("low", "high")),
    BitTest(PAIR, (0,), ("none",), negated=True),
    BitTest(None, (3, 200)),
    BitTest(None, ()),
]


@pytest.mark.usefixtures("on_every_backend")
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("any_of", [False, True])
def test_the_kernel_matches_what_passes(any_of, inverted):
    for tests in (*((test,) for test in TESTS), tuple(TESTS[:3]), (TESTS[0], TESTS[3])):
        rule = SimpleNamespace(band=None, tests=tests, any=any_of, inverted=inverted, excepted=())
        passed = [(any if any_of else all)(test.passed(int(pixel)) for test in tests) for pixel in PIXELS]
        np.testing.assert_array_equal(matched([rule], PIXELS), np.array(passed) != inverted)


def test_a_negated_test_is_passed_by_all_other_pixels():
    for test in TESTS:
        other = BitTest(test.flag, test.values, test.labels, not test.negated)
        assert all(test.passed(pixel) != other.passed(pixel) for pixel in range(256))


def test_a_test_in_words_says_bits_numbers_and_labels():
    assert TESTS[1].explain(8) == "bits 4-5 of uint8 in (1, 3) (low, high)"
    assert TESTS[2].explain(8) == "bits 4-5 of uint8 != 0 (none)"
    assert TESTS[3].explain(8) == "value in (3, 200)"


def test_one_number_is_compared_and_several_are_listed():
    assert [one_of([3]), one_of([3], True)] == ["== 3", "!= 3"]
    assert [one_of([2, 3]), one_of([2, 3], True)] == ["in (2, 3)", "not in (2, 3)"]
