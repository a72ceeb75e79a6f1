"""Arrays in host memory and on the device, and how one is brought to where a DataArray is."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray

from gpumask.backends import beside, is_device_array
from gpumask.resampling.lazy import as_lazy, is_lazy


def on_device(array: xarray.DataArray) -> bool:
    """Say whether an array, or the chunks of a lazy one, are on the device."""
    return is_device_array(getattr(array.data, "_meta", array.data))


def brought(array: xarray.DataArray, other: xarray.DataArray) -> xarray.DataArray:
    """Return another array in the memory of `array`."""
    if on_device(array) == on_device(other):
        return other
    like = getattr(array.data, "_meta", array.data)
    if not is_lazy(other.data):
        return other.copy(data=beside(like, other.data))
    meta = beside(like, other.data._meta)
    return other.copy(data=other.data.map_blocks(partial(beside, like[:0]), dtype=other.dtype, meta=meta))


def alike(*arrays: xarray.DataArray) -> list[xarray.DataArray]:
    """Return arrays that are all lazy if one is. CuPy's arrays don't take a dask array as an operand."""
    if not is_lazy(*(array.data for array in arrays)):
        return list(arrays)
    return [array if is_lazy(array.data) else array.copy(data=as_lazy(array.data)) for array in arrays]


def type_with(dtype: np.dtype[Any], other: Any) -> np.dtype[Any]:
    """Return the dtype that xarray gives to an array of numbers with another number in it."""
    try:
        made = xarray.DataArray(np.zeros(1, dtype)).where(np.ones(1, bool), other).dtype
    except OverflowError:
        return dtype
    return made if made.kind in "iuf" else dtype  # objects are not numbers


def where(array: xarray.DataArray, valid: xarray.DataArray, other: Any) -> xarray.DataArray:
    """Return an array with `other` where a bool array in the same memory is False."""
    if np.ndim(other) or not on_device(array):
        return array.where(valid, other)
    # xarray and dask pass the number on as a NumPy scalar, which CuPy does not take.
    kind = type_with(array.dtype, other)
    work = partial(_where, kind=kind, value=np.asarray(other, kind).item())
    made: xarray.DataArray = xarray.apply_ufunc(work, *alike(array, valid), dask="allowed", keep_attrs=True)
    return made.transpose(*array.dims).rename(array.name)


def _where(array: Any, valid: Any, kind: np.dtype[Any], value: float) -> Any:
    """Choose between an array and a number. The arrays may be dask's."""
    return np.where(valid, array.astype(kind), value).astype(kind, copy=False)
