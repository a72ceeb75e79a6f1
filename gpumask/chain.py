"""Files: resample from open datasets to open datasets, tile by tile.

Each tile reads the nodes that it needs, the source pixels that these reach, and no more, so memory grows with the tile.
Tiles change nothing: coordinates come from the same nodes with the same weights, and a window of the source holds every
pixel that has a weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpumask.backends import Backend, select_for_files
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grid import Grid, check_resolution, full_shape, node_window
from gpumask.interp import Interpolator
from gpumask.mask import Part, all_of
from gpumask.resample import Source, Target, held, output_type, resample_into
from gpumask.window import Window, check_inside

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter

# A tile that needs more of the source than this is cut in four.
_MOST_SOURCE_BYTES = 1 << 28


@dataclass(frozen=True, eq=False)
class MaskBand:
    """A band that says what is valid: where it equals `valid_value`, or, where that is None, where it is not 0."""

    dataset: DatasetReader
    band: int = 1
    valid_value: float | None = None

    def read(self, window: Window) -> np.ndarray:
        """Read a window as uint8, 1 where valid."""
        values = self.dataset.read(self.band, window=ranges(window))
        valid = values != 0 if self.valid_value is None else values == self.valid_value
        return valid.view(np.uint8)


@dataclass(frozen=True, eq=False)
class SourceFile:
    """Bands of a dataset, and where they are valid.

    own_mask: whether a pixel is invalid that the dataset itself masks in any of the bands: by its nodata value, by a
    mask band, or by an alpha band that is 0.
    parts: what else says which of its pixels are valid.
    """

    dataset: DatasetReader
    bands: tuple[int, ...]
    mask: MaskBand | None = None
    own_mask: bool = False
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        """Check that the bands are there and of one real dtype, and that the mask fits."""
        check_open("source", self.dataset)
        check_bands("bands", self.dataset, self.bands)
        dtypes = {self.dataset.dtypes[band - 1] for band in self.bands}
        if len(dtypes) > 1:
            raise GpumaskError(f"bands: expected one dtype; got {', '.join(sorted(dtypes))}")
        check_mask("source mask", self.mask, self.dataset.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the bands."""
        return np.dtype(self.dataset.dtypes[self.bands[0] - 1])

    def read(self, window: Window, backend: Backend) -> Source:
        """Read a window of all bands and of the masks, in host memory; parts are made by the backend."""
        image = self.dataset.read(list(self.bands), window=ranges(window))
        return Source(image, all_of(self._validities(window, backend)), (window.row, window.col))

    def _validities(self, window: Window, backend: Backend) -> Iterator[np.ndarray]:
        """Yield what each mask says of a window."""
        if self.mask:
            yield self.mask.read(window)
        if self.own_mask and self._has_own_mask:
            yield self.dataset.read_masks(list(self.bands), window=ranges(window)).all(axis=0).view(np.uint8)
        for part in self.parts:
            yield np.asarray(backend.to_family_of(np.empty(0), part.validity(window, backend)))

    @property
    def _has_own_mask(self) -> bool:
        """Whether the dataset masks any of the bands."""
        flags = self.dataset.mask_flag_enums
        return any(flag.name != "all_valid" for band in self.bands for flag in flags[band - 1])


@dataclass(frozen=True, eq=False)
class GridFile:
    """A grid in one dataset or two; see `Grid`. `shift` (row, col) is added to the nodes' coordinates."""

    row: tuple[DatasetReader, int]
    col: tuple[DatasetReader, int]
    resolution: tuple[int, int] = (1, 1)
    mask: MaskBand | None = None
    nodata: float | None = None
    shift: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Check that the bands are there and that all shapes are one."""
        for name, (dataset, band) in {"grid row": self.row, "grid col": self.col}.items():
            check_open(name, dataset)
            check_bands(f"{name} band", dataset, (band,))
        if self.row[0] is self.col[0] and self.row[1] == self.col[1]:
            raise GpumaskError(f"grid col band: expected another band than that of the rows; got {self.col[1]}")
        same_shape("grid col", self.col[0].shape, self.row[0].shape)
        object.__setattr__(self, "resolution", check_resolution(self.resolution))
        check_mask("grid mask", self.mask, self.row[0].shape)

    @property
    def full_shape(self) -> tuple[int, int]:
        """Rows and columns at full resolution."""
        return full_shape(self.row[0].shape, self.resolution)

    def read(self, output: Window) -> Grid:
        """Read the nodes for a window of the output."""
        nodes = node_window(output, self.resolution)
        row, col = (dataset.read(band, window=ranges(nodes)) for dataset, band in (self.row, self.col))
        grid = Grid(
            row,
            col,
            resolution=self.resolution,
            mask=self.mask.read(nodes) if self.mask else None,
            nodata=self.nodata,
            window=output.shift(-nodes.row * self.resolution[0], -nodes.col * self.resolution[1]),
        )
        return grid.shifted(*self.shift) if any(self.shift) else grid

    def georeference(self, output: Window) -> dict[str, Any]:
        """Return what of `crs` and `transform` the grid's dataset has, for a window of the output.

        The first node's centre is the first output pixel's.
        """
        dataset, (rows, cols) = self.row[0], self.resolution
        a, b, c, d, e, f = dataset.transform[:6]
        found = {} if dataset.crs is None else {"crs": dataset.crs}
        if (a, b, c, d, e, f) == (1, 0, 0, 0, 1, 0):  # what rasterio says where there is none
            return found
        x, y = 0.5 + (output.col - 0.5) / cols, 0.5 + (output.row - 0.5) / rows
        affine = type(dataset.transform)
        return {
            **found,
            "transform": affine(a / cols, b / rows, a * x + b * y + c, d / cols, e / rows, d * x + e * y + f),
        }


@dataclass(frozen=True)
class Job:
    """How to resample, and in which tiles. `nodata` is in the output's dtype; `window` None is the whole output."""

    interp: Interpolator
    nodata: float | None = 0
    window: Window | None = None
    tile_shape: tuple[int, int] = (1000, 1000)
    compute_dtype: str = "float64"
    backend: str | None = None


class Summary(NamedTuple):
    """What a run did: output pixels, how many of them are valid, and the backend's name."""

    pixels: int
    valid: int
    backend: str


def resample_datasets(
    source: SourceFile,
    grid: GridFile,
    image: DatasetWriter,
    job: Job,
    validity: DatasetWriter | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Resample from open datasets to open datasets; the output's window begins at their first pixel.

    image: as many bands as the source has, of one dtype; validity: its first band becomes 1 where valid, 0 elsewhere.
    progress: called as progress(done, total), in output pixels.
    Raises GpumaskError before anything is read or written where the datasets don't fit the job.
    """
    output = job.window or Window.of_shape(grid.full_shape)
    check_inside("window", output, grid.full_shape)
    _check_outputs(source, output, image, validity)
    dtype, nodata = output_type(source.dtype, image.dtypes[0], job.nodata)
    backend = select_for_files(job.backend)
    done = valid = 0
    for tile in output.tiles(*job.tile_shape):
        for part in _parts(tile, grid, source, job.interp):
            result = _resample_part(backend, source, part, job, (dtype, nodata))
            where = ranges(part.output.shift(-output.row, -output.col))
            image.write(result.image, window=where)
            if validity is not None:
                validity.write(result.validity, 1, window=where)
            valid += int(np.count_nonzero(result.validity))
            done += result.validity.size
            if progress:
                progress(done, output.rows * output.cols)
    return Summary(done, valid, backend.name)


class _Part(NamedTuple):
    """A part of the output: its window, the grid for it, and the window of the source that it needs."""

    output: Window
    grid: Grid
    source: Window


def _parts(tile: Window, grid: GridFile, source: SourceFile, interp: Interpolator) -> Iterator[_Part]:
    """Yield a tile, or its quarters where it needs too much of the source."""
    nodes = grid.read(tile)
    reach = nodes.source_window(interp.margin).intersect(Window.of_shape(source.dataset.shape))
    size = reach.rows * reach.cols * len(source.bands) * source.dtype.itemsize
    if size <= _MOST_SOURCE_BYTES or tile.shape == (1, 1):
        yield _Part(tile, nodes, reach)
        return
    for quarter in tile.tiles(-(-tile.rows // 2), -(-tile.cols // 2)):
        yield from _parts(quarter, grid, source, interp)


def _resample_part(
    backend: Backend, source: SourceFile, part: _Part, job: Job, out: tuple[np.dtype[Any], float]
) -> Target:
    """Read, resample, and return host arrays."""
    shape, (dtype, nodata) = part.output.shape, out
    if part.source.is_empty:
        image = np.full((len(source.bands), *shape), nodata, dtype)
        return Target(image, np.zeros(shape, np.uint8), nodata)
    target = Target(backend.empty((len(source.bands), *shape), dtype), backend.empty(shape, np.uint8), nodata)
    pixels = source.read(part.source, backend)
    resample_into(backend, pixels, part.grid, job.interp, target, job.compute_dtype)
    image, validity = (backend.to_family_of(pixels.image, array) for array in (target.image, target.validity))
    return Target(image, validity, nodata)


def ranges(window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return a window as rasterio takes it."""
    return (window.row, window.row_stop), (window.col, window.col_stop)


def check_open(name: str, dataset: Any) -> None:
    """Raise GpumaskError unless this is a dataset that is open."""
    if not hasattr(dataset, "dtypes"):
        raise ArgumentTypeError(f"{name}: expected an open dataset; got {type(dataset).__name__}")
    if getattr(dataset, "closed", False):
        raise GpumaskError(f"{name}: expected an open dataset; got {dataset!r}")


def check_bands(name: str, dataset: DatasetReader, bands: tuple[int, ...]) -> None:
    """Raise GpumaskError unless all bands are there and real, and there are any."""
    if not bands:
        raise GpumaskError(f"{name}: expected at least one; got none")
    for band in bands:
        if not 1 <= band <= dataset.count:
            raise GpumaskError(f"{name}: expected 1 to {dataset.count}, the bands of {dataset.name}; got {band}")
        if "complex" in dataset.dtypes[band - 1]:
            raise GpumaskError(f"{name}: expected a real dtype in {dataset.name}; got {dataset.dtypes[band - 1]}")


def check_mask(name: str, mask: MaskBand | None, shape: tuple[int, int]) -> None:
    """Raise GpumaskError unless the mask is there and fits."""
    if mask is not None:
        check_open(name, mask.dataset)
        check_bands(f"{name} band", mask.dataset, (mask.band,))
        same_shape(name, mask.dataset.shape, shape)
        if mask.valid_value is not None:
            held(f"{name} valid value", mask.valid_value, np.dtype(mask.dataset.dtypes[mask.band - 1]))


def same_shape(name: str, shape: tuple[int, int], expected: tuple[int, int]) -> None:
    """Raise GpumaskError where the shapes of two datasets differ."""
    if shape != expected:
        raise GpumaskError(f"{name}: expected {expected[0]} x {expected[1]} pixels; got {shape[0]} x {shape[1]}")


def _check_outputs(source: SourceFile, output: Window, image: DatasetWriter, validity: DatasetWriter | None) -> None:
    """Raise GpumaskError where the outputs can't hold the result."""
    for name, dataset in {"image": image, **({} if validity is None else {"validity": validity})}.items():
        check_can_hold(name, dataset, output.shape)
    if image.count != len(source.bands) or len(set(image.dtypes)) > 1:
        raise GpumaskError(
            f"image: expected {len(source.bands)} bands of one dtype, as the source's; got {', '.join(image.dtypes)}"
        )


def check_can_hold(name: str, dataset: DatasetWriter, shape: tuple[int, int]) -> None:
    """Raise GpumaskError unless a dataset can be written to and has as many pixels, or more."""
    check_open(name, dataset)
    if getattr(dataset, "mode", "r") == "r":
        raise ArgumentTypeError(f"{name}: expected a dataset that is open to be written; got {dataset!r}")
    if not Window.of_shape(dataset.shape).contains(Window.of_shape(shape)):
        raise GpumaskError(
            f"{name}: expected {shape[0]} x {shape[1]} pixels or more; got {dataset.height} x {dataset.width}"
        )
