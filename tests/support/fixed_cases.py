"""Coordinates in fixed point, and the same coordinates in exact arithmetic with whole numbers.

Some nodes are near halves, some are near the limits, and some are not finite.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from kernel_cases import to_host, valid

from gpumask import Grid
from gpumask.backends.backend import Backend
from gpumask.grids.nodes import fixed_grid
from gpumask.pixels.coordinates import fixed_limit

HALF = Fraction(1, 2)


def fixed_exactly(v: float, limit: int) -> int | None:
    """Return floor(v * 2**24 + 1/2), or None if v is not a finite number."""
    if math.isnan(v) or abs(v) >= limit:
        return None
    return math.floor(Fraction(v) * 2**24 + HALF)


def coordinate_exactly(grid: Grid, nodes: Any, y: int, x: int) -> int | None:
    """Return a coordinate in fixed point from the nodes of rows or of columns. It is None if a node is missing."""
    (r, a), (c, b) = (divmod(place, step) for place, step in zip((y, x), grid.resolution, strict=True))
    down, right = grid.resolution
    weights = {(0, 0): (down - a) * (right - b), (0, 1): (down - a) * b, (1, 1): a * b, (1, 0): a * (right - b)}
    limit, total = fixed_limit(grid.resolution), 0
    assert limit is not None
    for (below, beside), weight in weights.items():
        if weight:
            node = fixed_exactly(float(nodes[r + below, c + beside]), limit)
            if node is None:
                return None
            total += node * weight
    return math.floor(Fraction(total + down * right // 2, down * right))


def nodes(rng: np.random.Generator, shape: tuple[int, int], limit: int) -> np.ndarray:
    """Return nodes of all sizes. Some are near odd multiples of 2**-25, some near the limit, and some not finite."""
    size = rng.choice([1e-9, 1.0, 1e3, float(limit)], shape)
    found = rng.uniform(-1, 1, shape) * size
    halves = (np.floor(found * 2**24) + 0.5) / 2**24
    beside = np.nextafter(halves, rng.choice([-np.inf, np.inf], shape))
    last = math.nextafter(limit, 0)
    odd = np.array([np.nan, np.inf, -np.inf, limit, -limit, last, -last, 1e300, 5e-324, -5e-324, 0.0, -0.0, -9999.0])
    odd = rng.choice(odd, shape)
    return np.choose(rng.choice(5, shape, p=[0.4, 0.2, 0.2, 0.1, 0.1]), [found, halves, beside, np.rint(found), odd])


def grid(rng: np.random.Generator, shape: tuple[int, int], resolution: tuple[int, int] | None = None) -> Grid:
    """Return a coarse grid of such nodes, with a mask, with a nodata value, or without either."""
    if resolution is None:
        first, second = (int(rng.choice([1, 2, 3, 7, 10, 64, 256])) for _ in range(2))
        resolution = first, second + (first == second == 1)
    limit = fixed_limit(resolution)
    assert limit is not None
    large = [nodes(rng, (shape[0] + 2, shape[1] + 3), limit) for _ in range(2)]
    row, col = large if rng.random() < 0.3 else [each[1:-1, 2:-1] for each in large]
    mask = valid(rng, row.shape) if rng.random() < 0.5 else None
    nodata = rng.choice([None, -9999.0, 2.5, 0.0])
    return Grid(row, col, resolution, mask, nodata)


def fixed_nodes_of(backend: Backend, of: Grid) -> list[np.ndarray]:
    """Run `fixed_nodes` on a backend. Return NumPy arrays of the rows and of the columns."""
    made = fixed_grid(backend, of)
    return [to_host(backend, each.view(np.int64)) for each in (made.row, made.col)]


def fixed_nodes_exactly(of: Grid) -> list[np.ndarray]:
    """Return the exact result of `fixed_nodes`, computed with whole numbers."""
    limit, counts = fixed_limit(of.resolution), of.counts()
    assert limit is not None
    row, col = (np.full(of.row.shape, -1, np.int64) for _ in range(2))
    for at in np.ndindex(of.row.shape):
        both = fixed_exactly(float(of.row[at]), limit), fixed_exactly(float(of.col[at]), limit)
        if counts[at] and both[0] is not None and both[1] is not None:
            row[at], col[at] = both[0] + 2**52, both[1] + 2**52
    return [row, col]


GRIDS = [
    grid(np.random.default_rng(number), shape)
    for number, shape in enumerate([(1, 1), (2, 2), (1, 64), (1, 65), (67, 1), (33, 130), (9, 200), (9, 31)])
]
