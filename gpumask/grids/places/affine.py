"""Affine maps as rasterio has them, and the places of rasters in each other's pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MOST_OFF = 0.1  # most pixels that a raster may lie off its place


def moved(affine: Any, xy: np.ndarray) -> np.ndarray:
    """Return (x, y) rows under an affine map."""
    a, b, c, d, e, f = affine[:6]
    return np.asarray(xy @ np.array([[a, d], [b, e]]) + (c, f))


def in_pixels_of(like: Any, raster: Any, xy: np.ndarray) -> np.ndarray | None:
    """Return where (x, y) rows of a raster lie in another raster. Return None if one does not say where it lies.

    Both count pixels from the corner of the first pixel.
    """
    if raster.transform.is_identity or like.transform.is_identity:
        return None
    return moved(~like.transform, moved(raster.transform, xy))


def pixels_off(like: Any, raster: Any, steps: tuple[float, float], first: float = 0) -> float:
    """Return how far a raster is off its place, in pixels of `like`. Return infinity if the CRS differ.

    `steps` is the (row, col) pixels of `like` that each pixel of the raster stands for. `first` says where the first
    pixels of both must meet: 0 at their corners, 0.5 at their centres. A raster that does not say where it lies is not
    off.
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
    """Return how many rows and columns of an image each pixel of a raster stands for, by their places.

    The second item says whether the raster has exactly the pixels that cover the image. The third is how far the raster
    is off, in pixels. Return None if one does not say where it lies. Both are datasets or Places.
    """
    pixel = in_pixels_of(image, raster, np.array([(0, 0), (1, 1)]))
    if pixel is None:
        return None
    across, down = (max(round(length), 1) for length in (pixel[1] - pixel[0]).tolist())
    covered = tuple(-(-size // factor) for size, factor in zip(image.shape, (down, across), strict=True))
    return (down, across), tuple(raster.shape) == covered, pixels_off(image, raster, (down, across))


Points = tuple[np.ndarray, np.ndarray]


def rows_and_cols(affine: Any, x: np.ndarray, y: np.ndarray) -> Points:
    """Return the rows and columns of x and y under an affine map. They count from the centre of the first pixel."""
    a, b, c, d, e, f = (~affine)[:6]
    return d * x + e * y + f - 0.5, a * x + b * y + c - 0.5


def corners(affine: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return (x, y) rows with the four corners of a raster of (rows, cols)."""
    rows, cols = shape
    return moved(affine, np.array([(0, 0), (cols, 0), (0, rows), (cols, rows)], float)).T


def is_affine(given: Any) -> bool:
    """Say whether an object is an affine map, as rasterio has it."""
    return hasattr(given, "determinant") and hasattr(given, "is_rectilinear")


# From (rows, cols) of output pixels, which broadcast, to float64 (rows, cols) in the source. They are not finite where
# the source has no such place.
Exact = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
