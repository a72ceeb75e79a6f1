"""Where rasters lie: one in the pixels of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

MOST_OFF = 0.1  # pixels between where a raster lies and where it should


def moved(affine: Any, xy: np.ndarray) -> np.ndarray:
    """Return (x, y) rows under an affine map."""
    a, b, c, d, e, f = affine[:6]
    return np.asarray(xy @ np.array([[a, d], [b, e]]) + (c, f))


def in_pixels_of(like: DatasetReader, raster: DatasetReader, xy: np.ndarray) -> np.ndarray | None:
    """Return where (x, y) rows of a raster lie in another, None where one of the two does not say where it lies.

    Both count pixels from the first one's corner.
    """
    if raster.transform.is_identity or like.transform.is_identity:
        return None
    return moved(~like.transform, moved(raster.transform, xy))


def pixels_off(like: DatasetReader, raster: DatasetReader, steps: tuple[float, float], first: float = 0) -> float:
    """Return by how many pixels of `like` a raster is not where it should be; infinity where its CRS is another.

    steps: (row, col) pixels of `like` that one of the raster's pixels should stand for. first: where in its first pixel
    the two should meet: at 0, the corners, or at 0.5, the centres. A raster that does not say where it lies is not off.
    """
    rows, cols = raster.shape
    corners = np.array([(0, 0), (cols, 0), (0, rows)], float)
    found = in_pixels_of(like, raster, corners)
    if found is None:
        return 0.0
    if raster.crs and like.crs and raster.crs != like.crs:
        return float("inf")
    return float(abs(found - (corners - first) * steps[::-1] - first).max())
