"""What the tests against GridR share: small scenes, and GridR's functions without their output."""

import contextlib
import os
import warnings

import numpy as np
import pytest
from rasterio import Affine
from rasterio.io import MemoryFile

import gpumask

RAMP = np.arange(100.0).reshape(10, 10)
NOISE = np.random.default_rng(0).random((60, 60))
SPLINE = {"epsilon": 1e-6, "mask_influence_threshold": 1e-3}


@contextlib.contextmanager
def quiet():
    """Hide GridR's warnings, and the backtraces that it prints."""
    stderr, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


def gridr(module, name):
    """Return one of GridR's functions without its output. Without GridR the test is skipped."""
    function = getattr(pytest.importorskip(f"gridr.{module}"), name)

    def call(*args, **options):
        with quiet():
            return function(*args, **options)

    return call


def nodes(*values):
    """Return a grid's coordinates in one row."""
    return np.array([values], float)


def sample(interp, row, col, source=RAMP, resolution=(1, 1), **options):
    """Return what gpumask's array_grid_resampling makes: image and mask."""
    return sample_with(gpumask.array_grid_resampling, interp, row, col, source, resolution, **options)


def sample_by_gridr(interp, row, col, source=RAMP, resolution=(1, 1), **options):
    """Return GridR's image and mask, made from copies."""
    function = gridr("core.grid.grid_resampling", "array_grid_resampling")
    options = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in options.items()}
    return sample_with(function, interp, row, col, source.copy(), resolution, **options)


def sample_with(function, interp, row, col, source, resolution, **options):
    """Ask for image and mask."""
    options = {"array_out": None, "array_out_mask": True} | options
    return function(interp, source, row, col, resolution, **options)


def names(cases):
    """Return a readable name for each case: the argument, and which of its cases."""
    return [f"{named}-{[n for n, _ in cases[:i]].count(named)}" for i, (named, _) in enumerate(cases)]


def write(stack, array):
    """Write an array to a dataset in memory that stays open until the stack closes."""
    count, height, width = array.shape
    profile = {"count": count, "height": height, "width": width, "dtype": array.dtype}
    memory = stack.enter_context(MemoryFile())
    dataset = stack.enter_context(memory.open(driver="GTiff", transform=Affine(2, 0, 0, 0, -2, 0), **profile))
    dataset.write(array)
    return dataset
