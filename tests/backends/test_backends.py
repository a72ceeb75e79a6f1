"""Backends: which one is chosen, what is said where one is missing, and which arrays are taken."""

import numpy as np
import pytest
from processes import IDENTITY, python

from gpumask import GpumaskError, Grid, resample, use_backend
from gpumask.backends import adopt, get, select

ROWS, COLS = np.mgrid[0:6, 0:7].astype(float)
IMAGE = ROWS * 10 + COLS


def test_the_argument_beats_the_context_and_the_context_the_environment(monkeypatch):
    monkeypatch.setenv("GPUMASK_BACKEND", "nonsense")
    with use_backend("numpy"):
        assert select(None, IMAGE).name == "numpy"
        assert select("numpy", IMAGE) is get("numpy")
    with pytest.raises(GpumaskError, match="nonsense"):
        select(None, IMAGE)
    monkeypatch.setenv("GPUMASK_BACKEND", "numpy")
    assert select(None, IMAGE).name == "numpy"


def test_use_backend_ends_with_its_block(monkeypatch):
    monkeypatch.setenv("GPUMASK_BACKEND", "numpy")
    with pytest.raises(ZeroDivisionError), use_backend("auto"):
        raise ZeroDivisionError
    assert select(None, IMAGE).name == "numpy"


@pytest.mark.parametrize("name", ["gpu", "CUDA", 3])
def test_an_unknown_backend_is_refused(name):
    with pytest.raises(GpumaskError, match="cuda, native, numpy or auto"):
        resample(IMAGE, Grid(ROWS, COLS), backend=name)


def test_no_compiler_means_numpy_with_one_line_in_the_log():
    done = python(IDENTITY + "run(); run()", CXX="no-such-compiler", GPUMASK_BACKEND=None)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert "no-such-compiler" in done.stderr and "numpy instead" in done.stderr


def test_importing_gpumask_imports_neither_cupy_nor_rasterio_nor_shapely():
    code = (
        "import sys, gpumask; print([name for name in ('cupy', 'rasterio', 'shapely', 'click') if name in sys.modules])"
    )
    assert python(code).stdout == "[]\n"


class OnHost:
    """An array of another library, which speaks DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack_objects_are_accepted(backend):
    result = resample(OnHost(IMAGE), Grid(OnHost(ROWS), OnHost(COLS)), backend=backend)
    np.testing.assert_array_equal(result.image, IMAGE)


def test_dlpack_objects_may_have_bands(backend):
    result = resample(OnHost(np.stack([IMAGE, -IMAGE])), Grid(ROWS, COLS), backend=backend)
    np.testing.assert_array_equal(result.image, [IMAGE, -IMAGE])


def test_lists_are_arrays():
    assert adopt("x", [[1, 2]]).shape == (1, 2)


@pytest.mark.parametrize(
    "what", [None, "text", [[1, 2], [3]], [[1j]], [["a"]], object(), np.array([["2020"]], "M8[D]")]
)
def test_what_is_no_real_array_is_refused_by_name(what):
    with pytest.raises(GpumaskError, match="^thing: expected"):
        adopt("thing", what)
