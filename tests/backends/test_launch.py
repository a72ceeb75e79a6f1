"""What kernels are told of their arguments: whether it is so, and that it changes no bit."""

from functools import cache, partial

import numpy as np
import pytest
from kernel_builds import Asked, CudaText, all_defines, compile_all
from kernel_cases import APPLIED, NODATA, Variant, assert_same_bits, assert_same_results, cases, resampled
from numpy.lib.stride_tricks import as_strided

from gpumask import Grid, Window, resample
from gpumask.backends import cuda, get, native
from gpumask.backends.arguments import Grid as GridArgument
from gpumask.backends.arguments import Nodes, Pixels, flat
from gpumask.backends.arguments import Source as SourceArgument
from gpumask.backends.launch import FACTS, division_by_steps, launch, without_facts
from gpumask.errors import BackendError
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.interpolators import bspline
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

VARIANT = Variant("uint16", "uint16", "float64", "cubic")
EDGES = Boundary()
SMALL = np.zeros((3, 4), np.uint8)


def index_of(shape, *args):
    """Return the type of sizes and offsets for which a kernel would be compiled."""
    asked = Asked()
    launch(asked, "kernel", shape, *args, TAPS=4)
    ((kernel, given, defines),) = asked.runs
    assert (kernel, given[:2], defines["TAPS"], len(given)) == ("kernel", shape, 4, 2 + len(flat(args)))
    return defines["INDEX"]


def view(shape, strides, dtype=np.uint8):
    """Return an array of any strides, which nobody may read: there is but one element."""
    return as_strided(np.zeros(1, dtype), shape, strides)


def test_usual_sizes_have_32_bits():
    assert index_of((1000, 70_000), SMALL, 7, 1.5, None, np.float64(1e300), -3) == np.int32


@pytest.mark.parametrize("shape", [(1 << 29, 1), (1 << 20, 1 << 30), (1, 1 << 29), (5, 1 << 40)])
def test_tall_and_wide_shapes_have_64_bits(shape):
    assert index_of(shape, SMALL) == np.int64


@pytest.mark.parametrize("shape", [((1 << 29) - 1, 1), (1, (1 << 29) - 1), (0, 0)])
def test_shapes_below_have_32_bits(shape):
    assert index_of(shape, SMALL) == np.int32


@pytest.mark.parametrize("number", [1 << 29, -(1 << 29), 1 << 31, 1 << 63, -(1 << 40)])
def test_a_large_size_or_offset_needs_64_bits_and_another_number_does_not(number):
    assert index_of((3, 4), SMALL, number) == np.int64
    if number < 1 << 63:
        assert index_of((3, 4), SMALL, np.int64(number)) == np.int32
    assert index_of((3, 4), SMALL, (abs(number) - 1) % (1 << 29)) == np.int32


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_an_array_has_64_bits_from_the_first_offset_on_that_needs_them(dtype):
    size = np.dtype(dtype).itemsize
    for elements, index in ((2**31 - 1, np.int32), (2**31, np.int64), (2**40, np.int64)):
        assert index_of((3, 4), view((2,), (elements * size,), dtype)) == index
        assert index_of((3, 4), view((2,), (-elements * size,), dtype)) == index
        assert index_of((3, 4), SMALL, view((2, 1), (elements * size, 1), dtype)) == index
        assert index_of((3, 4), view((2, 2, 1), (size, (elements - 1) * size, 0), dtype)) == index
        assert index_of((3, 4), view((2, 2), (-size, (elements - 1) * size), dtype)) == index


def test_sizes_and_arrays_within_structures_count_as_others_do():
    pixels, large = Pixels.of(SMALL[None]), view((2, 1), (1 << 31, 1))
    grid = GridArgument(Nodes(SMALL, SMALL, 4, None, 0, np.nan), 3, 4, 5, 7, 0, 0, division_by_steps((5, 7)))
    assert max(abs(value) for value in grid.divisions) > 1 << 29  # which are no sizes
    assert index_of((3, 4), SourceArgument(pixels, 3, 4, 0, 0, 0, 0), grid) == np.int32
    assert index_of((3, 4), SourceArgument(pixels, 3, 4, 0, 1 << 29, 0, 0), grid) == np.int64
    assert index_of((3, 4), SourceArgument(pixels._replace(plane=1 << 29), 3, 4, 0, 0, 0, 0), grid) == np.int64
    assert index_of((3, 4), grid._replace(nodes=grid.nodes._replace(grid_mask=large))) == np.int64


def test_what_an_array_does_not_step_along_counts_nothing():
    assert index_of((3, 4), view((1, 4), (1 << 40, 1))) == np.int32
    assert index_of((3, 4), view((1 << 40, 4), (0, 1))) == np.int32


def test_memory_of_more_than_2_gib_may_have_32_bits():
    assert index_of((3, 4), view((2**31 - 1,), (8,), np.float64)) == np.int32


def test_the_host_compiles_without_facts():
    defines = {"TAPS": 4, **dict.fromkeys(FACTS, 1)}
    assert without_facts(defines) == {"TAPS": 4}


@pytest.mark.usefixtures("flags")
def test_native_has_one_build_whatever_is_known():
    index = {"INDEX": np.dtype(np.int32)}
    assert get("native").function("footprint", {"TAPS": 1, **index}) is get("native").function("footprint", {"TAPS": 1})


def facts_of(source, grid, boundary=EDGES):
    """Return what `resample` is told of its arguments."""
    asked = Asked()
    image, validity = np.empty((len(source.image), *grid.shape), np.uint16), np.empty(grid.shape, np.uint8)
    target = Target(image, validity, NODATA)
    resample_into(asked, source, grid, Method(APPLIED["cubic"], boundary=boundary), target)
    kernel, _, defines = asked.runs[-1]
    assert kernel == "resample"
    return {name: value for name, value in defines.items() if name in FACTS}


def test_facts_are_what_arguments_are():
    nodes, valid = np.zeros((3, 4)), np.ones((9, 11), np.uint8)
    pixels = np.zeros((1, 9, 11), np.uint16)
    source, grid = Source(pixels, None), Grid(nodes, nodes)
    usual = dict.fromkeys(("FULL", "PLAIN_NODES", "POWERS_OF_TWO", "PLAIN_EDGES"), 1)
    usual |= {"HAS_FOOTPRINT": 0, "INDEX": np.dtype(np.int32)}
    assert facts_of(source, grid) == usual
    assert set(usual) == FACTS
    for steps in ((1, 2), (2, 1), (64, 16)):
        assert facts_of(source, Grid(nodes, nodes, steps)) == {**usual, "FULL": 0}
    for steps in ((5, 7), (3, 1), (16, 24)):
        assert facts_of(source, Grid(nodes, nodes, steps)) == {**usual, "FULL": 0, "POWERS_OF_TWO": 0}
    assert facts_of(source, Grid(nodes, nodes, mask=nodes == 0)) == {**usual, "PLAIN_NODES": 0}
    assert facts_of(source, Grid(nodes, nodes, nodata=-9.0)) == {**usual, "PLAIN_NODES": 0}
    assert facts_of(Source(pixels, valid), grid) == {**usual, "HAS_FOOTPRINT": 1}
    edges = {**usual, "PLAIN_EDGES": 0}
    assert facts_of(source, grid, Boundary("reflect")) == edges
    assert facts_of(source, grid, Boundary((None, "edge"))) == edges
    assert facts_of(source, grid, Boundary(around=(0, 11)))["PLAIN_EDGES"] == 0
    assert facts_of(Source(pixels, None, (0, 1 << 29)), grid) == {**usual, "INDEX": np.dtype(np.int64)}
    huge = facts_of(source, Grid(nodes, nodes, (1 << 20, 1 << 20)).crop(Window(0, 0, 2, 2)))
    assert huge["INDEX"] == np.dtype(np.int64)  # of its area


def only(*names):
    """Return what leaves of a kernel's facts these."""

    def keep(defines):
        return {name: value for name, value in defines.items() if name in names or name not in FACTS}

    return keep


def wide(defines):
    """Take 64-bit sizes, whatever else is known."""
    return {**defines, "INDEX": np.dtype(np.int64)}


@pytest.fixture(scope="module")
def flags():
    """The host's flags, but for a compiler that has little time."""
    try:
        native.compiler()
    except BackendError as error:
        pytest.skip(str(error))
    return ["-O1", *(flag for flag in native.FLAGS if flag != "-O3")]


KEPT = {"none": only(), **{name: only(name) for name in sorted(FACTS)}, "all, 64 bits": wide}


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_no_fact_changes_a_bit(flags, keep):
    build = CudaText(flags, keep)
    compile_all(partial(build.library, "resample", defines) for defines in all_defines(VARIANT))
    for case, expected in _cases_and_twins():
        assert_same_results(resampled(build, VARIANT, case), expected, case)


def test_the_cases_have_each_fact_and_its_opposite():
    found = all_defines(VARIANT)
    for name in FACTS - {"INDEX"}:
        assert {defines[name] for defines in found} == {0, 1}
    assert {defines["INDEX"] for defines in found} == {np.dtype(np.int32), np.dtype(np.int64)}


@cache
def _cases_and_twins():
    return [(case, resampled(get("numpy"), VARIANT, case)) for case in cases(VARIANT.source)]


@pytest.mark.parametrize("interp", ["cubic", bspline(3)], ids=str)
@pytest.mark.parametrize("limit", [(1, 1), (2, 1), (2**31 - 1, 1)])
def test_a_launch_of_fewer_blocks_than_cover_a_shape_gives_the_same_bits(at_hand, monkeypatch, limit, interp):
    monkeypatch.setattr(cuda, "_GRID_LIMIT", limit)
    y, x = np.mgrid[0:70, 0:300] * 0.3
    pixels, valid = np.arange(30 * 100.0).reshape(30, 100), np.arange(3000).reshape(30, 100) % 7 > 0
    grid = Grid(y + 0.01 * x, x)
    found, expected = (resample(pixels, grid, interp, source_valid=valid, backend=name) for name in ("cuda", "native"))
    assert_same_bits(found.image, expected.image)
    assert_same_bits(found.validity, expected.validity)
