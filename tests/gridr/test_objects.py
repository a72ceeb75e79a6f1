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

theirs = pytest.importorskip("gridr.core.interp.interpolator")
grid_utils = pytest.importorskip("gridr.core.grid.grid_utils")
grid_mask = pytest.importorskip("gridr.core.grid.grid_mask")
pytest.importorskip("gridr.core.interp.bspline_prefiltering")
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


def test_the_cases_have_splines_among_them():
    found = [
        random_case(1000 + block, index).interp in SPLINES for block in range(2) for index in range(CASES_IN_BLOCK)
    ]
    assert np.mean(found) > 0.5
