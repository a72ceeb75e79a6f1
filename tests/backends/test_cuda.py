"""The cuda backend: what it says is missing, and how it covers an image with blocks."""

import numpy as np
import pytest

from gpumask import BackendError, Grid, resample
from gpumask.backends import get

ROWS, COLS = np.mgrid[0:6, 0:7].astype(float)

IMAGE = ROWS * 10 + COLS


def test_cuda_without_a_gpu_is_an_error_that_says_what_is_missing():
    try:
        get("cuda")
    except BackendError as error:
        assert "CuPy" in str(error) or "device" in str(error)
        with pytest.raises(BackendError, match="cuda backend: expected"):
            resample(IMAGE, Grid(ROWS, COLS), backend="cuda")
    else:
        pytest.skip("there is a GPU")
