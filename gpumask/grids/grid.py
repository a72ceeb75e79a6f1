"""The grid: for every output pixel, where it lies in the source."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from gpumask.backends import adopt, is_device_array, on_host, one_memory
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.pixels.checks import whole_pair
from gpumask.pixels.coordinates import coordinates_at, corners_at
from gpumask.pixels.missing import check_declares_nothing, mask_of, nan_where_missing
from gpumask.pixels.values import as_held, held, same
from gpumask.pixels.window import Window, check_inside


@dataclass(frozen=True, eq=False, repr=False)
class Grid:
    """Source coordinates of output pixels, given at nodes `resolution` output pixels apart.

    An output pixel is invalid if a node that has a weight for it does not count.

    Parameters
    ----------
    row, col
        (m, n) arrays of the source coordinates at the nodes, in pixels. A whole number is a pixel's centre. Any real
        dtype is accepted and kept as float64. A node does not count if it is NaN, infinite, or masked in a masked
        array.
    resolution
        (R, C), the output pixels from node to node. Between nodes the coordinates are bilinear.
    mask
        An (m, n) array of bool or integers, non-zero where a node counts. None means that all nodes count.
    nodata
        A node whose row or col is this value (within 1e-5) does not count. None means that there is no such value.
    window
        The output pixels wanted, out of `full_shape`. None means all.
    around
        (rows, cols) after which a source begins anew, as longitudes do. 0 stands for an axis that ends. With `cols`,
        column c is the same as column c modulo cols, and the columns at both ends continue each other. A source with
        fewer columns than that ends at its edges.

    Raises
    ------
    GpumaskError
        If shapes differ, or an argument is out of its range.

    Examples
    --------
    >>> Grid([[0, 0], [8, 8]], [[0, 8], [0, 8]], resolution=(4, 4)).full_shape
    (5, 5)
    """

    row: Any
    col: Any
    resolution: tuple[int, int] = (1, 1)
    mask: Any = None
    nodata: float | None = None
    window: Window | None = None
    around: tuple[int, int] = (0, 0)

    #: Makes the coarsest grid between two places. See `gpumask.grids.projected`.
    between: ClassVar[Callable[..., Grid]]

    def __post_init__(self) -> None:
        """Accept arrays of every kind, and check what can be checked without reading a coordinate."""
        self._adopt_arrays()
        self._set("resolution", check_resolution(self.resolution))
        if self.nodata is not None and not isinstance(self.nodata, int | float | np.number):
            raise ArgumentTypeError(f"grid.nodata: expected a number or None; got {self.nodata!r}")
        self._round_nodata()
        for name in ("row", "col"):
            self._set(name, getattr(self, name).astype(np.float64, copy=False))
        if self.window is not None:
            check_inside("grid.window", self.window, self.full_shape)
        self._set("around", _check_around(self.around))

    def _adopt_arrays(self) -> None:
        """Adopt row, col and mask, and check their shapes. What a masked array masks does not count."""
        for name in ("row", "col", "mask"):
            given = getattr(self, name)
            if given is not None:
                if self.nodata is None or name == "mask":
                    check_declares_nothing(f"grid.{name}", given)
                given = given.filled(0) if name == "mask" and mask_of(given) is not None else nan_where_missing(given)
                self._set(name, adopt(f"grid.{name}", given))
        if self.row is None or self.row.ndim != 2 or 0 in self.row.shape:
            raise GpumaskError(f"grid.row: expected a (row, col) array with at least one node; got {_shape(self.row)}")
        if self.col is None:
            raise GpumaskError("grid.col: expected an array; got None")
        for name in ("col", "mask"):
            array = getattr(self, name)
            if array is not None and array.shape != self.row.shape:
                raise GpumaskError(
                    f"grid.{name}: expected shape {self.row.shape}, the shape of grid.row; got {array.shape}"
                )
        one_memory(self.row, self.col, self.mask)

    def _round_nodata(self) -> None:
        """Round the nodata value as the rows hold it. Where the columns hold another value, make their nodata NaN."""
        if self.nodata is None:
            return
        row, col = (
            held("grid.nodata", self.nodata, nodes.dtype if nodes.dtype.kind == "f" else np.dtype(np.float64))
            for nodes in (self.row, self.col)
        )
        self._set("nodata", row)
        if not same(row, col):
            self._set("col", np.where(near(self.col, col), np.nan, self.col))

    def _set(self, name: str, value: Any) -> None:
        """Set a field of this frozen class while it is made."""
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        (m, n), window = self.row.shape, f", {self.window}" if self.window else ""
        around = f", around={self.around}" if any(self.around) else ""
        return f"Grid({m} x {n} nodes, resolution={self.resolution}{window}{around})"

    @property
    def full_shape(self) -> tuple[int, int]:
        """The rows and columns at full resolution: ((m - 1) * R + 1, (n - 1) * C + 1)."""
        return full_shape(self.row.shape, self.resolution)

    @property
    def output(self) -> Window:
        """The window of the output pixels wanted."""
        return self.window or Window.of_shape(self.full_shape)

    @property
    def shape(self) -> tuple[int, int]:
        """The rows and columns of the output."""
        return self.output.shape

    def crop(self, window: Window, margin: int = 0) -> Grid:
        """Return the grid for a part of the output, with only the nodes that it needs.

        Parameters
        ----------
        window
            The part, in output pixels of this grid, counted from the start of its own `output`.
        margin
            Keep the nodes that so many output pixels around the part need too. Corners of pixels need 1.

        Returns
        -------
        Grid
            The smaller grid. Its coordinates are the same.

        Raises
        ------
        GpumaskError
            If the window is empty or reaches beyond the output.

        Examples
        --------
        >>> Grid([[0, 0, 0], [8, 8, 8]], [[0, 8, 16], [0, 8, 16]], resolution=(4, 4)).crop(Window(1, 5, 2, 2))
        Grid(2 x 2 nodes, resolution=(4, 4), Window(row=1, col=1, rows=2, cols=2))
        """
        check_inside("window", window, self.shape)
        wanted = window.shift(self.output.row, self.output.col)
        nodes = node_window(wanted.pad(margin).intersect(Window.of_shape(self.full_shape)), self.resolution)
        rows, cols = nodes.slices
        return replace(
            self,
            row=self.row[rows, cols],
            col=self.col[rows, cols],
            mask=None if self.mask is None else self.mask[rows, cols],
            window=wanted.shift(-nodes.row * self.resolution[0], -nodes.col * self.resolution[1]),
        )

    def counts(self) -> Any:
        """Compute which nodes count.

        Returns
        -------
        array
            An (m, n) bool array, True where a node counts.

        Examples
        --------
        >>> Grid([[0.0, np.nan]], [[0.0, 1.0]]).counts()
        array([[ True, False]])
        """
        counts = np.isfinite(self.row) & np.isfinite(self.col)
        if self.mask is not None:
            counts &= self.mask != 0
        if self.nodata is not None:
            counts &= ~near_nodata(self.row, self.col, self.nodata)
        return counts

    def displaced(self, first: tuple[int, int] = (0, 0)) -> Grid:
        """Return the grid that has these coordinates as offsets from where each node lies in the output.

        The displacement grids of OTB are such offsets. They say how many rows down and columns right of its own output
        pixel each place in the source lies.

        Parameters
        ----------
        first
            The (row, col) of this grid's first node, in nodes of the whole grid.

        Returns
        -------
        Grid
            The grid with absolute coordinates.

        Examples
        --------
        >>> Grid([[0.5, 0.5]], [[0.0, 1.0]], resolution=(1, 4)).displaced().col
        array([[0., 5.]])
        """
        rows, cols = (
            np.arange(k, k + count, like=self.row) * float(step)
            for k, count, step in zip(first, self.row.shape, self.resolution, strict=True)
        )
        return self.shifted(rows[:, None], cols)

    def shifted(self, rows: Any, cols: Any) -> Grid:
        """Return the grid with something added to its coordinates.

        Parameters
        ----------
        rows
            What is added to the rows: a number, or an array that broadcasts with the nodes.
        cols
            What is added to the columns.

        Returns
        -------
        Grid
            The new grid. Nodes that don't count are NaN in it.

        Examples
        --------
        >>> Grid([[0.0, 0.0]], [[0.0, 1.0]]).shifted(0, 10).col
        array([[10., 11.]])
        """
        for added in (rows, cols):
            if getattr(added, "ndim", 0):
                one_memory(self.row, adopt("grid.shifted", added))
        counts = self.counts()
        row, col = np.where(counts, self.row + rows, np.nan), np.where(counts, self.col + cols, np.nan)
        return replace(self, row=row, col=col, mask=None, nodata=None)

    def source_window(self, margin: int, around: tuple[int, int] = (0, 0)) -> Window:
        """Return the smallest window of source pixels that holds every pixel within `margin` of a coordinate.

        Parameters
        ----------
        margin
            Pixels to add on every side.
        around
            (rows, cols) after which the source begins anew. 0 stands for an axis that ends. If a grid with a node for
            each pixel has coordinates in several turns, the window lies in one turn.

        Returns
        -------
        Window
            The window. It may reach beyond the source. It has no pixels if no node counts.

        Notes
        -----
        Bilinear interpolation stays between its nodes. So the nodes that count, and the output's edges between them,
        give the exact window. A grid on a device is brought to the host for this.

        Examples
        --------
        >>> Grid([[2.5, 2.5]], [[3.0, 7.0]], resolution=(1, 4)).source_window(1)
        Window(row=1, col=2, rows=4, cols=7)
        """
        row, col = self._on_host()._extremes()
        counts = np.isfinite(row) & np.isfinite(col)
        if not counts.any():
            return Window(0, 0, 0, 0)
        (top, bottom), (left, right) = (
            _ends(at[counts], n) for at, n in zip((row, col), self._turns(around), strict=True)
        )
        return Window(top, left, bottom - top + 1, right - left + 1).pad(margin)

    def covered_window(self, around: tuple[int, int] = (0, 0)) -> Window:
        """Return a window that holds every source pixel that an output pixel covers.

        Parameters
        ----------
        around
            See `source_window`.

        Returns
        -------
        Window
            The window. It may reach beyond the source. It has no pixels if no output pixel has all its corners.

        Notes
        -----
        Corners of output pixels lie between nodes, or up to half a pixel beyond. So the nodes inside, and the corners
        along the edges, give the window.

        Examples
        --------
        >>> Grid([[0, 0], [8, 8]], [[0, 8], [0, 8]], resolution=(2, 2)).covered_window()
        Window(row=-3, col=-3, rows=15, cols=15)
        """
        here = self._on_host()
        counts, (rows, cols), output = here.counts(), here.resolution, here.output
        nodes = node_window(output, here.resolution)
        ys, xs = np.arange(output.row, output.row_stop + 1), np.arange(output.col, output.col_stop + 1)
        edges = (ys[[0, -1]], _corners_and_cells(xs, cols)), (_corners_and_cells(ys, rows), xs[[0, -1]])
        turns, found = self._turns(around), []
        for coordinate, period in zip((here.row, here.col), turns, strict=True):
            known = np.where(counts, coordinate, np.nan)
            with np.errstate(invalid="ignore", over="ignore"):
                corners = [corners_at(known, here.resolution, y, x, period).ravel() for y, x in edges]
            places = np.concatenate([*corners, known[nodes.slices].ravel()])
            found.append(places[np.isfinite(places)])
        if not all(map(len, found)):
            return Window(0, 0, 0, 0)
        ends = [_ends(places, n) for places, n in zip(found, turns, strict=True)]
        return Window.of_axes(*((first, last - first + 1) for first, last in ends)).pad(1)

    def _turns(self, around: tuple[int, int]) -> tuple[int, int]:
        """Return the (rows, cols) after which nodes begin anew. In a coarse grid pixels may lie between two turns."""
        return around if self.resolution == (1, 1) else (0, 0)

    def _on_host(self) -> Grid:
        """Return the grid with its arrays in host memory."""
        if not is_device_array(self.row):
            return self
        mask = None if self.mask is None else on_host("grid.mask", self.mask)
        return replace(self, row=on_host("grid.row", self.row), col=on_host("grid.col", self.col), mask=mask)

    def _extremes(self) -> tuple[Any, Any]:
        """Return (row, col) arrays that have the least and the greatest coordinates of the output, NaN for none."""
        nodes, output = node_window(self.output, self.resolution).slices, self.output
        counts = self.counts()[nodes]
        row, col = (np.where(counts, coordinate[nodes], np.nan) for coordinate in (self.row, self.col))
        if self.resolution == (1, 1):
            return row, col
        ends = (output.row, output.row_stop, self.resolution[0]), (output.col, output.col_stop, self.resolution[1])
        ys, xs = (
            _ends_and_nodes(first - nodes_at.start * step, stop - nodes_at.start * step, step)
            for (first, stop, step), nodes_at in zip(ends, nodes, strict=True)
        )
        with np.errstate(invalid="ignore", over="ignore"):
            return coordinates_at(row, self.resolution, ys, xs), coordinates_at(col, self.resolution, ys, xs)


def _ends_and_nodes(first: int, stop: int, step: int) -> np.ndarray:
    """Return the output's first and last row, or column, and the rows or columns of the nodes between them."""
    return np.unique([first, *range(-(-first // step) * step, stop, step), stop - 1])


def _corners_and_cells(at: np.ndarray, step: int) -> np.ndarray:
    """Return, of the corners of rows or columns, the first and the last, and those to both sides of each node."""
    return np.asarray(at[(at == at[0]) | (at == at[-1]) | (at % step <= 1)])


def _ends(places: np.ndarray, period: int) -> tuple[int, int]:
    """Return the first and the last pixel of some places on an axis. With a period, the axis begins anew after it."""
    first, last = math.floor(float(places.min())), math.ceil(float(places.max()))
    if not period or last - first < period // 2:
        return first, last
    at = np.unique(np.floor(places) % period)
    widest = int(np.diff(at, append=at[0] + period).argmax())  # the widest gap, which is left out
    whole = widest + 1 == len(at)
    return int(at[0 if whole else widest + 1]), int(at[widest]) + 1 + (0 if whole else period)


def near_nodata(row: Any, col: Any, nodata: float) -> Any:
    """Say which nodes have a row or a column that is nodata."""
    return near(row, nodata) | near(col, nodata)


def near(nodes: Any, nodata: float) -> Any:
    """Say which nodes equal nodata as their dtype holds it, within 1e-5, as in kernels/coords.cuh."""
    return abs(nodes - as_held(nodata, nodes.dtype if nodes.dtype.kind == "f" else np.dtype(np.float64))) < 1e-5


def full_shape(nodes: tuple[int, int], resolution: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns at full resolution of a grid of `nodes` (rows, cols)."""
    return (nodes[0] - 1) * resolution[0] + 1, (nodes[1] - 1) * resolution[1] + 1


def node_window(output: Window, resolution: tuple[int, int]) -> Window:
    """Return the nodes that a window of output pixels needs.

    >>> node_window(Window(4, 4, 1, 2), (4, 4))
    Window(row=1, col=1, rows=1, cols=2)
    """
    first_row, first_col = output.row // resolution[0], output.col // resolution[1]
    last_row = -(-(output.row_stop - 1) // resolution[0])
    last_col = -(-(output.col_stop - 1) // resolution[1])
    return Window(first_row, first_col, last_row - first_row + 1, last_col - first_col + 1)


def check_resolution(resolution: Any, name: str = "grid.resolution") -> tuple[int, int]:
    """Return (R, C) as two ints of at least 1."""
    found = whole_pair(resolution)
    if found is None or not 1 <= min(found) <= max(found) < 2**31:
        kind = GpumaskError if found else ArgumentTypeError
        raise kind(f"{name}: expected two whole numbers from 1 on, (rows, cols); got {resolution!r}")
    return found


def _check_around(around: Any) -> tuple[int, int]:
    """Return (rows, cols) as two ints, at least one of them 0."""
    found = whole_pair(around)
    if found is None or min(found) != 0 or max(found) >= 2**31:
        kind = GpumaskError if found else ArgumentTypeError
        raise kind(f"grid.around: expected (rows, cols), two whole numbers of which one is 0; got {around!r}")
    return found


def _shape(array: Any) -> str:
    """Describe what came, for an error."""
    return "None" if array is None else f"shape {array.shape}"
