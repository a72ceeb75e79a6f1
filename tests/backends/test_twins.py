"""Twins of the kernels in NumPy. Kernels are compared with them in kernels/ and beside what uses them."""

import pytest
from kernel_cases import Variant, assert_same_bits, cases, resampled

from gpumask.backends import get, source, twins


def test_each_kernel_has_a_twin_and_each_twin_a_kernel():
    assert set(twins.TWINS) == {path.stem for path in source.kernels_folder().glob("*.cu")}


@pytest.fixture(params=[1, 50])
def small_blocks(request, monkeypatch):
    """Blocks of a few pixels, where there would be one of all rows."""
    return lambda: monkeypatch.setattr(twins, "BLOCK", request.param)


@pytest.mark.parametrize("interp", ["nearest", "cubic", "bspline3"])
@pytest.mark.parametrize("compute", ["float32", "float64"])
def test_blocks_of_rows_change_no_bit_of_an_image(small_blocks, interp, compute):
    variant = Variant("int16", "float64", compute, interp)
    expected = [resampled(get("numpy"), variant, case) for case in cases("int16")]
    small_blocks()
    for case, before in zip(cases("int16"), expected, strict=True):
        for found, whole in zip(resampled(get("numpy"), variant, case), before, strict=True):
            assert_same_bits(found, whole)
