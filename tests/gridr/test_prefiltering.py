"""The filter of B-splines under GridR's name."""

import numpy as np
import pytest

import gpumask
from gpumask.pixels.interpolators import POLES

theirs = pytest.importorskip("gridr.core.interp.interpolator")
prefiltering = pytest.importorskip("gridr.core.interp.bspline_prefiltering")


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
