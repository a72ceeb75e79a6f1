"""Nodes for coordinates that a function gives: as few as bilinear interpolation between them allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpumask.grids.grid import Grid, node_window
from gpumask.grids.places.affine import Exact
from gpumask.grids.places.knots import Knots, errors_at_knots
from gpumask.grids.places.terrain import BEYOND, BLOCK, Terrain
from gpumask.pixels.window import Window

# Rows and columns of a source. None stands for an axis that goes around. Every place lies within it.
Shape = tuple[int | None, int | None]

# The most pixels from node to node, and the rows and columns of a block. Blocks where nodes are not good enough have a
# node at each pixel.
_MOST, _BLOCK = 256, 128
_SURE = 0.9  # share of the allowed error that may be measured. Elsewhere in a cell it may be a little greater.
_FLAT = 0.25  # share of the allowed error that heights may make
_CELLS = 4  # least cells along each axis. A lone cell may be right at its centre by symmetry alone.
_POINTS = 1 << 18  # points at a time
_EVEN = 8  # errors up to so many times the usual error are still taken as alike
_THIN = 8  # with many cells, one of so many rows and columns of them is looked at
# Decimal digits of coordinates. Projections are rounded, and pixels that lie on each other must do so exactly.
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Mesh:
    """Coordinates of an output, with nodes `step` pixels apart. Blocks of `fine` have a node at each pixel.

    Attributes
    ----------
    exact
        The function that gives the coordinates.
    shape
        The rows and columns of the output.
    source_shape
        The rows and columns of the source. None means that they are unknown.
    step
        The pixels from node to node.
    fine
        Which blocks of _BLOCK rows and columns have a node at each pixel.
    terrain
        A faster way to the coordinates of all pixels of a window, for a slow function.
    """

    exact: Exact
    shape: tuple[int, int]
    source_shape: Shape | None
    step: int
    fine: np.ndarray
    terrain: Terrain | None = None

    @property
    def is_uniform(self) -> bool:
        """Whether one grid serves the whole output."""
        return self.step == 1 or not self.fine.any()

    def parts(self, window: Window) -> Iterator[Window]:
        """Cut a window of the output into windows that one grid each serves."""
        rows, cols = (slice(at.start // _BLOCK, -(-at.stop // _BLOCK)) for at in window.slices)
        fine = self.fine[rows, cols]
        if self.is_uniform or not fine.any() or fine.all():
            yield window
            return
        for top, bottom in _runs(fine):
            for left, right in _runs(fine[top]):
                blocks = Window(rows.start + top, cols.start + left, bottom - top, right - left)
                pixels = (_BLOCK * n for n in (blocks.row, blocks.col, blocks.rows, blocks.cols))
                yield Window(*pixels).intersect(window)

    def step_at(self, part: Window) -> int:
        """Return the pixels from node to node in a part."""
        return 1 if self.fine[part.row // _BLOCK, part.col // _BLOCK] else self.step

    def read(self, part: Window, margin: int = 0) -> Grid:
        """Return the grid of a part of the output, with the nodes that `margin` pixels around it need.

        An output of one row, or one column, has two of nodes, so that its pixels have corners.
        """
        step = self.step_at(part)
        nodes = node_window(part.pad(margin).intersect(Window.of_shape(self.shape)), (step, step))
        rows, cols = (count if n > 1 else 2 for count, n in zip(nodes.shape, self.shape, strict=True))
        nodes = Window(nodes.row, nodes.col, rows, cols)
        if step == 1 and self.terrain is not None and min(self.shape) > 1:
            row, col = self.terrain(nodes)
        else:
            row, col = _nodes(self.exact, self.shape, step, nodes)
        row, col = _rounded(row, col)
        # Pixels far from the source must not widen the window that is read.
        if step == 1 and self.source_shape is not None:
            _forget_far(row, col, self.source_shape)
        return Grid(row, col, (step, step), window=part.shift(-nodes.row * step, -nodes.col * step))


def mesh(
    exact: Exact,
    shape: tuple[int, int],
    source_shape: Shape | None,
    max_error: float,
    uniform: bool = False,
    uneven: Terrain | Knots | None = None,
) -> Mesh:
    """Return a mesh whose coordinates are at most `max_error` source pixels off.

    Errors are measured at the centres and edges of cells. Between these the function is taken to be smooth, except
    where `uneven` knows better. With a max_error of 0 there is a node for each pixel.

    Cells that don't reach a source of `source_shape` need not hold. Without a `source_shape`, all cells must. With
    `uniform`, one grid serves the whole output. Otherwise a few blocks may have exact coordinates, if half the step
    would need more points.
    """
    everywhere = np.ones([-(-n // _BLOCK) for n in shape], bool)
    if max_error == 0:
        return Mesh(exact, shape, source_shape, 1, everywhere)
    terrain = uneven if isinstance(uneven, Terrain) else None
    known = np.zeros_like(everywhere)
    most = max_error * _SURE
    if terrain is not None:
        known = terrain.uneven(source_shape, _FLAT * most).repeat(BLOCK // _BLOCK, 0).repeat(BLOCK // _BLOCK, 1)
        known = known[: everywhere.shape[0], : everywhere.shape[1]]
        most *= 1 - _FLAT
    asked = _Asked(exact, shape, source_shape, most, known, None if isinstance(uneven, Terrain) else uneven)
    step = min(_MOST, 1 << max(min(shape) // _CELLS, 1).bit_length() - 1)
    while step > 1 and not (known.any() if uniform else known.all()):
        found = _Measured.of(asked, step)
        if terrain is None and found.bad_pixels == 0 and found.error > 0:
            wider = int(min(step * np.sqrt(most) / np.sqrt(found.error), 2 * step - 1, _MOST))
            tried = _Measured.of(asked, wider) if wider > step else found
            found, step = (tried, wider) if tried.bad_pixels == 0 else (found, step)
        more_points = 0 if uniform else 12 * shape[0] * shape[1] / step**2
        if found.bad_pixels <= more_points:
            return Mesh(exact, shape, source_shape, step, found.fine | known, terrain)
        step = found.finer(step, most)
        if terrain is not None:  # a cell must not lie in two blocks of the terrain, as one of them may be even
            step = 1 << step.bit_length() - 1
    return Mesh(exact, shape, source_shape, 1, everywhere, terrain)


@dataclass(frozen=True)
class _Asked:
    """What a mesh must be like. Blocks of `known` have a node for each pixel in any case."""

    exact: Exact
    shape: tuple[int, int]
    source_shape: Shape | None
    max_error: float
    known: np.ndarray
    knots: Knots | None


@dataclass
class _Measured:
    """How good a step is.

    Attributes
    ----------
    shape
        The rows and columns of the output.
    fine
        Blocks with a cell that does not hold, without the known blocks.
    error
        The greatest error, in source pixels, of cells that reach the source and hold.
    some
        The errors of some cells.
    """

    shape: tuple[int, int]
    fine: np.ndarray
    error: float = 0.0
    some: list[np.ndarray] = field(default_factory=list)

    @property
    def bad_pixels(self) -> int:
        """How many pixels are in blocks with a cell that does not hold."""
        rows, cols = (np.minimum(_BLOCK, n - _BLOCK * np.arange(-(-n // _BLOCK))) for n in self.shape)
        return int((np.outer(rows, cols) * self.fine).sum())

    def finer(self, step: int, max_error: float) -> int:
        """Return the step to try next. Errors grow with the square of the step. If they say nothing, halve the step.

        A few cells may be far worse than the others, as around a pole. Then it is enough that most cells hold. The next
        step is at least an eighth, as the errors of large cells tell little of small ones.
        """
        known = np.concatenate(self.some)
        known = known[np.isfinite(known) & (known > 0)]
        if not len(known):
            return step // 2
        most, usual = known.max(), np.quantile(known, 0.75)
        wanted = int(step * np.sqrt(max_error / (most if most < _EVEN * usual else usual)))
        return max(wanted, step // 8, 1) if wanted < step else step // 2

    @classmethod
    def of(cls, asked: _Asked, step: int) -> _Measured:
        """Measure all cells, in strips of rows."""
        made = cls(asked.shape, np.zeros_like(asked.known))
        rows, cols = (_with_centres(n, step) for n in asked.shape)
        strip = max(_POINTS // (2 * len(cols)), 1)
        at_knots = asked.knots is not None and step > 2  # with smaller steps the centres are all the pixels
        nodes = []
        for first in range(0, len(rows) // 2, strip):
            some = rows[2 * first : 2 * (first + strip) + 1]
            with np.errstate(all="ignore"):
                row, col = asked.exact(some[:, None], cols)
                made._take(_errors(row, col, asked.source_shape), first, step, asked)
            if at_knots:
                nodes.append((row[::2, ::2] + 1j * col[::2, ::2])[int(first > 0) :])
        if asked.knots is not None and at_knots:
            with np.errstate(all="ignore"):
                made._take(errors_at_knots(asked.knots, asked.shape, step, np.concatenate(nodes)), 0, step, asked)
        made.fine &= ~asked.known
        return made

    def _take(self, error: np.ndarray, first: int, step: int, asked: _Asked) -> None:
        """Take in the errors of rows of cells, from row `first` on. Errors in known blocks don't count."""
        blocks = [
            np.minimum((np.arange(n)[:, None] + begin) * step + _within(step), size - 1) // _BLOCK
            for n, begin, size in zip(error.shape, (first, 0), self.shape, strict=True)
        ]
        known = asked.known[blocks[0]].all(axis=1)[:, blocks[1]].all(axis=2)
        error = np.where(known, 0.0, error)
        bad = error > asked.max_error
        for i, j in np.ndindex(blocks[0].shape[1], blocks[1].shape[1]):
            rows, cols = np.nonzero(bad)
            self.fine[blocks[0][rows, i], blocks[1][cols, j]] = True
        self.error = max(self.error, float(error[~bad].max(initial=0.0)))
        self.some.append(error[::_THIN, ::_THIN].ravel() if error.size > _POINTS // 64 else error.ravel())


def _within(step: int) -> np.ndarray:
    """Return some pixels of a cell, at least one in each block that it meets."""
    return np.unique([*range(0, step, _BLOCK), step - 1])


def _runs(fine: np.ndarray) -> list[tuple[int, int]]:
    """Return where runs of equal rows, or items, begin and end."""
    changes = np.flatnonzero(np.diff(fine.reshape(len(fine), -1), axis=0).any(axis=1)) + 1
    ends = [0, *changes.tolist(), len(fine)]
    return list(zip(ends[:-1], ends[1:], strict=True))


def _with_centres(n: int, step: int) -> np.ndarray:
    """Return the places of an axis' nodes, and the centres between. The last node is at the last of the n pixels."""
    nodes = np.minimum(np.arange(max(-(-(n - 1) // step), 1) + 1) * step, n - 1)
    places = np.empty(2 * len(nodes) - 1)
    places[::2], places[1::2] = nodes, (nodes[:-1] + nodes[1:]) / 2
    return places


def _errors(row: np.ndarray, col: np.ndarray, source_shape: Shape | None) -> np.ndarray:
    """Return how far off bilinear interpolation is in each cell, in source pixels, from its nodes and centres.

    The error is infinite if only a part of a cell has coordinates. It is 0 if a cell does not reach the source.
    """
    off = np.hypot(_off(row), _off(col))
    finite = np.isfinite(row) & np.isfinite(col)
    some = _over_cells(np.maximum, finite)
    error = np.where(_over_cells(np.minimum, finite), off, np.where(some, np.inf, 0.0))
    if source_shape is None:
        return error
    reaches = some
    for places, n in ((row, source_shape[0]), (col, source_shape[1])):
        if n is None:
            continue
        beyond = BEYOND + off
        reaches &= ~(_over_cells(np.maximum, places) < -beyond) & ~(_over_cells(np.minimum, places) > n - 1 + beyond)
    return np.where(reaches, error, 0.0)


def _off(places: np.ndarray) -> np.ndarray:
    """Return how far off interpolation between its nodes is, at the centre of each cell and of its edges."""
    at = places[::2, ::2]
    down, across = (at[:-1] + at[1:]) / 2, (at[:, :-1] + at[:, 1:]) / 2
    sides, ends = abs(places[1::2, ::2] - down), abs(places[::2, 1::2] - across)
    centre = abs(places[1::2, 1::2] - (down[:, :-1] + down[:, 1:]) / 2)
    return np.asarray(np.maximum.reduce([centre, sides[:, :-1], sides[:, 1:], ends[:-1], ends[1:]]))


def _over_cells(best: Any, places: np.ndarray) -> Any:
    """Return what a ufunc gives over the nine places of each cell."""
    rows = best.reduce([places[:-1:2], places[1::2], places[2::2]])
    return best.reduce([rows[:, :-1:2], rows[:, 1::2], rows[:, 2::2]])


def _nodes(exact: Exact, shape: tuple[int, int], step: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates at a window of nodes.

    There may be no pixels at the nodes beyond the last pixel. Their coordinates are chosen such that the last pixel
    gets its own coordinate by interpolation.
    """
    rows, cols = (np.arange(at.start, at.stop) * step for at in window.slices)
    places = [np.minimum(at, max(n - 1, 1)).astype(float) for at, n in zip((rows, cols), shape, strict=True)]
    with np.errstate(all="ignore"):
        found = exact(places[0][:, None], places[1])
        for axis, (at, n) in enumerate(zip((rows, cols), shape, strict=True)):
            if at[-1] > n - 1 > 0:
                share = step / (n - 1 - int(at[-2]))
                for array in found:
                    last, before = np.moveaxis(array, axis, 0)[[-1, -2]]
                    np.moveaxis(array, axis, 0)[-1] = before + (last - before) * share
    return found


def _rounded(row: np.ndarray, col: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates rounded as nodes have them."""
    row, col = (np.round(array, _DIGITS) for array in (row, col))
    lost = ~(np.isfinite(row) & np.isfinite(col))
    row[lost] = col[lost] = np.nan
    return row, col


def _forget_far(row: np.ndarray, col: np.ndarray, source_shape: Shape) -> None:
    """Make coordinates far from the source NaN."""
    far = np.zeros(row.shape, bool)
    for at, n in zip((row, col), source_shape, strict=True):
        if n is not None:
            far |= ~((at >= -BEYOND) & (at <= n - 1 + BEYOND))
    if (
        far.any()
    ):  # a large output pixel may cover some of the source though its centre lies beyond, and its corners too
        for axis in (0, 1, 0, 1):
            far = _alone(far, axis)
    row[far] = col[far] = np.nan


def _alone(far: np.ndarray, axis: int) -> np.ndarray:
    """Say which places are far, and both of their neighbours along an axis too."""
    wide = np.pad(far, [(1, 1) if k == axis else (0, 0) for k in (0, 1)], constant_values=True)
    views = np.lib.stride_tricks.sliding_window_view(wide, 3, axis=axis)
    return np.asarray(views.all(axis=-1))
