"""Where a function is known not to be smooth, and how far off bilinear interpolation is there.

A swath bends at each of its samples, and a thin plate spline at each of its points. Between those they are smooth, so a
cell of a mesh that holds at all knots in it and next to it holds everywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from gpumask.geolocation import Geolocated
    from gpumask.mesh import Exact
    from gpumask.projection import Points

_AT_ONCE = 1 << 18  # knots
_FINEST = 64  # parts of a side of a swath's cell at most
_RINGS = (0.25, 0.5)  # of the way to the next point
_DIRECTIONS = 8


class Known(NamedTuple):
    """Rows and columns of a target, and what is there in the source, NaN where it ends; how far that has a say."""

    row: np.ndarray
    col: np.ndarray
    source_row: np.ndarray
    source_col: np.ndarray
    reach: np.ndarray


# From one row of a target to another: all knots that have a say there, some at a time, no further apart than a spacing.
Knots = Callable[[float, float, float], Iterator[Known]]


def errors_at_knots(knots: Knots, nodes: Points, places: list[np.ndarray]) -> np.ndarray:
    """Return the greatest error of each cell at the knots in it, and at those next to it as if the cell went on there.

    nodes: their rows and columns in the target. places: (rows, cols) in the source at the nodes.
    """
    errors = np.zeros([len(at) - 1 for at in nodes])
    spacing = max(float(np.diff(nodes[1]).max()) / 4, 1.0)
    for known in knots(nodes[0][0], nodes[0][-1], spacing):
        ends = list(zip(nodes, (known.row, known.col), strict=True))
        first = [np.searchsorted(at, knot - known.reach, "right") - 1 for at, knot in ends]
        last = [np.searchsorted(at, knot + known.reach, "left") - 1 for at, knot in ends]
        first = [np.maximum(cell, 0) for cell in first]
        last = [np.minimum(cell, n - 1) for cell, n in zip(last, errors.shape, strict=True)]
        across = [np.max(b - a, initial=-1) + 1 for a, b in zip(first, last, strict=True)]
        for steps in np.ndindex(*across):
            cell = [at + step for at, step in zip(first, steps, strict=True)]
            inside = np.flatnonzero((cell[0] <= last[0]) & (cell[1] <= last[1]))
            i, j = (at[inside] for at in cell)
            np.maximum.at(errors, (i, j), _error(Known(*(of[inside] for of in known)), (i, j), nodes, places))
    return errors


def _error(known: Known, cell: Points, nodes: Points, places: list[np.ndarray]) -> np.ndarray:
    """Return how far knots are from what the nodes of cells make of them; infinity where one of the two is not."""
    i, j = cell
    down, across = (
        (knot - at[k]) / np.maximum(at[k + 1] - at[k], 1)
        for knot, at, k in zip((known.row, known.col), nodes, cell, strict=True)
    )
    off = []
    for expected, at in zip((known.source_row, known.source_col), places, strict=True):
        top, bottom = at[i, j], at[i + 1, j]
        top = top + across * (at[i, j + 1] - top)
        bottom = bottom + across * (at[i + 1, j + 1] - bottom)
        off.append(top + down * (bottom - top) - expected)
    error = np.hypot(*off)
    return np.where(np.isfinite(error), error, np.inf)


@dataclass(frozen=True, eq=False)
class SwathKnots:
    """The samples of a swath. Where they are far apart there are more between them, which lie where they say.

    source_shape: up to whose first and last pixels the outer cells go on; None: unknown.
    """

    swath: Geolocated
    shape: tuple[int, int]
    source_shape: tuple[int, int] | None

    def __call__(self, first: float, last: float, spacing: float) -> Iterator[Known]:
        """Give samples, those at the end of what is known as NaN, and places between them."""
        row, col, wide, _, of_sample = self._lattice
        parts = np.exp2(np.ceil(np.log2(np.clip(wide / spacing, 1, _FINEST))))
        ends = self._ends
        reach = np.where(ends, np.maximum(of_sample, 1), _of_samples(wide / parts))
        for at in self._near([row, col], [row, col], reach, (first, last)):
            i, j = at
            u, v = (np.where(ends[at], np.nan, axis[k]) for axis, k in zip(self._axes, at, strict=True))
            yield self._known(row[i, j], col[i, j], u, v, reach[at])
        corners = [(slice(a, -1 + a or None), slice(b, -1 + b or None)) for a in (0, 1) for b in (0, 1)]
        low, high = (
            [best.reduce([at[corner] for corner in corners]) for at in (row, col)] for best in (np.fmin, np.fmax)
        )
        for number in np.unique(parts[parts > 1]).astype(int):
            within = np.arange(number + 1) / number
            p, q = (of.ravel() for of in np.meshgrid(within, within, indexing="ij"))
            size = np.where(parts == number, wide / parts, np.nan)
            for i, j in self._near(low, high, size, (first, last), len(p)):
                yield self._between(i, j, p, q, size[i, j])

    def _between(self, i: np.ndarray, j: np.ndarray, p: np.ndarray, q: np.ndarray, size: np.ndarray) -> Known:
        """Return places within cells, as parts of their sides."""
        i, j = i[:, None], j[:, None]
        at = []
        for samples in self._lattice[:2]:
            top = (1 - q) * samples[i, j] + q * samples[i, j + 1]
            at.append((1 - p) * top + p * ((1 - q) * samples[i + 1, j] + q * samples[i + 1, j + 1]))
        row, col = at
        u, v = ((1 - r) * axis[k] + r * axis[k + 1] for axis, k, r in zip(self._axes, (i, j), (p, q), strict=True))
        u, v = np.broadcast_arrays(u, v)
        return self._known(row, col, u, v, np.broadcast_to(size[:, None], row.shape))

    def _known(self, row: np.ndarray, col: np.ndarray, u: np.ndarray, v: np.ndarray, reach: np.ndarray) -> Known:
        """Return knots, from places among the samples."""
        (step_row, step_col), (row_0, col_0) = self.swath.geolocation.step, self.swath.geolocation.first
        return Known(*(at.ravel() for at in (row, col, u * step_row + row_0, v * step_col + col_0, reach)))

    def _near(
        self,
        low: list[np.ndarray],
        high: list[np.ndarray],
        reach: np.ndarray,
        rows: tuple[float, float],
        each: int = 1,
    ) -> Iterator[Points]:
        """Give the numbers of what has a say from row to row, some at a time. each: how many knots one stands for."""
        with np.errstate(invalid="ignore"):
            near = (high[0] + reach >= rows[0]) & (low[0] - reach <= rows[1])
            near &= (high[1] + reach >= 0) & (low[1] - reach <= self.shape[1] - 1)
        i, j = np.nonzero(near)
        count = max(_AT_ONCE // each, 1)
        for begin in range(0, len(i), count):
            yield i[begin : begin + count], j[begin : begin + count]

    @functools.cached_property
    def _axes(self) -> Points:
        """Where samples are along both axes, and a place before and after them up to which the outer cells go on."""
        geolocation, axes = self.swath.geolocation, []
        for axis, n in enumerate(self.swath.rows.shape):
            first, step = geolocation.first[axis], geolocation.step[axis]
            before, after = -1.0, float(n)
            if self.source_shape is not None:
                before, after = min(before, (-1 - first) / step), max(after, (self.source_shape[axis] - first) / step)
            axes.append(np.array([before, *range(n), after]))
        return axes[0], axes[1]

    @functools.cached_property
    def _lattice(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rows and columns of the target at the places of both axes; of each cell and around each sample, the width.

        A cell that is torn, or lacks a corner, is not whole and has a width of 0.
        """
        row, col = (_extended(samples, self._axes) for samples in (self.swath.rows, self.swath.cols))
        wide, whole = np.zeros([n - 1 for n in row.shape]), np.ones([n - 1 for n in row.shape], bool)
        for samples, widest in zip((row, col), self.swath.widest, strict=True):
            size = np.ptp([samples[:-1, :-1], samples[:-1, 1:], samples[1:, :-1], samples[1:, 1:]], axis=0)
            with np.errstate(invalid="ignore"):
                whole &= size <= widest if np.isfinite(widest) else np.isfinite(size)
            wide = np.maximum(wide, size)
        wide = np.where(whole, wide, 0.0)
        return row, col, wide, whole, _of_samples(wide)

    @functools.cached_property
    def _ends(self) -> np.ndarray:
        """Say which samples are next to a cell that is not whole."""
        return _of_samples(~self._lattice[3])


def _extended(samples: np.ndarray, axes: Points) -> np.ndarray:
    """Return samples with one more on each side, by the cells at the edge."""
    for axis, places in enumerate(axes):
        at = np.moveaxis(samples, axis, 0)
        before, after = places[0], places[-1] - places[-2]
        outer = at[0] + before * (at[1] - at[0]), at[-1] + after * (at[-1] - at[-2])
        samples = np.moveaxis(np.concatenate([outer[0][None], at, outer[1][None]]), 0, axis)
    return samples


def _of_samples(cells: np.ndarray) -> np.ndarray:
    """Return for each corner of cells the most of the cells that meet there."""
    around = np.pad(cells, 1)
    return np.asarray(np.maximum.reduce([around[:-1, :-1], around[:-1, 1:], around[1:, :-1], around[1:, 1:]]))


@dataclass(frozen=True, eq=False)
class SplineKnots:
    """The points of a thin plate spline, and rings around them, where it bends most.

    row, col: of the points in the target, from the centre of its first pixel.
    """

    exact: Exact
    shape: tuple[int, int]
    row: np.ndarray
    col: np.ndarray

    def __call__(self, first: float, last: float, spacing: float) -> Iterator[Known]:
        """Give those in the rows; each has a say where it is."""
        known = self._known
        yield Known(*(of[(known.row >= first) & (known.row <= last)] for of in known))

    @functools.cached_property
    def _known(self) -> Known:
        """All that are in the target."""
        apart = np.array(
            [_nearest(self.row - row, self.col - col) for row, col in zip(self.row, self.col, strict=True)]
        )
        angles = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
        around = [(0.0, 0.0), *((part * np.sin(a), part * np.cos(a)) for part in _RINGS for a in angles)]
        row, col = (
            (at + np.multiply.outer(way, apart)).ravel()
            for at, way in zip((self.row, self.col), zip(*around, strict=True), strict=True)
        )
        with np.errstate(invalid="ignore"):
            within = (row >= 0) & (row <= self.shape[0] - 1) & (col >= 0) & (col <= self.shape[1] - 1)
        row, col = row[within], col[within]
        return Known(row, col, *self.exact(row, col), np.zeros(len(row)))


def _nearest(rows: np.ndarray, cols: np.ndarray) -> float:
    """Return how far the nearest other point is."""
    apart = np.hypot(rows, cols)
    return float(apart[apart > 0].min(initial=np.inf)) if np.isfinite(apart).any() else 0.0
