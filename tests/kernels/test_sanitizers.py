"""The kernels under the address and undefined behaviour sanitizers, and built in other ways: the bits stay the same."""

import os
import platform
import re
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from area_cases import FEW as AREAL
from checkout import TESTS
from exhaustive import few_of
from kernel_builds import Build, CudaText, all_defines, compile_all, sanitized, with_march
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
from rule_cases import DISCS, RULE_TYPES, defines, run_rules
from rule_cases import cases as rule_cases
from spline_cases import RENORMALIZED, WATCHED, renormalized
from spline_cases import filtered as filtered_coefficients

from gpumask.backends import get, native
from gpumask.backends.source import define_options, kernel_source, variant_key
from gpumask.errors import BackendError
from gpumask.masks.morphology import filtered

SCRIPT = TESTS / "support" / "sanitized.py"
LEVELS = ["x86-64", "x86-64-v3", "x86-64-v4"]
# What vectorises differently, by how a value is loaded and converted.
VARIANTS = [
    Variant("int8", "int8", "float64", "cubic"),
    Variant("uint16", "uint16", "float32", "cubic"),
    Variant("uint8", "uint8", "float32", "linear"),
    Variant("int64", "int64", "float64", "linear"),
    Variant("uint64", "uint64", "float32", "cubic"),
    Variant("uint64", "float32", "float64", "nearest"),
    Variant("float32", "float32", "float32", "cubic"),
    Variant("float64", "float64", "float64", "cubic"),
]
some_variants = pytest.mark.parametrize("variant", few_of(VARIANTS, [VARIANTS[1], VARIANTS[3]]), ids=str)


@pytest.fixture(scope="session")
def compiler() -> tuple[list[str], str]:
    """The compiler's command and predefined macros."""
    try:
        return native.compiler()
    except BackendError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def watched(compiler) -> dict[str, str]:
    """The environment of a Python process that the sanitizers watch."""
    command, macros = compiler
    if "__clang__" in macros:
        pytest.skip("the sanitizers' libraries are looked for as GCC names them")
    libraries = [_output([*command, f"-print-file-name=lib{name}.so"]).strip() for name in ("asan", "ubsan")]
    for library in libraries:
        if not (Path(library).is_file() and Path(library).read_bytes().startswith(b"\x7fELF")):
            pytest.skip(f"no {library} to load before Python")
    options = {"ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    return {**os.environ, **options, "LD_PRELOAD": " ".join(libraries)}


@pytest.mark.exhaustive
@pytest.mark.parametrize("check", ["twins", "areas"])
@pytest.mark.parametrize("name", ["wide", "cuda text"])
def test_kernels_keep_to_their_arrays_and_to_defined_behaviour(watched, name, check):
    _compile(sanitized(name), WATCHED_VARIANTS)
    done = _run(watched, name, check)
    assert done.returncode == 0, done.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["wide", "cuda text"])
@pytest.mark.parametrize(
    "check, said", [("read_past_the_end", "heap-buffer-overflow"), ("cast_out_of_range", "outside the range")]
)
def test_the_sanitizers_catch_what_they_are_for(watched, name, check, said):
    done = _run(watched, name, check)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.fixture(scope="session", params=few_of([*LEVELS, "256 lanes"], ["x86-64"]))
def other_build(request, compiler) -> Build:
    """The kernels for an instruction set, or for segments of a width. (As NVRTC reads them, they are cuda's.)"""
    if request.param in LEVELS:
        _skip_unless_this_cpu_has(request.param, compiler)
        return Build(with_march(request.param))
    return Build([*native.FLAGS, f"-DLANES={request.param.split()[0]}"])


@some_variants
def test_resample_gives_the_same_bits_however_it_is_compiled(other_build, variant):
    for case, expected in _on_one_thread(variant):
        assert_same_results(resampled(other_build, variant, case), expected, case)


@pytest.mark.parametrize("interp", APPLIED)
def test_footprint_gives_the_same_bits_however_it_is_compiled(other_build, interp):
    for valid in masks():
        assert_same_bits(footprint_of(other_build, valid, interp), footprint_of(get("native"), valid, interp))


@pytest.mark.parametrize("types", COVERING_TYPES, ids=str)
def test_oversample_gives_the_same_bits_however_it_is_compiled(other_build, types):
    for case in oversample_cases(types.nodes):
        found, expected = (run_oversample(build, types, case) for build in (other_build, get("numpy")))
        assert_same_values(found, expected, case.name)


@pytest.mark.parametrize("dtype", RULE_TYPES)
def test_rules_gives_the_same_bits_however_it_is_compiled(other_build, dtype):
    for case in rule_cases(dtype):
        assert_same_bits(run_rules(other_build, case), run_rules(get("numpy"), case), case.name)


@pytest.mark.parametrize("radius", DISCS)
def test_discs_give_the_same_bits_however_they_are_compiled(other_build, radius):
    for mask in masks():
        on = (mask != 0).view(np.uint8)
        found, expected = (filtered(build, on, [("dilation", radius)]) for build in (other_build, get("numpy")))
        assert_same_bits(found, expected, f"{mask.shape}")


@pytest.mark.parametrize("case", WATCHED, ids=str)
def test_prefilter_gives_the_same_bits_however_it_is_compiled(other_build, case):
    assert_same_bits(filtered_coefficients(other_build, case), filtered_coefficients(get("numpy"), case))


@pytest.mark.parametrize("interp", ["lanczos3"])
def test_renormalize_gives_the_same_bits_however_it_is_compiled(other_build, interp):
    for found, expected in zip(*(renormalized(b, interp, "uint16") for b in (other_build, get("numpy"))), strict=True):
        assert_same_bits(found[2], expected[2], found[0])
        assert_same_bits(found[1], expected[1], found[0])


@pytest.mark.parametrize("variant", few_of(SHARING, SHARING[:1]), ids=str)
def test_shares_are_the_same_bits_however_they_are_compiled(other_build, variant):
    for case in cases(variant.source):
        for found, expected in zip(*(shared(each, variant, case) for each in (other_build, get("numpy"))), strict=True):
            assert_same_bits(found, expected, case.name)


def test_inside_polygons_gives_the_same_bits_however_it_is_compiled(other_build):
    for case in polygon_cases():
        assert_same_bits(inside_of(other_build, case), inside_of(get("numpy"), case), case.name)


@pytest.fixture
def threads_for_small_arrays(monkeypatch):
    """Let native use all its threads for arrays of any size."""
    monkeypatch.setattr(native, "_PIXELS_A_THREAD", 1)


@pytest.mark.usefixtures("compiler", "threads_for_small_arrays")
@pytest.mark.parametrize("threads", ["2", "3"])
@some_variants
def test_values_do_not_depend_on_the_number_of_threads(monkeypatch, variant, threads):
    expected = _on_one_thread(variant)
    monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
    for case, results in expected:
        assert_same_results(resampled(get("native"), variant, case), results, case)


@pytest.mark.usefixtures("compiler", "threads_for_small_arrays")
@pytest.mark.parametrize("interp", APPLIED)
def test_footprints_do_not_depend_on_the_number_of_threads(monkeypatch, interp):
    for valid in masks():
        found = []
        for threads in ("1", "2", "3"):
            monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
            found.append(footprint_of(get("native"), valid, interp))
        assert_same_bits(found[1], found[0])
        assert_same_bits(found[2], found[0])


@pytest.mark.usefixtures("compiler", "threads_for_small_arrays")
@pytest.mark.parametrize("types", COVERING_TYPES, ids=str)
def test_oversampled_values_do_not_depend_on_the_number_of_threads(monkeypatch, types):
    for case in oversample_cases(types.nodes):
        found = []
        for threads in ("1", "2", "3"):
            monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
            found.append(run_oversample(get("native"), types, case))
        assert_same_values(found[1], found[0], case.name)
        assert_same_values(found[2], found[0], case.name)


@pytest.mark.usefixtures("compiler", "threads_for_small_arrays")
def test_insides_do_not_depend_on_the_number_of_threads(monkeypatch):
    for case in polygon_cases():
        found = []
        for threads in ("1", "2", "3"):
            monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
            found.append(inside_of(get("native"), case))
        assert_same_bits(found[1], found[0], case.name)
        assert_same_bits(found[2], found[0], case.name)


@cache
def _on_one_thread(variant: Variant) -> list[tuple[Case, tuple[np.ndarray, np.ndarray]]]:
    """Return every case with the native backend's results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPUMASK_NUM_THREADS", "1")
        return [(case, resampled(get("native"), variant, case)) for case in cases(variant.source)]


def _compile(build: Build, variants: list[Variant]) -> None:
    index = {"INDEX": np.dtype(np.int32)} if isinstance(build, CudaText) else {}

    def library(kernel: str, defines: dict[str, Any]) -> partial[str]:
        return partial(build.library, kernel, {**index, **defines})

    footprints = [library("footprint", interp.defines) for interp in APPLIED.values()]
    oversamples = [library("oversample", types.defines) for types in COVERING_TYPES]
    resamples = {
        variant_key(*define_options(build.keep(each))): library("resample", each)
        for variant in variants
        for each in all_defines(variant)
    }
    rules = [library("rules", defines(dtype)) for dtype in RULE_TYPES]
    others = [library(kernel, {}) for kernel in ("inside_polygons", "column_distance", "dilate", "fixed_nodes")]
    areas = [library(each.kernel, each.defines) for each in AREAL[::3]]
    compile_all([*footprints, *oversamples, *resamples.values(), *rules, *others, *areas])


def _skip_unless_this_cpu_has(level: str, compiler: tuple[list[str], str]) -> None:
    command, macros = compiler
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("not an x86-64")

    def instruction_sets(of: str) -> set[str]:
        return {line.split()[1] for line in of.splitlines()}

    base, needed = (
        instruction_sets(_output([*command, f"-march={name}", "-E", "-dM", "-x", "c++", os.devnull]))
        for name in (LEVELS[0], level)
    )
    missing = needed - base - instruction_sets(macros)
    if missing:
        pytest.skip(f"this CPU lacks {' '.join(sorted(missing))}")


def _run(environment: dict[str, str], build: str, check: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), build, check]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


FUSABLE = [f"resample {interp}" for interp in ("linear", "cubic", "lanczos3", "bspline3", "bspline11")]
FUSABLE += [f"renormalize {interp}" for interp in RENORMALIZED]


@pytest.mark.parametrize("case", few_of(FUSABLE, ["resample cubic", "renormalize cubic"]))
def test_the_compiler_fuses_no_product_with_a_sum(compiler, case):
    kernel, variant = case.split()
    command, _ = compiler
    defines_of = Variant("float64", "float64", "float64", variant).defines
    made = native._compile([*command, *native.FLAGS, *define_options(defines_of), "-S", "-x", "c++", "-", "-o", "-"],
                           kernel_source(kernel))  # fmt: skip
    assert len(made) > 10_000
    assert not re.search(r"\bvfn?m(add|sub)\w*|\bfmla\b|\bfmadd\b", made)
