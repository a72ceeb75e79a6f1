"""Tiles: which parts of the output are made at a time, which parts of the source they need, and what memory they take.

This module handles neither arrays nor files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gpumask.grids.grid import node_window
from gpumask.pixels.window import Window

# Larger tiles are no faster. Smaller tiles shorten the wait at the beginning and at the end.
_MOST_PIXELS = 1 << 20


@dataclass(frozen=True)
class Costs:
    """How many bytes of memory a tile takes.

    Attributes
    ----------
    output
        The bytes for each pixel of the output.
    source
        The bytes for each pixel of the source.
    node
        The bytes for each node of the grid.
    masks
        The bytes for each pixel of the source that masks read. Masks that grow also read a frame around the source.
    margin
        The width of that frame, in pixels.
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
    """A part of the output, the part of the source that it needs, and the (rows, cols) of its nodes."""

    output: Window
    source: Window
    nodes: tuple[int, int]


def tile_shape(shape: tuple[int, int], block: tuple[int, int], most_pixels: float, least: int) -> tuple[int, int]:
    """Return the rows and columns of tiles: whole blocks of the output, as square as blocks allow.

    Parameters
    ----------
    shape
        The rows and columns of the output.
    block
        The rows and columns of the blocks in which the output's file is written.
    most_pixels
        The most pixels of a tile. A block with more pixels is cut.
    least
        The least number of tiles, so that all lanes have work.

    Examples
    --------
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
    """Yield the plan for a tile. If it takes too much memory, yield the plans for its quarters, down to single pixels.

    `resolution` is the output pixels from node to node. `plan` reads the nodes of a tile. It is not called if these are
    too many.
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
