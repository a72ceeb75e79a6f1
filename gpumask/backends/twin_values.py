"""What twins share: how they get what calls give them, and how they round results."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends.arguments import Nodes


def uncarried(value: Any, dtype: Any) -> Any:
    """Return a value out of what brings it to a kernel, as in kernels/convert.cuh."""
    return np.int32(value).view("f4") if dtype == np.float32 else np.asarray(value).astype(dtype)


def converted(values: np.ndarray, dtype: Any) -> np.ndarray:
    """Return values in a type. Integers are rounded half to even and clipped to their range."""
    dtype = np.dtype(dtype)
    if values.dtype == dtype or dtype.kind == "f":
        return values.astype(dtype, copy=False)
    info = np.iinfo(dtype)
    if values.dtype.kind != "f":
        given = np.iinfo(values.dtype)
        return np.clip(values, max(info.min, given.min), min(info.max, given.max)).astype(dtype)
    whole = np.rint(values.astype(np.float64))
    inside = np.where((whole > float(info.min)) & (whole < float(info.max)), whole, 0).astype(dtype)
    low, high = dtype.type(info.min), dtype.type(info.max)
    return np.where(whole >= float(info.max), high, np.where(whole <= float(info.min), low, inside))


def nodes_that_count(nodes: Nodes) -> Any:
    """Say which nodes a mask and a nodata value let count."""
    row, col, nodata = nodes.grid_row, nodes.grid_col, nodes.grid_nodata
    counts = ~((abs(row - nodata) < 1e-5) | (abs(col - nodata) < 1e-5))
    return counts if nodes.grid_mask is None else counts & (nodes.grid_mask != 0)
