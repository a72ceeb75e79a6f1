"""Backends: which one is chosen, what is said where one is missing, and compiled kernels on disk."""

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import gpumask
from gpumask import BackendError, GpumaskError, Grid, resample, use_backend
from gpumask.backends import adopt, cache, get, native, select
from gpumask.backends import text as source

ROWS, COLS = np.mgrid[0:6, 0:7].astype(float)
IMAGE = ROWS * 10 + COLS

IDENTITY = """
import logging, numpy as np, gpumask
logging.basicConfig(format="%(levelname)s %(message)s")
rows, cols = np.mgrid[0:66, 0:7].astype(float)
def run(**kwargs):
    result = gpumask.resample(rows, gpumask.Grid(rows, cols), **kwargs)
    assert (result.image == rows).all()
def run_footprint():
    assert (gpumask.footprint_validity(rows >= 0, "linear", "native")[1:-2, 1:-2] == 15).all()
"""


def python(code, **environment):
    """Run code in a new interpreter; variables that are None are taken away."""
    env = {**os.environ, **environment}
    env = {name: value for name, value in env.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300, check=False
    )


needs_compiler = pytest.mark.skipif(
    not any(Path(folder, "g++").exists() for folder in os.environ["PATH"].split(":")), reason="no g++"
)


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


def test_cuda_without_a_gpu_is_an_error_that_says_what_is_missing():
    try:
        get("cuda")
    except BackendError as error:
        assert "CuPy" in str(error) or "device" in str(error)
        with pytest.raises(BackendError, match="cuda backend: expected"):
            resample(IMAGE, Grid(ROWS, COLS), backend="cuda")
    else:
        pytest.skip("there is a GPU")


def test_no_compiler_means_numpy_with_one_line_in_the_log():
    done = python(IDENTITY + "run(); run()", CXX="no-such-compiler", GPUMASK_BACKEND=None)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert "no-such-compiler" in done.stderr and "numpy instead" in done.stderr


def test_native_without_a_compiler_is_an_error():
    done = python(IDENTITY + "run(backend='native')", CXX="no-such-compiler")
    assert "BackendError: native backend: expected a C++ compiler" in done.stderr


def test_a_compiler_that_fails_is_said_once_with_its_output_then_numpy(tmp_path):
    script = tmp_path / "failing"
    script.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\necho internal compiler trouble >&2\nexit 1\n")
    script.chmod(0o755)
    done = python(IDENTITY + "run(); run()", CXX=str(script), GPUMASK_BACKEND=None)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("internal compiler trouble") == 1
    assert (tmp_path / "runs").read_text() == "run\n"


def test_importing_gpumask_imports_neither_cupy_nor_rasterio_nor_shapely():
    code = (
        "import sys, gpumask; print([name for name in ('cupy', 'rasterio', 'shapely', 'click') if name in sys.modules])"
    )
    assert python(code).stdout == "[]\n"


@needs_compiler
@pytest.mark.parametrize("damage", [b"", b"\x7fELF not really", None])
def test_a_damaged_binary_is_built_anew(tmp_path, damage, caplog):
    code = IDENTITY + "run_footprint()"
    assert python(code, GPUMASK_CACHE_DIR=str(tmp_path)).returncode == 0
    binaries = sorted(tmp_path.glob("*.so"))
    whole = {path.name: path.read_bytes() for path in binaries}
    for path in binaries:
        path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    done = python(code, GPUMASK_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stderr
    assert sorted(path.name for path in tmp_path.glob("*.so")) == sorted(whole)
    assert not list(tmp_path.glob(".building*"))


@needs_compiler
def test_processes_may_race_for_the_cache(tmp_path):
    code = IDENTITY + "run_footprint()"
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(python, code, GPUMASK_CACHE_DIR=str(tmp_path)) for _ in range(4)]
    assert [run.result().returncode for run in runs] == [0] * 4
    assert not list(tmp_path.glob(".building*"))


def test_a_cache_folder_that_others_may_write_to_is_not_used(tmp_path, monkeypatch, caplog):
    tmp_path.chmod(0o777)
    monkeypatch.setenv("GPUMASK_CACHE_DIR", str(tmp_path))
    with caplog.at_level(logging.WARNING, "gpumask"):
        folder = cache.cache_folder.__wrapped__()
    assert folder != tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    assert f"others may write to {tmp_path}" in caplog.text
    folder.rmdir()


def test_a_new_cache_folder_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("GPUMASK_CACHE_DIR", str(tmp_path / "a" / "b"))
    assert cache.cache_folder.__wrapped__().stat().st_mode & 0o777 == 0o700


def test_a_build_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)

    def build(path):
        path.write_bytes(b"half")
        raise BackendError("no")

    with pytest.raises(BackendError):
        cache.cached("kernel", ".so", build)
    assert not list(tmp_path.iterdir())


def test_a_changed_header_changes_the_source_that_names_the_binary(tmp_path, monkeypatch):
    for path in source.kernels_folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(source, "kernels_folder", lambda: tmp_path)
    before = source.kernel_source.__wrapped__("resample")
    weights = tmp_path / "weights.cuh"
    weights.write_text(weights.read_text().replace("1.5", "1.6"))
    after = source.kernel_source.__wrapped__("resample")
    assert source.variant_key(before) != source.variant_key(after)


@needs_compiler
def test_compiler_errors_name_the_kernel_file_and_line(tmp_path, monkeypatch):
    for path in source.kernels_folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = (tmp_path / "weights.cuh").read_text().splitlines()
    (tmp_path / "weights.cuh").write_text("\n".join([*lines, "this is no C++"]))
    monkeypatch.setattr(source, "kernels_folder", lambda: tmp_path)
    text = source.kernel_source.__wrapped__("footprint")
    with pytest.raises(BackendError, match=f"weights.cuh:{len(lines) + 1}:"):
        native._compile(["g++", "-x", "c++", "-DTAPS=2", "-fsyntax-only", "-"], text)


@needs_compiler
@pytest.mark.parametrize("threads", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_threads_is_refused(monkeypatch, threads):
    monkeypatch.setenv("GPUMASK_NUM_THREADS", threads)
    with pytest.raises(GpumaskError, match="GPUMASK_NUM_THREADS: expected a whole number from 1 on"):
        resample(IMAGE, Grid(ROWS, COLS), backend="native")


@needs_compiler
def test_small_arrays_do_not_wake_threads(monkeypatch):
    monkeypatch.setenv("GPUMASK_NUM_THREADS", "3")
    assert [native.threads(shape) for shape in [(1, 1), (100, 100), (180, 180), (1000, 1000)]] == [1, 1, 2, 3]
    assert native.threads() == 3


@needs_compiler
def test_a_forked_child_can_resample():
    code = IDENTITY + (
        "import os, warnings\nwarnings.simplefilter('ignore')\n"
        "from gpumask.backends import native\nnative._PIXELS_A_THREAD = 1\n"
        "run(backend='native')\npid = os.fork()\n"
        "run(backend='native')\nif pid: raise SystemExit(os.waitpid(pid, 0)[1])\n"
    )
    done = python(code, GPUMASK_NUM_THREADS="2")
    assert done.returncode == 0, done.stderr


@needs_compiler
def test_threads_may_share_a_backend(tmp_path):
    code = IDENTITY + (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool: list(pool.map(lambda _: run_footprint(), range(16)))"
    )
    done = python(code, GPUMASK_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr


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


def test_versions_agree():
    assert gpumask.__version__.count(".") == 2
