"""Checks of arguments: numbers, whole numbers, pairs and shapes."""

import numpy as np
import pytest

from gpumask import ArgumentTypeError, GpumaskError
from gpumask.pixels.checks import check_shape, is_number, positive_pair, whole_numbers, whole_pair


@pytest.mark.parametrize("given", [1, -2.5, np.int8(3), np.float32(0), np.uint64(2**63), float("nan")])
def test_numbers_of_python_and_numpy_are_numbers(given):
    assert is_number(given)


@pytest.mark.parametrize("given", [True, np.True_, "1", None, [1], np.array(1), 1j])
def test_truth_values_texts_and_arrays_are_no_numbers(given):
    assert not is_number(given)


@pytest.mark.parametrize("given", [(3, 4), [3, 4], np.array([3, 4], np.int16), iter((3, 4)), (np.uint8(3), 4)])
def test_whole_numbers_of_any_type_become_ints(given):
    found = whole_numbers("sizes", given)
    assert found == (3, 4) and {type(number) for number in found} == {int}


@pytest.mark.parametrize("given", [3, (3.0, 4), ("3", "4"), None, (3, None)])
def test_what_is_not_whole_is_a_type_error_by_name(given):
    with pytest.raises(ArgumentTypeError, match="^sizes: expected a list of whole numbers"):
        whole_numbers("sizes", given)


@pytest.mark.parametrize("given", [(), (1,), (1, 2, 3), (0, 1), (4, -1)])
def test_a_pair_has_two_numbers_from_1_on(given):
    with pytest.raises(GpumaskError, match="^tile: expected (two|at least one) whole number"):
        positive_pair("tile", given)


def test_floats_that_are_whole_are_taken_for_a_pair_and_others_are_none():
    assert whole_pair((3.0, np.float32(4))) == (3, 4)
    for given in ((3.5, 4), (float("inf"), 1), (float("nan"), 1), (1, 2, 3), 5, None, ("a", 1)):
        assert whole_pair(given) is None


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2.5, 3), (3,), (1, 2, 3), None, "ab"])
def test_a_shape_has_pixels(shape):
    assert check_shape("shape", np.array([2, 3])) == (2, 3)
    with pytest.raises(GpumaskError, match=r"^shape: expected \(rows, cols\), whole numbers from 1 on"):
        check_shape("shape", shape)
