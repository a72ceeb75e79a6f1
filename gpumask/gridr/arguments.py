"""Conversions of GridR's arguments.

Inclusive windows, ((first_row, last_row), (first_col, last_col)), become half-open ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends import holds_masked, is_array, is_device_array
from gpumask.backends.backend import Backend
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.masks.polygons import check_pair
from gpumask.pixels.window import Window


def two_numbers(name: str, pair: Any) -> tuple[float, float]:
    """Return (row, col) as finite floats. None becomes 0."""
    return (0.0, 0.0) if pair is None else check_pair(name, pair)


def integers(name: str, *values: Any) -> tuple[int, ...]:
    """Return values as ints. Raise ArgumentTypeError unless there are some and all are whole numbers."""
    if not values or not all(isinstance(value, int | np.integer) for value in values):
        raise ArgumentTypeError(f"{name}: expected whole numbers; got {', '.join(map(repr, values)) or 'none'}")
    return tuple(map(int, values))


def on_host(array: Any) -> np.ndarray:
    """Return an array of any kind in host memory. Raise ArgumentTypeError for a masked array."""
    if holds_masked(array):
        raise ArgumentTypeError("expected a plain array; got a masked array, whose mask would be lost")
    return np.asarray(array.get() if hasattr(array, "get") else array)


def shape_of(name: str, shape: Any) -> tuple[int, int]:
    """Return (rows, cols) as ints. Raise GpumaskError unless there are two and both are at least 1."""
    try:
        rows, cols = shape
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name}: expected two whole numbers, (rows, cols); got {shape!r}") from error
    rows, cols = integers(name, rows, cols)
    if rows < 1 or cols < 1:
        raise GpumaskError(f"{name}: expected rows and columns from 1 on; got {shape!r}")
    return rows, cols


def real_dtype(name: str, dtype: Any, kinds: str = "biuf") -> np.dtype[Any]:
    """Return a dtype. Raise GpumaskError unless it is a dtype of real numbers, of one of the given kinds."""
    wanted = {"biuf": "a real dtype", "iu": "an integer dtype", "f": "a floating dtype"}[kinds]
    try:
        found = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name}: expected {wanted}; got {dtype!r}") from error
    if found is None or found.kind not in kinds:
        raise GpumaskError(f"{name}: expected {wanted}; got {dtype!r}")
    return found.newbyteorder("=")


def check_full_resolution(resolution: Any) -> None:
    """Raise GpumaskError unless a resolution is (1, 1)."""
    try:
        full = [*resolution] == [1, 1]
    except (TypeError, ValueError):
        full = False
    if not full:
        raise GpumaskError(f"resolution: expected (1, 1), which is full resolution; got {resolution!r}")


def half_open(name: str, win: Any) -> Window:
    """Return the half-open window of an inclusive one."""
    try:
        array = on_host(win)
    except ValueError:  # the rows have different lengths
        array = np.empty(0)
    if array.shape != (2, 2) or array.dtype.kind not in "iu":
        raise ArgumentTypeError(
            f"{name}: expected whole numbers ((first_row, last_row), (first_col, last_col)); got {win!r}"
        )
    (top, bottom), (left, right) = array.tolist()
    return Window(top, left, bottom - top + 1, right - left + 1)


def new_array(backend: Backend, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
    """Make an array in the memory of `like`."""
    return backend.empty(shape, dtype) if is_device_array(like) else np.empty(shape, dtype)


def check_writable(name: str, array: Any) -> None:
    """Raise GpumaskError unless this is an array of two or three axes that may be written to."""
    if holds_masked(array):
        raise GpumaskError(f"{name}: expected a plain array to fill; got a masked array")
    if not is_array(array) or array.ndim not in (2, 3):
        came = f"shape {array.shape}" if is_array(array) else type(array).__name__
        raise GpumaskError(f"{name}: expected a (row, col) or (band, row, col) array to fill; got {came}")
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        raise GpumaskError(f"{name}: expected an array that may be written to; got a read-only array")
