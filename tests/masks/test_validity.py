"""Validities: their values, and the AND of several."""

import numpy as np
import pytest

from gpumask import CoarseMask, Polygons, Validity, Window
from gpumask.backends import get
from gpumask.masks.validity import all_of


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_and_of_several_is_written_into_the_first(count):
    parts = [(np.random.default_rng(seed).random((7, 8)) > 0.3).astype(np.uint8) for seed in range(count)]
    expected = np.array(parts).all(axis=0)
    found = all_of(iter(parts))
    assert found is parts[0]
    np.testing.assert_array_equal(found, expected)


def test_no_validities_have_no_and():
    assert all_of([]) is None


def test_masks_say_valid_and_invalid_by_the_same_values(backend):
    """Whatever a mask is made of, its values are those of Validity, and it tells how far around a window it looks."""
    nodes = np.array([[0, 1], [1, 1]])
    square = [(1.5, 1.5), (6.5, 1.5), (6.5, 6.5), (1.5, 6.5)]
    for mask in (CoarseMask(nodes, (8, 8)), Polygons([{"type": "Polygon", "coordinates": [square]}])):
        found = get(backend).to_family_of(np.empty(0), mask.validity(Window(0, 0, 9, 9), get(backend)))
        assert set(np.unique(found)) == {Validity.INVALID, Validity.VALID} and found.dtype == np.uint8
        assert mask.margin >= 0
