"""Kernels on the CPU: compilers that are missing or fail, threads, and processes that fork."""

import numpy as np
import pytest
from processes import IDENTITY, needs_compiler, python

from gpumask import GpumaskError, Grid, resample
from gpumask.backends import native

ROWS, COLS = np.mgrid[0:6, 0:7].astype(float)

IMAGE = ROWS * 10 + COLS


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
