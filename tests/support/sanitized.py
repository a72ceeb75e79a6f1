"""Runs kernels that the sanitizers watch. Their libraries were loaded first in this process. See test_sanitizers.py.

PYTHONPATH=. python tests/support/sanitized.py BUILD CHECK
"""

import os
import sys
from itertools import product

import numpy as np
from antialias_cases import antialiased
from antialias_cases import cases as antialias_cases
from area_cases import FEW as AREAL
from area_cases import cases as area_cases
from area_cases import covered
from fixed_cases import GRIDS, fixed_nodes_of
from kernel_builds import Build, sanitized
from kernel_cases import (
    APPLIED,
    SHARING,
    WATCHED_VARIANTS,
    Case,
    Variant,
    assert_same_bits,
    assert_same_results,
    cases,
    footprint_of,
    masks,
    resampled,
    shared,
)
from oversample_cases import COVERING_TYPES, assert_same_values, run_oversample
from oversample_cases import cases as oversample_cases
from polygon_cases import cases as polygon_cases
from polygon_cases import inside_of
from rule_cases import DISCS, RULE_TYPES, run_rules
from rule_cases import cases as rule_cases
from spline_cases import FINITE, WATCHED, finite_of, renormalized
from spline_cases import filtered as coefficients_of

from gpumask import Window
from gpumask.backends import get
from gpumask.backends.arguments import Out
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.masks.morphology import filtered
from gpumask.resampling.image import Source


def twins(build: Build) -> None:
    """Compare every case with its twin."""
    twin = get("numpy")
    for interp, valid in product(APPLIED, masks()):
        found, expected = (footprint_of(each, valid, interp) for each in (build, twin))
        assert_same_bits(found, expected, f"{valid.shape}")
    for variant in WATCHED_VARIANTS:
        for case in cases(variant.source):
            assert_same_results(resampled(build, variant, case), resampled(twin, variant, case), case)
    share_twins(build, twin)
    node_twins(build, twin)
    spline_twins(build, twin)
    antialias_twins(build, twin)
    for types in COVERING_TYPES:
        for case in oversample_cases(types.nodes):
            expected = run_oversample(twin, types, case)
            assert_same_values(run_oversample(build, types, case), expected, case.name)
    for case in (case for dtype in RULE_TYPES for case in rule_cases(dtype)):
        assert_same_bits(run_rules(build, case), run_rules(twin, case), case.name)
    for mask, radius in product(masks(), DISCS):
        found, expected = (filtered(each, (mask != 0).view(np.uint8), [("dilation", radius)]) for each in (build, twin))
        assert_same_bits(found, expected, f"disc of {radius}, {mask.shape}")
    for case in polygon_cases():
        assert_same_bits(inside_of(build, case), inside_of(twin, case), case.name)


def share_twins(build: Build, twin: Backend) -> None:
    """Compare shares with their twins."""
    for variant in SHARING:
        for case in cases(variant.source):
            for found, expected in zip(*(shared(each, variant, case) for each in (build, twin)), strict=True):
                assert_same_bits(found, expected, f"shares of {case.name}")


def areas(build: Build) -> None:
    """Compare area statistics with their twins."""
    twin = get("numpy")
    for variant in AREAL[::3]:
        for case in area_cases(variant.source):
            for found, expected in zip(*(covered(each, variant, case, True) for each in (build, twin)), strict=True):
                assert_same_bits(found, expected, f"{variant} of {case.name}")


def node_twins(build: Build, twin: Backend) -> None:
    """Compare nodes in fixed point, and pixels between them, with their twins."""
    variant, pixels = Variant("uint16", "uint16", "float32", "nearest"), np.arange(99, dtype=np.uint16)
    for grid in GRIDS:
        for found, expected in zip(*(fixed_nodes_of(each, grid) for each in (build, twin)), strict=True):
            assert_same_bits(found, expected, f"nodes of {grid}")
        rows, cols = grid.shape
        for row, col in product({0, max(rows - 9, 0)}, {0, max(cols - 70, 0)}):
            part = grid.crop(Window(row, col, min(rows, 9), min(cols, 70)))
            case = Case(f"{grid}", Source(pixels.reshape(1, 9, 11)), part)
            assert_same_results(resampled(build, variant, case), resampled(twin, variant, case), case)


def spline_twins(build: Build, twin: Backend) -> None:
    """Compare the kernels of B-splines and of renormalised weights with their twins."""
    for filtering in WATCHED:
        assert_same_bits(coefficients_of(build, filtering), coefficients_of(twin, filtering), str(filtering))
    for finite in FINITE:
        assert_same_bits(finite_of(build, *finite), finite_of(twin, *finite), str(finite))
    for interp, dtype in (("cubic", "uint16"), ("lanczos3", "float64")):
        for found, expected in zip(*(renormalized(each, interp, dtype) for each in (build, twin)), strict=True):
            assert_same_bits(found[2], expected[2], found[0])
            assert_same_bits(found[1], expected[1], found[0])


def antialias_twins(build: Build, twin: Backend) -> None:
    """Compare antialiased interpolators with their twin."""
    for interp, dtype in (("linear", "uint8"), ("cubic", "float32"), ("lanczos3", "int64")):
        for case in antialias_cases(dtype):
            found, expected = (antialiased(each, interp, case) for each in (build, twin))
            assert_same_bits(found[1], expected[1], case.name)
            assert_same_bits(found[0], expected[0], case.name)


def read_past_the_end(build: Build) -> None:
    """Make a kernel read a row that its argument lacks."""
    build.run("footprint", (5, 64), np.ones((4, 64), np.uint8), 64, 0, 1, np.empty((5, 64), np.uint8), TAPS=1)


def cast_out_of_range(build: Build) -> None:
    """Give a kernel a table of rules with more tests than it can count."""
    band, table, out = np.zeros((1, 64), np.float32), np.array([1.0, 0.0, 1e300, 0, 0, 0]), np.empty((1, 64), np.uint8)
    types = {"SRC_T": np.float32, "BITS_T": np.uint32, "TABLE_T": np.float64}
    launch(build, "rules", band.shape, band, 64, table, 1, 0, Out.of(out), **types)


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD")  # the sanitizers need not watch the compiler
    checks = {check.__name__: check for check in (twins, areas, read_past_the_end, cast_out_of_range)}
    checks[sys.argv[2]](sanitized(sys.argv[1]))
