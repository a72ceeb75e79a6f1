"""Windows that lie beyond the edges of an image, read from where it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gpumask.boundary import Boundary, pixels_at
from gpumask.window import Window

Read = Callable[[Window, np.ndarray], np.ndarray | None]


def read_beyond(
    read: Read, shape: tuple[int, int], window: Window, boundary: Boundary, out: np.ndarray
) -> np.ndarray | None:
    """Fill `out` with a window of an image of that shape, and return its uint8 validity; None: all of it is valid.

    The validity is (row, col), or (band, row, col) where `read` returns such.

    read: fills an array with a window inside the image, and returns its validity or None. What it is asked for is
    no more than what the window has of the image, and a block for each of its corners where the image wraps around.
    Beyond the edges a pixel counts as the one it comes from: where it must not, no coefficient is made that it spoils.
    """
    rows, cols = source_pixels(shape, window, boundary)
    out[...] = 0
    validity: np.ndarray | None = None
    for down in _runs(rows):
        for across in _runs(cols):
            block = Window(
                rows[down].min(), cols[across].min(), int(np.ptp(rows[down])) + 1, int(np.ptp(cols[across])) + 1
            )
            image = np.empty((len(out), *block.shape), out.dtype)
            valid = read(block, image)
            to, at = np.ix_(down, across), np.ix_(rows[down] - block.row, cols[across] - block.col)
            for band, made in zip(image, out, strict=True):
                made[to] = band[at]
            if valid is not None:
                validity = np.ones((*valid.shape[:-2], *window.shape), np.uint8) if validity is None else validity
                validity[..., to[0], to[1]] = valid[..., at[0], at[1]]
    return validity


def source_pixels(shape: tuple[int, int], window: Window, boundary: Boundary) -> tuple[np.ndarray, np.ndarray]:
    """Return which row and column of an image of that shape stands at each of a window's; -1 where none does."""
    (rows, cols), (down, across) = boundary.once(shape), boundary.numbers
    return pixels_at(window.row, window.rows, rows, down), pixels_at(window.col, window.cols, cols, across)


def _runs(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the places whose pixels are near each other in the image, run by run."""
    places = np.flatnonzero(pixels >= 0)
    places = places[np.argsort(pixels[places], kind="stable")]
    gaps = np.flatnonzero(np.diff(pixels[places]) > 1) + 1
    yield from (run for run in np.split(places, gaps) if len(run))
