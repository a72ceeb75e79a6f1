"""What is finer than an image: which of the image's pixels enough valid finer pixels make valid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpumask.backends.backend import Backend
from gpumask.pixels.window import Window

Factors = tuple[int, int]  # the rows and columns of finer pixels in a pixel of the image

_AT_A_TIME = 1 << 20  # about the most finer pixels that are made at a time


def finer_by(fine: tuple[int, ...], shape: tuple[int, int]) -> Factors | None:
    """Return how many rows and columns of a finer shape lie in each pixel of an image's shape.

    Return None if the first shape is not finer by whole factors.
    """
    if len(fine) != 2 or fine == shape or any(part % size or not part for part, size in zip(fine, shape, strict=True)):
        return None
    return fine[0] // shape[0], fine[1] // shape[1]


def valid_by_share(
    backend: Backend, window: Window, factors: Factors, threshold: float, read: Callable[[Window], Any]
) -> Any:
    """Return the validity of a window of the image: 1 where the mean of the finer pixels reaches the threshold.

    `read` returns a window of finer pixels, in the backend's memory: 0 and 1, or shares. It is called for a few rows at
    a time.
    """
    rows, cols = factors
    found = backend.empty(window.shape, np.uint8)
    for strip in window.tiles(max(_AT_A_TIME // (window.cols * rows * cols), 1), window.cols):
        fine = read(Window(strip.row * rows, strip.col * cols, strip.rows * rows, strip.cols * cols))
        found[strip.shift(-window.row, -window.col).slices] = reaches(fine, factors, threshold)
    return found


def reaches(fine: Any, factors: Factors, threshold: float) -> Any:
    """Return uint8, 1 where the mean of each block of finer pixels reaches the threshold.

    Counts are exact, and the mean is rounded once. So a share that equals the threshold reaches it.
    """
    rows, cols = factors
    dtype = np.float64 if fine.dtype.kind == "f" else np.int32
    # Added one by one, so that the sums of shares have one order on every backend and in every window.
    tall = sum(fine[row::rows].astype(dtype) for row in range(rows))
    total: Any = sum(tall[:, col::cols] for col in range(cols))
    return (total / (rows * cols) >= float(threshold)).view(np.uint8)
