"""Longitudes, and every x that begins anew after a turn, made continuous so that the antimeridian cuts nothing."""

from __future__ import annotations

import numpy as np

_ALIKE = 1e-9  # relative size below which an extent counts as 0


def unwrapped(x: np.ndarray, places: np.ndarray, turn: float) -> np.ndarray:
    """Return the x of points moved by whole turns, so that neighbours are less than half a turn apart.

    `places` is (n, 2), the rows and columns of the points. The shortest tree through all points says which are
    neighbours.

    >>> unwrapped(np.array([179.0, -179.0, -177.0]), np.array([[0, 0], [0, 5], [0, 9]]), 360.0)
    array([179., 181., 183.])
    """
    x = np.array(x, float)
    if np.ptp(x) < turn / 2:
        return x
    reached = np.zeros(len(x), bool)
    near, far = np.zeros(len(x), int), np.full(len(x), np.inf)
    at = 0
    for _ in range(len(x) - 1):
        reached[at] = True
        away = ((places - places[at]) ** 2).sum(axis=1)
        near[away < far], far = at, np.minimum(away, far)
        at = int(np.where(reached, np.inf, far).argmin())
        x[at] -= turn * np.round((x[at] - x[near[at]]) / turn)
    return x


def unwrapped_points(points: np.ndarray, turn: float) -> np.ndarray:
    """Return the x of control points, (row, col, x, y) each, unwrapped or as they are.

    They stay as they are if pixels are then more like squares. The corners of a raster of the whole world, for example,
    are also next to each other on the globe.
    """
    places, x, y = points[:, :2], points[:, 2], points[:, 3]
    found = unwrapped(x, places, turn)
    if np.ptp(found - x) < turn / 2 or _oblong(places, x, y) < _oblong(places, found, y):
        return x
    return found


def _oblong(places: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Return how many times as long as wide pixels are, at best."""
    known = np.column_stack([places - places.mean(axis=0), np.ones(len(places))])
    slopes = np.linalg.lstsq(known, np.column_stack([x - x.mean(), y - y.mean()]), rcond=None)[0][:2]
    longest, least = np.linalg.svd(slopes, compute_uv=False)
    return float(longest / least) if least > _ALIKE * longest else np.inf


def seam_opposite(ends: tuple[float, float], turn: float) -> float:
    """Return where x begins so that it cuts nothing between two ends, nor near them."""
    return float(ends[0] - max(turn - (ends[1] - ends[0]), 0) / 2)
