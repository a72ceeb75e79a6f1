"""Knots, where a function is known not to be smooth, and the errors of bilinear interpolation there.

A swath bends at each of its samples, and a thin plate spline at each of its points. Between those they are smooth. So a
cell of a mesh holds everywhere if it holds at all knots in it and next to it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from gpumask.grids.places.affine import Exact, Points
    from gpumask.grids.places.geolocation import Geolocated

_AT_ONCE = 1 << 18  # knots at a time
_FINEST = 64  # most parts of a side of a swath's cell
_RINGS = (0.25, 0.5)  # radii of rings, as shares of the way to the next point
_DIRECTIONS = 8


class Known(NamedTuple):
    """Knots: where they are in a target and in the source, and how far around them they matter.

    The places in the source are NaN where it ends.
    """

    row: np.ndarray
    col: np.ndarray
    source_row: np.ndarray
    source_col: np.ndarray
    reach: np.ndarray


# A function that yields all knots in a target, some at a time, no further apart than a spacing.
Knots = Callable[[float], Iterator[Known]]


def errors_at_knots(knots: Knots, shape: tuple[int, int], step: int, places: np.ndarray) -> np.ndarray:
    """Return the greatest error of each cell at its knots, and at the knots next to it, to which it is extended.

    `shape` is that of the target. Its nodes are `step` pixels apart, and the last nodes are in its last row and column.
    `places` are the nodes in the source, as complex numbers: row + 1j * col.
    """
    counts = [n - 1 for n in places.shape]
    errors = np.zeros(counts[0] * counts[1])
    for known in knots(max(step / 4, 1.0)):
        ends = list(zip((known.row, known.col), counts, strict=True))
        first = [np.maximum(np.floor((at - known.reach) / step), 0).astype(np.intp) for at, _ in ends]
        last = [np.minimum(np.ceil((at + known.reach) / step) - 1, n - 1).astype(np.intp) for at, n in ends]
        across = [np.max(b - a, initial=-1) + 1 for a, b in zip(first, last, strict=True)]
        for down, right in np.ndindex(*across):
            i, j = first[0] + down, first[1] + right
            inside = np.flatnonzero((i <= last[0]) & (j <= last[1]))
            i, j, some = i[inside], j[inside], Known(*(of[inside] for of in known))
            within = [
                (at - cell * step) / np.maximum(np.minimum(step, n - 1 - cell * step), 1)
                for at, cell, n in zip((some.row, some.col), (i, j), shape, strict=True)
            ]
            np.maximum.at(errors, i * counts[1] + j, _error(some, i * places.shape[1] + j, within, places))
    return errors.reshape(counts)


def _error(known: Known, corner: np.ndarray, within: list[np.ndarray], places: np.ndarray) -> np.ndarray:
    """Return how far knots are from what the nodes of cells give. It is infinity if one of the two is not finite."""
    top, v01, bottom, v11 = (places.take(corner + step) for step in (0, 1, places.shape[1], places.shape[1] + 1))
    down, across = within
    top += across * (v01 - top)
    bottom += across * (v11 - bottom)
    top += down * (bottom - top)
    top.real -= known.source_row
    top.imag -= known.source_col
    error = abs(top)
    error[~np.isfinite(error)] = np.inf
    return np.asarray(error)


@dataclass(frozen=True, eq=False)
class SwathKnots:
    """The samples of a swath. If they are far apart, there are more knots between them, by bilinear interpolation.

    Attributes
    ----------
    swath
        The swath in the target's pixels.
    shape
        The rows and columns of the target.
    source_shape
        The rows and columns of the source. The outer cells reach to its first and last pixels. None means that they are
        unknown.
    """

    swath: Geolocated
    shape: tuple[int, int]
    source_shape: tuple[int, int] | None

    def __call__(self, spacing: float) -> Iterator[Known]:
        """Yield samples and the places between them. Samples at the end of what is known are NaN."""
        row, col, wide, _, of_sample = self._lattice
        if not wide.max() > spacing:
            yield from self._samples
            return
        parts = np.exp2(np.ceil(np.log2(np.clip(wide / spacing, 1, _FINEST))))
        yield from self._at_samples(np.where(self._ends, np.maximum(of_sample, 1), _of_samples(wide / parts)))
        low, high = ([best(at) for at in (row, col)] for best in (_least, _greatest))
        for number in np.unique(parts[parts > 1]).astype(int):
            within = np.arange(number + 1) / number
            p, q = (of.ravel() for of in np.meshgrid(within, within, indexing="ij"))
            size = np.where(parts == number, wide / parts, np.nan)
            for i, j in self._near(low, high, size, len(p)):
                yield self._between(i, j, p, q, size[i, j])

    @functools.cached_property
    def _samples(self) -> list[Known]:
        """The samples, for cells with no places between them."""
        return list(self._at_samples(np.where(self._ends, np.maximum(self._lattice[-1], 1), self._lattice[-1])))

    def _at_samples(self, reach: np.ndarray) -> Iterator[Known]:
        """Yield samples, each of which matters so far around it."""
        row, col, ends = self._lattice[0], self._lattice[1], self._ends
        for i, j in self._near([row, col], [row, col], reach):
            u = np.where(ends[i, j], np.nan, self._axes[0][i])
            yield self._known(row[i, j], col[i, j], u, self._axes[1][j], reach[i, j])

    def _between(self, i: np.ndarray, j: np.ndarray, p: np.ndarray, q: np.ndarray, size: np.ndarray) -> Known:
        """Yield places within cells, at given parts of their sides."""
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
        """Return knots at places among the samples."""
        (step_row, step_col), (row_0, col_0) = self.swath.geolocation.step, self.swath.geolocation.first
        return Known(*(at.ravel() for at in (row, col, u * step_row + row_0, v * step_col + col_0, reach)))

    def _near(
        self, low: list[np.ndarray], high: list[np.ndarray], reach: np.ndarray, each: int = 1
    ) -> Iterator[Points]:
        """Yield numbers of the knots that matter in the target, some at a time. A number stands for `each` knots."""
        with np.errstate(invalid="ignore"):
            near = np.logical_and.reduce([
                (b + reach >= 0) & (a - reach <= n - 1) for a, b, n in zip(low, high, self.shape, strict=True)
            ])  # fmt: skip
        i, j = np.nonzero(near)
        count = max(_AT_ONCE // each, 1)
        for begin in range(0, len(i), count):
            yield i[begin : begin + count], j[begin : begin + count]

    @functools.cached_property
    def _axes(self) -> Points:
        """The places of samples on both axes, and one more place at each end, up to which the outer cells extend."""
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
        """Rows and columns of the target at the places of both axes, and the width of each cell and around each sample.

        A cell that is torn or lacks a corner is not whole. Its width is 0.
        """
        row, col = (_extended(samples, self._axes) for samples in (self.swath.rows, self.swath.cols))
        wide, whole = np.zeros([n - 1 for n in row.shape]), np.ones([n - 1 for n in row.shape], bool)
        for samples, widest in zip((row, col), self.swath.widest, strict=True):
            size = _greatest(samples) - _least(samples)
            with np.errstate(invalid="ignore"):
                whole &= size <= widest if np.isfinite(widest) else np.isfinite(size)
            wide = np.maximum(wide, size)
        if self.swath.torn is not None:
            whole[1:-1, 1:-1] &= ~self.swath.torn
        wide = np.where(whole, wide, 0.0)
        return row, col, wide, whole, _of_samples(wide)

    @functools.cached_property
    def _ends(self) -> np.ndarray:
        """Which samples are next to a cell that is not whole."""
        return _of_samples(~self._lattice[3])


def _extended(samples: np.ndarray, axes: Points) -> np.ndarray:
    """Return samples with one more on each side, by extending the cells at the edge."""
    for axis, places in enumerate(axes):
        at = np.moveaxis(samples, axis, 0)
        before, after = places[0], places[-1] - places[-2]
        outer = at[0] + before * (at[1] - at[0]), at[-1] + after * (at[-1] - at[-2])
        samples = np.moveaxis(np.concatenate([outer[0][None], at, outer[1][None]]), 0, axis)
    return samples


def _least(samples: np.ndarray) -> np.ndarray:
    """Return the least of the corners of each cell."""
    rows = np.minimum(samples[:-1], samples[1:])
    return np.minimum(rows[:, :-1], rows[:, 1:])


def _greatest(samples: np.ndarray) -> np.ndarray:
    """Return the greatest of the corners of each cell."""
    rows = np.maximum(samples[:-1], samples[1:])
    return np.maximum(rows[:, :-1], rows[:, 1:])


def _of_samples(cells: np.ndarray) -> np.ndarray:
    """Return for each corner of cells the greatest value of the cells that meet there."""
    return _greatest(np.pad(cells, 1))


@dataclass(frozen=True, eq=False)
class SplineKnots:
    """The points of a thin plate spline, and rings around them, where it bends most.

    Attributes
    ----------
    exact
        The function that gives the coordinates.
    shape
        The rows and columns of the target.
    row, col
        The places of the points in the target, from the centre of its first pixel.
    """

    exact: Exact
    shape: tuple[int, int]
    row: np.ndarray
    col: np.ndarray

    def __call__(self, spacing: float) -> Iterator[Known]:
        """Yield all knots at once. Each matters where it is."""
        yield self._known

    @functools.cached_property
    def _known(self) -> Known:
        """All knots that are in the target."""
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
    """Return for each point the distance to the nearest other point."""
    apart = np.hypot(rows, cols)
    return float(apart[apart > 0].min(initial=np.inf)) if np.isfinite(apart).any() else 0.0
