"""Affine maps as rasterio has them, and where rasters lie by them: one in the pixels of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MOST_OFF = 0.1  # pixels between where a raster lies and where it should


def moved(affine: Any, xy: np.ndarray) -> np.ndarray:
    """Return (x, y) rows under an affine map."""
    a, b, c, d, e, f = affine[:6]
    return np.asarray(xy @ np.array([[a, d], [b, e]]) + (c, f))


def in_pixels_of(like: Any, raster: Any, xy: np.ndarray) -> np.ndarray | None:
    """Return where (x, y) rows of a raster lie in another, None where one of the two does not say where it lies.

    Both count pixels from the first one's corner.
    """
    if raster.transform.is_identity or like.transform.is_identity:
        return None
    return moved(~like.transform, moved(raster.transform, xy))


def pixels_off(like: Any, raster: Any, steps: tuple[float, float], first: float = 0) -> float:
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


def blocks_at(image: Any, raster: Any) -> tuple[tuple[int, int], bool, float] | None:
    """Return how many rows and columns of an image a pixel of a raster stands for, as the two say where they lie.

    Returns whether the raster has as many pixels as cover the image, too, and by how many pixels it is off. None where
    one of the two does not say where it lies. They are datasets, or Places.
    """
    pixel = in_pixels_of(image, raster, np.array([(0, 0), (1, 1)]))
    if pixel is None:
        return None
    across, down = (max(round(length), 1) for length in (pixel[1] - pixel[0]).tolist())
    covered = tuple(-(-size // factor) for size, factor in zip(image.shape, (down, across), strict=True))
    return (down, across), tuple(raster.shape) == covered, pixels_off(image, raster, (down, across))


Points = tuple[np.ndarray, np.ndarray]


def rows_and_cols(affine: Any, x: np.ndarray, y: np.ndarray) -> Points:
    """Return rows and columns, counted from the first pixel's centre, of what an affine map counts from its corner."""
    a, b, c, d, e, f = (~affine)[:6]
    return d * x + e * y + f - 0.5, a * x + b * y + c - 0.5


def corners(affine: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return (x, y) rows with the four corners of a raster of (rows, cols)."""
    rows, cols = shape
    return moved(affine, np.array([(0, 0), (cols, 0), (0, rows), (cols, rows)], float)).T


def is_affine(given: Any) -> bool:
    """Say whether this is an affine map as rasterio has it."""
    return hasattr(given, "determinant") and hasattr(given, "is_rectilinear")


# (rows, cols) of output pixels, which broadcast, to float64 (rows, cols) in the source; not finite where none are.
Exact = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
