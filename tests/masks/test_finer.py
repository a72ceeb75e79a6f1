"""Finer pixels: how many lie in a pixel, and what share of them is valid."""

from fractions import Fraction

import numpy as np
import pytest

from gpumask import Window
from gpumask.backends import get
from gpumask.masks import finer
from gpumask.masks.finer import finer_by, reaches, valid_by_share


@pytest.mark.parametrize(
    ("fine", "found"),
    [
        ((8, 15), (2, 3)),
        ((8, 5), (2, 1)),
        ((4, 10), (1, 2)),
        ((4, 5), None),
        ((2, 5), None),
        ((8, 1), None),  # finer along one axis, coarser along the other
        ((9, 15), None),
        ((7, 15), None),
        ((0, 10), None),
        ((8,), None),
        ((2, 8, 15), None),
    ],
)
def test_factors_are_whole_and_one_shape_is_finer_along_both_axes(fine, found):
    assert finer_by(fine, (4, 5)) == found


@pytest.mark.parametrize("factors", [(1, 1), (2, 3), (5, 1), (1, 7), (10, 10), (40, 25)])
def test_a_share_that_equals_the_threshold_reaches_it(backend, factors):
    size = factors[0] * factors[1]
    order = np.random.default_rng(3).permutation(size).reshape(factors)
    for count in {*range(0, size + 1, max(size // 50, 1)), size - 1, size}:
        fine = get(backend).asarray((order < count).astype(np.uint8))
        thresholds = [Fraction(other, size) for other in (count - 1, count, count + 1) if 0 < other <= size]
        for share in (*thresholds, Fraction("0.999"), Fraction("0.1"), Fraction(1)):
            assert int(reaches(fine, factors, float(share))[0, 0]) == (Fraction(count, size) >= share)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("at_a_time", [1, 100, 1 << 22])
def test_neither_windows_nor_what_is_made_at_a_time_changes_a_bit(backend, monkeypatch, dtype, at_a_time):
    factors, threshold = (2, 3), 0.5
    fine = np.random.default_rng(4).random((26, 57))
    fine = (fine < 0.5).astype(dtype) if dtype == "uint8" else fine.astype(dtype)
    expected = np.empty((13, 19), np.uint8)
    for row, col in np.ndindex(expected.shape):
        block = fine[2 * row : 2 * row + 2, 3 * col : 3 * col + 3]
        total = sum(sum(float(value) for value in column) for column in block.T)
        expected[row, col] = total / 6 >= threshold
    assert 0.2 < expected.mean() < 0.8
    monkeypatch.setattr(finer, "_AT_A_TIME", at_a_time)
    chosen = get(backend)
    for tile in ((13, 19), (4, 5), (1, 1)):
        found = np.full(expected.shape, 7, np.uint8)
        for window in Window.of_shape(expected.shape).tiles(*tile):
            part = valid_by_share(chosen, window, factors, threshold, lambda at: chosen.asarray(fine[at.slices]))
            found[window.slices] = chosen.to_family_of(np.empty(0), part)
        np.testing.assert_array_equal(found, expected)
