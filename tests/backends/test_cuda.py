"""The cuda backend: what it says is missing, and how it covers an image with blocks."""

import numpy as np
import pytest

from gpumask import BackendError, Grid, resample
from gpumask.backends import get
from gpumask.backends.cuda import BLOCK, blocks_for, nvrtc_options

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


@pytest.mark.parametrize("kernel", ["resample", "footprint", "prefilter"])
@pytest.mark.parametrize("shape", [(1, 1), (8, 128), (9, 129), (1, 100_000), (100_000, 1), (257, 4097)])
def test_blocks_cover_a_shape_and_one_less_does_not(kernel, shape):
    rows = BLOCK[1] * (1 if kernel == "prefilter" else 4)
    across, down = blocks_for(kernel, shape)
    assert (across - 1) * BLOCK[0] < shape[1] <= across * BLOCK[0]
    assert (down - 1) * rows < shape[0] <= down * rows


def test_kernels_are_compiled_without_what_changes_bits():
    options = nvrtc_options("sm_90", {"TAPS": 4, "ACC_T": np.dtype("float32")})
    assert {"--fmad=false", "--gpu-architecture=sm_90", "-DTAPS=4", "-DACC_T=f32"} <= set(options)
    assert not [option for option in options if "fast" in option or "ftz" in option]


def test_arrays_of_another_device_are_refused(at_hand):
    backend = get("cuda")
    with pytest.raises(BackendError, match="cuda backend: expected all arrays on the current device"):
        backend.run("footprint", (4, 4), IMAGE, 7, 0, 1, IMAGE, TAPS=4)
