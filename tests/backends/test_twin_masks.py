"""Twins of the kernels that make masks."""

import numpy as np
import pytest
from polygon_cases import cases as polygon_cases
from polygon_cases import inside_of
from rule_cases import cases as rule_cases
from rule_cases import run_rules

from gpumask.backends import get, twin_masks


@pytest.fixture(params=[1, 50])
def small_blocks(request, monkeypatch):
    """Blocks of a few pixels, where there would be one of all rows."""
    return lambda: monkeypatch.setattr(twin_masks, "BLOCK", request.param)


def test_blocks_of_rows_change_no_pixel_of_a_polygon(small_blocks):
    expected = [inside_of(get("numpy"), case) for case in polygon_cases()]
    small_blocks()
    for case, whole in zip(polygon_cases(), expected, strict=True):
        np.testing.assert_array_equal(inside_of(get("numpy"), case), whole)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_blocks_of_rows_change_no_pixel_of_a_rule(small_blocks, dtype):
    expected = [run_rules(get("numpy"), case) for case in rule_cases(dtype)]
    small_blocks()
    for case, whole in zip(rule_cases(dtype), expected, strict=True):
        np.testing.assert_array_equal(run_rules(get("numpy"), case), whole)
