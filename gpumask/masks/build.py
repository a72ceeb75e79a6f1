"""A validity from coarse masks and polygons. A pixel is valid if all of them call it valid."""

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
    """Compute the validity of a window: a pixel is valid if all parts call it valid.

    Parameters
    ----------
    window
        The pixels wanted: a half-open window, or the (rows, cols) of a window that begins at (0, 0).
    parts
        Coarse masks and polygons. The first node of a coarse mask is pixel (0, 0).
    out
        A (rows, cols) uint8 array to fill. None means that a new array is made.
    backend
        "cuda", "native" or "numpy". None means the default. See `use_backend`.

    Returns
    -------
    array
        A uint8 validity, 1 is valid. Without parts, every pixel is valid. The array lives where the masks' values live.
        With polygons alone it is in host memory.

    Raises
    ------
    GpumaskError
        If an argument is wrong, or the window reaches beyond a coarse mask.

    Examples
    --------
    >>> from shapely import box
    >>> validity_mask((2, 4), Polygons(invalid=box(0.5, 0.5, 2.5, 1.5)), backend="numpy")
    array([[1, 1, 1, 1],
           [1, 0, 0, 1]], dtype=uint8)
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
        raise GpumaskError("out: expected a plain array to fill; got a masked array")
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        raise GpumaskError("out: expected an array that may be written to; got a read-only array")
    chosen = select(backend, *values, out)
    valid = all_of(part.validity(window, chosen) for part in parts)
    if valid is None:
        valid = chosen.full(window.shape, Validity.VALID, np.uint8)
    if out is None:
        return chosen.to_family_of(values[0] if values else np.empty(0), valid)
    out[...] = chosen.to_family_of(out, valid)
    return out


def check_window(window: Any) -> Window:
    """Return a window from a window or a shape. Raise GpumaskError if it has no pixels."""
    try:
        found = window if isinstance(window, Window) else Window(0, 0, *window)
    except TypeError as error:
        raise ArgumentTypeError(f"window: expected a gpumask.Window, or (rows, cols); got {window!r}") from error
    if found.is_empty:
        raise GpumaskError(f"window: expected at least one pixel; got {found}")
    return found


def _described(array: Any) -> str:
    """Describe what came, for an error."""
    return f"{array.dtype} of shape {array.shape}" if hasattr(array, "dtype") else repr(array)
