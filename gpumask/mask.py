"""Validity from all that says what is valid: rasters of full or coarse resolution, and polygons; the AND of them."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gpumask.backends import Backend, adopt, holds_masked, is_array, select
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.geometry import Polygons
from gpumask.grid import check_resolution, full_shape
from gpumask.oversample import axes_of, check_nodes, reaching
from gpumask.window import Window, check_inside


class Validity(enum.IntEnum):
    """What a validity holds."""

    INVALID = 0
    VALID = 1


class Part(Protocol):
    """Something that says what is valid."""

    @property
    def margin(self) -> int:
        """How many pixels around a window have a say in it."""

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return a uint8 (row, col) validity of a window of pixels, in the backend's memory."""


@dataclass(frozen=True, eq=False)
class CoarseMask:
    """A raster that says what is valid, its nodes `resolution` pixels apart.

    values: (m, n). bool and integers: non-zero is valid; floats: shares from 0 to 1 (of any size at full resolution).
    resolution: (R, C), pixels from node to node. Between nodes, a pixel's share of valid is bilinear.
    threshold: in (0, 1], the share from which on a pixel is valid. NaN is invalid; a node of weight 0 has no say.

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
        """Check all that is given."""
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
            raise GpumaskError(f"values: expected shares of valid, 0 to 1, in a coarse mask of {came}; got others")

    @property
    def margin(self) -> int:
        """How many pixels around a window have a say in it."""
        return 0

    @property
    def full_shape(self) -> tuple[int, int]:
        """Rows and columns at full resolution: ((m - 1) * R + 1, (n - 1) * C + 1)."""
        return full_shape(self.values.shape, self.resolution)

    def validity(self, window: Window, backend: Backend) -> Any:
        """Return the validity of a window of pixels; see `Part`."""
        check_inside("window", window, self.full_shape)
        if self.resolution != (1, 1):
            return reaching(backend, self.values, *axes_of(window, self.resolution), self.threshold)
        values = backend.asarray(self.values[window.slices])
        return (abs(values) >= self.threshold if values.dtype.kind == "f" else values != 0).view(np.uint8)


def validity_mask(
    window: Window | tuple[int, int], *parts: CoarseMask | Polygons, out: Any = None, backend: str | None = None
) -> Any:
    """Say for every pixel of a window whether all parts have it as valid.

    window: the pixels wanted, half-open, or the (rows, cols) of those from (0, 0) on.
    parts: coarse masks, whose first node is pixel (0, 0), and polygons.
    out: (rows, cols) uint8 to be filled; None: a new array is made.
    backend: "cuda", "native" or "numpy"; None: see `use_backend`.

    Returns a uint8 validity, 1 is valid: all of it where there are no parts. It lives where the masks' values live, and
    in host memory where there are only polygons.
    """
    window = check_window(window)
    for part in parts:
        if not isinstance(part, CoarseMask | Polygons):
            raise ArgumentTypeError(f"parts: expected each to be a CoarseMask or Polygons; got {type(part).__name__}")
        if isinstance(part, CoarseMask):
            check_inside("window", window, part.full_shape)
    values = [part.values for part in parts if isinstance(part, CoarseMask)]
    if out is not None and not (is_array(out) and (out.shape, out.dtype) == (window.shape, np.uint8)):
        raise GpumaskError(f"out: expected uint8 of shape {window.shape}; got {_described(out)}")
    if holds_masked(out):
        raise GpumaskError("out: expected a plain array to be filled; got a masked one")
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        raise GpumaskError("out: expected an array that may be written to; got a read-only one")
    chosen = select(backend, *values, out)
    valid = all_of(part.validity(window, chosen) for part in parts)
    if valid is None:
        valid = chosen.full(window.shape, Validity.VALID, np.uint8)
    if out is None:
        return chosen.to_family_of(values[0] if values else np.empty(0), valid)
    out[...] = chosen.to_family_of(out, valid)
    return out


def all_of(validities: Iterable[Any]) -> Any:
    """Return the AND of validities of one shape and memory, in the first of them; None where there are none."""
    valid = None
    for found in validities:
        if valid is None:
            valid = found
        else:
            valid &= found
    return valid


def check_window(window: Any) -> Window:
    """Return a window, given as such or as a shape; raise GpumaskError where it has no pixels."""
    try:
        found = window if isinstance(window, Window) else Window(0, 0, *window)
    except TypeError as error:
        raise ArgumentTypeError(f"window: expected a gpumask.Window, or (rows, cols); got {window!r}") from error
    if found.is_empty:
        raise GpumaskError(f"window: expected at least one pixel; got {found}")
    return found


def check_threshold(name: str, threshold: Any) -> None:
    """Raise GpumaskError unless a threshold lies in (0, 1]."""
    if not isinstance(threshold, int | float | np.integer | np.floating) or isinstance(threshold, bool):
        raise ArgumentTypeError(f"{name}: expected a number in (0, 1]; got {threshold!r}")
    if not 0 < threshold <= 1:
        raise GpumaskError(f"{name}: expected a number in (0, 1]; got {threshold!r}")


def _described(array: Any) -> str:
    """Say what came, for an error."""
    return f"{array.dtype} of shape {array.shape}" if hasattr(array, "dtype") else repr(array)
