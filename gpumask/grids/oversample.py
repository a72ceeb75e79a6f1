"""Oversampling of coarse rasters: bilinear interpolation between nodes a whole number of pixels apart."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.arguments import Axes, Coarse, Out, pitch_of
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.backends.table import Table
from gpumask.errors import GpumaskError
from gpumask.grids.grid import check_resolution, full_shape
from gpumask.pixels.window import Window, check_inside


@dataclass(frozen=True, eq=False)
class Axis:
    """Where the pixels of one axis lie among its nodes.

    Attributes
    ----------
    node
        int32, for each pixel the node at it or before it.
    weight
        float64, for each pixel the weight of the next node, out of `total`. A weight of NaN makes the pixel NaN.
    total
        The sum of the weights of both nodes.
    """

    node: np.ndarray
    weight: np.ndarray
    total: float

    @classmethod
    def of_cells(cls, start: int, count: int, step: int) -> Axis:
        """Return `count` pixels from `start` on, with nodes `step` pixels apart. Weights are whole, so sums are exact.

        >>> axis = Axis.of_cells(3, 3, 4)
        >>> axis.node, axis.weight, axis.total
        (array([0, 1, 1], dtype=int32), array([3., 0., 1.]), 4.0)
        """
        return _cells(start, count, step)

    @functools.cached_property
    def fractions(self) -> Axis:
        """The same axis with rounded weights out of 1."""
        return Axis(self.node, self.weight / self.total, 1.0)

    @functools.cached_property
    def tables(self) -> tuple[Table, Table]:
        """The nodes and the weights, as the kernel reads them."""
        return Table(self.node), Table(self.weight)

    @classmethod
    def between(cls, nodes: np.ndarray, places: np.ndarray) -> Axis:
        """Return pixels at `places` among nodes at rising `nodes`. Pixels outside the nodes are NaN.

        Nodes and weights are chosen as scipy.interpolate.RegularGridInterpolator chooses them.
        """
        node = np.clip(np.searchsorted(nodes, places, side="right") - 1, 0, max(len(nodes) - 2, 0))
        after = np.minimum(node + 1, len(nodes) - 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = np.where(after > node, (places - nodes[node]) / (nodes[after] - nodes[node]), 0.0)
        inside = (places >= nodes[0]) & (places <= nodes[-1])
        return cls(node.astype(np.int32), np.where(inside, weight, np.nan), 1.0)


@functools.lru_cache(maxsize=16)
def _cells(start: int, count: int, step: int) -> Axis:
    """Return an axis of cells. See `Axis.of_cells`."""
    node, weight = np.divmod(np.arange(start, start + count), step)
    return Axis(node.astype(np.int32), weight.astype(np.float64), float(step))


def oversample(
    nodes: Any, resolution: tuple[int, int], window: Window | None = None, backend: str | None = None
) -> Any:
    """Interpolate a raster of nodes bilinearly at every pixel.

    Parameters
    ----------
    nodes
        A (row, col) or (band, row, col) array of any real dtype.
    resolution
        (R, C), the pixels from node to node. (m, n) nodes cover (m - 1) * R + 1 by (n - 1) * C + 1 pixels.
    window
        The pixels wanted. None means all.
    backend
        "cuda", "native" or "numpy". None means the default. See `use_backend`.

    Returns
    -------
    array
        An array with as many axes, in the memory of `nodes`. It is float32 for float32 nodes and float64 for all
        others. A node of weight 0 has no effect, so a NaN spoils only the pixels that have a weight for it.

    Raises
    ------
    GpumaskError
        If `nodes` has other axes or no pixels, or the window is not inside.

    Examples
    --------
    >>> oversample([[0.0, 4.0]], (1, 4), backend="numpy")
    array([[0., 1., 2., 3., 4.]])
    """
    nodes, resolution = adopt("nodes", nodes), check_resolution(resolution, "resolution")
    check_nodes("nodes", nodes, (2, 3))
    full = full_shape(nodes.shape[-2:], resolution)
    output = check_inside("window", Window.of_shape(full) if window is None else window, full)
    chosen = select(backend, nodes)
    planes = _real(nodes if nodes.ndim == 3 else nodes[None])
    rows, cols = (axis.fractions for axis in axes_of(output, resolution))
    out = oversampled(chosen, planes, rows, cols, planes.dtype)
    return chosen.to_family_of(nodes, out if nodes.ndim == 3 else out[0])


def axes_of(window: Window, resolution: tuple[int, int]) -> tuple[Axis, Axis]:
    """Return the axes of a window of pixels, with nodes `resolution` pixels apart."""
    rows = Axis.of_cells(window.row, window.rows, resolution[0])
    return rows, Axis.of_cells(window.col, window.cols, resolution[1])


def oversampled(backend: Backend, planes: Any, rows: Axis, cols: Axis, dtype: np.dtype[Any]) -> Any:
    """Interpolate (band, row, col) nodes at every pixel of two axes, in the backend's memory.

    The axes have weights out of 1. `dtype` is float32 or float64.
    """
    planes = backend.asarray(_real(planes))
    out = backend.empty((planes.shape[0], len(rows.node), len(cols.node)), dtype)
    for plane, target in zip(planes, out, strict=True):
        _run(backend, plane, rows, cols, 0.0, target)
    return out


def _real(nodes: Any) -> Any:
    """Return float32 nodes as float32, and all others as float64."""
    return nodes.astype(np.float32 if nodes.dtype.newbyteorder("=") == np.float32 else np.float64, copy=False)


def full_resolution(
    backend: Backend, planes: Any, resolution: tuple[int, int], window: Window, dtype: np.dtype[Any]
) -> Any:
    """Return a window of (band, row, col) nodes at full resolution, in `dtype` if they are interpolated."""
    if resolution == (1, 1):
        return backend.asarray(planes[..., *window.slices])
    rows, cols = (axis.fractions for axis in axes_of(window, resolution))
    computed = np.dtype(np.float32 if dtype == np.float32 else np.float64)
    return oversampled(backend, planes, rows, cols, computed).astype(dtype, copy=False)


def reaching(backend: Backend, nodes: Any, rows: Axis, cols: Axis, threshold: float) -> Any:
    """Say at every pixel of two axes whether the size of a value reaches a threshold.

    `nodes` is (row, col). For bool and integers, non-zero counts as 1. Values between nodes are bilinear. The result is
    uint8 in the backend's memory.
    """
    if nodes.dtype.kind == "f":
        nodes = _real(nodes)
    else:
        nodes = nodes.view(np.uint8) if nodes.dtype.itemsize == 1 else (nodes != 0).view(np.uint8)
    out = backend.empty((len(rows.node), len(cols.node)), np.uint8)
    _run(backend, backend.asarray(nodes), rows, cols, _least_sum(float(threshold), rows.total * cols.total), out)
    return out


def _least_sum(threshold: float, total: float) -> float:
    """Return the least float that reaches the threshold when divided by the total of the weights."""
    least = threshold * total
    while least / total < threshold:
        least = math.nextafter(least, math.inf)
    while math.nextafter(least, -math.inf) / total >= threshold:
        least = math.nextafter(least, -math.inf)
    return least


def _run(backend: Backend, nodes: Any, rows: Axis, cols: Axis, least_sum: float, out: Any) -> None:
    """Run the kernel on one plane of nodes in the backend's memory."""
    coarse = Coarse(nodes, nodes.shape[0], nodes.shape[1], pitch_of(nodes))
    (row_node, row_weight), (col_node, col_weight) = (map(backend.table, axis.tables) for axis in (rows, cols))
    axes = Axes(row_node, row_weight, rows.total, col_node, col_weight, cols.total)
    types = {"NODE_T": nodes.dtype, "OUT_T": out.dtype}
    launch(backend, "oversample", out.shape, coarse, axes, float(least_sum), Out.of(out), **types)


def check_nodes(name: str, nodes: Any, axes: tuple[int, ...]) -> None:
    """Raise GpumaskError unless an adopted array has pixels, and as many axes as asked for."""
    if nodes.ndim not in axes or 0 in nodes.shape:
        shapes = " or ".join({2: "(row, col)", 3: "(band, row, col)"}[n] for n in axes)
        raise GpumaskError(f"{name}: expected a {shapes} array with at least one pixel; got shape {nodes.shape}")
