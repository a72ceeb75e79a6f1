"""Coarse masks: rasters that say what is valid, with one node for several pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpumask.backends import adopt
from gpumask.backends.backend import Backend
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.grids.grid import check_resolution, full_shape
from gpumask.grids.oversample import axes_of, check_nodes, reaching
from gpumask.pixels.checks import is_number
from gpumask.pixels.window import Window, check_inside


@dataclass(frozen=True, eq=False)
class CoarseMask:
    """A raster that says what is valid, with nodes `resolution` pixels apart.

    Parameters
    ----------
    values
        An (m, n) array of nodes. For bool and integers, non-zero is valid. Floats are shares of valid, from 0 to 1. At
        full resolution they may have any size. NaN is invalid. A node affects only the pixels that have a weight for
        it.
    resolution
        (R, C), the pixels from node to node. Between nodes a pixel's share of valid is bilinear.
    threshold
        The share from which on a pixel is valid, in (0, 1].

    Raises
    ------
    GpumaskError
        If an argument is wrong.

    Examples
    --------
    >>> from gpumask import Window, validity_mask
    >>> mask = CoarseMask([[1, 1], [0, 1]], resolution=(2, 2), threshold=0.6)
    >>> validity_mask(Window(0, 0, 3, 3), mask, backend="numpy")
    array([[1, 1, 1],
           [0, 1, 1],
           [0, 0, 1]], dtype=uint8)
    """

    values: Any
    resolution: tuple[int, int] = (1, 1)
    threshold: float = 0.999

    def __post_init__(self) -> None:
        """Check the arguments."""
        object.__setattr__(self, "values", adopt("values", self.values))
        check_nodes("values", self.values, (2,))
        object.__setattr__(self, "resolution", check_resolution(self.resolution, "resolution"))
        check_threshold("threshold", self.threshold)
        if (
            self.values.dtype.kind == "f"
            and self.resolution != (1, 1)
            and ((self.values < 0) | (self.values > 1)).any()
        ):
            came = self.values.dtype
            raise GpumaskError(f"values: expected shares of valid from 0 to 1 in a coarse mask of {came}; got others")

    @property
    def margin(self) -> int:
        """How many pixels around a window affect it."""
        return 0

    @property
    def full_shape(self) -> tuple[int, int]:
        """The rows and columns at full resolution: ((m - 1) * R + 1, (n - 1) * C + 1)."""
        return full_shape(self.values.shape, self.resolution)

    def validity(self, window: Window, backend: Backend) -> Any:
        """Compute the validity of a window of pixels.

        Parameters
        ----------
        window
            The pixels wanted, inside the full shape.
        backend
            The backend that computes.

        Returns
        -------
        array
            A uint8 (row, col) validity in the backend's memory, 1 is valid.
        """
        check_inside("window", window, self.full_shape)
        if self.resolution != (1, 1):
            return reaching(backend, self.values, *axes_of(window, self.resolution), self.threshold)
        values = backend.asarray(self.values[window.slices])
        return (abs(values) >= self.threshold if values.dtype.kind == "f" else values != 0).view(np.uint8)


def check_threshold(name: str, threshold: Any) -> None:
    """Raise GpumaskError unless a threshold lies in (0, 1]."""
    if not is_number(threshold):
        raise ArgumentTypeError(f"{name}: expected a number in (0, 1]; got {threshold!r}")
    if not 0 < threshold <= 1:
        raise GpumaskError(f"{name}: expected a number in (0, 1]; got {threshold!r}")
