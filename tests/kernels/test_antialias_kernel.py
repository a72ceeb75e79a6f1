"""The kernel of antialiased interpolators against its twin, in every type and however it is compiled."""

import gpu
import numpy as np
import pytest
from antialias_cases import ANTIALIASED, antialiased, cases
from exhaustive import few_of
from kernel_builds import Build, with_march
from kernel_cases import TYPES, assert_same_bits

from gpumask.backends import get, native
from gpumask.grids.spacing import shrinks

compiled_backends = pytest.mark.parametrize("backend", ["cuda", "native"], indirect=True)
# Wherever what a pixel is loaded or stored as may matter.
VARIANTS = [(dtype, None) for dtype in TYPES] + [("float64", "int16"), ("uint8", "float32")]
FEW = [("uint16", None), ("float32", None), ("int64", None), ("float64", "int16")]


def assert_same_cases(found, expected, interp, dtype, **options):
    for case in cases(dtype):
        results = [antialiased(backend, interp, case, **options) for backend in (found, expected)]
        assert_same_bits(results[0][1], results[1][1], f"validity of {case.name}")
        assert_same_bits(results[0][0], results[1][0], f"image of {case.name}")


@compiled_backends
@pytest.mark.parametrize("interp", ANTIALIASED)
@pytest.mark.parametrize(("dtype", "output"), few_of(VARIANTS, FEW))
def test_antialias_is_that_of_its_twin_to_the_bit(backend, interp, dtype, output):
    with gpu.facts((interp, dtype) == ("cubic", "uint16")):
        assert_same_cases(get(backend), get("numpy"), interp, dtype, output=output)


@compiled_backends
@pytest.mark.parametrize("interp", ANTIALIASED)
def test_shares_are_those_of_the_twin_to_the_bit(backend, interp):
    wanted = [case for case in cases("float32") if shrinks(case.grid) and case.source.valid is not None]
    assert len(wanted) >= 4
    for case in wanted:
        found, expected = (antialiased(get(name), interp, case, "float32") for name in (backend, "numpy"))
        assert_same_bits(found[1], expected[1], f"validity of {case.name}")
        assert_same_bits(found[0], expected[0], f"image of {case.name}")
        as_bytes = antialiased(get(backend), interp, case)[1]
        if "mask_policy" not in case.options:  # valid where the share is exactly 1
            np.testing.assert_array_equal(as_bytes == 1, found[1] == 1, case.name)


@pytest.mark.parametrize("march", few_of(["x86-64", "x86-64-v3"], ["x86-64"]))
def test_antialias_gives_the_same_bits_however_it_is_compiled(march):
    if "__x86_64__" not in native.compiler()[1]:
        pytest.skip("not an x86-64")
    assert_same_cases(Build(with_march(march)), get("numpy"), "lanczos3", "uint16")


@pytest.mark.parametrize("threads", ["2", "3"])
def test_antialias_does_not_depend_on_the_number_of_threads(monkeypatch, threads):
    monkeypatch.setattr(native, "_PIXELS_A_THREAD", 1)
    monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
    assert_same_cases(get("native"), get("numpy"), "cubic", "uint16")
