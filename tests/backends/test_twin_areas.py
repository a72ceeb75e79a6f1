"""Twins of the kernels of area statistics."""

import numpy as np
import pytest
from area_cases import FEW, cases, covered
from kernel_cases import assert_same_bits

from gpumask.backends import get, twin_areas


@pytest.mark.parametrize("variant", [FEW[0], FEW[5]], ids=str)
@pytest.mark.parametrize("block", [9, 300])
def test_blocks_of_pixels_change_no_bit(monkeypatch, variant, block):
    some = [case for case in cases(variant.source) if case.grid.shape[0] * case.grid.shape[1] < 150][::11]
    expected = [covered(get("numpy"), variant, case, share=True) for case in some]
    monkeypatch.setattr(twin_areas, "_BLOCK", block)
    for case, whole in zip(some, expected, strict=True):
        for found, array in zip(covered(get("numpy"), variant, case, share=True), whole, strict=True):
            assert_same_bits(found, array, case.name)


def test_ends_have_the_type_that_they_are_of():
    for dtype in map(np.dtype, ("uint8", "int64", "uint64", "float32", "float64")):
        least, most = twin_areas._ends(dtype)
        assert least.dtype == most.dtype == dtype and least < most
    assert twin_areas._ends(np.dtype("uint64")) == (0, 2**64 - 1)


def test_the_most_frequent_value_is_the_least_of_several():
    values = np.array([[1, 1, 2, 3, 3], [1, 2, 2, 4, 5], [7, 8, 9, 9, 9]])
    counts = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 1], [1, 0, 1, 1, 0]], bool)
    found = values[np.arange(3), twin_areas._most_frequent(values, counts)]
    assert found.tolist() == [1, 1, 9]


def test_ranks_are_counted_among_those_that_count():
    counts = np.array([[True, False, True, True, False, True, True]] * 3)
    found = [twin_areas._at_rank(counts, quarters)[0] for quarters in (1, 2, 3)]
    assert found == [2, 3, 5]  # of the places 0, 2, 3, 5 and 6 the second, third and fourth
