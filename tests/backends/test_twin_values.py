"""How twins get what calls give them, and how they round results."""

import numpy as np
import pytest
from kernel_cases import TYPES

from gpumask.backends.arguments import Nodes
from gpumask.backends.twin_values import converted, nodes_that_count, uncarried
from gpumask.resampling.prepare import carried


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("uint8", 200), ("int16", -7), ("uint64", 2**64 - 3), ("int64", -(2**63)), ("float32", 0.1), ("float64", 0.1)],
)
def test_a_value_that_is_carried_arrives(dtype, value):
    found = uncarried(carried(value, np.dtype(dtype)), np.dtype(dtype))
    assert found == np.dtype(dtype).type(value) and np.asarray(found).dtype == dtype


def test_nan_is_carried():
    for dtype in map(np.dtype, ("float32", "float64")):
        assert np.isnan(uncarried(carried(np.nan, dtype), dtype))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int64", "uint64"])
def test_floats_are_rounded_half_to_even_and_clipped(dtype):
    info = np.iinfo(dtype)
    values = np.array([0.5, 1.5, 2.5, 2.4, 1e300, -1e300, np.inf, -np.inf, float(info.max), float(info.min)])
    found = converted(values, dtype)
    assert found.dtype == dtype
    assert found.tolist() == [0, 2, 2, 2, info.max, info.min, info.max, info.min, info.max, info.min]


@pytest.mark.parametrize(("given", "dtype"), [("int64", "uint8"), ("uint64", "int64"), ("int8", "uint64")])
def test_integers_are_clipped_to_other_integers(given, dtype):
    ends, info = np.iinfo(given), np.iinfo(dtype)
    values = np.array([ends.min, 0, 1, ends.max], given)
    assert converted(values, dtype).tolist() == [min(max(value, info.min), info.max) for value in values.tolist()]


def test_values_of_the_type_stay_as_they_are():
    values = np.array([np.nan, -0.0, 1e-320])
    assert converted(values, np.float64) is values


def test_nodes_count_unless_masked_or_nodata():
    row, col = np.array([[0.0, -9.0, 2.0, 3.0]]), np.array([[0.0, 1.0, -9.000001, 3.0]])
    mask = np.array([[1, 1, 1, 0]], np.uint8)
    assert nodes_that_count(Nodes(row, col, 4, mask, 4, -9.0)).tolist() == [[True, False, False, False]]
    assert nodes_that_count(Nodes(row, col, 4, None, 0, np.nan)).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_integers_are_rounded_half_to_even_and_clipped_to_their_range(dtype):
    values = np.array([-1e30, -1.5, -0.5, 0.5, 1.5, 2.5, 1e30])
    found = converted(values, np.dtype(dtype))
    assert found.dtype == dtype
    if found.dtype.kind == "f":
        np.testing.assert_array_equal(found, values.astype(dtype))
    else:
        info = np.iinfo(dtype)
        assert found[[0, -1]].tolist() == [info.min, info.max]
        assert found[1:-1].tolist() == np.clip([-2, 0, 0, 2, 2], info.min, info.max).tolist()
