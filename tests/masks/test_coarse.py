"""Coarse masks: which pixels a node has a say in."""

import itertools

import numpy as np
import pytest

import gpumask
from gpumask import CoarseMask, build_mask, validity_mask

pytestmark = pytest.mark.usefixtures("on_every_backend")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_nan_node_has_a_say_only_where_it_has_a_weight(dtype):
    nodes = np.ones((4, 4), dtype)
    nodes[1, 2] = np.nan
    expected = np.ones((13, 10), np.uint8)
    expected[1:8, 4:9] = 0  # less than a cell of 4 x 3 pixels away
    np.testing.assert_array_equal(validity_mask((13, 10), CoarseMask(nodes, (4, 3), 0.01)), expected)
    np.testing.assert_array_equal(np.isnan(gpumask.oversample(nodes, (4, 3))), expected == 0)
    np.testing.assert_array_equal(validity_mask((4, 4), CoarseMask(nodes)), ~np.isnan(nodes))


@pytest.mark.parametrize("resolution", [(1, 1), (3, 2)])
@pytest.mark.parametrize("dtype", ["?", *np.typecodes["AllInteger"], ">i2", ">u8"])
def test_every_integer_but_zero_is_valid_in_every_type_and_layout(dtype, resolution):
    ones = (np.random.default_rng(0).random((9, 13)) < 0.8).astype(np.uint8)
    expected = validity_mask((9, 13), CoarseMask(ones, resolution))
    values = [1] if dtype == "?" else [1, 3, np.iinfo(dtype).max, np.iinfo(dtype).min or 2]
    wide, tall = np.zeros((18, 39), dtype), np.zeros((13, 9), dtype)
    for value in values:
        mask = np.zeros(ones.shape, dtype)
        mask[ones != 0] = value
        wide[::2, ::3], tall[:] = mask, mask.T
        for layout in (mask, np.asfortranarray(mask), wide[::2, ::3], tall.T, mask[::-1, ::-1].copy()[::-1, ::-1]):
            found = build_mask(
                (9, 13), (1, 1), None, mask_in=layout, mask_in_target_win=((0, 8), (0, 12)),
                mask_in_resolution=resolution, oversampling_dtype=np.float64,
            )  # fmt: skip
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("threshold", [1, 1.0, 0.999])
def test_a_mask_of_ones_is_valid_everywhere_at_every_resolution_and_threshold(threshold):
    for resolution in itertools.product(range(1, 30), (1, 3, 7, 11, 49)):
        part = CoarseMask(np.ones((3, 3)), resolution, threshold)
        assert validity_mask(part.full_shape, part).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_threshold_may_be_a_number_of_numpys(kind):
    part = CoarseMask([[0, 1]], (1, 4), kind(0.5))
    np.testing.assert_array_equal(validity_mask((1, 5), part), [[0, 0, 1, 1, 1]])
    options = {"grid_mask_binarize_precision": kind(0.5), "dtype": np.float64}
    found = gpumask.oversample_regular_grid(None, 1, 4, np.array([[0, 1]]), **options)[1]
    np.testing.assert_array_equal(found, [[0, 0, 1, 1, 1]])
