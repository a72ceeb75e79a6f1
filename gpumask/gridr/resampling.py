"""GridR's resampling of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends import adopt, is_device_array, select
from gpumask.backends.backend import Backend
from gpumask.backends.host import rows_contiguous
from gpumask.errors import GpumaskError, renamed, warn_caller
from gpumask.gridr.arguments import (
    check_writable,
    half_open,
    integers,
    new_array,
    two_numbers,
)
from gpumask.gridr.interpolators import interpolator_of
from gpumask.grids.grid import Grid
from gpumask.pixels.boundary import Boundary, check_boundary
from gpumask.pixels.values import held
from gpumask.pixels.window import Window, check_inside
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method, output_type
from gpumask.resampling.run import resample_into

# The names in errors of the layers below, and GridR's names for them.
_NAMES = {
    "source": "array_in",
    "source_valid": "array_in_mask",
    "grid.row": "grid_row",
    "grid.col": "grid_col",
    "grid.mask": "grid_mask",
    "grid.nodata": "grid_nodata",
    "grid.resolution": "grid_resolution",
    "dtype": "array_out",
    "epsilon": "interp_kwargs",
    "mask_influence_threshold": "interp_kwargs",
}


@renamed(_NAMES)
def array_grid_resampling(
    interp: Any,
    array_in: Any,
    grid_row: Any,
    grid_col: Any,
    grid_resolution: tuple[int, int],
    array_out: Any,
    array_out_win: Any = None,
    nodata_out: float | None = 0,
    array_in_origin: tuple[float, float] | None = (0.0, 0.0),
    win: Any = None,
    array_in_mask: Any = None,
    array_in_mask_safe_win: Any = None,
    grid_mask: Any = None,
    grid_mask_valid_value: int | None = 1,
    grid_nodata: float | None = None,
    array_out_mask: Any = None,
    check_boundaries: bool = True,
    interp_kwargs: dict[str, Any] | None = None,
    standalone: bool | None = True,
    boundary_condition: str | None = None,
    trust_padding: bool | None = True,
    logger_msg_prefix: str | None = None,
    logger: Any = None,
) -> tuple[Any, Any]:
    """Resample an array through a grid, as `gridr.core.grid.grid_resampling.array_grid_resampling` does.

    Parameters
    ----------
    interp
        The interpolator: a name, or what `get_interpolator` returns.
    array_in
        A (row, col) or (band, row, col) array of any real dtype. GridR takes float64.
    grid_row, grid_col
        (m, n) source coordinates at the nodes.
    grid_resolution
        The (R, C) output pixels from node to node.
    array_out
        The array to fill. None means that a new float64 array is made and returned without its axes of length 1.
    array_out_win
        The part of array_out to fill, an inclusive window of the shape of `win`. None means that array_out is filled
        from its first pixel on.
    nodata_out
        The value of invalid pixels. None means NaN.
    array_in_origin
        The (row, col) that is added to the coordinates. It may differ from (0, 0) only with standalone=False.
    win
        The part of the output to compute, an inclusive window. None means all.
    array_in_mask
        A (row, col) mask of the source, 0 is invalid.
    array_in_mask_safe_win
        This has no effect, as results never depend on it.
    grid_mask, grid_mask_valid_value
        An (m, n) mask. A node counts where the mask has this value.
    grid_nodata
        A node with this coordinate does not count.
    array_out_mask
        An array to fill with the mask of the output. True makes a new uint8 mask with the rows and columns of
        array_out. None makes no mask.
    check_boundaries
        This has no effect, as boundaries are always checked.
    interp_kwargs
        The arguments of a B-spline given by its name. See `get_interpolator`.
    standalone
        False means that array_in holds the coefficients of a B-spline (see `array_bspline_prefiltering`) and ends at
        its edges.
    boundary_condition
        How array_in continues beyond its edges. See `boundary` in `resample`.
    trust_padding
        Whether pixels beyond the edges may be valid. See `resample`.
    logger_msg_prefix, logger
        These have no effect.

    Returns
    -------
    (array, array)
        The image and the mask. Each is None if the caller gave the array, or did not ask for it.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError.

    Warns
    -----
    UserWarning
        If no node of a grid in host memory counts. A grid on a GPU is not checked, as that would mean to wait for it.

    Notes
    -----
    Three things differ from GridR. NaN is an invalid pixel. NaN and infinite nodes do not count. No input of the caller
    is changed.

    Examples
    --------
    >>> row, col = np.zeros((1, 2)), np.array([[0.0, 1.0]])
    >>> array_grid_resampling("linear", np.array([[0.0, 8.0]]), row, col, (1, 2), None, array_out_mask=True)
    (array([0., 4., 8.]), array([[1, 1, 1]], dtype=uint8))
    """
    taps = interpolator_of(interp, interp_kwargs, filtered=not standalone)
    origin = _origin(array_in_origin, standalone)
    boundary = check_boundary("boundary_condition", boundary_condition, trust_padding)
    method = Method(taps, boundary=boundary if standalone else Boundary(), takes_invalid=True)
    source = Source.of(array_in, array_in_mask)
    grid = _grid(grid_row, grid_col, grid_resolution, grid_mask, grid_mask_valid_value, grid_nodata, origin)
    if win is not None:
        window = check_inside("win", half_open("win", win), grid.full_shape)
        grid = Grid(grid.row, grid.col, grid.resolution, grid.mask, grid.nodata, window)
    backend = select(None, source.image, source.valid, grid.row, grid.col, grid.mask)

    if isinstance(array_out_mask, np.bool_):
        array_out_mask = bool(array_out_mask)
    image, where = _output(array_out, array_out_win, source.image, grid.shape, backend)
    mask = _output_mask(array_out_mask, image.shape[-2:], source.image, backend)
    nodata = output_type(image.dtype, None, nodata_out)[1]
    image_view, mask_view = (None if array is None else array[..., *where.slices] for array in (image, mask))
    inputs = (source.image, source.valid, grid.row, grid.col, grid.mask)
    target = Target(_writable(backend, image_view, inputs), _writable(backend, mask_view, inputs), nodata)
    if standalone and not is_device_array(grid.row) and not _any_counts(grid):
        warn_caller("grid_row, grid_col: no node counts, so no pixel is valid")
    resample_into(backend, source, grid, method, target)
    for view, written in ((image_view, target.image), (mask_view, target.validity)):
        if view is not None and written is not view:
            view[...] = backend.to_family_of(view, written)
    return image.squeeze() if array_out is None else None, mask if array_out_mask is True else None


def _any_counts(grid: Grid) -> bool:
    """Say whether any node that the output needs counts. A few of them are checked first."""
    needed = grid.crop(Window.of_shape(grid.shape))
    few = slice(None, None, 16)
    mask = None if needed.mask is None else needed.mask[few, few]
    some = Grid(needed.row[few, few], needed.col[few, few], mask=mask, nodata=needed.nodata)
    return bool(some.counts().any()) or bool(needed.counts().any())


def _origin(array_in_origin: Any, standalone: bool | None) -> tuple[float, float]:
    """Return what is added to the coordinates."""
    row, col = two_numbers("array_in_origin", array_in_origin)
    if standalone and (row or col):
        raise GpumaskError(f"array_in_origin: expected (0, 0), unless standalone is False; got {array_in_origin!r}")
    return row, col


def _grid(row: Any, col: Any, resolution: Any, mask: Any, valid_value: Any, nodata: Any, origin: Any) -> Grid:
    """Return the grid of GridR's arguments."""
    if mask is not None and nodata is not None:
        raise GpumaskError("grid_mask, grid_nodata: expected at most one of the two; got both")
    if mask is not None:
        if valid_value is None:
            raise GpumaskError("grid_mask_valid_value: expected a value along with grid_mask; got None")
        mask = adopt("grid_mask", mask)
        integers("grid_mask_valid_value", valid_value)
        held("grid_mask_valid_value", valid_value, mask.dtype)
        mask = mask == valid_value
    grid = Grid(row, col, resolution, mask, nodata)
    return grid.shifted(*origin) if any(origin) else grid


def _output(
    array_out: Any, array_out_win: Any, array_in: Any, shape: tuple[int, int], backend: Backend
) -> tuple[Any, Window]:
    """Return the (band, row, col) array to fill, and the window of it to fill."""
    if array_out is None:
        return new_array(backend, (array_in.shape[0], *shape), np.float64, array_in), Window.of_shape(shape)
    check_writable("array_out", array_out)
    out = array_out if array_out.ndim == 3 else array_out[None]
    _check_same_side("array_out", out, array_in)
    if out.shape[0] != array_in.shape[0]:
        raise GpumaskError(
            f"array_out: expected {array_in.shape[0]} bands, as many as array_in has; got shape {array_out.shape}"
        )
    window = Window.of_shape(shape) if array_out_win is None else half_open("array_out_win", array_out_win)
    if window.shape != shape:
        raise GpumaskError(f"array_out_win: expected {shape[0]} x {shape[1]} pixels, the size of win; got {window}")
    return out, check_inside("array_out" if array_out_win is None else "array_out_win", window, out.shape[-2:])


def _output_mask(array_out_mask: Any, shape: tuple[int, int], array_in: Any, backend: Backend) -> Any:
    """Return the mask to fill, a new mask of 0, or None."""
    if array_out_mask is True:
        mask = new_array(backend, shape, np.uint8, array_in)
        mask[...] = 0
        return mask
    if not hasattr(array_out_mask, "dtype"):
        return None
    check_writable("array_out_mask", array_out_mask)
    _check_same_side("array_out_mask", array_out_mask, array_in)
    if array_out_mask.dtype != np.uint8 or array_out_mask.shape != shape:
        raise GpumaskError(
            f"array_out_mask: expected uint8 of shape {shape}; got {array_out_mask.dtype} of {array_out_mask.shape}"
        )
    return array_out_mask


def _check_same_side(name: str, array: Any, array_in: Any) -> None:
    """Raise GpumaskError unless an array to fill lives in the memory of array_in."""
    if is_device_array(array) != is_device_array(array_in):
        raise GpumaskError(
            f"{name}: expected an array in the memory of array_in, on the host or on the device; got one in the other"
        )


def _writable(backend: Backend, view: Any, inputs: tuple[Any, ...]) -> Any:
    """Return the array itself if the backend can write to it while it reads the inputs. Otherwise return a new one."""
    if view is None:
        return None
    here = is_device_array(view) == (backend.name == "cuda")
    direct = here and view.dtype.isnative and rows_contiguous(view)
    if direct and not any(np.may_share_memory(view, array) for array in inputs if array is not None):
        return view
    return backend.empty(view.shape, view.dtype.newbyteorder("="))
