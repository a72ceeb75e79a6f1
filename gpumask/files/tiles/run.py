"""Resampling from open datasets to open datasets, tile by tile. Reading, computing and writing overlap.

Each tile reads the nodes that it needs, and the source pixels that these reach, and no more. So memory grows with the
tile. The result does not depend on the tiles. Coordinates come from the same nodes with the same weights, and a window
of the source holds every pixel that has a weight.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gpumask.backends import select_for_files
from gpumask.backends.memory import FOR_GDAL, memory_limit, no_room
from gpumask.errors import GpumaskError
from gpumask.files.reading.gdal import gdal_cache, gdal_environment
from gpumask.files.reading.grid import GridSource
from gpumask.files.reading.image import SourceFile
from gpumask.files.tiles.pipeline import Slot, Turns, overlapped
from gpumask.files.tiles.plan import Costs, Tile, fitting, tile_shape
from gpumask.files.tiles.summary import Summary, Written
from gpumask.grids.grid import Grid
from gpumask.grids.nodes import fixed_grid
from gpumask.pixels.window import Window, check_inside
from gpumask.resampling.area import check_corners
from gpumask.resampling.image import Source, Target
from gpumask.resampling.method import Method
from gpumask.resampling.run import resample_into

# Shares of the memory that a job may take: for tiles, and for all nodes of a grid if they fit. GDAL's cache has a third
# share. The rest is for the libraries.
_FOR_TILES, _FOR_NODES = 1 / 2, 1 / 16
_NODE_BYTES = 48  # of a node that is read, shifted, and marked if it doesn't count
_TILES_A_LANE = 4  # the least number of tiles, so that no lane is idle for long
_OUTSIDE = 2  # marks pixels outside the source in a tile's validity, until they are counted
_log = logging.getLogger("gpumask")


@dataclass(frozen=True)
class Job:
    """How to resample, and how the work is done.

    Attributes
    ----------
    method
        How to resample. Its dtype and its nodata value are those of the output.
    window
        The part of the output to make. None means all of it.
    tile_shape
        The rows and columns made at a time. None means that the output's blocks and the memory decide.
    backend
        The name of the backend. None means the default for files.
    max_memory
        See `memory_limit`.
    devices
        The numbers of the GPUs that share the tiles. None means the current one.
    """

    method: Method
    window: Window | None = None
    tile_shape: tuple[int, int] | None = None
    backend: str | None = None
    max_memory: Any = None
    devices: tuple[int, ...] | None = None


def resample_datasets(
    source: SourceFile,
    grid: GridSource,
    output: Output,
    job: Job,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Resample from open datasets to open datasets. The output's window begins at their first pixel.

    One thread alone uses the inputs, and one the outputs. `progress` is called as progress(done, total), in output
    pixels. Raises GpumaskError, before anything is read or written, if the datasets don't fit the job. It is also
    raised if something can't be read or written, and then it names the file and the window.
    """
    run = _Run(source, grid, output, job)
    start, total = time.perf_counter(), run.window.rows * run.window.cols
    done = Summary(run.backend.name)
    with gdal_cache(int(run.limit * FOR_GDAL)), contextlib.closing(run.tiles()) as tiles:
        for written in tiles:
            done.add(written)
            if progress and written.seconds:  # tiles of an earlier run have none
                progress(done.pixels, total)
    done.seconds["all"] = time.perf_counter() - start
    _log.debug(
        "%d tiles, %.2f s: read %.2f, compute %.2f, write %.2f; %d pixels, %d valid, %d outside the source",
        done.tiles, done.seconds["all"], *(done.seconds.get(stage, 0.0) for stage in ("read", "compute", "write")),
        done.pixels, done.valid, done.outside,
    )  # fmt: skip
    return done


def _check_affordable(costs: Costs, most: float, limit: int) -> None:
    """Raise GpumaskError if the masks of a single pixel take more memory than tiles may. These masks are never cut."""
    least = costs.of(Tile(Window(0, 0, 1, 1), Window(0, 0, 1, 1), (1, 1)))
    if least > most:
        raise GpumaskError(
            f"max_memory: expected {limit * least / most:.0f} bytes or more, as masks grow by {costs.margin} pixels; "
            f"got {limit}"
        )


@dataclass
class _Piece:
    """A tile under way: what was read for it, and where its result goes."""

    output: Window
    grid: Grid
    source: Source
    target: Target
    seconds: dict[str, float]


Stage = _Piece | Written  # finished tiles of an earlier run go along with the others, and are counted


class _Run:
    """What the three stages of a run share."""

    def __init__(self, source: SourceFile, grid: GridSource, output: Output, job: Job) -> None:
        """Check all that can be checked before work."""
        self.source, self.output, self.job = source, output, job
        self.method = job.method.on(grid.around, source.dataset.shape)
        self.window = job.window or Window.of_shape(grid.full_shape)
        check_inside("window", self.window, grid.full_shape)
        output.check(len(source.bands), self.window.shape, source.by_band)
        self.method = dataclasses.replace(self.method, dtype=output.dtype).for_source(source.dtype)
        self.backend = select_for_files(job.backend)
        self.lanes = self.backend.lanes(job.devices)
        self.limit = memory_limit(job.max_memory)
        self.environment = gdal_environment()
        self.finished = output.finished()
        # If nodes are few, all of them are read once, and brought to a GPU once.
        few = grid.node_count * _NODE_BYTES <= self.limit * _FOR_NODES
        self.nodes = grid.read(Window.of_shape(grid.full_shape)) if few else None
        if self.nodes is not None:
            check_corners(self.nodes, self.method)
        self.read_nodes = self.nodes.crop if self.nodes else grid.read
        self.parts = grid.parts
        self.turns = Turns()
        self.there: dict[int, Grid | None] = {}  # all nodes, by thread, in the memory of that thread's device
        self.short = False  # whether a device had too little memory for a tile

    def tiles(self) -> Generator[Written, None, None]:
        """Make all tiles."""
        ahead = len(self.lanes) + 2  # one being read, one being written
        most = self.limit * _FOR_TILES / ahead
        bands = len(self.source.bands)
        # Coefficients of all bands, those of one band filtered along columns alone, and masks.
        filtered = 8 * (bands + 1) + 4 if self.method.interpolator.needs_filter else 0
        planes = bands if self.source.by_band else 1
        costs = Costs(
            output=bands * self.method.dtype.itemsize
            + planes * (5 if self.method.share else 1),  # a share is beside it
            source=bands * self.source.dtype.itemsize + self.source.mask_bytes + filtered,
            node=_NODE_BYTES,
            masks=self.source.computed_bytes,
            margin=self.source.computed_margin,
        )
        _check_affordable(costs, most, self.limit)
        shape = self.job.tile_shape
        if shape is None:  # this is a guess: a tile that takes more of the source is cut later
            pixels = most / (costs.output + 1.5 * (costs.source + costs.masks))
            least = _TILES_A_LANE * len(self.lanes)
            shape = tile_shape(self.window.shape, self.output.block_shape, pixels, least)
        _log.debug("tiles of %d x %d pixels, %d at a time of up to %.0f MB", *shape, ahead, most / 1e6)
        slots = [Slot(self.backend.host_buffer) for _ in range(ahead)]
        return overlapped(self._pieces(shape, costs, most, slots), self._compute, self._write, self.lanes, ahead)

    def _pieces(
        self, shape: tuple[int, int], costs: Costs, most: float, slots: list[Slot]
    ) -> Iterator[_Piece | Written]:
        """Plan and read, tile by tile."""
        number = 0
        parts = (part for whole in self.window.tiles(*shape) for part in self.parts(whole))
        for part, resolution in parts:
            for tile in fitting(part, resolution, self._plan, costs, most):
                self._check_fits(tile, costs, most)
                yield self.finished.get(tile.output) or self._read(tile, slots[number % len(slots)])
                number += 1

    def _check_fits(self, tile: Tile, costs: Costs, most: float) -> None:
        """Raise GpumaskError if a tile takes more memory than tiles may. It has one pixel then, which can't be cut."""
        if tile.output.shape == (1, 1) and costs.of(tile) > most:
            (rows, cols), needed = tile.source.shape, self.limit * costs.of(tile) / most
            raise GpumaskError(
                f"max_memory: expected {needed:.0f} bytes or more, as one pixel of the output takes {rows} x {cols} "
                f"pixels of the source; got {self.limit}"
            )

    def _plan(self, tile: Window) -> Tile:
        """Return what a tile needs."""
        with self.environment():
            self.planned = self.read_nodes(tile, self.method.node_margin)
        return Tile(tile, self.method.reach(self.planned, self.source.dataset.shape), self.planned.row.shape)

    def _read(self, tile: Tile, slot: Slot) -> _Piece:
        """Read what a tile needs, into memory that is used again."""
        start, bands, shape = time.perf_counter(), len(self.source.bands), tile.output.shape
        image = slot.array("source", (bands, *tile.source.shape), self.source.dtype)
        # Rules and polygons are computed here, on the first of the devices.
        with self.environment(), self.lanes[0]():
            source = self._source(tile.source, image)
        planes = (bands, *shape) if self.source.by_band else shape
        result, valid = slot.array("image", (bands, *shape), self.method.dtype), slot.array("valid", planes, np.uint8)
        target = Target(result, valid, self.method.nodata, _OUTSIDE)
        if self.method.share:
            target = dataclasses.replace(target, validity=slot.array("share", planes, np.float32), valid=valid)
        return _Piece(tile.output, self.planned, source, target, {"read": time.perf_counter() - start})

    def _source(self, window: Window, image: np.ndarray) -> Source:
        """Read a window of the source. If the device has no memory for its masks beside others, read it again alone."""
        read = functools.partial(self.source.read, window, self.backend, image, self.method.boundary)
        try:
            with self.turns.together():
                return read()
        except GpumaskError as error:
            if not isinstance(error.__cause__, self.backend.out_of_memory):
                raise
        with self.turns.alone():
            return read()

    def _compute(self, piece: Stage) -> Stage:
        """Resample a tile."""
        if isinstance(piece, Written):
            return piece
        start = time.perf_counter()
        self._resample(piece.source, piece.grid, piece.output, piece.target)
        piece.seconds["compute"] = time.perf_counter() - start
        return piece

    def _nodes_here(self) -> Grid | None:
        """Return all nodes in the memory of this thread's device. The result is None if they are too many."""
        if self.nodes is None or self.short:
            return None
        own = threading.get_ident()
        if own not in self.there:
            self.there[own] = None
            with contextlib.suppress(*self.backend.out_of_memory):
                row, col, mask = (
                    None if array is None else self.backend.asarray(array)
                    for array in (self.nodes.row, self.nodes.col, self.nodes.mask)
                )
                here = dataclasses.replace(self.nodes, row=row, col=col, mask=mask)
                self.there[own] = fixed_grid(self.backend, here) if self._is_fixed(here) else here
        return self.there[own]

    def _is_fixed(self, grid: Grid) -> bool:
        """Say whether the coordinates of a grid are in fixed point."""
        pixels = Window.of_shape(self.source.dataset.shape)
        return self.method.in_fixed_point(grid.resolution, pixels)

    def _resample(self, source: Source, grid: Grid, output: Window, target: Target) -> None:
        """Resample from host memory to host memory. If the device has no memory for it beside others, do it alone."""
        if source.window.is_empty:
            self._fill(target)
            return
        with contextlib.suppress(*self.backend.out_of_memory), self.turns.together():
            self._resample_at_once(source, grid, output, target)
            return
        with self.turns.alone():
            self.short = True
            self.there.clear()  # from now on each tile brings its own nodes
            self._resample_in_quarters(source, grid, output, target)

    def _fill(self, target: Target) -> None:
        """Fill in pixels that lie outside the source."""
        target.image.fill(self.method.nodata)
        _marks(target).fill(_OUTSIDE)
        if target.share:
            target.validity.fill(0)

    def _resample_in_quarters(self, source: Source, grid: Grid, output: Window, target: Target) -> None:
        """Resample at once. If the device has no memory for that, resample in quarters."""
        try:
            self._resample_at_once(source, grid, output, target)
            return
        except self.backend.out_of_memory as error:
            if grid.shape == (1, 1):
                raise no_room(error) from error
        rows, cols = (-(-size // 2) for size in grid.shape)
        for quarter in Window.of_shape(grid.shape).tiles(rows, cols):
            part = grid.crop(quarter, self.method.node_margin)
            reach = self.method.reach(part, self.source.dataset.shape)
            some = target.crop(quarter)
            if reach.is_empty:
                self._fill(some)
                continue
            reach = self.method.boundary.turned(reach, source.window)
            self._resample_in_quarters(source.crop(reach), part, quarter.shift(output.row, output.col), some)

    def _resample_at_once(self, source: Source, grid: Grid, output: Window, target: Target) -> None:
        """Resample from host memory to host memory."""
        nodes = self._nodes_here()
        here = grid if nodes is None else nodes.crop(output, self.method.node_margin)
        names = ("image", "validity") if target.valid is None else ("image", "validity", "valid")
        mirrors = {name: self.backend.mirror(getattr(target, name)) for name in names}
        resample_into(self.backend, source, here, self.method, dataclasses.replace(target, **mirrors))
        self.backend.fetch(*((mirror, getattr(target, name)) for name, mirror in mirrors.items()))

    def _write(self, piece: Stage) -> Written:
        """Count the pixels of a tile, and write it."""
        if isinstance(piece, Written):
            return piece
        start, target, valid = time.perf_counter(), piece.target, _marks(piece.target)
        outside = int(np.count_nonzero((valid if valid.ndim == 2 else valid[0]) == _OUTSIDE))
        valid &= 1
        anywhere = valid if valid.ndim == 2 else valid.any(axis=0)
        done, place = Written(piece.output, int(np.count_nonzero(anywhere)), outside, piece.seconds), piece.output
        with self.environment():
            self.output.write(place.shift(-self.window.row, -self.window.col), target.image, target.validity, done)
        piece.seconds["write"] = time.perf_counter() - start
        return done


def _marks(target: Target) -> Any:
    """Return what says which pixels of a target are valid, and which are outside."""
    return target.valid if target.share else target.validity


class Output(Protocol):
    """Where a run writes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the image."""

    @property
    def block_shape(self) -> tuple[int, int]:
        """The rows and columns of the blocks that the image is stored in."""

    def check(self, bands: int, shape: tuple[int, int], by_band: bool) -> None:
        """Raise GpumaskError if so many bands of so many rows and columns don't fit.

        `by_band` says whether each band has a validity of its own.
        """

    def finished(self) -> dict[Window, Any]:
        """Return the finished tiles of an earlier run, by their windows. Values are like `done` in `write`."""

    def write(self, window: Window, image: np.ndarray, validity: np.ndarray, done: Any) -> None:
        """Write a tile at a window. `done` says what is known of the tile."""
