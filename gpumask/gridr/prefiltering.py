"""GridR's filter of B-splines, which turns pixels into coefficients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpumask.backends import select
from gpumask.errors import ArgumentTypeError, GpumaskError
from gpumask.gridr.arguments import check_writable, integers
from gpumask.gridr.interpolators import is_bspline, is_object
from gpumask.pixels.boundary import Boundary
from gpumask.pixels.interpolators import Interpolator, bspline, interpolator
from gpumask.pixels.values import as_bytes
from gpumask.pixels.window import Window
from gpumask.resampling.prefilter import coefficient_validity, coefficients


def array_bspline_prefiltering(
    array_in: Any,
    array_in_mask: Any = None,
    interp: Any = None,
    n: int | None = None,
    trunc_idx: Any = None,
    precision: float | None = 6,
    mask_influence_threshold: float = 1e-3,
) -> None:
    """Turn an array into a B-spline's coefficients in place, as `gridr.core.interp.bspline_prefiltering` does.

    Parameters
    ----------
    array_in
        A (row, col) or (band, row, col) array of float64. It is changed.
    array_in_mask
        A (row, col) array of uint8, 0 is invalid. It becomes the validity of the coefficients.
    interp
        A B-spline that `get_interpolator` returned. None means that `n` is given.
    n
        The order of the B-spline, instead of `interp`.
    trunc_idx
        It must be None.
    precision
        With `n`, the epsilon is 10 ** -precision.
    mask_influence_threshold
        With `n`, the threshold. See `gpumask.bspline`.

    Raises
    ------
    GpumaskError
        If an argument is wrong, or the array has no pixels inside the frame. It is a ValueError.

    Notes
    -----
    Pixels that are not finite are invalid. Without a mask, coefficients near them become NaN.

    A frame at the edges keeps its values and becomes invalid. It is as wide as the filter looks around
    (`Interpolator.reach`). The coefficients lack the filter's gain, as `array_grid_resampling(…, standalone=False)`
    expects.

    Examples
    --------
    >>> image = np.ones((31, 31))
    >>> array_bspline_prefiltering(image, n=3, precision=6)
    >>> float(round(image[15, 15] * 36, 6))
    1.0
    """
    taps = _interpolator(interp, n, trunc_idx, precision, mask_influence_threshold)
    check_writable("array_in", array_in)
    if array_in.dtype.newbyteorder("=") != np.float64 or array_in.ndim not in (2, 3):
        raise GpumaskError(f"array_in: expected (row, col) or (band, row, col) of float64; got {array_in.dtype} of "
                           f"{array_in.shape}")  # fmt: skip
    here = Window.of_shape(array_in.shape[-2:])
    inner = here.pad(-taps.reach)
    if inner.is_empty:
        raise GpumaskError(
            f"array_in: expected more than {2 * taps.reach} rows and columns for {taps.name}; got {array_in.shape}"
        )
    if array_in_mask is not None:
        check_writable("array_in_mask", array_in_mask)
        if array_in_mask.dtype != np.uint8 or array_in_mask.shape != here.shape:
            came = f"{array_in_mask.dtype} of {array_in_mask.shape}"
            raise GpumaskError(f"array_in_mask: expected uint8 of shape {here.shape}; got {came}")
    backend, nothing = select(None, array_in, array_in_mask), Boundary()
    bands = backend.asarray(array_in if array_in.ndim == 3 else array_in[None])
    made = coefficients(backend, bands, here, taps, nothing, inner, inner)
    pixels = np.isfinite(bands).all(axis=0)
    if array_in_mask is not None:
        pixels &= backend.asarray(as_bytes("array_in_mask", array_in_mask)) != 0
        valid = coefficient_validity(backend, pixels, here, taps, nothing, inner)
        array_in_mask[...] = 0
        array_in_mask[inner.slices] = backend.to_family_of(array_in_mask, valid)
    elif not backend.at_once(pixels.all):
        made = np.where(coefficient_validity(backend, pixels, here, taps, nothing, inner), made, np.nan)
    array_in[..., *inner.slices] = backend.to_family_of(array_in, made if array_in.ndim == 3 else made[0])


def _interpolator(interp: Any, n: Any, trunc_idx: Any, precision: Any, threshold: Any) -> Interpolator:
    """Return the B-spline of the arguments."""
    if (interp is None) == (n is None):
        raise GpumaskError(f"interp, n: expected exactly one of the two; got {'none' if n is None else 'both'}")
    if interp is not None:
        if not (is_object(interp) and is_bspline(interp)):
            raise GpumaskError(f"interp: expected a B-spline, as get_interpolator returns it; got {interp!r}")
        return interpolator(interp)
    if trunc_idx is not None:
        raise GpumaskError(f"trunc_idx: expected None, as precision says how far the filter looks; got {trunc_idx!r}")
    if (
        isinstance(precision, bool)
        or not isinstance(precision, int | float | np.number)
        or not math.isfinite(precision)
    ):
        raise ArgumentTypeError(f"precision: expected a number of digits; got {precision!r}")
    (order,) = integers("n", n)
    return bspline(order, 10.0 ** -float(precision), threshold)
