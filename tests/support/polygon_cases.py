"""What `inside_polygons` is run on: outlines of polygons, and windows with all that is awkward in them."""

from typing import NamedTuple

import numpy as np
import shapely
from kernel_cases import to_host

from gpumask import Window
from gpumask.backends.backend import Backend
from gpumask.masks.polygons import Outlines


class Case(NamedTuple):
    """Polygons, and the pixels wanted."""

    name: str
    polygons: list[shapely.Polygon]
    window: Window


def inside_of(backend: Backend, case: Case) -> np.ndarray:
    """Run `inside_polygons` on a backend. Return a NumPy array."""
    return to_host(backend, Outlines.of(case.polygons, (0.0, 0.0)).inside(case.window, backend))


def cases() -> list[Case]:
    """Return cases, the same ones in every run."""
    rng = np.random.default_rng(5)
    many = [polygon(rng) for _ in range(60)]
    ring = shapely.box(2, 2, 150, 30).difference(shapely.box(20.5, 5, 130, 25.5))
    comb = shapely.Polygon([(x, y) for i in range(70) for x, y in ((2 * i, 0), (2 * i + 0.7, 33), (2 * i + 1.4, 0.2))])
    far = 3_000_000_000
    found = [
        Case("none", [], Window(0, 0, 3, 65)),
        Case("all", [shapely.box(-1e9, -1e9, 1e9, 1e9)], Window(0, 0, 3, 130)),
        Case("far", [shapely.box(1e100, 1e100, 2e100, 2e100)], Window(0, 0, 3, 3)),
        Case("many crossings in a row", [comb], Window(0, 0, 33, 150)),
        Case("overlapping polygons", many, Window(0, 0, 40, 200)),
        Case("the same twice", [ring, ring], Window(0, 0, 33, 160)),
        Case("beyond 32 bits", [shapely.box(far + 4, far + 2, far + 70, far + 9)], Window(far, far, 12, 80)),
    ]
    windows = [(0, 0, 1, 1), (7, 21, 1, 64), (4, 19, 9, 65), (-3, -70, 40, 300), (25, 0, 1, 200), (0, 64, 33, 1)]
    return found + [Case(f"window {window}", [ring, *many[:9]], Window(*window)) for window in windows]


def polygon(rng: np.random.Generator) -> shapely.Polygon:
    """Return a polygon in 200 x 40 pixels: a star, or a box or a triangle with whole and half coordinates."""
    kind, (x, y) = rng.integers(3), rng.integers(0, (380, 70)) / 2
    if kind == 0:
        angles, radii = (np.arange(9) + rng.uniform(0, 0.9, 9)) * 2 * np.pi / 9, rng.uniform(2, 12, 9)
        return shapely.Polygon(np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1))
    width, height = rng.integers(1, 30, 2) / 2
    if kind == 1:
        return shapely.box(x, y, x + width, y + height, ccw=bool(rng.integers(2)))
    return shapely.Polygon([(x, y), (x + width, y), (x, y + height)])
