"""The function resample: what it refuses by name."""

import numpy as np
import pytest

from gpumask import ArgumentTypeError, GpumaskError, Grid, resample

pytestmark = pytest.mark.usefixtures("on_every_backend")

IDENTITY = np.mgrid[0:5.0, 0:6.0]

IMAGE = np.arange(30.0).reshape(5, 6)


def test_errors_are_raised_for_calls_that_are_right_but_for_one_argument():
    np.testing.assert_array_equal(resample(IMAGE, Grid(*IDENTITY)).image, IMAGE)


@pytest.mark.parametrize(
    ("named", "source", "options"),
    [
        ("source", IMAGE[0], {}),
        ("source", IMAGE[None, None], {}),
        ("source", IMAGE[:0], {}),
        ("source", IMAGE.astype(complex), {}),
        ("source", IMAGE.astype(str), {}),
        ("source", IMAGE.astype(object), {}),
        ("source", None, {}),
        ("source_valid", IMAGE, {"source_valid": np.ones((6, 5))}),
        ("source_valid", IMAGE, {"source_valid": np.ones((1, 5, 6))}),
        ("source_valid", IMAGE, {"source_valid": np.full((5, 6), 0.5)}),
        ("source_valid", IMAGE, {"source_valid": np.full((5, 6), np.nan)}),
        ("source_valid", IMAGE, {"source_valid": np.full((5, 6), 255.0)}),
        ("source_valid", IMAGE, {"source_valid": np.ones((5, 6), complex)}),
        ("interp", IMAGE, {"interp": "lanczos"}),
        ("interp", IMAGE, {"interp": None}),
        ("dtype", IMAGE, {"dtype": "complex64"}),
        ("dtype", IMAGE, {"dtype": "float16"}),
        ("dtype", IMAGE, {"dtype": "no dtype"}),
        ("compute_dtype", IMAGE, {"compute_dtype": "float16"}),
        ("compute_dtype", IMAGE, {"compute_dtype": "int64"}),
        ("nodata_out", IMAGE, {"nodata_out": "none"}),
        ("nodata_out", IMAGE.astype(np.uint8), {"nodata_out": 256}),
        ("nodata_out", IMAGE.astype(np.uint8), {"nodata_out": -1}),
        ("nodata_out", IMAGE.astype(np.int16), {"nodata_out": None}),
        ("nodata_out", IMAGE.astype(np.int16), {"nodata_out": 1.5}),
        ("nodata_out", IMAGE.astype(np.int64), {"nodata_out": 2**63}),
        ("nodata_out", IMAGE.astype(np.uint64), {"nodata_out": 2**64}),
        ("nodata_out", IMAGE.astype(np.float32), {"nodata_out": 1e39}),
        ("nodata_out", IMAGE, {"nodata_out": 10**400}),
        ("backend", IMAGE, {"backend": "opencl"}),
    ],
)
def test_an_argument_of_resample_that_cannot_be_right_is_refused_by_name(named, source, options):
    with pytest.raises(GpumaskError, match=f"^{named}.*(expected|not supported)"):
        resample(source, Grid(*IDENTITY), **options)


@pytest.mark.parametrize("grid", [None, (np.zeros((1, 1)), np.zeros((1, 1)))])
def test_a_grid_of_another_kind_is_refused(grid):
    with pytest.raises(ArgumentTypeError, match="grid: expected a Grid"):
        resample(np.ones((4, 4)), grid)
