"""NVRTC compiles every kernel, with no GPU at hand."""

import re

import numpy as np
import pytest
from antialias_cases import ANTIALIASED
from area_cases import FEW as FEW_AREAL
from exhaustive import few_of
from header_cases import HEADERS, options_of
from kernel_cases import APPLIED, CONVERSIONS, COVERING, MATRIX, SHARING, WIDE, Variant
from kernel_cases import TYPES as TYPES_OF_BANDS
from oversample_cases import TYPES
from rule_cases import defines
from spline_cases import RENORMALIZED, WATCHED

from gpumask.backends.cuda import nvrtc_options
from gpumask.backends.source import with_includes
from gpumask.pixels.interpolators import INTERPOLATORS

nvrtc = pytest.importorskip("cuda.bindings.nvrtc", exc_type=ImportError)
from nvrtc_builds import call, compiled, text_of  # noqa: E402

# Turing, Ampere, Hopper, Blackwell of data centres and of desktops. Every variant is compiled for the third.
ARCHITECTURES = ["sm_75", "sm_80", "sm_90", "sm_100", "sm_120"]
OTHER_ARCHITECTURES = [arch for arch in ARCHITECTURES if arch != "sm_90"]
# What a job knows of its arguments (see gpumask/backends/launch.py); most have a source that ends at its edges.
INDEXES = [np.dtype(np.int32), np.dtype(np.int64)]
USUAL = {"INDEX": INDEXES[0], "PLAIN_EDGES": 1, "PLAIN_NODES": 1, "HAS_FOOTPRINT": 0, "FULL": 0, "POWERS_OF_TWO": 0}
FULL = {"FULL": 1, "POWERS_OF_TWO": 1}
JOBS = {
    "coarse grid": USUAL,
    "steps of powers of two, mask": {**USUAL, "HAS_FOOTPRINT": 1, "POWERS_OF_TWO": 1},
    "coarse grid, mask": {**USUAL, "HAS_FOOTPRINT": 1},
    "masked coarse grid, mask": {**USUAL, "HAS_FOOTPRINT": 1, "PLAIN_NODES": 0},
    "full grid": {**USUAL, **FULL},
    "full grid, mask": {**USUAL, **FULL, "HAS_FOOTPRINT": 1},
}
OTHER_JOBS = {
    "boundary": {**USUAL, "PLAIN_EDGES": 0},
    "boundary, full grid, mask": {**USUAL, "PLAIN_EDGES": 0, **FULL, "HAS_FOOTPRINT": 1},
    "64 bits": {**USUAL, "INDEX": INDEXES[1], "HAS_FOOTPRINT": 1},
    "boundary, 64 bits": {**USUAL, "INDEX": INDEXES[1], "PLAIN_EDGES": 0, "PLAIN_NODES": 0},
}
GRIDS = [
    {"FULL": 0, "PLAIN_NODES": 1, "POWERS_OF_TWO": 0, "INDEX": INDEXES[0]},
    {**FULL, "PLAIN_NODES": 0, "INDEX": INDEXES[0]},
    {**FULL, "PLAIN_NODES": 0, "INDEX": INDEXES[1]},
]
MOST_SPILT = 640  # bytes of registers that a thread of an area statistic stores. The corners of its pixel take many
every_architecture = pytest.mark.parametrize("arch", few_of(ARCHITECTURES, ["sm_75", "sm_90", "sm_120"]))
every_interpolator = pytest.mark.parametrize("interp", APPLIED)
every_variant = pytest.mark.parametrize(
    "variant", few_of(MATRIX + CONVERSIONS, {*COVERING} & {*MATRIX, *CONVERSIONS}), ids=str
)
covering_variants = pytest.mark.parametrize("variant", COVERING, ids=str)
few_taps = pytest.mark.parametrize("variant", [variant for variant in COVERING if variant.taps <= 4], ids=str)
every_job = pytest.mark.parametrize("facts", JOBS.values(), ids=JOBS)
every_type = pytest.mark.parametrize("types", TYPES, ids=str)


@pytest.fixture(scope="session")
def architectures() -> set[str]:
    """The architectures that the NVRTC at hand compiles for."""
    try:
        return {f"sm_{number}" for number in call(nvrtc.nvrtcGetSupportedArchs)}
    except RuntimeError as error:  # the library that the bindings bind is not there
        pytest.skip(str(error))


@every_interpolator
@every_architecture
def test_footprint_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, interp):
    assert_compiles_without_stack(architectures, "footprint", arch, APPLIED[interp].defines)


@every_type
@every_architecture
def test_oversample_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, types):
    assert_compiles_without_stack(architectures, "oversample", arch, types.defines)


@every_architecture
def test_inside_polygons_compiles_for_every_architecture_and_needs_no_stack(architectures, arch):
    assert_compiles_without_stack(architectures, "inside_polygons", arch, {})


@every_architecture
def test_fixed_nodes_compiles_for_every_architecture_and_needs_no_stack(architectures, arch):
    assert_compiles_without_stack(architectures, "fixed_nodes", arch, {})


def test_fixed_nodes_computes_in_float64_for_a_nodata_value_alone(architectures):
    ptx = compiled(architectures, "fixed_nodes", "sm_90", {})[2]
    assert of_float64(ptx) == {"abs", "setp", "sub"}


@pytest.mark.parametrize("kernel", ["column_distance", "dilate"])
@every_architecture
def test_dilations_compile_for_every_architecture_and_need_no_stack(architectures, arch, kernel):
    assert_compiles_without_stack(architectures, kernel, arch, {})


@pytest.mark.parametrize("dtype", TYPES_OF_BANDS)
@every_architecture
def test_rules_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, dtype):
    assert_compiles_without_stack(architectures, "rules", arch, defines(dtype))


@pytest.mark.parametrize("case", WATCHED, ids=str)
@every_architecture
def test_prefilter_compiles_for_every_architecture_and_has_its_samples_alone_on_the_stack(architectures, arch, case):
    for one in case.defines:
        _, log, _ = compiled(architectures, "prefilter", arch, {**one, "INDEX": INDEXES[0]})
        found = re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill", log)
        assert found == [(str(8 * one["SAMPLES"]), "0")], log


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_architecture
def test_all_finite_compiles_for_every_architecture_and_needs_no_stack(architectures, arch, dtype):
    assert_compiles_without_stack(architectures, "all_finite", arch, {"SRC_T": np.dtype(dtype)})


@pytest.mark.parametrize("interp", RENORMALIZED)
@every_architecture
def test_renormalize_compiles_for_every_architecture_and_spills_little(architectures, arch, interp):
    for types in (("uint16", "float64"), ("float64", "float64"), ("uint16", "float32")):
        variant = Variant(types[0], types[0], types[1], interp)
        for facts in GRIDS:
            log = compiled(architectures, "renormalize", arch, {**variant.defines, **facts})[1]
            wide = facts["INDEX"] == INDEXES[1]
            assert max(spilt(log)) <= ((96 if wide else 32) if variant.taps <= 4 else 330 if wide else 290), log


@pytest.mark.parametrize("variant", FEW_AREAL[::3], ids=str)
@pytest.mark.parametrize("facts", [GRIDS[0], {}])
@every_architecture
def test_area_statistics_compile_for_every_architecture_and_spill_little(architectures, arch, facts, variant):
    log = compiled(architectures, variant.kernel, arch, {**variant.defines, **facts})[1]
    assert registers_of(log) <= 128, log
    assert spilt(log)[0] <= MOST_SPILT and "before its value is set" not in log, log


@pytest.mark.parametrize("variant", SHARING, ids=str)
@every_job
def test_shares_have_little_on_the_stack(architectures, variant, facts):
    log = compiled(architectures, "resample", "sm_90", {**variant.defines, **facts, "SHARE": 1})[1]
    assert max(spilt(log)) <= (48 if variant.taps <= 4 else 240), log


@pytest.mark.parametrize("interp", ANTIALIASED)
@every_architecture
def test_antialias_compiles_for_every_architecture_and_spills_nothing_of_small_images(architectures, arch, interp):
    for dtype in ("uint16", "float64"):
        types = {"SRC_T": np.dtype(dtype), "OUT_T": np.dtype(dtype)}
        for facts in GRIDS:
            defines = {**types, "TAPS": INTERPOLATORS[interp].taps, **facts}
            _, log, ptx = compiled(architectures, "antialias", arch, defines)
            assert max(spilt(log)) <= (80 if facts["INDEX"] == INDEXES[1] else 0), log
            assert registers_of(log) <= 128, log
            count_of_divisions(ptx)


@every_variant
def test_every_variant_of_resample_compiles_for_hopper_into_few_registers(architectures, variant):
    assert_needs_few_registers(architectures, variant, JOBS["coarse grid, mask"])


@few_taps
@every_job
def test_every_usual_job_needs_few_registers_and_no_stack(architectures, variant, facts):
    assert_needs_few_registers(architectures, variant, facts)


@pytest.mark.parametrize("facts", OTHER_JOBS.values(), ids=OTHER_JOBS)
@covering_variants
def test_every_other_job_compiles(architectures, variant, facts):
    compiled(architectures, "resample", "sm_90", {**variant.defines, **facts})


@covering_variants
def test_a_kernel_that_is_told_nothing_compiles(architectures, variant):
    compiled(architectures, "resample", "sm_90", variant.defines)


@pytest.mark.parametrize("variant", WIDE, ids=str)
@every_job
def test_variants_of_many_taps_have_little_on_the_stack(architectures, variant, facts):
    _, log, _ = compiled(architectures, "resample", "sm_90", {**variant.defines, **facts})
    assert max(spilt(log)) <= (16 if variant.taps < 10 else 150), log
    assert registers_of(log) <= (128 if variant.compute == "float64" else 80), log


@covering_variants
@pytest.mark.parametrize("arch", few_of(OTHER_ARCHITECTURES, ["sm_75", "sm_120"]))
def test_each_type_and_interpolator_compiles_for_the_other_architectures(architectures, arch, variant):
    compiled(architectures, "resample", arch, {**variant.defines, **JOBS["coarse grid, mask"]})


@covering_variants
@pytest.mark.parametrize("full", [False, True])
def test_divisions_alone_fuse_a_product_with_a_sum_and_nothing_is_flushed_to_zero(architectures, variant, full):
    facts = JOBS["full grid" if full else "coarse grid"]
    defines = {**variant.defines, **facts}
    ptx = compiled(architectures, "resample", "sm_90", defines)[2]
    if variant.taps == 1 and "FIXED" in defines:
        assert not re.search(r"\b(mul|mad|fma)\.\S*f\d\d", ptx)
        return
    count = count_of_divisions(ptx)
    # A row and a column are rounded, in a coarse grid they are divided by the area before. Code may be there twice.
    assert count == 0 if "FIXED" in defines else count >= (2 if full else 4)


@pytest.mark.parametrize("source", ["float32", "uint16", "uint8"])
@pytest.mark.parametrize("interp", ["nearest", "linear", "cubic", "lanczos3"])
@every_job
def test_resample_computes_nothing_in_float64_where_sums_are_float32(architectures, source, interp, facts):
    defines = Variant(source, source, "float32", interp).defines
    assert not of_float64(compiled(architectures, "resample", "sm_90", {**defines, **facts})[2])


@every_interpolator
@pytest.mark.parametrize("by_band", [0, 1])
def test_footprint_computes_nothing_in_float64(architectures, interp, by_band):
    defines = {**APPLIED[interp].defines, "BY_BAND": by_band, "INDEX": INDEXES[0]}
    assert not of_float64(compiled(architectures, "footprint", "sm_90", defines)[2])


@every_type
def test_oversample_fuses_no_product_with_a_sum_and_flushes_nothing_to_zero(architectures, types):
    assert count_of_divisions(compiled(architectures, "oversample", "sm_90", types.defines)[2]) == 0


@pytest.mark.parametrize("header", HEADERS)
def test_each_header_compiles_by_itself(architectures, header):
    options = [option.encode() for option in [*nvrtc_options("sm_90", {}), *options_of(header)]]
    program = call(nvrtc.nvrtcCreateProgram, with_includes(header).encode(), header.encode(), 0, [], [])
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = text_of(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog).decode()
    call(nvrtc.nvrtcDestroyProgram, program)
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, log


def test_other_fused_products_are_found():
    division = "mul.rn.f64 %fd3, %fd1, 0d39B97D3F3BA3B0C0;\nfma.rn.f64 %fd4, %fd1, %fd2, %fd3;\n"
    assert count_of_divisions(division) == 1
    others = [
        "fma.rn.f64 %fd9, %fd1, %fd2, %fd8;",
        "fma.rn.f64 %fd9, %fd5, %fd2, %fd3;",
        "fma.rn.f32 %f4, %f1, %f2, %f3;",
    ]
    others += ["mad.rn.f64 %fd9, %fd1, %fd2, %fd3;", "mul.ftz.f32 %f1, %f2, %f3;"]
    for other in others:
        with pytest.raises(AssertionError):
            count_of_divisions(division + other)


def count_of_divisions(ptx):
    """Return how many fma are those of `divided`, a * high + (a * low rounded); assert that nothing else is fused."""
    assert "mul.rn.f" in ptx or "mul.f" in ptx
    assert not re.search(r"\bmad\.\w+\.f|\.ftz", ptx)
    products = {found: {a, b} for found, a, b in re.findall(r"\bmul\.rn\.f64\s+(\S+), (\S+), (\S+);", ptx)}
    fused = re.findall(r"\bfma\.(\S+)\s+\S+, (\S+), (\S+), (\S+);", ptx)
    for kind, a, high, product in fused:
        assert kind == "rn.f64"
        assert {a, high} & products.get(product, set())
    return len(fused)


def assert_needs_few_registers(architectures, variant, facts):
    """Compile `resample`, and read in the log that it spills none of few registers, and has no stack."""
    _, log, _ = compiled(architectures, "resample", "sm_90", {**variant.defines, **facts})
    assert re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores", log) == [("0", "0")], log
    by_band = variant.validity and variant.compute == "float64"
    assert registers_of(log) <= (40 if variant.taps == 1 else 80 if by_band else 64), log


def registers_of(log):
    """Return how many registers a thread has, by NVRTC's log."""
    (registers,) = re.findall(r"Used (\d+) registers", log)
    return int(registers)


def spilt(log):
    """Return how many bytes of registers are stored on the stack and loaded from it, by NVRTC's log."""
    ((stores, loads),) = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", log)
    return int(stores), int(loads)


def of_float64(ptx):
    """Return the names of PTX's instructions for float64 but those that load or move it."""
    return set(re.findall(r"\b(\w+)(?:\.\w+)*\.f64\b", re.sub(r"\b(ld|mov)\.\S+|\.(reg|param).*", "", ptx)))


def assert_compiles_without_stack(architectures, kernel, arch, defines):
    """Compile, and read in NVRTC's log what its assembler says of the stack and of registers spilt to it."""
    for index in INDEXES:
        _, log, _ = compiled(architectures, kernel, arch, {**defines, "INDEX": index})
        found = re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", log)
        assert found == [("0", "0", "0")], log
