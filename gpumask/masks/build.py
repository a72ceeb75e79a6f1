"""Validity from all that says what is valid: rasters of full or coarse resolution, and polygons; the AND of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends import holds_masked, is_array, select
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.masks.coarse import CoarseMask
from gpumask.masks.polygons import Polygons
from gpumask.masks.validity import Validity, all_of
from gpumask.pixels.window import Window, check_inside


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


def check_window(window: Any) -> Window:
    """Return a window, given as such or as a shape; raise GpumaskError where it has no pixels."""
    try:
        found = window if isinstance(window, Window) else Window(0, 0, *window)
    except TypeError as error:
        raise ArgumentTypeError(f"window: expected a gpumask.Window, or (rows, cols); got {window!r}") from error
    if found.is_empty:
        raise GpumaskError(f"window: expected at least one pixel; got {found}")
    return found


def _described(array: Any) -> str:
    """Say what came, for an error."""
    return f"{array.dtype} of shape {array.shape}" if hasattr(array, "dtype") else repr(array)
