"""Validity of whole interpolation footprints.

A footprint is all pixels that an interpolator reads for one place. It is valid if all of them are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.errors import GpumaskError
from gpumask.pixels.interpolators import Interpolator, interpolator
from gpumask.pixels.values import as_bytes

BANDS_A_WORD = 8  # the same number as in kernels/footprints.cuh


def footprint_validity(valid: Any, interp: Any = "cubic", backend: str | None = None) -> Any:
    """Compute for every source pixel which interpolation footprints anchored there are wholly valid.

    Parameters
    ----------
    valid
        A (row, col) array of bool or integers, non-zero is valid. For B-splines it is the validity of the coefficients.
    interp
        An interpolator, as in `resample`. The anchor of a footprint is the floor of a coordinate.
    backend
        "cuda", "native" or "numpy". None means the default. See `use_backend`.

    Returns
    -------
    array
        A (row, col) uint8 array of the same array family as `valid`. A bit is set if all its pixels are valid. Bit 0
        stands for the pixel itself, bit 1 for the taps along the row, bit 2 for the taps along the column, and bit 3
        for all taps. Pixels outside the array are invalid, so the upper bits are 0 near an edge.

    Raises
    ------
    GpumaskError
        If `valid` has not two axes, or `interp` is unknown.

    Notes
    -----
    A B-spline at a whole coordinate has all taps but the last, so its bits 0 to 2 stand for several pixels across.

    The rule is the mask rule of CNES GridR 0.7: a place is invalid if any tap with a non-zero weight is invalid.

    Examples
    --------
    >>> footprint_validity(np.ones((5, 5)), "cubic", backend="numpy")[2]
    array([ 5, 15, 15,  5,  5], dtype=uint8)
    """
    valid = adopt("valid", valid)
    if valid.ndim != 2 or 0 in valid.shape:
        raise GpumaskError(f"valid: expected a (row, col) array with pixels; got shape {valid.shape}")
    chosen = select(backend, valid)
    out = footprints(chosen, as_bytes("valid", valid), interpolator(interp))
    return chosen.to_family_of(valid, out)


def footprints(backend: Backend, valid: Any, interp: Interpolator) -> Any:
    """Run the kernel on a (row, col) uint8 mask in the backend's memory. See `footprint_validity`."""
    valid = backend.asarray(valid)
    out = backend.empty(valid.shape, np.uint8)
    launch(backend, "footprint", valid.shape, valid, valid.strides[0], 0, 1, out, **interp.defines)
    return out


def footprints_by_band(backend: Backend, valid: Any, interp: Interpolator) -> Any:
    """Return the footprints of each band, as kernels read them: uint32, with four bits a band and eight bands a word.

    A (row, col) uint8 mask for all bands gives a (row, col) array. A (band, row, col) mask gives (word, row, col).
    """
    valid = backend.asarray(valid)
    bands = valid if valid.ndim == 3 else valid[None]
    out = backend.empty((-(-len(bands) // BANDS_A_WORD), *valid.shape[-2:]), np.uint32)
    for word, first in zip(out, range(0, len(bands), BANDS_A_WORD), strict=True):
        some = bands[first : first + BANDS_A_WORD]
        launch(
            backend, "footprint", word.shape, some, some.strides[1], some.strides[0], len(some), word,
            **interp.defines, BY_BAND=1,
        )  # fmt: skip
    return out if valid.ndim == 3 else out[0]
