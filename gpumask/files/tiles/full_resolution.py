"""Masks and grids brought from coarse to full resolution, from open datasets to open datasets, tile by tile.

Each tile reads only the nodes that it needs, so memory grows with the tile. The result does not depend on the tiles.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpumask.backends import select_for_files
from gpumask.backends.backend import Backend
from gpumask.backends.memory import by_halves
from gpumask.errors import GpumaskError
from gpumask.files.reading.gdal import check_bands, check_can_hold, check_open
from gpumask.files.reading.grid import GridFile
from gpumask.files.reading.image import MaskBand, check_mask
from gpumask.files.tiles.summary import Summary, Written
from gpumask.grids.grid import check_resolution, full_shape, node_window
from gpumask.grids.oversample import full_resolution
from gpumask.masks.coarse import CoarseMask, check_threshold
from gpumask.masks.finer import valid_by_share
from gpumask.masks.validity import Mask, Validity, all_of
from gpumask.pixels.values import held
from gpumask.pixels.window import Window, ranges

if TYPE_CHECKING:
    from rasterio.io import DatasetWriter


@dataclass(frozen=True, eq=False)
class CoarseMaskBand:
    """A band that says what is valid, with nodes `resolution` pixels apart. See `CoarseMask`.

    If `mask.valid_value` is None, a band of floats holds shares of valid.
    """

    mask: MaskBand
    resolution: tuple[int, int] = (1, 1)
    threshold: float = 0.999

    def __post_init__(self) -> None:
        """Check that the band exists and the resolution is right."""
        object.__setattr__(self, "resolution", check_resolution(self.resolution, "resolution"))
        check_open("mask", self.mask.dataset)
        check_mask("mask", self.mask, self.mask.dataset.shape)

    @property
    def margin(self) -> int:
        """How many pixels around a window affect it."""
        return 0

    @property
    def full_shape(self) -> tuple[int, int]:
        """The rows and columns at full resolution."""
        return full_shape(self.mask.dataset.shape, self.resolution)

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return the validity of a window of pixels. See `gpumask.masks.validity.Mask`."""
        nodes = node_window(window, self.resolution)
        place = window.shift(-nodes.row * self.resolution[0], -nodes.col * self.resolution[1])
        return self._read(nodes).validity(place, backend)

    def check(self, tile: tuple[int, int]) -> None:
        """Raise GpumaskError if a coarse mask of floats holds other values than shares. It is read in tiles then."""
        if self.mask.holds_shares and self.resolution != (1, 1):
            for nodes in Window.of_shape(self.mask.dataset.shape).tiles(*tile):
                self._read(nodes)

    def _read(self, nodes: Window) -> CoarseMask:
        """Read a window of nodes."""
        values = self.mask.shares(nodes) if self.mask.holds_shares else self.mask.read(nodes)
        return CoarseMask(values, self.resolution, self.threshold)


@dataclass(frozen=True, eq=False)
class FineMaskBand:
    """A band that says what is valid, with `factors` rows and columns in each pixel of the output.

    A pixel of the output is valid if at least a share `threshold` of it is. If `mask.valid_value` is None, a band of
    floats holds shares of valid.
    """

    mask: MaskBand
    factors: tuple[int, int]
    threshold: float = 0.999

    def __post_init__(self) -> None:
        """Check that the band exists and the threshold is right."""
        check_threshold("threshold", self.threshold)
        check_open("mask", self.mask.dataset)
        check_mask("mask", self.mask, self.mask.dataset.shape)

    @property
    def margin(self) -> int:
        """How many pixels around a window affect it."""
        return 0

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return the validity of a window of pixels. See `gpumask.masks.validity.Mask`."""
        return valid_by_share(
            backend, window, self.factors, self.threshold, lambda fine: backend.asarray(self._read(fine))
        )

    def _read(self, fine: Window) -> np.ndarray:
        """Read a window of the band: 0 and 1, or shares."""
        if not self.mask.holds_shares:
            return self.mask.read(fine)
        shares = self.mask.shares(fine)
        if ((shares < 0) | (shares > 1)).any():
            raise GpumaskError(
                f"mask: expected shares of valid from 0 to 1 in a finer mask of {shares.dtype}; got others"
            )
        return np.where(np.isnan(shares), 0, shares)


class MaskOutput(NamedTuple):
    """Where a validity is written: the first band of a dataset.

    `values` are written for valid and for invalid pixels. They have the dtype `dtype`.
    """

    dataset: DatasetWriter
    values: tuple[float, float] = (Validity.VALID, Validity.INVALID)
    dtype: Any = np.uint8


class GridOutput(NamedTuple):
    """A grid to be brought to full resolution, and where its rows and columns are written.

    Attributes
    ----------
    nodes
        The grid.
    row, col
        The dataset and the band number for the rows, and for the columns.
    dtype
        Coordinates are rounded to this type before they get the type of the band.
    invalid
        The value of both coordinates of an invalid pixel. None leaves them as they are.
    """

    nodes: GridFile
    row: tuple[DatasetWriter, int]
    col: tuple[DatasetWriter, int]
    dtype: Any = np.float64
    invalid: float | None = None


def write_full_resolution(
    shape: tuple[int, int],
    parts: tuple[Mask, ...],
    mask: MaskOutput | None = None,
    grid: GridOutput | None = None,
    *,
    tile_shape: tuple[int, int] = (1024, 1024),
    progress: Callable[[int, int], None] | None = None,
    backend: str | None = None,
) -> Summary:
    """Write the AND of all parts, and a grid, at full resolution. Writing begins at the datasets' first pixel.

    `shape` is the rows and columns of the output. Parts are such as `CoarseMaskBand` and `Polygons`. `progress` is
    called as progress(done, total), in output pixels. Raises GpumaskError, before anything is written, if the datasets
    don't fit.
    """
    output = Window.of_shape(shape)
    _check_outputs(shape, mask, grid)
    for part in parts:
        if isinstance(part, CoarseMaskBand):
            rows, cols = part.full_shape
            if not Window(0, 0, rows, cols).contains(output):
                raise GpumaskError(f"mask: expected to cover {shape[0]} x {shape[1]} pixels; got {rows} x {cols}")
            part.check(tile_shape)
    chosen = select_for_files(backend)
    start, done = time.perf_counter(), Summary(chosen.name)
    for tile in output.tiles(*tile_shape):
        validity = _validity(chosen, tile, parts)
        if grid is not None:
            _write_grid(chosen, tile, grid, validity)
        if mask is not None:  # written last, as it may replace the nodes
            pair = np.array(mask.values[::-1]).astype(mask.dtype)
            mask.dataset.write(pair[validity], 1, window=ranges(tile))
        done.add(Written(tile, int(np.count_nonzero(validity)), 0, {}))
        if progress:
            progress(done.pixels, output.rows * output.cols)
    done.seconds["all"] = time.perf_counter() - start
    return done


def _validity(backend: Backend, tile: Window, parts: tuple[Mask, ...]) -> np.ndarray:
    """Return the AND of all parts, in host memory."""
    made = (by_halves(backend, tile, functools.partial(part.validity, backend=backend)) for part in parts)
    found: np.ndarray | None = all_of(made)
    return np.full(tile.shape, Validity.VALID, np.uint8) if found is None else found


def _write_grid(backend: Backend, tile: Window, grid: GridOutput, validity: np.ndarray) -> None:
    """Read the nodes that a tile needs, and write its rows and columns. These may replace the nodes."""
    step = grid.nodes.resolution
    nodes = node_window(tile, step)
    place = tile.shift(-nodes.row * step[0], -nodes.col * step[1])
    both = [source.read(number, window=ranges(nodes)) for source, number in (grid.nodes.row, grid.nodes.col)]
    for values, (target, band) in zip(both, (grid.row, grid.col), strict=True):

        def at_full_resolution(window: Window, values: Any = values) -> Any:
            needed = node_window(window, step)
            at = window.shift(-needed.row * step[0], -needed.col * step[1])
            return full_resolution(backend, values[None, *needed.slices], step, at, np.dtype(grid.dtype))[0]

        full = by_halves(backend, place, at_full_resolution)
        if grid.invalid is not None:
            filled = np.full(full.shape, grid.invalid, target.dtypes[band - 1])
            np.copyto(filled, full, casting="unsafe", where=validity == Validity.VALID)
            full = filled
        target.write(full.astype(target.dtypes[band - 1], copy=False), band, window=ranges(tile))


def _check_outputs(shape: tuple[int, int], mask: MaskOutput | None, grid: GridOutput | None) -> None:
    """Raise GpumaskError if the outputs can't hold the result."""
    if mask is not None:
        check_can_hold("mask output", mask.dataset, shape)
        check_bands("mask output", mask.dataset, (1,))
        if grid is not None and (mask.dataset, 1) in (grid.row, grid.col):
            raise GpumaskError("mask output: expected another band than those of the grid; got band 1 of its dataset")
        for value in mask.values:
            for dtype in (mask.dtype, mask.dataset.dtypes[0]):
                held("mask output value", value, np.dtype(dtype))
    if grid is not None:
        for name, (dataset, band) in {"grid output row": grid.row, "grid output col": grid.col}.items():
            check_can_hold(name, dataset, shape)
            check_bands(f"{name} band", dataset, (band,))
            if grid.invalid is not None:
                held("grid output invalid value", grid.invalid, np.dtype(dataset.dtypes[band - 1]))
        if grid.row[0] is grid.col[0] and grid.row[1] == grid.col[1]:
            raise GpumaskError(f"grid output col band: expected another band than that of the rows; got {grid.col[1]}")
