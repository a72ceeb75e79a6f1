"""GridR's regular grids, oversampled, interpolated and shifted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.backend import Backend
from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.gridr.arguments import (
    check_full_resolution,
    check_writable,
    half_open,
    integers,
    on_host,
    real_dtype,
    shape_of,
    two_numbers,
)
from gpumask.grids.grid import check_resolution, full_shape, near_nodata
from gpumask.grids.oversample import Axis, axes_of, check_nodes, full_resolution, oversampled, reaching
from gpumask.pixels.values import held
from gpumask.pixels.window import Window, check_inside


def grid_full_resolution_shape(shape: tuple[int, int], resolution: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns at full resolution of a grid.

    Parameters
    ----------
    shape
        The (m, n) rows and columns of nodes.
    resolution
        The (R, C) pixels from node to node.

    Returns
    -------
    (int, int)
        ((m - 1) * R + 1, (n - 1) * C + 1).

    Raises
    ------
    GpumaskError
        If an argument is not two whole numbers from 1 on.

    Examples
    --------
    >>> grid_full_resolution_shape((3, 5), (4, 2))
    (9, 9)
    """
    return full_shape(shape_of("shape", shape), check_resolution(resolution, "resolution"))


@renamed({"window": "win"})
def oversample_regular_grid(
    grid: Any,
    grid_oversampling_row: int,
    grid_oversampling_col: int,
    grid_mask: Any,
    dtype: Any = None,
    grid_mask_binarize_precision: float = 1e-6,
    grid_mask_dtype: Any = np.uint8,
    win: Any = None,
) -> tuple[Any, Any]:
    """Interpolate a grid and its mask at full resolution, as `gridr.core.grid.grid_utils.oversample_regular_grid` does.

    Parameters
    ----------
    grid
        A (variable, row, col) array, or None.
    grid_oversampling_row, grid_oversampling_col
        The pixels from node to node, along columns and along rows.
    grid_mask
        A (row, col) array, or None.
    dtype
        The dtype of the output grid. None means the dtype of `grid`, which must then be floating.
    grid_mask_binarize_precision
        The mask becomes 1 where the size of its bilinear value reaches this number. With the default, that is where any
        node with a weight is not 0. With 0, it is everywhere. `build_mask` asks for all nodes to be 1 instead.
    grid_mask_dtype
        The dtype of the output mask.
    win
        The part of the output wanted, an inclusive window. None means all.

    Returns
    -------
    (array, array)
        The grid and the mask. Each is None if it was None.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError.

    Notes
    -----
    A node of weight 0 has no effect, so a NaN spoils fewer pixels than in GridR.

    Examples
    --------
    >>> oversample_regular_grid(np.array([[[0.0, 2.0]]]), 1, 2, None)
    (array([[[0., 1., 2.]]]), None)
    """
    grid, mask = _adopted(grid, grid_mask)
    resolution = (
        check_resolution((grid_oversampling_row, 1), "grid_oversampling_row")[0],
        check_resolution((1, grid_oversampling_col), "grid_oversampling_col")[1],
    )
    nodes = (mask if grid is None else grid).shape[-2:]
    if dtype is None and (grid is None or grid.dtype.kind != "f"):
        raise GpumaskError("dtype: expected float32 or float64, as the grid has no floating dtype; got None")
    dtypes = _output_dtype(grid, dtype), real_dtype("grid_mask_dtype", grid_mask_dtype)
    whole_window = Window.of_shape(full_shape(nodes, resolution))
    window = whole_window if win is None else check_inside("win", half_open("win", win), whole_window.shape)
    _check_precision("grid_mask_binarize_precision", grid_mask_binarize_precision)
    axes = axes_of(window, resolution)
    fractions = axes[0].fractions, axes[1].fractions
    backend = select(None, grid, mask)
    return (
        None if grid is None else _values(backend, grid, fractions, dtypes[0]),
        None if mask is None else _mask(backend, mask, axes, grid_mask_binarize_precision, dtypes[1]),
    )


def interpolate_grid(
    grid: Any,
    grid_mask: Any,
    x: Any,
    y: Any,
    x_new: Any,
    y_new: Any,
    dtype: Any = None,
    mask_binarize_precision: float = 1e-6,
    mask_dtype: Any = np.uint8,
) -> tuple[Any, Any]:
    """Interpolate a grid and its mask bilinearly, as `gridr.core.grid.grid_utils.interpolate_grid` does.

    Parameters
    ----------
    grid
        A (variable, row, col) array, or None.
    grid_mask
        A (row, col) array, or None.
    x, y
        The places of the columns and of the rows. They rise or fall.
    x_new, y_new
        The places of the columns and rows wanted. Outside of x and y the grid is NaN and the mask 0.
    dtype, mask_binarize_precision, mask_dtype
        See `oversample_regular_grid`.

    Returns
    -------
    (array, array)
        The grid and the mask. Each is None if it was None.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError.

    Examples
    --------
    >>> interpolate_grid(np.array([[[0.0, 2.0]]]), None, [0, 1], [0], [0.5], [0])
    (array([[[1.]]]), None)
    """
    grid, mask = _adopted(grid, grid_mask)
    shape = (mask if grid is None else grid).shape[-2:]
    _check_precision("mask_binarize_precision", mask_binarize_precision)
    dtypes = _output_dtype(grid, dtype), real_dtype("mask_dtype", mask_dtype)
    axes = []
    for name, old, new, count in (("y", y, y_new, shape[0]), ("x", x, x_new, shape[1])):
        nodes, places = _places(name, old), _places(f"{name}_new", new)
        if len(nodes) != count:
            raise GpumaskError(f"{name}: expected {count} values for a grid of shape {shape}; got {len(nodes)}")
        steps = np.diff(nodes)
        if not np.isfinite(nodes).all() or not ((steps > 0).all() or (steps < 0).all()):
            raise GpumaskError(f"{name}: expected finite values that only rise or only fall; got others")
        falling = count > 1 and bool(steps[0] < 0)
        axes.append((Axis.between(nodes[::-1] if falling else nodes, places), slice(None, None, -1 if falling else 1)))
    (rows, down), (cols, across) = axes
    backend = select(None, grid, mask)
    return (
        None if grid is None else _values(backend, grid[:, down, across], (rows, cols), dtypes[0]),
        None if mask is None else _mask(backend, mask[down, across], (rows, cols), mask_binarize_precision, dtypes[1]),
    )


@renamed({"window": "grid_target_win"})
def build_grid(
    resolution: tuple[int, int],
    grid: Any,
    grid_target_win: Any,
    grid_resolution: tuple[int, int],
    out: Any,
    computation_dtype: Any = None,
) -> Any:
    """Bring a coarse grid to full resolution, as `gridr.core.grid.grid_utils.build_grid` does.

    Parameters
    ----------
    resolution
        It must be (1, 1).
    grid
        A (variable, row, col) array.
    grid_target_win
        The part of the output wanted, an inclusive window. None means all.
    grid_resolution
        The (R, C) pixels from node to node.
    out
        A (variable, rows, cols) array to fill. If it is of integers, numbers are cut off towards 0. None means a new
        array of the grid's dtype.
    computation_dtype
        The dtype to which bilinear values are first rounded. None means the dtype of `out`.

    Returns
    -------
    array
        The new array, or None if `out` is given.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError.

    Examples
    --------
    >>> build_grid((1, 1), np.array([[[0.0, 2.0]]]), None, (1, 2), None)
    array([[[0., 1., 2.]]])
    """
    check_full_resolution(resolution)
    if grid is None:
        raise GpumaskError("grid: expected a (variable, row, col) array; got None")
    grid, step = adopt("grid", grid), check_resolution(grid_resolution, "grid_resolution")
    check_nodes("grid", grid, (3,))
    size = full_shape(grid.shape[1:], step)
    window = Window.of_shape(size) if grid_target_win is None else half_open("grid_target_win", grid_target_win)
    check_inside("grid_target_win", window, size)
    if out is not None:
        check_writable("out", out)
        if out.shape != (len(grid), *window.shape):
            raise GpumaskError(f"out: expected shape {(len(grid), *window.shape)}; got {out.shape}")
    target = real_dtype("grid", grid.dtype) if out is None else real_dtype("out", out.dtype)
    computed = target if computation_dtype is None else real_dtype("computation_dtype", computation_dtype)
    backend = select(None, grid, out)
    full = full_resolution(backend, grid, step, window, computed)
    full = backend.to_family_of(grid if out is None else out, full)
    if out is None:
        return full.astype(target)
    out[...] = full
    return None


@renamed({"window": "win"})
def array_shift_grid_coordinates(
    grid_row: Any,
    grid_col: Any,
    grid_shift: tuple[float, float],
    win: Any = None,
    grid_mask: Any = None,
    grid_mask_valid_value: int | None = 1,
    grid_nodata: float | None = None,
) -> None:
    """Add a shift to a grid's coordinates in place, as `gridr.core.grid.grid_utils.array_shift_grid_coordinates` does.

    Parameters
    ----------
    grid_row, grid_col
        (m, n) coordinates, floating or integer. They are changed.
    grid_shift
        The (row, col) to add. Integer coordinates take whole numbers, and their dtype must hold the sums.
    win
        The nodes to shift, an inclusive window. None means all.
    grid_mask, grid_mask_valid_value
        Only nodes where the mask has this value are shifted.
    grid_nodata
        Without a grid_mask, only nodes of which neither coordinate is grid_nodata (within 1e-5) are shifted.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError, and the coordinates are then as before.

    Examples
    --------
    >>> row, col = np.zeros((1, 2)), np.array([[0.0, 1.0]])
    >>> array_shift_grid_coordinates(row, col, (0.5, 10))
    >>> col
    array([[10., 11.]])
    """
    for name, array in (("grid_row", grid_row), ("grid_col", grid_col)):
        check_writable(name, array)
        if array.ndim != 2 or array.shape != grid_row.shape or array.dtype.kind not in "iuf":
            raise GpumaskError(
                f"{name}: expected an (m, n) array of floats or integers, as grid_row; got {array.dtype} of shape "
                f"{array.shape}"
            )
    window = Window.of_shape(grid_row.shape)
    if win is not None:
        window = check_inside("win", half_open("win", win), grid_row.shape)
    shift = two_numbers("grid_shift", grid_shift)
    nodes = grid_row[window.slices], grid_col[window.slices]
    shifted: Any = True
    if grid_mask is not None:
        mask = adopt("grid_mask", grid_mask)
        if mask.shape != grid_row.shape:
            raise GpumaskError(f"grid_mask: expected shape {grid_row.shape}, as grid_row; got {mask.shape}")
        (value,) = integers("grid_mask_valid_value", grid_mask_valid_value)
        held("grid_mask_valid_value", value, mask.dtype)
        select(None, grid_row, grid_col, mask)  # raises unless all are in one memory
        shifted = mask[window.slices] == value
    elif grid_nodata is not None:
        for axis in nodes:
            held("grid_nodata", grid_nodata, axis.dtype)
        shifted = ~near_nodata(*nodes, grid_nodata)
    sums = [_sum("grid_shift", axis, added, shifted) for axis, added in zip(nodes, shift, strict=True)]
    for axis, found in zip(nodes, sums, strict=True):
        axis[...] = found if shifted is True else np.where(shifted, found, axis)


def _sum(name: str, nodes: Any, added: float, counts: Any) -> Any:
    """Return the sums of nodes and a shift. Raise GpumaskError if integers that count would not fit their dtype."""
    if nodes.dtype.kind == "f":
        return nodes + added
    info = np.iinfo(nodes.dtype)
    counting = nodes if counts is True else nodes[counts]
    if not added.is_integer():
        raise GpumaskError(f"{name}: expected whole numbers for nodes of {nodes.dtype}; got {added!r}")
    least, most = (int(counting.min()), int(counting.max())) if counting.size else (0, 0)
    if not (abs(added) < 2**63 and info.min <= least + int(added) <= most + int(added) <= info.max):
        raise GpumaskError(f"{name}: expected sums that {nodes.dtype} holds, {least} to {most}; got {added!r}")
    return nodes + np.int64(added).astype(nodes.dtype)


def _adopted(grid: Any, mask: Any) -> tuple[Any, Any]:
    """Adopt a grid and a mask and check their shapes. At least one of them must be there."""
    if grid is None and mask is None:
        raise GpumaskError("grid, grid_mask: expected at least one of the two; got None")
    if grid is not None:
        grid = adopt("grid", grid)
        check_nodes("grid", grid, (3,))
    if mask is not None:
        mask = adopt("grid_mask", mask)
        check_nodes("grid_mask", mask, (2,))
        if grid is not None and mask.shape != grid.shape[1:]:
            raise GpumaskError(f"grid_mask: expected shape {grid.shape[1:]}, the grid's shape; got {mask.shape}")
    return grid, mask


def _places(name: str, values: Any) -> np.ndarray:
    """Return the coordinates of an axis in host memory."""
    try:
        places = on_host(values)
        if places.dtype.kind not in "biuf" and places.size:
            raise TypeError
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name}: expected an array of numbers; got {values!r}") from error
    if places.ndim != 1 or not places.size:
        raise GpumaskError(f"{name}: expected an array of one axis that is not empty; got shape {places.shape}")
    return places.astype(np.float64)


def _output_dtype(grid: Any, dtype: Any) -> np.dtype[Any]:
    """Return the dtype of the output grid: the one asked for, or the grid's."""
    if dtype is not None:
        return real_dtype("dtype", dtype)
    return real_dtype("grid", np.float64 if grid is None else grid.dtype)


def _values(backend: Backend, grid: Any, axes: tuple[Axis, Axis], dtype: Any) -> Any:
    """Return a (variable, row, col) grid interpolated, in a dtype, in the grid's memory."""
    computed = np.dtype(np.float32 if dtype == np.float32 else np.float64)
    full = oversampled(backend, grid, *axes, computed).astype(dtype, copy=False)
    return backend.to_family_of(grid, full)


def _check_precision(name: str, precision: Any) -> None:
    """Raise GpumaskError unless this is a finite number."""
    if not isinstance(precision, int | float | np.integer | np.floating) or isinstance(precision, bool):
        raise ArgumentTypeError(f"{name}: expected a number; got {precision!r}")
    if not math.isfinite(precision):
        raise GpumaskError(f"{name}: expected a finite number; got {precision!r}")


def _mask(backend: Backend, mask: Any, axes: tuple[Axis, Axis], threshold: float, dtype: Any) -> Any:
    """Return where the size of an interpolated mask reaches a threshold, in a dtype, in the mask's memory."""
    # Here integers are numbers, as in GridR. Elsewhere they are valid where they are not 0.
    numbers = mask if mask.dtype.kind == "f" else mask.astype(np.float64)
    return backend.to_family_of(mask, reaching(backend, numbers, *axes, threshold).astype(dtype, copy=False))
