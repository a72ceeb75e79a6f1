"""Source coordinates between the nodes of a grid, as float64 or in fixed point.

A coordinate in fixed point is a whole number of 2**-24 pixels. It is used where sums are float32, so that a GPU
computes nothing in float64. kernels/coords.cuh has both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

PARTS = 1 << 24  # parts of a pixel
SHIFT = 1 << 52  # added to a node in fixed point, so that -1 can mark a node that does not count
_LIMIT = 1 << 27  # pixels. Coordinates below this limit take 51 bits.
_LARGEST_AREA = 1 << 16  # pixels of a cell
_LARGEST_SUM = 1 << 37  # pixels. Sums of nodes times their weights take 61 bits.


def fixed_limit(step: tuple[int, int]) -> int | None:
    """Return the limit, in pixels, below which coordinates can be in fixed point.

    Return None if the cells are too large for fixed point.
    """
    area = step[0] * step[1]
    return None if area > _LARGEST_AREA else _LIMIT if area == 1 else min(_LIMIT, _LARGEST_SUM // area)


def fixed(v: Any, limit: float) -> np.ndarray:
    """Return floor(v * 2**24 + 1/2), exactly, as float64.

    The result is NaN where v is NaN, or where abs(v) reaches the limit. The limit is 2**27 at most.
    """
    scaled = np.where(abs(v) < limit, v, np.nan) * float(PARTS)
    whole = np.floor(scaled)
    # scaled + 0.5 may be rounded. This difference is exact, except for some that are greater than 0.5.
    return np.asarray(whole + (scaled - whole >= 0.5))


def coordinates_at(nodes: Any, step: tuple[int, int], ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Interpolate a coordinate at output rows ys and columns xs.

    `nodes` is (m, n). A node that does not count is NaN, and so is every pixel that has a weight for it. `step` is the
    number of output pixels from node to node. With a step of 1, rows and columns must follow each other. Sums have the
    order of kernels/coords.cuh.
    """
    if step == (1, 1):
        v = nodes[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    else:
        n1, n2, n3, n4 = (
            np.where(weight != 0, nodes[at], 0.0) * weight.astype(float)
            for at, weight in _corners(nodes.shape, step, ys, xs)
        )
        v = (n1 + n2 + n3 + n4) / float(step[0] * step[1])
    return np.asarray(np.floor(1e12 * v + 0.5) / 1e12)


def fixed_coordinates_at(nodes: Any, step: tuple[int, int], ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Interpolate a coordinate in fixed point and return it in pixels, as float64, which holds it exactly.

    A full grid has nodes as for `coordinates_at`. A coarse grid has the nodes that kernels/fixed_nodes.cu makes.
    """
    if step == (1, 1):
        return fixed(nodes[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1], _LIMIT) / PARTS
    area = step[0] * step[1]
    total = np.full((len(ys), len(xs)), area // 2)
    counts = np.ones(total.shape, bool)
    for at, weight in _corners(nodes.shape, step, ys, xs):
        node = nodes.view(np.int64)[at]
        counts &= (weight == 0) | (node >= 0)
        total += np.where(node >= 0, node - SHIFT, 0) * weight
    return np.where(counts, total // area / PARTS, np.nan)


def _corners(
    nodes: tuple[int, int], step: tuple[int, int], ys: np.ndarray, xs: np.ndarray
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the index of the node at each corner of the pixels' cells, and its weights.

    `nodes` is the number of nodes along each axis.
    """
    (r, a), (c, b) = np.divmod(ys, step[0]), np.divmod(xs, step[1])
    r1, c1 = np.minimum(r + 1, nodes[0] - 1), np.minimum(c + 1, nodes[1] - 1)
    down, up, right, left = a[:, None], step[0] - a[:, None], b, step[1] - b
    corners = (r, c, up * left), (r, c1, up * right), (r1, c1, down * right), (r1, c, down * left)
    for i, j, weight in corners:
        yield np.ix_(i, j), weight


def corners_at(nodes: Any, step: tuple[int, int], ys: np.ndarray, xs: np.ndarray, period: float = 0) -> np.ndarray:
    """Interpolate a coordinate at the upper left corners of the output pixels in rows ys and columns xs.

    Corners up to half a pixel beyond the outermost nodes are extrapolated linearly. A lone row or column of nodes is
    its own neighbour. `nodes` and `step` are as for `coordinates_at`. With a `period`, the nodes of a cell are taken
    from the turns in which they are nearest to its first one. kernels/coords.cuh does the same.
    """
    (r, down), (c, right) = (_in_cell(at, n, size) for at, n, size in zip((ys, xs), step, nodes.shape, strict=True))
    up, left = 2.0 * step[0] - down, 2.0 * step[1] - right
    r1, c1 = np.minimum(r + 1, nodes.shape[0] - 1), np.minimum(c + 1, nodes.shape[1] - 1)
    corners = (r, c, up, left), (r, c1, up, right), (r1, c1, down, right), (r1, c, down, left)
    first = nodes[np.ix_(r, c)]
    terms = [near_to(first, nodes[np.ix_(i, j)], period) * np.multiply.outer(*weight) for i, j, *weight in corners]
    total = terms[0] + terms[1] + terms[2] + terms[3]
    return np.asarray(0.25 * total / float(step[0] * step[1]))


def _in_cell(at: np.ndarray, step: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first node of the cells that corners lie in, and their places in these, in halves of a pixel."""
    first = np.minimum(np.maximum(at - 1, 0) // step, max(nodes - 2, 0))
    return first, 2.0 * (at - first * step) - 1.0


def near_to(other: Any, place: Any, period: float) -> Any:
    """Return places moved by whole turns to where they are nearest to others."""
    return place - period * np.rint((place - other) / period) if period else place
