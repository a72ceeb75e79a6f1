"""Outputs that are coarser than their source: a warning if an interpolator leaves out what lies between its taps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gpumask.backends import is_device_array
from gpumask.errors import warn_caller
from gpumask.grids.grid import Grid, node_window
from gpumask.pixels.window import Window
from gpumask.resampling.method import Method

_MOST = 2 + 1e-6  # source pixels along a side of an output pixel


def warn_if_coarser(grid: Grid, method: Method) -> None:
    """Warn if output pixels are more than twice as large as source pixels, in the middle of the output.

    There is no warning for area statistics and antialiased interpolators, which take all source pixels. There is none
    for grids on a device either, as it would have to wait for the device.
    """
    interp = method.interpolator
    if interp.is_area or method.antialias or is_device_array(grid.row):
        return
    size = max(_sides(grid), default=0.0)
    if size > _MOST:
        warn_caller(
            f"interp: {interp.name} leaves out pixels of the source, as those of the output are {size:.3g} times as "
            "large; average, or linear, cubic and lanczos3 with antialias, take all of them, and mode does for classes"
        )


def middle_of(window: Window) -> Window:
    """Return the pixel in the middle of a window.

    >>> middle_of(Window(0, 0, 5, 5))
    Window(row=2, col=2, rows=1, cols=1)
    """
    return Window(window.row + window.rows // 2, window.col + window.cols // 2, 1, 1)


def grid_in_the_middle(source: Any, window: Window) -> Grid:
    """Return the grid of the pixel in the middle of a window, from something that has `parts` and `read`."""
    part, _ = next(iter(source.parts(middle_of(window))))
    found: Grid = source.read(part, 1)  # with its neighbours
    return found


def _sides(grid: Grid) -> Iterator[float]:
    """Yield how many source pixels long the sides of the middle pixel are, as far as nodes tell."""
    nodes = node_window(middle_of(grid.output), grid.resolution)
    rows, cols = grid.row.shape
    row, col = min(nodes.row, max(rows - 2, 0)), min(nodes.col, max(cols - 2, 0))
    corner, below, beside = (
        (float(grid.row[i, j]), float(grid.col[i, j])) if i < rows and j < cols else None
        for i, j in ((row, col), (row + 1, col), (row, col + 1))
    )
    for other, step in zip((below, beside), grid.resolution, strict=True):
        if corner is not None and other is not None:
            side = math.dist(corner, other) / step
            if math.isfinite(side):
                yield side
