"""Numbers as a dtype holds them: nodata values, and the values of masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError

MOST_DECLARED = 2**53  # float64 holds all integers up to this one. Rasterio returns nodata values as float64.


def held(name: str, given: Any, dtype: np.dtype[Any]) -> float:
    """Return a number as a dtype holds it: a float is rounded to the dtype, an integer becomes an int.

    Raise GpumaskError if the dtype can't hold it.
    """
    try:
        if isinstance(given, str | bytes | np.ma.MaskedArray):
            raise TypeError
        found = as_held(given, dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name}: expected a number; got {given!r}") from error
    if found is None:
        raise GpumaskError(f"{name}: expected a value that {dtype} holds; got {given!r}")
    return found


def as_held(given: Any, dtype: np.dtype[Any]) -> float | None:
    """Return a number as a dtype holds it.

    Return None if the number is out of range, or if an integer dtype would change it.

    >>> as_held(-3.4028235e38, np.dtype("float32"))
    -3.4028234663852886e+38
    >>> as_held(2**64 - 1, np.dtype("uint64")), as_held(0.5, np.dtype("uint64"))
    (18446744073709551615, None)
    """
    try:
        number = float(given)
    except OverflowError:
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            rounded = float(dtype.type(number))
        return rounded if math.isfinite(rounded) or not math.isfinite(number) else None
    if not math.isfinite(number):
        return None
    info, whole = np.iinfo(np.uint8 if dtype.kind == "b" else dtype), int(given)
    return whole if whole == given and info.min <= whole <= info.max else None


def not_zero(array: Any) -> Any:
    """Say where an array is not 0, as NumPy does. CuPy takes the subnormal numbers of float32 for 0."""
    if array.dtype.kind != "f" or isinstance(array, np.ndarray):
        return array != 0
    return array.view(f"u{array.dtype.itemsize}") << 1 != 0  # all bits but the sign


def same(one: float | None, other: float | None) -> bool:
    """Say whether two values are the same. Each may be None, and NaN equals NaN."""
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def as_bytes(name: str, mask: Any) -> Any:
    """Return a mask of bool, integers or 0.0 and 1.0 as uint8, non-zero where it was, without a copy if possible."""
    if mask.dtype.kind == "f" and (not_zero(mask) & (mask != 1)).any():
        raise GpumaskError(
            f"{name}: expected a mask of bool or integers, or of 0.0 and 1.0; got other values of {mask.dtype}"
        )
    if mask.dtype.itemsize == 1:
        return mask.view(np.uint8)
    return (mask != 0).view(np.uint8)
