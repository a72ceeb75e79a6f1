"""GridR's own objects, and what its own chain and callers hand to its functions, taken where gpumask's names are."""

import functools
import warnings

import numpy as np
import pytest
from exhaustive import draws
from gridr_cases import SPLINES, answer, gridr, needs_padding, on_a_padded_source, on_a_wider_grid, random_case
from gridr_chain_cases import random_chain_case
from gridr_scenes import quiet
from shapely import box

import gpumask
from gpumask import GpumaskError
from gpumask.pixels.interpolators import POLES, bspline, interpolator

theirs = pytest.importorskip("gridr.core.interp.interpolator")
grid_utils = pytest.importorskip("gridr.core.grid.grid_utils")
grid_mask = pytest.importorskip("gridr.core.grid.grid_mask")
prefiltering = pytest.importorskip("gridr.core.interp.bspline_prefiltering")
chain = pytest.importorskip("gridr.chain.grid_resampling_chain")
rasterizing = pytest.importorskip("gridr.core.grid.grid_rasterize")

BLOCKS, CASES_IN_BLOCK = 10, 50
CHAIN_BLOCKS, CASES_IN_CHAIN_BLOCK = 5, 20
MASK = np.array([[0, 1, 0], [0, 0, 2]], np.uint8)


def own_object(case):
    """Return GridR's own interpolator of a case, which has then no arguments for it."""
    made = theirs.get_interpolator(case.interp, **case.options.pop("interp_kwargs", None) or {})
    case.interp = made
    return made


def mask_of_gridr(case):
    """Return GridR's mask of a case."""
    peer = gridr.array_grid_resampling
    return answer(lambda: case.run(peer), lambda: on_a_wider_grid(case).run(peer))[0][1]


def same_masks(one, other):
    """Say whether two masks, or None, are one."""
    return (one is None) == (other is None) and (one is None or np.array_equal(one, other))


def unless_gridr_fails(ask):
    """Return an answer of GridR, None where it has none."""
    with quiet():
        try:
            return ask()
        except BaseException as error:
            if type(error).__name__ not in ("PanicException", "AssertionError"):
                raise
            return None


@pytest.mark.parametrize("block", draws(BLOCKS))
def test_arrays_resampled_with_gridr_s_objects_have_gridr_s_masks(block):
    differ = []
    for index in range(CASES_IN_BLOCK):
        named, given = random_case(1000 + block, index), random_case(1000 + block, index)
        asked = on_a_padded_source(named) if needs_padding(named) else named
        expected = mask_of_gridr(asked)
        own_object(given)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "grid_row, grid_col: no node counts")
            image, mask = given.run(gpumask.array_grid_resampling)
            same_image, _ = named.run(gpumask.array_grid_resampling)
        if not same_masks(mask, expected) or not np.array_equal(image, same_image, equal_nan=True):
            differ.append(index)
    assert differ == []


@pytest.mark.parametrize("block", draws(CHAIN_BLOCKS))
def test_files_resampled_with_gridr_s_objects_have_gridr_s_masks(block):
    differ = []
    for index in range(CASES_IN_CHAIN_BLOCK):
        case = random_chain_case(1000 + block, index)
        _, expected, _, _ = case.ask_gridr()
        own_object(case.case)
        _, mask = case.run(gpumask.basic_grid_resampling_chain)
        if not np.array_equal(mask, expected):
            differ.append(index)
    assert differ == []


@pytest.mark.parametrize("block", draws(CHAIN_BLOCKS))
def test_gridr_s_own_chain_runs_on_gpumask_s_functions(block):
    names = ["build_mask", "array_grid_resampling", "array_bspline_prefiltering", "array_shift_grid_coordinates"]
    pair = [box(-1, -1, 70, 80)], [box(12, 9, 17, 30), box(40, 3, 44, 8)]
    compared = 0
    for index in range(CASES_IN_CHAIN_BLOCK):
        case = random_chain_case(2000 + block, index)
        polygons = {"array_src_geometry_pair": pair, "array_src_geometry_origin": (0.25, 0.5)} if index % 2 else {}
        run = functools.partial(chain.basic_grid_resampling_chain, **polygons)
        expected = unless_gridr_fails(lambda case=case, run=run: case.run(run)[1])
        if expected is None:
            continue
        with quiet(), pytest.MonkeyPatch.context() as patch:
            for name in names:
                patch.setattr(chain, name, getattr(gpumask, name))
            found = case.run(run)[1]
        assert np.array_equal(found, expected), index
        compared += 1
    assert compared > CASES_IN_CHAIN_BLOCK // 3


@pytest.mark.parametrize("order", POLES)
def test_a_spline_s_object_is_asked_for_its_margins_and_how_far_a_bad_pixel_reaches(order):
    rng = np.random.default_rng(order)
    for _ in range(60):
        epsilon, threshold = 10.0 ** rng.uniform(-12, -0.01), 10.0 ** rng.uniform(-9, 0.5)
        words = {"epsilon": epsilon, "mask_influence_threshold": threshold}
        found, meant = (
            interpolator(theirs.get_interpolator(f"bspline{order}", **words)),
            bspline(order, *words.values()),
        )
        assert (found.name, found.steps, found.influence) == (meant.name, meant.steps, meant.influence)
        assert found.epsilon <= epsilon


def test_a_spline_s_object_is_taken_wherever_an_interpolator_is():
    image = np.random.default_rng(2).random((60, 50))
    row, col = np.mgrid[15:40:0.7, 15:35:0.9]
    words = {"epsilon": 1e-4, "mask_influence_threshold": 1e-2}
    given, meant = theirs.get_interpolator("bspline3", **words), bspline(3, 1e-4, 1e-2)
    valid = np.ones(image.shape, bool)
    valid[30, 20] = False
    found, expected = (
        gpumask.resample(image, gpumask.Grid(row, col), which, source_valid=valid) for which in (given, meant)
    )
    assert np.array_equal(found.image, expected.image) and np.array_equal(found.validity, expected.validity)
    assert gpumask.get_interpolator(given) is given
    assert gpumask.get_interpolator(given, epsilon=1) is given
    assert gpumask.is_bspline(given) and gpumask.is_bspline(type(given))
    assert not gpumask.is_bspline(theirs.get_interpolator("cubic")) and not gpumask.is_bspline(
        theirs.LinearInterpolator
    )
    assert gpumask.is_bspline(theirs.PyInterpolatorType.BSpline5)


@pytest.mark.parametrize("order", POLES)
def test_the_filter_takes_gridr_s_object(order):
    made = theirs.get_interpolator(f"bspline{order}", epsilon=1e-3, mask_influence_threshold=1e-2)
    made.initialize()
    rng = np.random.default_rng(order)
    image, mask = rng.random((190, 180)), (rng.random((190, 180)) > 1e-4).astype(np.uint8)
    expected, expected_mask = image.copy(), mask.copy()
    prefiltering.array_bspline_prefiltering(expected, expected_mask, made)
    gpumask.array_bspline_prefiltering(image, mask, made)
    np.testing.assert_array_equal(mask, expected_mask)
    np.testing.assert_allclose(image[mask == 1], expected[mask == 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"epsilon": 0.0, "mask_influence_threshold": 1e-3}, "epsilon"),
        ({"epsilon": 1e-3, "mask_influence_threshold": 0.0}, "mask_influence_threshold"),
    ],
)
def test_a_spline_s_object_that_gridr_itself_cannot_use_is_refused(words, named, capfd):
    made = theirs.get_interpolator("bspline3", **words)
    with pytest.raises(GpumaskError, match=f"interp: expected a.*{named}"):
        interpolator(made)
    capfd.readouterr()  # what its panic says


def test_what_only_looks_like_a_spline_is_refused_by_name():
    class Named:
        def shortname(self):
            return "bspline3"

    with pytest.raises(GpumaskError, match="interp: expected an interpolator as GridR has them"):
        gpumask.resample(np.ones((3, 3)), gpumask.Grid(*np.mgrid[0.0:3, 0:3]), Named())


@pytest.mark.parametrize("precision", [0, -1, 0.0, 1e-6, 0.5, 1.0, 1.5, 2, np.float32(0.25), np.int64(0)])
@pytest.mark.parametrize("mask", [MASK, MASK.astype(bool), MASK * 127, MASK.astype(np.int16) * -300, MASK * 0.7])
def test_a_precision_means_what_it_means_in_gridr(backend, mask, precision):
    with gpumask.use_backend(backend):
        _, found = gpumask.oversample_regular_grid(None, 2, 3, mask, np.float64, precision)
        axes = np.arange(3.0), np.arange(2.0), np.array([-1, 0, 0.5, 1, 1.75, 5]), np.array([0, 0.25, 1, 2])
        _, between = gpumask.interpolate_grid(None, mask, *axes, np.float64, precision)
    asked = mask.astype(float)
    with quiet():
        _, expected = grid_utils.oversample_regular_grid(None, 2, 3, asked, np.float64, precision)
        _, expected_between = grid_utils.interpolate_grid(None, asked, *axes, np.float64, precision)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(between, expected_between)


def test_a_mask_without_a_raster_needs_no_threshold():
    words = {
        "shape": (6, 7), "resolution": (1, 1), "out": None, "mask_in": None, "mask_in_target_win": None,
        "mask_in_resolution": None, "oversampling_dtype": None, "mask_in_binary_threshold": None, "init_out": False,
    }  # fmt: skip
    for pair in (None, (None, [box(1, 1, 4, 3)])):
        own = {"alg": rasterizing.GridRasterizeAlg.RASTERIO_RASTERIZE, "kwargs_alg": {}}
        named = words | {"geometry_origin": (0.0, 0.0), "geometry_pair": pair, "rasterize_kwargs": own}
        with quiet():
            expected = grid_mask.build_mask(**named)
        np.testing.assert_array_equal(gpumask.build_mask(**named), expected)
    with pytest.raises(GpumaskError, match="mask_in_binary_threshold: expected a number"):
        gpumask.build_mask(**words | {"mask_in": np.ones((2, 2), np.uint8), "mask_in_resolution": (5, 6)})


INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("win", [None, np.array([[0, 1], [1, 2]])])
def test_integer_grids_are_shifted_as_in_gridr(backend, dtype, win):
    nodes = [np.arange(6).reshape(2, 3).astype(dtype) + extra for extra in (3, 20)]
    found, expected = [node.copy() for node in nodes], [node.copy() for node in nodes]
    less = -1 if dtype.startswith("i") else 1  # NumPy adds no negative number to unsigned ones
    gpumask.array_shift_grid_coordinates(*found, (2, float(less)), win)
    grid_utils.array_shift_grid_coordinates(*expected, (2, less), win)
    np.testing.assert_array_equal(found, expected)
    assert found[0].dtype == dtype


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_nodes_that_are_nodata_stay(backend, dtype):
    row, col = np.arange(6).reshape(2, 3).astype(dtype), np.arange(6).reshape(2, 3).astype(dtype) + 7
    gpumask.array_shift_grid_coordinates(row, col, (5, 1), grid_nodata=4.0)
    assert row.tolist() == [[5, 6, 7], [8, 4, 10]] and col.tolist() == [[8, 9, 10], [11, 11, 13]]
    mask = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)
    top = np.iinfo(dtype).max
    row[0, 1] = top  # a node that does not count need not hold the sum
    gpumask.array_shift_grid_coordinates(row, col, (1, -3), grid_mask=mask)
    assert row.tolist() == [[6, top, 8], [8, 4, 11]] and col.tolist() == [[5, 9, 7], [11, 11, 10]]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"grid_shift": (0.5, 1)}, "grid_shift: expected whole numbers for nodes of int8; got 0.5"),
        ({"grid_shift": (1, 120)}, "grid_shift: expected sums that int8 holds, 0 to 15; got 120.0"),
        ({"grid_shift": (-129, 0)}, "grid_shift: expected sums that int8 holds"),
        ({"grid_shift": (1e300, 0)}, "grid_shift: expected sums that int8 holds"),
        ({"grid_shift": (1, 1), "grid_nodata": 0.5}, "grid_nodata: expected a value that int8 holds"),
        ({"grid_shift": (1, 1), "grid_nodata": -9999}, "grid_nodata: expected a value that int8 holds"),
    ],
)
def test_integer_grids_never_wrap_around(words, named):
    row, col = np.arange(16, dtype=np.int8).reshape(4, 4), np.arange(16, dtype=np.int8).reshape(4, 4)
    before = row.copy()
    with pytest.raises(GpumaskError, match=named):
        gpumask.array_shift_grid_coordinates(row, col, **words)
    assert np.array_equal(row, before) and np.array_equal(col, before)


def test_the_cases_have_splines_among_them():
    found = [
        random_case(1000 + block, index).interp in SPLINES for block in range(2) for index in range(CASES_IN_BLOCK)
    ]
    assert np.mean(found) > 0.5
