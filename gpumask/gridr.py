"""GridR's functions, with its names, arguments and defaults; translated to gpumask's, and nothing else.

Windows here are inclusive, ((first_row, last_row), (first_col, last_col)), as GridR has them.
"""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np

from gpumask.backends import Backend, adopt, is_device_array, select
from gpumask.backends.host import rows_contiguous
from gpumask.chain import GridFile, Job, MaskBand, SourceFile, resample_datasets
from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.grid import Grid
from gpumask.interp import Interpolator, interpolator
from gpumask.resample import Source, Target, held, output_type, resample_into
from gpumask.window import Window, check_inside


class GridRIOMode(enum.IntEnum):
    """What a strip's size counts: rows of the coarse grid, or rows of the output."""

    INPUT = 1
    OUTPUT = 2


# GridR's names for what the layers below name in their errors.
_ARRAY_NAMES = {
    "source": "array_in",
    "source_valid": "array_in_mask",
    "grid.row": "grid_row",
    "grid.col": "grid_col",
    "grid.mask": "grid_mask",
    "grid.nodata": "grid_nodata",
    "grid.resolution": "grid_resolution",
    "dtype": "array_out",
}
_FILE_NAMES = {
    "bands": "array_src_bands",
    "source mask": "array_src_mask_ds",
    "source mask band": "array_src_mask_band",
    "source mask valid value": "array_src_mask_validity_pair",
    "grid row band": "grid_row_coords_band",
    "grid col band": "grid_col_coords_band",
    "grid col": "grid_col_ds",
    "grid mask": "grid_mask_in_ds",
    "grid mask band": "grid_mask_in_band",
    "grid.resolution": "grid_resolution",
    "window": "win",
    "image": "array_out_ds",
    "validity": "mask_out_ds",
    "dtype": "array_out_ds",
}


@renamed(_ARRAY_NAMES)
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

    array_in: (row, col) or (band, row, col), any real dtype (GridR: float64). array_in_mask: (row, col), 0 is invalid.
    grid_row, grid_col: (m, n) source coordinates; grid_mask: (m, n), a node counts where it is grid_mask_valid_value.
    win: the part of the output to compute. array_out: filled from its first pixel, or in array_out_win, which has win's
    shape; None: a new float64 array is made, and returned without its axes of length 1.
    array_out_mask: True for a new uint8 mask of array_out's rows and columns, an array to be filled, or None.
    nodata_out: what invalid pixels become; None is NaN. array_in_origin: (row, col) added to the coordinates, only with
    standalone=False.

    Returns (image, mask); an item is None where the caller gave the array, or did not ask for it.

    Not there yet, and refused: B-splines, boundary conditions. Without effect: check_boundaries (they always are),
    array_in_mask_safe_win, trust_padding, logger, logger_msg_prefix. Raises GpumaskError, a ValueError, for bad input.
    Unlike GridR: NaN is an invalid pixel, NaN and infinite nodes do not count, and nothing of the caller's is changed.
    """
    taps = _interpolator(interp, interp_kwargs)
    origin = _origin(array_in_origin, standalone)
    if standalone:
        _refuse_boundary(boundary_condition)
    source = Source.of(array_in, array_in_mask)
    grid = _grid(grid_row, grid_col, grid_resolution, grid_mask, grid_mask_valid_value, grid_nodata, origin)
    if win is not None:
        window = check_inside("win", _half_open("win", win), grid.full_shape)
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
    resample_into(backend, source, grid, taps, target, np.dtype(np.float64))
    for view, written in ((image_view, target.image), (mask_view, target.validity)):
        if view is not None and written is not view:
            view[...] = backend.to_family_of(view, written)
    return image.squeeze() if array_out is None else None, mask if array_out_mask is True else None


@renamed(_FILE_NAMES)
def basic_grid_resampling_chain(
    grid_ds: Any,
    grid_row_coords_band: int,
    grid_col_coords_band: int,
    grid_resolution: tuple[int, int],
    array_src_ds: Any,
    array_src_bands: int | list[int],
    array_out_ds: Any,
    interp: Any,
    nodata_out: float | None,
    grid_col_ds: Any = None,
    interp_kwargs: dict[str, Any] | None = None,
    boundary_condition: str | None = None,
    trust_padding: bool | None = False,
    win: Any = None,
    grid_shift: tuple[float, float] | None = None,
    array_src_mask_ds: Any = None,
    array_src_mask_band: int | None = None,
    array_src_mask_validity_pair: tuple[int, int] | None = None,
    mask_out_ds: Any = None,
    grid_mask_in_ds: Any = None,
    grid_mask_in_unmasked_value: int | None = None,
    grid_mask_in_band: int | None = None,
    array_src_geometry_origin: tuple[float, float] | None = None,
    array_src_geometry_pair: tuple[Any, Any] | None = None,
    io_strip_size: int = 1000,
    io_strip_size_target: GridRIOMode = GridRIOMode.INPUT,
    ncpu: int = 1,
    tile_shape: tuple[int, int] | None = (1000, 1000),
    logger: Any = None,
) -> int:
    """Resample from open rasterio datasets to open ones, as `gridr.chain.grid_resampling_chain` does.

    The grid is in two bands of grid_ds, or its columns in grid_col_ds. grid_shift (row, col) is added to the nodes.
    Masks: a source pixel is valid where the mask is the first of array_src_mask_validity_pair (not 0 for (1, 0)); a
    node counts where the grid's mask is grid_mask_in_unmasked_value. The output's bands are array_src_bands in their
    order; win is written at the origin of array_out_ds and of mask_out_ds (uint8, 1 is valid).
    Strips of io_strip_size rows (of the grid or of the output: io_strip_size_target; 0 is one strip) are cut into tiles
    of tile_shape (0 on an axis: no cut there; None: none at all): neither changes a pixel.

    Returns 1. Not there yet, and refused: B-splines, boundary conditions, geometries. Without effect: trust_padding,
    ncpu, logger. Raises GpumaskError, a ValueError, for bad input, before anything is written.
    """
    taps = _interpolator(interp, interp_kwargs)
    _refuse_boundary(boundary_condition)
    if array_src_geometry_pair is not None and any(part is not None for part in array_src_geometry_pair):
        raise GpumaskError("array_src_geometry_pair: geometries are not supported yet; expected None")
    (grid_row_coords_band,) = _whole("grid_row_coords_band", grid_row_coords_band)
    (grid_col_coords_band,) = _whole("grid_col_coords_band", grid_col_coords_band)
    if grid_col_ds is None and grid_row_coords_band == grid_col_coords_band:
        raise GpumaskError("grid_row_coords_band, grid_col_coords_band: expected two bands of grid_ds; got one")
    grid = GridFile(
        (grid_ds, grid_row_coords_band),
        (grid_ds if grid_col_ds is None else grid_col_ds, grid_col_coords_band),
        grid_resolution,
        _grid_mask_band(grid_mask_in_ds, grid_mask_in_band, grid_mask_in_unmasked_value),
        shift=_two_numbers("grid_shift", grid_shift),
    )
    bands = tuple(array_src_bands) if isinstance(array_src_bands, list | tuple | np.ndarray) else (array_src_bands,)
    bands = _whole("array_src_bands", *bands)
    mask = _source_mask_band(array_src_mask_ds, array_src_mask_band, array_src_mask_validity_pair)
    if mask_out_ds is not None and mask_out_ds.dtypes[0] != "uint8":
        raise GpumaskError(f"mask_out_ds: expected a first band of uint8; got {mask_out_ds.dtypes[0]}")
    window = Window.of_shape(grid.full_shape) if win is None else _half_open("win", win)
    tile = _tile_shape(io_strip_size, io_strip_size_target, tile_shape, grid.resolution, window)
    job = Job(taps, nodata_out, window, tile)
    resample_datasets(SourceFile(array_src_ds, bands, mask), grid, array_out_ds, job, mask_out_ds)
    return 1


def _interpolator(interp: Any, interp_kwargs: dict[str, Any] | None) -> Interpolator:
    """Return the interpolator; those that are there take no further arguments."""
    found = interpolator(interp)
    if interp_kwargs and isinstance(interp, str):
        raise ArgumentTypeError(f"interp_kwargs: expected none for {found.name}; got {interp_kwargs!r}")
    return found


def _refuse_boundary(boundary_condition: str | None) -> None:
    """Raise GpumaskError for a boundary condition."""
    if boundary_condition is not None:
        raise GpumaskError(
            f"boundary_condition: not supported yet; expected None (no pixels outside); got {boundary_condition!r}"
        )


def _origin(array_in_origin: Any, standalone: bool | None) -> tuple[float, float]:
    """Return what is added to the coordinates."""
    row, col = _two_numbers("array_in_origin", array_in_origin)
    if standalone and (row or col):
        raise GpumaskError(f"array_in_origin: expected (0, 0) unless standalone is False; got {array_in_origin!r}")
    return row, col


def _two_numbers(name: str, pair: Any) -> tuple[float, float]:
    """Return (row, col) as floats, 0 for None."""
    try:
        row, col = (0.0, 0.0) if pair is None else map(float, pair)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{name}: expected two numbers, (row, col); got {pair!r}") from error
    if not (math.isfinite(row) and math.isfinite(col)):
        raise GpumaskError(f"{name}: expected finite numbers; got {pair!r}")
    return row, col


def _whole(name: str, *values: Any) -> tuple[int, ...]:
    """Return values as ints; raise ArgumentTypeError unless there are some, and all are whole numbers."""
    if not values or not all(isinstance(value, int | np.integer) for value in values):
        raise ArgumentTypeError(f"{name}: expected whole numbers; got {', '.join(map(repr, values)) or 'none'}")
    return tuple(map(int, values))


def _half_open(name: str, win: Any) -> Window:
    """Return a window from an inclusive one."""
    try:
        array = np.asarray(win)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    if array.shape != (2, 2) or array.dtype.kind not in "iu":
        raise ArgumentTypeError(
            f"{name}: expected whole numbers ((first_row, last_row), (first_col, last_col)); got {win!r}"
        )
    (top, bottom), (left, right) = array.tolist()
    return Window(top, left, bottom - top + 1, right - left + 1)


def _grid(row: Any, col: Any, resolution: Any, mask: Any, valid_value: Any, nodata: Any, origin: Any) -> Grid:
    """Return the grid that GridR's arguments describe."""
    if mask is not None and nodata is not None:
        raise GpumaskError("grid_mask, grid_nodata: expected at most one of the two; got both")
    if mask is not None:
        if valid_value is None:
            raise GpumaskError("grid_mask_valid_value: expected a value along with grid_mask; got None")
        mask = adopt("grid_mask", mask)
        _whole("grid_mask_valid_value", valid_value)
        held("grid_mask_valid_value", valid_value, mask.dtype)
        mask = mask == valid_value
    grid = Grid(row, col, resolution, mask, nodata)
    return grid.shifted(*origin) if any(origin) else grid


def _output(
    array_out: Any, array_out_win: Any, array_in: Any, shape: tuple[int, int], backend: Backend
) -> tuple[Any, Window]:
    """Return the (band, row, col) array to fill, and the window of it that is."""
    if array_out is None:
        return _new(backend, (array_in.shape[0], *shape), np.float64, array_in), Window.of_shape(shape)
    _check_writable("array_out", array_out)
    out = array_out if array_out.ndim == 3 else array_out[None]
    if is_device_array(out) != is_device_array(array_in):
        raise GpumaskError("array_out: expected an array where array_in is, on the host or the device; got the other")
    if out.shape[0] != array_in.shape[0]:
        raise GpumaskError(f"array_out: expected {array_in.shape[0]} bands, as array_in; got shape {array_out.shape}")
    window = Window.of_shape(shape) if array_out_win is None else _half_open("array_out_win", array_out_win)
    if window.shape != shape:
        raise GpumaskError(f"array_out_win: expected {shape[0]} x {shape[1]} pixels, as win; got {window}")
    return out, check_inside("array_out" if array_out_win is None else "array_out_win", window, out.shape[-2:])


def _output_mask(array_out_mask: Any, shape: tuple[int, int], array_in: Any, backend: Backend) -> Any:
    """Return the mask to fill, a new one with 0 everywhere, or None."""
    if array_out_mask is True:
        mask = _new(backend, shape, np.uint8, array_in)
        mask[...] = 0
        return mask
    if not hasattr(array_out_mask, "dtype"):
        return None
    _check_writable("array_out_mask", array_out_mask)
    if array_out_mask.dtype != np.uint8 or array_out_mask.shape != shape:
        raise GpumaskError(
            f"array_out_mask: expected uint8 of shape {shape}; got {array_out_mask.dtype} of {array_out_mask.shape}"
        )
    return array_out_mask


def _new(backend: Backend, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
    """Make an array where `like` lives."""
    return backend.empty(shape, dtype) if is_device_array(like) else np.empty(shape, dtype)


def _check_writable(name: str, array: Any) -> None:
    """Raise GpumaskError unless this is an array of two axes or three that may be written to."""
    if getattr(array, "ndim", None) not in (2, 3):
        came = f"shape {array.shape}" if hasattr(array, "shape") else repr(array)
        raise GpumaskError(f"{name}: expected a (row, col) or (band, row, col) array to be filled; got {came}")
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        raise GpumaskError(f"{name}: expected an array that may be written to; got a read-only one")


def _writable(backend: Backend, view: Any, inputs: tuple[Any, ...]) -> Any:
    """Return the array itself where the backend can write to it while it reads the inputs, else one of its own."""
    if view is None:
        return None
    here = is_device_array(view) == (backend.name == "cuda")
    direct = here and view.dtype.isnative and rows_contiguous(view)
    if direct and not any(np.may_share_memory(view, array) for array in inputs if array is not None):
        return view
    return backend.empty(view.shape, view.dtype.newbyteorder("="))


def _grid_mask_band(dataset: Any, band: int | None, unmasked_value: int | None) -> MaskBand | None:
    """Return the grid's mask. int8 values are taken bitwise, as GridR does: -1 is 255."""
    if dataset is None:
        return None
    (band,) = _whole("grid_mask_in_band", 1 if band is None else band)
    _check_eight_bits("grid_mask_in_ds", dataset, band)
    if unmasked_value is None:
        raise GpumaskError("grid_mask_in_unmasked_value: expected 0 to 255 along with grid_mask_in_ds; got None")
    _whole("grid_mask_in_unmasked_value", unmasked_value)
    held("grid_mask_in_unmasked_value", unmasked_value, np.dtype(np.uint8))
    signed = dataset.dtypes[band - 1] == "int8" and unmasked_value > 127
    return MaskBand(dataset, band, unmasked_value - 256 if signed else unmasked_value)


def _source_mask_band(dataset: Any, band: int | None, validity_pair: Any) -> MaskBand | None:
    """Return the source's mask."""
    if dataset is None:
        return None
    if band is None or validity_pair is None:
        raise ArgumentTypeError(
            "array_src_mask_band, array_src_mask_validity_pair: expected both along with array_src_mask_ds; got None"
        )
    (band,) = _whole("array_src_mask_band", band)
    _check_eight_bits("array_src_mask_ds", dataset, band)
    try:
        valid_value, _ = validity_pair
    except (TypeError, ValueError) as error:
        message = f"array_src_mask_validity_pair: expected (valid, invalid); got {validity_pair!r}"
        raise ArgumentTypeError(message) from error
    return MaskBand(dataset, band, None if tuple(validity_pair) == (1, 0) else valid_value)


def _check_eight_bits(name: str, dataset: Any, band: int) -> None:
    """Raise ArgumentTypeError unless a mask's band is there and int8 or uint8."""
    if not 1 <= band <= dataset.count or dataset.dtypes[band - 1] not in ("int8", "uint8"):
        raise ArgumentTypeError(f"{name}: expected an int8 or uint8 band {band}; got {', '.join(dataset.dtypes)}")


def _tile_shape(strip: Any, target: Any, tile: Any, resolution: tuple[int, int], window: Window) -> tuple[int, int]:
    """Return rows and columns of a tile from GridR's strip size and tile shape."""
    _whole("io_strip_size", strip)
    if target not in (GridRIOMode.INPUT, GridRIOMode.OUTPUT):
        raise GpumaskError(f"io_strip_size_target: expected GridRIOMode.INPUT or OUTPUT; got {target!r}")
    strip_rows = int(strip) * (resolution[0] if target == GridRIOMode.INPUT else 1)
    try:
        rows, cols = (0, 0) if tile is None else tile
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"tile_shape: expected (rows, cols) or None; got {tile!r}") from error
    _whole("tile_shape", rows, cols)
    limits = [n for n in (strip_rows, rows) if n > 0]
    return min(limits, default=max(window.rows, 1)), cols if cols > 0 else max(window.cols, 1)
