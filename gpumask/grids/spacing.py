"""How far apart output pixels lie in the source, and what antialiased interpolators read because of that."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gpumask.backends import is_device_array, on_host
from gpumask.grids.grid import Grid
from gpumask.pixels.coordinates import near_to
from gpumask.pixels.window import Window

_MOST = 2**31  # no source has more pixels along an axis


def window_of_taps(grid: Grid, half: int, around: tuple[int, int] = (0, 0)) -> Window:
    """Return a window that holds every source pixel that an antialiased interpolator reads. It may hold some more.

    `half` is how far the interpolator reaches to each side, in pixels, where its scale is 1. `around` is as for
    `Grid.source_window`. The window may reach beyond the source. It has no pixels if no node counts.

    A scale is at most the length of two differences between neighbouring nodes: the largest along rows, and the largest
    along columns.

    >>> window_of_taps(Grid([[8, 8], [16, 16]], [[8, 16], [8, 16]], resolution=(2, 2)), 1)
    Window(row=3, col=3, rows=19, cols=19)
    """
    here = _on_host(grid)
    inside, counts = here.source_window(0, around), here.counts()
    if inside.is_empty:
        return inside
    turns, pads = around if here.resolution == (1, 1) else (0, 0), []
    for coordinate, turn in zip((here.row, here.col), turns, strict=True):
        known = coordinate if counts.all() else np.where(counts, coordinate, np.nan)
        down, across = (_widest(np.diff(known, axis=axis), turn) / step for axis, step in enumerate(here.resolution))
        # Where corners are not known, others stand for them, which may lie as far off as both differences.
        widest = math.hypot(down, across) if counts.all() else math.sqrt(2) * (down + across)
        pads.append(min(half * max(1.0, widest * (1 + 1e-9)), _MOST))
    rows, cols = map(math.ceil, pads)
    return inside.pad(rows, cols)


def shrinks(grid: Grid) -> bool:
    """Say whether output pixels surely lie more than a source pixel apart everywhere. False if that takes long to say.

    It is so if the rows, or the columns, grow or fall everywhere by more than 1 along one axis.
    """
    if is_device_array(grid.row) or any(grid.around) or min(grid.row.shape) < 2 or not grid.counts().all():
        return False
    differences = (
        (np.diff(coordinate, axis=axis), (1 + 1e-6) * step)
        for coordinate in (grid.row, grid.col)
        for axis, step in enumerate(grid.resolution)
    )
    return any(bool(steps.min() > least or steps.max() < -least) for steps, least in differences)


def _on_host(grid: Grid) -> Grid:
    """Return a grid with its arrays in host memory."""
    if not is_device_array(grid.row):
        return grid
    mask = None if grid.mask is None else on_host("grid.mask", grid.mask)
    return replace(grid, row=on_host("grid.row", grid.row), col=on_host("grid.col", grid.col), mask=mask)


def _widest(steps: np.ndarray, turn: int) -> float:
    """Return the size of the largest of some differences between nodes. Those that are not finite don't count."""
    steps = abs(near_to(0.0, steps, turn))
    return float(np.max(steps, where=np.isfinite(steps), initial=0.0))
