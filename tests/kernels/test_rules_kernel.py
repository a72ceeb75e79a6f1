"""The kernel `rules`, in every type and on every backend."""

import numpy as np
import pytest
from kernel_cases import TYPES, assert_same_bits
from rule_cases import Case, cases, run_rules

from gpumask.backends import get

# The numpy backend is the twins.
compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
every_type = pytest.mark.parametrize("dtype", TYPES)


@compiled_backends
@every_type
def test_rules_is_that_of_its_twin_to_the_bit(backend, dtype):
    for case in cases(dtype):
        found, expected = (run_rules(get(name), case) for name in (backend, "numpy"))
        assert_same_bits(found, expected, case.name)


@every_type
def test_rules_writes_zeros_and_ones_to_its_pixels_and_nothing_about_them(backend, dtype):
    for case in cases(dtype):
        found = run_rules(get(backend), case)
        assert (found[:, :2] == 7).all(), case.name
        assert (found[:, -3:] == 7).all(), case.name
        assert (found[:, 2:-3] <= 1).all(), case.name


@every_type
def test_rules_leaves_the_band_and_the_table_alone(backend, dtype):
    for case in cases(dtype)[::7]:
        band, table = case.band.copy(), case.table.copy()
        run_rules(get(backend), case)
        assert_same_bits(np.ascontiguousarray(case.band), band, case.name)
        assert_same_bits(case.table, table, case.name)


@every_type
def test_the_random_tables_are_worth_comparing(dtype):
    shares = [run_rules(get("numpy"), case)[:, 2:-3].mean() for case in cases(dtype) if case.count]
    assert np.mean((np.array(shares) > 0) & (np.array(shares) < 1)) > 0.3


def naive(case: Case, row: int, col: int) -> int:
    """Say whether one pixel is kept, with Python's numbers."""
    whole = case.band.dtype.kind != "f"
    every = 2 ** (8 * case.band.itemsize) - 1
    pixel = int(case.band[row, col]) & every if whole else float(case.band[row, col])
    table, keep = case.table.tolist(), case.also is None or case.also[row, col] == 1
    for _ in range(case.count):
        any_of, inverted, tests, *table = table
        passed = []
        for _ in range(int(tests)):
            bits, count, *table = table
            given = -1 - int(count) if count < 0 else int(count)
            values, table = table[:given], table[given:]
            found = any((pixel & bits & every) == value & every if whole else pixel == value for value in values)
            passed.append(found != (count < 0))
        keep &= (any(passed) if any_of else all(passed)) != bool(inverted)
    assert not table or not case.count
    return int(keep)


@every_type
def test_rules_is_what_its_table_says(backend, dtype):
    rng = np.random.default_rng(3)
    for case in cases(dtype):
        found = run_rules(get(backend), case)[:, 2:-3]
        for row, col in rng.integers(0, case.band.shape, (12, 2)).tolist():
            assert found[row, col] == naive(case, row, col), (case.name, row, col)


@pytest.mark.parametrize(("dtype", "low"), [("float32", 2.0**24), ("float64", 2.0**53)])
def test_floats_are_compared_as_they_are(backend, dtype, low):
    band = np.array([[low, np.nextafter(np.dtype(dtype).type(low), np.inf), 0.0, -0.0, np.nan, np.inf, 0.1]], dtype)
    tenth = [6] if dtype == "float64" else []
    for value, matches in [(low, [0]), (0.0, [2, 3]), (np.inf, [5]), (np.nan, []), (0.1, tenth)]:
        case = Case(str(value), band, np.array([0, 0, 1, -1, 1, value], np.float64), 1)
        assert np.flatnonzero(run_rules(get(backend), case)[0, 2:-3]).tolist() == matches, value
        case = case._replace(table=np.array([0, 1, 1, -1, 1, value], np.float64))
        assert np.flatnonzero(run_rules(get(backend), case)[0, 2:-3] == 0).tolist() == matches, value
