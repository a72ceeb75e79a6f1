"""Public functions that get device arrays wherever a test gives NumPy's, and give back what a test can compare.

Importing this wraps them; within `device_arrays` what the wrappers do is switched on.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import gpumask
import gpumask.gridr
import gpumask.masks.rules.rule
from gpumask.backends import _asked
from gpumask.errors import GpumaskError

FUNCTIONS = (
    "resample", "footprint_validity", "validity_mask", "oversample", "mask_from_rules", "mask_cleanup",
    "apply_value_map", "describe_flags", "array_grid_resampling", "build_mask", "build_grid", "interpolate_grid",
    "oversample_regular_grid", "array_shift_grid_coordinates", "array_bspline_prefiltering", "grid_rasterize",
)  # fmt: skip
# Arguments that stay on the host: coordinates of axes.
ON_HOST = frozenset({"x", "y", "x_new", "y_new", "grid_coords"})
# Arguments that are filled.
FILLED = frozenset(
    {"out", "output", "array_out", "array_out_mask", "array_in", "array_in_mask", "grid_row", "grid_col"}
)
# Calls that got device arrays, by function, while the wrappers are on; None where they are off.
_calls: collections.Counter[str] | None = None


@contextlib.contextmanager
def device_arrays() -> Iterator[collections.Counter[str]]:
    """Let public functions that run on cuda get device arrays; yield how many calls of which function did."""
    global _calls  # noqa: PLW0603
    _calls = collections.Counter()
    try:
        yield _calls
    finally:
        _calls = None


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that brings its arguments to the device, its results back, and what was written in place."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _calls is None or not _on_cuda(kwargs.get("backend")) or _has_what_cupy_lacks(args, kwargs):
            return function(*args, **kwargs)
        brought: list[tuple[np.ndarray, Any]] = []
        moved = [_there(value, brought) for value in args]
        named = {name: value if _stays(name, value) else _there(value, brought) for name, value in kwargs.items()}
        _calls[function.__name__] += bool(brought)
        before = [host.copy() for host, _ in brought]
        result = function(*moved, **named)
        for (host, device), old in zip(brought, before, strict=True):
            now = device.get()
            if host.flags.writeable and now.tobytes() != old.tobytes():
                host[...] = now
        return _here(result, brought) if brought else result

    return call


def _stays(name: str, value: Any) -> bool:
    """Say whether an argument stays on the host: lists can't be filled, on neither side."""
    return name in ON_HOST or (name in FILLED and isinstance(value, list))


def _has_what_cupy_lacks(args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Say whether there are masked arrays, or arrays to be filled that may not be written to."""
    filled = [value for name, value in kwargs.items() if name in FILLED and isinstance(value, np.ndarray)]
    return any(isinstance(value, np.ma.MaskedArray) for value in (*args, *kwargs.values())) or any(
        not value.flags.writeable for value in filled
    )


def _on_cuda(asked: Any) -> bool:
    """Say whether a call with this `backend=` runs on cuda."""
    try:
        return _asked(asked) == "cuda"
    except GpumaskError:
        return False


def _there(value: Any, brought: list[tuple[np.ndarray, Any]]) -> Any:
    """Return what a function gets for an argument."""
    if isinstance(value, gpumask.Grid | gpumask.CoarseMask):
        names = ("row", "col", "mask") if isinstance(value, gpumask.Grid) else ("values",)
        return dataclasses.replace(value, **{name: _there(getattr(value, name), brought) for name in names})
    if isinstance(value, Mapping) and any(isinstance(part, np.ndarray) for part in value.values()):
        return {name: _there(part, brought) for name, part in value.items()}
    array = _array_of(value)
    usual = array is not None and array.dtype.kind in "biuf" and array.dtype.itemsize <= 8 and array.ndim
    return _device_array(array, brought) if usual else value


def _array_of(value: Any) -> np.ndarray | None:
    """Return an array of the host, lists of lists and what has DLPack there as such; None for all else."""
    if isinstance(value, np.ndarray):
        return None if isinstance(value, np.ma.MaskedArray) else value
    with contextlib.suppress(ValueError, TypeError):
        if isinstance(value, list) and value and all(isinstance(part, list) for part in value):
            return np.array(value)
        if hasattr(value, "__dlpack_device__") and value.__dlpack_device__()[0] == 1:
            return np.from_dlpack(value)
    return None


def _device_array(array: np.ndarray, brought: list[tuple[np.ndarray, Any]]) -> Any:
    """Bring an array to the device; one that two arguments share stays one."""
    import cupy

    for host, device in brought:
        if host is array:
            return device
    brought.append((array, cupy.asarray(array)))
    return brought[-1][1]


def _here(value: Any, brought: list[tuple[np.ndarray, Any]]) -> Any:
    """Return a result as a test can compare it."""
    import cupy

    if isinstance(value, cupy.ndarray):
        given = [host for host, device in brought if device is value]
        return given[0] if given else value.get()
    if isinstance(value, tuple):
        parts = [_here(part, brought) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


for _name in FUNCTIONS:
    _function = getattr(gpumask, _name)
    for _module in (gpumask, gpumask.gridr, sys.modules[_function.__module__]):
        if hasattr(_module, _name):
            setattr(_module, _name, wrapped(_function))
gpumask.Resampler.__call__ = wrapped(gpumask.Resampler.__call__)  # type: ignore[method-assign]
gpumask.MultiDateMaskRule.evaluate = wrapped(gpumask.MultiDateMaskRule.evaluate)  # type: ignore[method-assign]
gpumask.masks.rules.rule.matched = wrapped(gpumask.masks.rules.rule.matched)
