"""Where grids come from: rasters of nodes, and all else that gives a grid for a window of the output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gpumask.errors import GpumaskError
from gpumask.files.reading.declared import Declared
from gpumask.files.reading.gdal import check_bands, check_open, names_file, same_shape
from gpumask.files.reading.image import MaskBand, check_mask
from gpumask.grids.grid import Grid, check_resolution, full_shape, near, node_window
from gpumask.masks.validity import all_of
from gpumask.pixels.window import Window, ranges

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


class GridSource(Protocol):
    """Where a run gets its grid from, window by window."""

    @property
    def full_shape(self) -> tuple[int, int]:
        """The rows and columns of the output."""

    @property
    def node_count(self) -> float:
        """How many nodes there are. It is infinity if no single grid has all of them."""

    @property
    def identity(self) -> str:
        """A text that tells this grid from others."""

    @property
    def around(self) -> tuple[int, int]:
        """The (rows, cols) after which the source begins anew. 0 stands for an axis that ends."""

    def parts(self, output: Window) -> Iterator[tuple[Window, tuple[int, int]]]:
        """Cut a window of the output into windows with one grid each. Yield each with the resolution of its grid."""

    def read(self, output: Window, margin: int = 0) -> Grid:
        """Return the grid for such a window, with the nodes that `margin` pixels around it need."""

    def georeference(self, output: Window) -> dict[str, Any]:
        """Return `crs` and `transform` of a window of the output, as far as they are known."""


@dataclass(frozen=True, eq=False)
class GridFile:
    """A grid in one or two datasets. See `Grid`.

    Attributes
    ----------
    row, col
        The dataset and the band number of the rows, and of the columns.
    resolution
        The output pixels from node to node.
    mask
        Which nodes count. None means that no such mask is given.
    nodata
        A node with this row or column does not count. It replaces the nodata values that `own` declares.
    shift
        (row, col), added to the coordinates of the nodes.
    displacement
        Whether a node says how far the source pixel is from the output pixel's own row and column.
    own
        What the datasets themselves say of which nodes count.
    around
        See `GridSource.around`.
    """

    row: tuple[DatasetReader, int]
    col: tuple[DatasetReader, int]
    resolution: tuple[int, int] = (1, 1)
    mask: MaskBand | None = None
    nodata: float | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    displacement: bool = False
    own: tuple[Declared, ...] = ()
    around: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        """Check that the bands exist and that all shapes agree."""
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
        """The rows and columns at full resolution."""
        return full_shape(self.row[0].shape, self.resolution)

    @property
    def node_count(self) -> float:
        """How many nodes there are."""
        return self.row[0].height * self.row[0].width

    @property
    def identity(self) -> str:
        """A text that tells this grid from others in the same files."""
        return repr((self.row[1], self.col[1], self.resolution, self.nodata, self.shift, self.displacement))

    def parts(self, output: Window) -> Iterator[tuple[Window, tuple[int, int]]]:
        """Yield the window with its resolution. One grid serves the whole output."""
        yield output, self.resolution

    def read(self, output: Window, margin: int = 0) -> Grid:
        """Read the nodes for a window of the output, and those that `margin` pixels around it need."""
        around = output.pad(margin).intersect(Window.of_shape(self.full_shape))
        nodes = node_window(around, self.resolution)
        with names_file("grid", self.row[0], nodes):
            row, col = (dataset.read(band, window=ranges(nodes)) for dataset, band in (self.row, self.col))
        grid = Grid(
            row,
            col,
            resolution=self.resolution,
            mask=all_of(self._counts(nodes, row, col)),
            nodata=self.nodata,
            window=output.shift(-nodes.row * self.resolution[0], -nodes.col * self.resolution[1]),
            around=self.around,
        )
        if self.displacement:
            grid = grid.displaced((nodes.row, nodes.col))
        return grid.shifted(*self.shift) if any(self.shift) else grid

    def _counts(self, nodes: Window, row: np.ndarray, col: np.ndarray) -> Iterator[np.ndarray]:
        """Yield uint8 arrays that say which nodes of a window count."""
        if self.mask is not None:
            yield self.mask.read(nodes, "grid mask")
        for own in self.own:
            with names_file("grid", own.dataset, nodes):
                yield from own.of_all(nodes)
                masks = [own.of_band(place, nodes, None) for place in range(len(own.bands))]
            yield from (mask for mask in masks if mask is not None)
        if self.nodata is None:
            declared = (nodata for own in self.own for nodata in own.nodata)
            for values, nodata in zip((row, col), declared, strict=bool(self.own)):
                if nodata is not None and np.isfinite(nodata):  # a node that is not finite never counts
                    yield (~near(values, nodata)).view(np.uint8)

    def georeference(self, output: Window) -> dict[str, Any]:
        """Return `crs` and `transform` of a window of the output, as far as the grid's dataset has them.

        The centre of the first node is the centre of the first output pixel.
        """
        dataset, (rows, cols) = self.row[0], self.resolution
        a, b, c, d, e, f = dataset.transform[:6]
        found = {} if dataset.crs is None else {"crs": dataset.crs}
        if (a, b, c, d, e, f) == (1, 0, 0, 0, 1, 0):  # rasterio's answer for a raster without a transform
            return found
        x, y = 0.5 + (output.col - 0.5) / cols, 0.5 + (output.row - 0.5) / rows
        affine = type(dataset.transform)
        return {
            **found,
            "transform": affine(a / cols, b / rows, a * x + b * y + c, d / cols, e / rows, d * x + e * y + f),
        }
