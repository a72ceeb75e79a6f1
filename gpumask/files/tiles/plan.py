"""Tiles: which part of the output is made at a time, which part of the source that needs, and what it costs in memory.

No arrays and no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gpumask.grids.grid import node_window
from gpumask.pixels.window import Window

# Larger tiles gain nothing more, and smaller ones leave less to wait for at the beginning and at the end.
_MOST_PIXELS = 1 << 20


@dataclass(frozen=True)
class Costs:
    """Bytes of memory that a tile takes for each pixel of the output, pixel of the source, and node of the grid.

    masks: for each pixel of the source, and of a frame of `margin` pixels around it, which masks read that grow.
    """

    output: float
    source: float
    node: float
    masks: float = 0
    margin: int = 0

    def of(self, tile: Tile) -> float:
        """Return the bytes that a tile takes."""
        (rows, cols), (source_rows, source_cols), (m, n) = tile.output.shape, tile.source.shape, tile.nodes
        wider = 0 if tile.source.is_empty else (source_rows + 2 * self.margin) * (source_cols + 2 * self.margin)
        return (
            rows * cols * self.output + source_rows * source_cols * self.source + m * n * self.node + wider * self.masks
        )


class Tile(NamedTuple):
    """A part of the output, the part of the source that it needs, and how many (rows, cols) of nodes."""

    output: Window
    source: Window
    nodes: tuple[int, int]


def tile_shape(shape: tuple[int, int], block: tuple[int, int], most_pixels: float, least: int) -> tuple[int, int]:
    """Return rows and columns of tiles: whole blocks of the output, as square as these allow.

    shape: of the output. block: of what the output's file is written in. most_pixels: of a tile; where a block has more
    it is cut. least: how many tiles there should be at least, so that all that works at the same time has some.

    >>> tile_shape((4000, 4000), (512, 512), 1 << 20, 8)
    (1024, 1024)
    """
    most = min(most_pixels, _MOST_PIXELS)
    rows, cols = (min(size, n) for size, n in zip(block, shape, strict=True))
    while rows * cols > most and rows * cols > 1:
        rows, cols = (-(-rows // 2), cols) if rows >= cols or cols == 1 else (rows, -(-cols // 2))
    while True:
        taller, wider = (min(2 * rows, shape[0]), cols), (rows, min(2 * cols, shape[1]))
        for wanted in sorted((taller, wider), key=lambda size: abs(size[0] - size[1])):
            count = -(-shape[0] // wanted[0]) * -(-shape[1] // wanted[1])
            if wanted != (rows, cols) and wanted[0] * wanted[1] <= most and count >= least:
                rows, cols = wanted
                break
        else:
            return rows, cols


def fitting(
    tile: Window, resolution: tuple[int, int], plan: Callable[[Window], Tile], costs: Costs, most_bytes: float
) -> Iterator[Tile]:
    """Yield the plan for a tile, or for its quarters where it takes too much memory, down to single pixels.

    resolution: output pixels from node to node. plan: reads a tile's nodes; it is not asked where these are too many.
    """
    smallest = tile.shape == (1, 1)
    without_source = Tile(tile, Window(0, 0, 0, 0), node_window(tile, resolution).shape)
    if smallest or costs.of(without_source) <= most_bytes:
        planned = plan(tile)
        if smallest or costs.of(planned) <= most_bytes:
            yield planned
            return
    for quarter in tile.tiles(-(-tile.rows // 2), -(-tile.cols // 2)):
        yield from fitting(quarter, resolution, plan, costs, most_bytes)
