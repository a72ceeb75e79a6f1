"""GridR's chains, from open datasets to open datasets."""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np

from gpumask.errors import ArgumentTypeError, GpumaskError, renamed
from gpumask.files.reading.gdal import same_shape
from gpumask.files.reading.grid import GridFile
from gpumask.files.reading.image import MaskBand, SourceFile
from gpumask.files.tiles.full_resolution import CoarseMaskBand, GridOutput, MaskOutput, write_full_resolution
from gpumask.files.tiles.run import Job, resample_datasets
from gpumask.files.writing.output import OutputFile
from gpumask.gridr.arguments import (
    half_open,
    integers,
    real_dtype,
    shape_of,
    two_numbers,
)
from gpumask.gridr.interpolators import interpolator_of
from gpumask.gridr.masks import polygons_of_pair
from gpumask.grids.grid import check_resolution, full_shape
from gpumask.pixels.boundary import check_boundary
from gpumask.pixels.values import held
from gpumask.pixels.window import Window
from gpumask.resampling.method import Method


class GridRIOMode(enum.IntEnum):
    """What the size of a strip counts: rows of the coarse grid with INPUT, rows of the output with OUTPUT."""

    INPUT = 1
    OUTPUT = 2


# The names in errors of the layers below, and GridR's names for them.
_NAMES = {
    "source": "array_src_ds", "grid row": "grid_ds", "bands": "array_src_bands", "source mask": "array_src_mask_ds",
    "source mask band": "array_src_mask_band", "source mask valid value": "array_src_mask_validity_pair",
    "grid row band": "grid_row_coords_band", "grid col band": "grid_col_coords_band", "grid col": "grid_col_ds",
    "grid mask": "grid_mask_in_ds", "grid mask band": "grid_mask_in_band", "grid.resolution": "grid_resolution",
    "window": "win", "image": "array_out_ds", "validity": "mask_out_ds", "dtype": "array_out_ds",
    "valid": "array_src_geometry_pair[0]", "invalid": "array_src_geometry_pair[1]",
    "geometry_pair[0]": "array_src_geometry_pair[0]", "geometry_origin": "array_src_geometry_origin",
    "epsilon": "interp_kwargs", "mask_influence_threshold": "interp_kwargs",
}  # fmt: skip


@renamed(_NAMES)
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

    Parameters
    ----------
    grid_ds, grid_row_coords_band, grid_col_coords_band, grid_col_ds
        The dataset and the bands of the grid's rows and columns. The columns may be in a dataset of their own,
        grid_col_ds.
    grid_resolution, grid_shift
        The output pixels from node to node, and the (row, col) that is added to the nodes.
    array_src_ds, array_src_bands
        The source, and those of its bands that become the output's bands, in this order.
    array_out_ds, mask_out_ds, win, nodata_out
        The output, and its mask of uint8, where 1 is valid. The part `win` of the full output is written at the origin
        of both. Invalid pixels become nodata_out.
    interp, interp_kwargs, boundary_condition, trust_padding
        See `array_grid_resampling`. By default, pixels beyond the edges are never valid.
    array_src_mask_ds, array_src_mask_band, array_src_mask_validity_pair
        The source's mask. A pixel is valid where the mask is the first value of the pair. With (1, 0) it is valid where
        the mask is not 0.
    array_src_geometry_origin, array_src_geometry_pair
        The (valid, invalid) polygons of the source and their origin. See `build_mask`. None for the origin is (0, 0).
    grid_mask_in_ds, grid_mask_in_unmasked_value, grid_mask_in_band
        The grid's mask. A node counts where the mask has this value.
    io_strip_size, io_strip_size_target, tile_shape, ncpu, logger
        Strips of so many rows (see `GridRIOMode`) are cut into tiles. Size 0 means one strip, tile size 0 that the axis
        is not cut, and None no tiles. None of these changes a pixel.

    Returns
    -------
    int
        Always 1.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError, and nothing has been written then.
    """
    boundary = check_boundary("boundary_condition", boundary_condition, trust_padding)
    if trust_padding is None and boundary_condition is not None:
        raise GpumaskError("trust_padding: expected True or False along with boundary_condition; got None")
    nodata = math.nan if nodata_out is None else nodata_out
    taps = interpolator_of(interp, interp_kwargs)
    method = Method(taps, nodata_out=nodata, boundary=boundary, takes_invalid=True)
    (grid_row_coords_band,) = integers("grid_row_coords_band", grid_row_coords_band)
    (grid_col_coords_band,) = integers("grid_col_coords_band", grid_col_coords_band)
    if grid_col_ds is None and grid_row_coords_band == grid_col_coords_band:
        raise GpumaskError(
            "grid_row_coords_band, grid_col_coords_band: expected two different bands of grid_ds; got one"
        )
    grid = GridFile(
        (grid_ds, grid_row_coords_band),
        (grid_ds if grid_col_ds is None else grid_col_ds, grid_col_coords_band),
        grid_resolution,
        _grid_mask_band(grid_mask_in_ds, grid_mask_in_band, grid_mask_in_unmasked_value),
        shift=two_numbers("grid_shift", grid_shift),
    )
    bands = tuple(array_src_bands) if isinstance(array_src_bands, list | tuple | np.ndarray) else (array_src_bands,)
    bands = integers("array_src_bands", *bands)
    mask = _source_mask_band(array_src_mask_ds, array_src_mask_band, array_src_mask_validity_pair)
    origin = (0, 0) if array_src_geometry_origin is None else array_src_geometry_origin
    with renamed({"geometry_pair": "array_src_geometry_pair"}):
        geometry = polygons_of_pair(array_src_geometry_pair, origin, None)
    if mask_out_ds is not None and mask_out_ds.dtypes[0] != "uint8":
        raise GpumaskError(f"mask_out_ds: expected uint8 as the type of the first band; got {mask_out_ds.dtypes[0]}")
    window = Window.of_shape(grid.full_shape) if win is None else half_open("win", win)
    tile = _tile_shape(io_strip_size, io_strip_size_target, tile_shape, grid.resolution, window)
    job = Job(method, window, tile)
    masks, parts = () if mask is None else (mask,), () if geometry is None else (geometry,)
    source = SourceFile(array_src_ds, bands, masks, computed=parts)
    resample_datasets(source, grid, OutputFile(array_out_ds, mask_out_ds), job)
    return 1


def _grid_mask_band(dataset: Any, band: int | None, unmasked_value: int | None) -> MaskBand | None:
    """Return the grid's mask. The bits of int8 values are read as uint8, as in GridR, so -1 is 255."""
    if dataset is None:
        return None
    (band,) = integers("grid_mask_in_band", 1 if band is None else band)
    _check_eight_bits("grid_mask_in_ds", dataset, band)
    if unmasked_value is None:
        raise GpumaskError("grid_mask_in_unmasked_value: expected 0 to 255 along with grid_mask_in_ds; got None")
    integers("grid_mask_in_unmasked_value", unmasked_value)
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
    (band,) = integers("array_src_mask_band", band)
    _check_eight_bits("array_src_mask_ds", dataset, band)
    try:
        valid_value, _ = validity_pair
    except (TypeError, ValueError) as error:
        message = f"array_src_mask_validity_pair: expected (valid, invalid); got {validity_pair!r}"
        raise ArgumentTypeError(message) from error
    return MaskBand(dataset, band, None if tuple(validity_pair) == (1, 0) else valid_value)


def _check_eight_bits(name: str, dataset: Any, band: int) -> None:
    """Raise ArgumentTypeError unless a mask has the band and it is int8 or uint8."""
    if not 1 <= band <= dataset.count or dataset.dtypes[band - 1] not in ("int8", "uint8"):
        raise ArgumentTypeError(f"{name}: expected an int8 or uint8 band {band}; got {', '.join(dataset.dtypes)}")


def _tile_shape(strip: Any, target: Any, tile: Any, resolution: tuple[int, int], window: Window) -> tuple[int, int]:
    """Return the rows and columns of a tile from GridR's strip size and tile shape."""
    integers("io_strip_size", strip)
    try:
        target = GridRIOMode(target)
    except (TypeError, ValueError) as error:
        raise GpumaskError(f"io_strip_size_target: expected GridRIOMode.INPUT or OUTPUT; got {target!r}") from error
    strip_rows = int(strip) * (resolution[0] if target == GridRIOMode.INPUT else 1)
    try:
        rows, cols = (0, 0) if tile is None else tile
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"tile_shape: expected (rows, cols) or None; got {tile!r}") from error
    integers("tile_shape", rows, cols)
    limits = [n for n in (strip_rows, rows) if n > 0]
    return min(limits, default=max(window.rows, 1)), cols if cols > 0 else max(window.cols, 1)


# The names in errors of `write_full_resolution`, and GridR's names for them.
_MASK_NAMES = {
    "valid": "geometry_pair[0]", "invalid": "geometry_pair[1]", "origin": "geometry_origin",
    "grid.resolution": "resolution", "mask": "mask_in_ds", "values": "mask_in_ds", "mask band": "mask_in_band",
    "mask valid value": "mask_in_unmasked_value", "mask output": "mask_out_ds",
    "mask output value": "mask_out_values", "tile_shape": "cpu_tile_shape", "grid row": "grid_in_ds",
    "grid row band": "grid_in_row_coords_band", "grid col band": "grid_in_col_coords_band",
    "grid col": "grid_in_col_ds", "grid output row": "grid_out_ds", "grid output col": "grid_out_col_ds",
    "grid output row band": "grid_out_row_coords_band", "grid output col band": "grid_out_col_coords_band",
    "grid output invalid value": "merge_mask_grid",
}  # fmt: skip


@renamed(_MASK_NAMES)
def build_mask_chain(
    shape: tuple[int, int],
    resolution: tuple[int, int],
    mask_out_ds: Any,
    mask_out_dtype: Any,
    mask_in_ds: Any,
    mask_in_unmasked_value: int | None,
    mask_in_band: int | None,
    computation_dtype: Any,
    geometry_origin: tuple[float, float] | None,
    geometry_pair: tuple[Any, Any] | None,
    rasterize_kwargs: dict[str, Any] | None = None,
    mask_out_values: tuple[int, int] | None = (1, 0),
    io_strip_size: int = 1000,
    io_strip_size_target: GridRIOMode = GridRIOMode.INPUT,
    ncpu: int = 1,
    cpu_tile_shape: tuple[int, int] | None = (1000, 1000),
    logger: Any = None,
) -> int:
    """Write a mask at full resolution, as `gridr.chain.grid_mask_chain.build_mask_chain` does.

    Parameters
    ----------
    shape, resolution
        The (m, n) rows and columns of the coarse mask, and the (R, C) pixels from node to node. The output has ((m - 1)
        * R + 1, (n - 1) * C + 1) pixels.
    mask_out_ds, mask_out_dtype, mask_out_values
        An open dataset, the dtype of its first band, and the (valid, invalid) values written there. None for the
        dataset means that nothing is written.
    mask_in_ds, mask_in_unmasked_value, mask_in_band
        An open dataset of that shape, valid where its band has this value. With 1, it is valid where the band is not 0,
        and floats are shares of valid. The threshold is 0.999.
    computation_dtype
        Any floating dtype. It has no other effect.
    geometry_origin, geometry_pair, rasterize_kwargs
        See `build_mask`. Without any condition, all pixels are valid.
    io_strip_size, io_strip_size_target, cpu_tile_shape, ncpu, logger
        See `basic_grid_resampling_chain`, where cpu_tile_shape is tile_shape.

    Returns
    -------
    int
        Always 1.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError, and nothing has been written then.
    """
    step, nodes = check_resolution(resolution), shape_of("shape", shape)
    full = full_shape(nodes, step)
    raster = _raster_part((mask_in_ds, mask_in_band, mask_in_unmasked_value), nodes, step, computation_dtype)
    geometry = polygons_of_pair(geometry_pair, geometry_origin, rasterize_kwargs)
    parts = tuple(part for part in (raster, geometry) if part)
    tile = _tile_shape(io_strip_size, io_strip_size_target, cpu_tile_shape, step, Window.of_shape(full))
    output = _mask_output(mask_out_ds, mask_out_values, mask_out_dtype)
    write_full_resolution(full, parts, output, tile_shape=tile)
    return 1


@renamed(_MASK_NAMES)
def build_grid_mask_chain(
    resolution: tuple[int, int],
    grid_in_ds: Any,
    grid_in_col_ds: Any,
    grid_in_row_coords_band: int,
    grid_in_col_coords_band: int,
    grid_out_ds: Any,
    grid_out_col_ds: Any,
    grid_out_row_coords_band: int,
    grid_out_col_coords_band: int,
    mask_out_ds: Any,
    mask_out_dtype: Any,
    mask_in_ds: Any,
    mask_in_unmasked_value: int | None,
    mask_in_band: int | None,
    computation_dtype: Any,
    geometry_origin: tuple[float, float] | None,
    geometry_pair: tuple[Any, Any] | None,
    rasterize_kwargs: dict[str, Any] | None = None,
    mask_out_values: tuple[int, int] | None = (1, 0),
    merge_mask_grid: float | None = None,
    io_strip_size: int = 1000,
    io_strip_size_target: GridRIOMode = GridRIOMode.INPUT,
    ncpu: int = 1,
    cpu_tile_shape: tuple[int, int] | None = (1000, 1000),
    logger: Any = None,
) -> int:
    """Write a grid and its mask at full resolution, as `gridr.chain.grid_mask_chain.build_grid_mask_chain` does.

    Parameters
    ----------
    resolution
        The (R, C) pixels from node to node.
    grid_in_ds, grid_in_col_ds, grid_in_row_coords_band, grid_in_col_coords_band
        Open datasets and bands of the coarse grid's rows and columns. The columns are in grid_in_ds, or in
        grid_in_col_ds.
    grid_out_ds, grid_out_col_ds, grid_out_row_coords_band, grid_out_col_coords_band
        The same for the output.
    mask_out_ds, mask_out_dtype, mask_out_values, mask_in_ds, mask_in_unmasked_value, mask_in_band
        See `build_mask_chain`.
    computation_dtype
        The floating dtype in which coordinates are computed. Then they become the dtype of the output.
    merge_mask_grid
        What both coordinates of an invalid pixel become. None means that they stay.
    geometry_origin, geometry_pair, rasterize_kwargs
        See `build_mask`. Without any condition, all pixels are valid.
    io_strip_size, io_strip_size_target, cpu_tile_shape, ncpu, logger
        See `build_mask_chain`.

    Returns
    -------
    int
        Always 1.

    Raises
    ------
    GpumaskError
        If an argument is wrong. It is a ValueError, and nothing has been written then.
    """
    computed = real_dtype("computation_dtype", computation_dtype, "f")
    nodes = GridFile(
        (grid_in_ds, *integers("grid_in_row_coords_band", grid_in_row_coords_band)),
        (grid_in_col_ds or grid_in_ds, *integers("grid_in_col_coords_band", grid_in_col_coords_band)),
        resolution,
    )
    grid = GridOutput(
        nodes,
        (grid_out_ds, *integers("grid_out_row_coords_band", grid_out_row_coords_band)),
        (grid_out_col_ds or grid_out_ds, *integers("grid_out_col_coords_band", grid_out_col_coords_band)),
        computed,
        merge_mask_grid,
    )
    full, step = nodes.full_shape, nodes.resolution
    mask_in = (mask_in_ds, mask_in_band, mask_in_unmasked_value)
    raster = _raster_part(mask_in, grid_in_ds.shape, step, computation_dtype)
    geometry = polygons_of_pair(geometry_pair, geometry_origin, rasterize_kwargs)
    parts = tuple(part for part in (raster, geometry) if part)
    tile = _tile_shape(io_strip_size, io_strip_size_target, cpu_tile_shape, step, Window.of_shape(full))
    output = _mask_output(mask_out_ds, mask_out_values, mask_out_dtype)
    write_full_resolution(full, parts, output, grid, tile_shape=tile)
    return 1


def _raster_part(
    mask_in: tuple[Any, Any, Any], shape: tuple[int, int], step: tuple[int, int], computation_dtype: Any
) -> CoarseMaskBand | None:
    """Return the coarse mask of (dataset, band, valid value), which has `shape` nodes. Return None for no dataset."""
    dataset, band, value = mask_in
    if dataset is None:
        return None
    real_dtype("computation_dtype", computation_dtype, "f")
    (band,), (value,) = integers("mask_in_band", band), integers("mask_in_unmasked_value", value)
    part = CoarseMaskBand(MaskBand(dataset, band, None if value == 1 else value), step)
    same_shape("mask", dataset.shape, shape)
    return part


def _mask_output(dataset: Any, values: Any, dtype: Any) -> MaskOutput | None:
    """Return where the mask is written, or None."""
    if dataset is None:
        return None
    try:
        valid, invalid = (1, 0) if values is None else values
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"mask_out_values: expected (valid, invalid); got {values!r}") from error
    dtype = real_dtype("mask_out_dtype", dtype, "iu")
    if valid == invalid:
        raise GpumaskError(f"mask_out_values: expected two different values, (valid, invalid); got {values!r}")
    return MaskOutput(dataset, (valid, invalid), dtype)
