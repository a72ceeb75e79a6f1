"""The commands info and warmup."""

import os
import subprocess

import pytest
from command_runs import COMMAND
from commands import run

import gpumask

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


def test_info_says_what_is_there():
    text = run("info").output
    for word in (
        "cuda",
        "CuPy",
        "driver",
        "NVRTC",
        "native",
        "compiler",
        "flags",
        "threads",
        "numpy",
        "cache",
        "chosen",
    ):
        assert word in text


def test_no_compiler_is_said_by_info_and_by_auto(files):
    # With no GPU either, which auto would take for files.
    environment = {**os.environ, "CXX": "/no/such/compiler", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONWARNINGS"] = "error,ignore:interp:UserWarning"  # as the grid skips pixels
    info = subprocess.run([*COMMAND, "info"], env=environment, capture_output=True, text=True, check=True)
    assert "native  not used: expected a C++ compiler, /no/such/compiler; found none" in info.stdout
    words = ["resample", "source.tif", "grid.tif", "out.tif", "--nodata", "0"]
    done = subprocess.run([*COMMAND, *words], cwd=files, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.count("\n") == 1 and "native backend not used, numpy instead" in done.stderr


def test_warmup_covers_all_types_and_interpolators():
    assert run("warmup", "--backend", "numpy").output.startswith("30 kernels, ")
    assert run("warmup", "--backend", "numpy", "-q").output == ""


def test_warmup_fills_the_cache(tmp_path):
    if not any(gpumask.backends.native.shutil.which(name) for name in ("g++", "clang++", "c++")):
        pytest.skip("no C++ compiler")
    environment = {**os.environ, "GPUMASK_CACHE_DIR": str(tmp_path)}
    words = ["warmup", "--backend", "native", "--dtype", "uint8", "--interp", "nearest"]
    done = subprocess.run([*COMMAND, *words], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 kernels, ") and str(tmp_path) in done.stdout
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"footprint", "resample"}
