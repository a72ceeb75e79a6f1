"""Areas of quadrilaterals within pixels in exact arithmetic, and quadrilaterals to cover."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from gpumask import Grid, Window

Point = tuple[Fraction, Fraction]  # row and column. Pixel (0, 0) lies between 0 and 1


class Quad(NamedTuple):
    """Four corners in the order in which they lie around an output pixel, and a grid whose first pixel has them."""

    corners: list[Point]
    grid: Grid

    @property
    def area(self) -> Fraction:
        return abs(_area_of(self.corners))

    @property
    def box(self) -> Fraction:
        """The area of the rectangle around it."""
        rows, cols = zip(*self.corners, strict=True)
        return (max(rows) - min(rows)) * (max(cols) - min(cols))

    def overlaps(self) -> dict[tuple[int, int], Fraction]:
        """Return the area of each pixel that is covered."""
        rows, cols = zip(*self.corners, strict=True)
        found = {}
        for row in range(floor(min(rows)), ceil(max(rows))):
            band = _clipped(_clipped(self.corners, 0, row, 1), 0, row + 1, -1)
            for col in range(floor(min(cols)), ceil(max(cols))):
                area = abs(_area_of(_clipped(_clipped(band, 1, col, 1), 1, col + 1, -1)))
                if area:
                    found[row, col] = area
        return found


def quad(rng: np.random.Generator, middle: float, convex: bool) -> Quad:
    """Return a quadrilateral of 0.05 to 6 pixels about a place, which no two sides of cross, turned either way."""
    while True:
        angles = np.sort(rng.uniform(0, 2 * np.pi, 4))
        radii = rng.uniform(0.05, 1, 4) * np.exp(rng.uniform(np.log(0.05), np.log(6)))
        places = np.round((middle + radii * [np.sin(angles), np.cos(angles)] + rng.uniform(-1, 1, (2, 1))) * 2**36)
        corners = [(Fraction(int(r), 2**36), Fraction(int(c), 2**36)) for r, c in places.T]
        turns = [_turned(*(corners[(k + i) % 4] for i in range(3))) for k in range(4)]
        gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
        if gaps.max() < np.pi and all(turns) and (convex == (len({turn > 0 for turn in turns}) == 1)):
            break
    first = int(rng.integers(4))
    corners = (corners[first:] + corners[:first])[:: 1 if rng.random() < 0.5 else -1]
    return Quad(corners, grid_of(corners))


def grid_of(corners: list[Point]) -> Grid:
    """Return a grid of 2 x 2 nodes. The corners of its first pixel are these, to the bit."""
    upper_left, upper_right, lower_right, lower_left = corners
    half, nodes = Fraction(1, 2), np.zeros((2, 2, 2))
    for axis in range(2):
        for r in range(2):
            for c in range(2):
                down, right = r + half, c + half
                exact = (
                    upper_left[axis] * (1 - down) * (1 - right)
                    + upper_right[axis] * (1 - down) * right
                    + lower_right[axis] * down * right
                    + lower_left[axis] * down * (1 - right)
                    - half
                )
                nodes[axis, r, c] = float(exact)
                assert Fraction(nodes[axis, r, c]) == exact
    return Grid(*nodes, window=Window(0, 0, 1, 1))


def _turned(a: Point, b: Point, c: Point) -> Fraction:
    return (b[1] - a[1]) * (c[0] - b[0]) - (b[0] - a[0]) * (c[1] - b[1])


def _area_of(polygon: list[Point]) -> Fraction:
    pairs: Any = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return sum((a[0] * b[1] - a[1] * b[0] for a, b in pairs), Fraction(0)) / 2


def _clipped(polygon: list[Point], axis: int, limit: int, sign: int) -> list[Point]:
    """Return what of a polygon lies above a limit along an axis, or below it (Sutherland and Hodgman)."""
    inside: Callable[[Point], bool] = lambda point: sign * (point[axis] - limit) >= 0  # noqa: E731
    found = []
    for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if inside(a):
            found.append(a)
        if inside(a) != inside(b):
            share = (limit - a[axis]) / (b[axis] - a[axis])
            found.append((a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
    return found
