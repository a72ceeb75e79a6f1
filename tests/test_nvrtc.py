"""NVRTC compiles every kernel, with no GPU at hand."""

import re

import numpy as np
import pytest
from kernel_cases import APPLIED, CONVERSIONS, COVERING, MATRIX, WIDE, Variant
from kernel_cases import TYPES as TYPES_OF_BANDS
from oversample_cases import TYPES
from rule_cases import defines
from spline_cases import RENORMALIZED, WATCHED

from gpumask.backends.cuda import nvrtc_options
from gpumask.backends.source import kernel_source

nvrtc = pytest.importorskip("cuda.bindings.nvrtc", exc_type=ImportError)

# Turing, Ampere, Hopper, Blackwell of data centres and of desktops. Every variant is compiled for the third.
ARCHITECTURES = ["sm_75", "sm_80", "sm_90", "sm_100", "sm_120"]
OTHER_ARCHITECTURES = [arch for arch in ARCHITECTURES if arch != "sm_90"]
every_interpolator = pytest.mark.parametrize("interp", APPLIED)
every_variant = pytest.mark.parametrize("variant", MATRIX + CONVERSIONS, ids=str)
covering_variants = pytest.mark.parametrize("variant", COVERING, ids=str)
every_type = pytest.mark.parametrize("types", TYPES, ids=str)


@pytest.fixture(scope="session")
def architectures() -> set[str]:
    """The architectures that the NVRTC at hand compiles for."""
    try:
        return {f"sm_{number}" for number in call(nvrtc.nvrtcGetSupportedArchs)}
    except RuntimeError as error:  # the library that the bindings bind is not there
        pytest.skip(str(error))


@every_interpolator
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_footprint_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, interp):
    assert_compiles_without_stack(architectures, "footprint", arch, APPLIED[interp].defines)


@every_type
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_oversample_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, types):
    assert_compiles_without_stack(architectures, "oversample", arch, types.defines)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_winding_compiles_for_every_architecture_and_needs_no_stack(architectures, arch):
    assert_compiles_without_stack(architectures, "winding", arch, {})


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_fixed_nodes_compiles_for_every_architecture_and_needs_no_stack(architectures, arch):
    assert_compiles_without_stack(architectures, "fixed_nodes", arch, {})


def test_fixed_nodes_computes_in_float64_for_a_nodata_value_alone(architectures):
    ptx = compiled(architectures, "fixed_nodes", "sm_90", {})[2]
    found = re.findall(r"\b(\w+)(?:\.\w+)*\.f64\b", re.sub(r"\b(ld|mov)\.\S+|\.reg.*", "", ptx))
    assert set(found) == {"abs", "setp", "sub"}


@pytest.mark.parametrize("kernel", ["disc_columns", "disc_rows"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_discs_compile_for_every_architecture_and_need_no_stack(architectures, arch, kernel):
    assert_compiles_without_stack(architectures, kernel, arch, {})


@pytest.mark.parametrize("dtype", TYPES_OF_BANDS)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_rules_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, dtype):
    assert_compiles_without_stack(architectures, "rules", arch, defines(dtype))


@pytest.mark.parametrize("case", WATCHED, ids=str)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_prefilter_compiles_for_every_architecture_and_has_its_samples_alone_on_the_stack(architectures, arch, case):
    for one in case.defines:
        _, log, _ = compiled(architectures, "prefilter", arch, one)
        found = re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill", log)
        assert found == [(str(8 * one["SAMPLES"]), "0")], log


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_all_finite_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, dtype):
    assert_compiles_without_stack(architectures, "all_finite", arch, {"SRC_T": np.dtype(dtype)})


@pytest.mark.parametrize("interp", RENORMALIZED)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_renormalize_compiles_for_every_architecture(architectures, arch, interp):
    for dtype in ("uint16", "float64"):
        compiled(architectures, "renormalize", arch, Variant(dtype, dtype, "float64", interp).defines)


@every_variant
def test_every_variant_of_resample_compiles_for_hopper_and_needs_no_stack(architectures, variant):
    assert_compiles_without_stack(architectures, "resample", "sm_90", variant.defines)


@pytest.mark.parametrize("variant", WIDE, ids=str)
def test_variants_of_many_taps_have_those_near_an_edge_on_the_stack_and_little_else(architectures, variant):
    _, log, _ = compiled(architectures, "resample", "sm_90", variant.defines)
    stack, stores, loads = map(
        int, re.findall(r"(\d+) bytes stack.* (\d+) bytes spill s.* (\d+) bytes spill l", log)[0]
    )
    assert stack <= variant.taps**2 * np.dtype(variant.source).itemsize + 512
    assert max(stores, loads) < 800


@covering_variants
@pytest.mark.parametrize("arch", OTHER_ARCHITECTURES)
def test_each_type_and_interpolator_compiles_for_the_other_architectures(architectures, arch, variant):
    compiled(architectures, "resample", arch, variant.defines)


@covering_variants
def test_no_product_is_fused_with_a_sum_and_nothing_is_flushed_to_zero(architectures, variant):
    assert_keeps_every_rounding(compiled(architectures, "resample", "sm_90", variant.defines)[2])


@every_type
def test_oversample_fuses_no_product_with_a_sum_and_flushes_nothing_to_zero(architectures, types):
    assert_keeps_every_rounding(compiled(architectures, "oversample", "sm_90", types.defines)[2])


def assert_keeps_every_rounding(ptx):
    """Look for products, and for instructions that would round differently than a CPU does."""
    assert "mul.rn.f" in ptx or "mul.f" in ptx
    assert not re.search(r"\bfma\.|\bmad\.\w+\.f|\.ftz", ptx)


def assert_compiles_without_stack(architectures, kernel, arch, defines):
    """Compile, and read in NVRTC's log what its assembler says of the stack and of registers spilt to it."""
    _, log, _ = compiled(architectures, kernel, arch, defines)
    found = re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", log)
    assert found == [("0", "0", "0")], log


def compiled(architectures, kernel, arch, defines):
    """Return a kernel's cubin, the compiler's log and its PTX."""
    if arch not in architectures:
        pytest.skip(f"this NVRTC has no {arch}")
    options = [option.encode() for option in [*nvrtc_options(arch, defines), "--ptxas-options=-v"]]
    program = call(nvrtc.nvrtcCreateProgram, kernel_source(kernel).encode(), kernel.encode(), 0, [], [])
    try:
        (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        log = text_of(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog).decode()
        assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, log
        cubin = text_of(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN)
        ptx = text_of(program, nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX).decode()
    finally:
        call(nvrtc.nvrtcDestroyProgram, program)
    assert cubin.startswith(b"\x7fELF")
    assert cubin.endswith(b"\0")  # which CuPy takes away, and the backend adds again
    assert b".text." + kernel.encode() + b"\0" in cubin
    return cubin, log, ptx


def text_of(program, size, get):
    """Return what one of NVRTC's pairs of functions gives."""
    text = bytes(call(size, program))
    call(get, program, text)
    return text


def call(function, *args):
    """Call NVRTC; return its one result, or all of several."""
    status, *results = function(*args)
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, function.__name__
    return results[0] if len(results) == 1 else results
