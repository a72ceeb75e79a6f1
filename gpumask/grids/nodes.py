"""A grid as the kernels take it: its nodes as float64, or in fixed point."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends import arguments
from gpumask.backends.arguments import pitch_of
from gpumask.backends.backend import Backend
from gpumask.backends.launch import division_by_steps, launch
from gpumask.grids.grid import Grid
from gpumask.pixels.coordinates import fixed_limit
from gpumask.pixels.values import as_bytes
from gpumask.pixels.window import Window

_TURNS = 4  # of a source that goes around, before its first and behind it, in which coordinates may lie


class FixedGrid(Grid):
    """A coarse grid whose nodes are what kernels/fixed_nodes.cu makes, viewed as float64. It can be cropped."""


def may_be_fixed(compute: np.dtype[Any], step: tuple[int, int]) -> bool:
    """Say whether coordinates are in fixed point for small sources; step: output pixels from node to node."""
    return compute == np.float32 and fixed_limit(step) is not None


def in_fixed_point(
    compute: np.dtype[Any], step: tuple[int, int], pixels: Window, margin: int, around: tuple[int, int]
) -> bool:
    """Say whether coordinates are in fixed point: for float32 sums, where all of the source lies within the limit.

    step: output pixels from node to node. pixels: of the whole source, so that all tiles are made in one way.
    margin: pixels around a coordinate that have a say. around: (rows, cols) after which the source begins anew.
    """
    limit = fixed_limit(step)
    if limit is None or not may_be_fixed(compute, step):
        return False
    axes = zip(pixels.pad(margin).axes, around, strict=True)
    turns = ((first - _TURNS * period, first + count + _TURNS * period) for (first, count), period in axes)
    return all(-limit < first and stop <= limit for first, stop in turns)


def fixed_grid(backend: Backend, grid: Grid) -> Grid:
    """Return a grid for coordinates in fixed point: a coarse one is converted; one with all nodes is taken as it is."""
    if isinstance(grid, FixedGrid) or grid.resolution == (1, 1):
        return grid
    nodes, limit = node_arguments(backend, grid).nodes, fixed_limit(grid.resolution)
    made = [backend.empty(nodes.grid_row.shape, np.int64) for _ in range(2)]
    assert limit is not None
    launch(backend, "fixed_nodes", nodes.grid_row.shape, nodes, float(limit), *made)
    row, col = (each.view(np.float64) for each in made)
    return FixedGrid(row, col, grid.resolution, window=grid.window, around=grid.around)


def node_arguments(backend: Backend, grid: Grid) -> arguments.Grid:
    """Return a grid as kernels take it."""
    row, col = backend.asarray(grid.row), backend.asarray(grid.col)
    if row.strides != col.strides:
        row, col = row.copy(), col.copy()
    mask = None if grid.mask is None else backend.asarray(as_bytes("grid.mask", grid.mask))
    nodata = float("nan") if grid.nodata is None else float(grid.nodata)
    nodes = arguments.Nodes(row, col, pitch_of(row), mask, pitch_of(mask), nodata)
    (rows, cols), first = row.shape, (grid.output.row, grid.output.col)
    return arguments.Grid(nodes, rows, cols, *grid.resolution, *first, division_by_steps(grid.resolution))


def node_defines(grid: Grid, in_fixed: bool) -> dict[str, int]:
    """Return how coordinates are computed, and what may be known of a grid when a kernel is compiled."""
    facts = {
        "FULL": int(grid.resolution == (1, 1)),
        "PLAIN_NODES": int(grid.mask is None and grid.nodata is None),
        "POWERS_OF_TWO": int(all(step & step - 1 == 0 for step in grid.resolution)),
    }
    return {"FIXED": 1, **facts} if in_fixed else facts
