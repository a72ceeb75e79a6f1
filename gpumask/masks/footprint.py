"""Validity of whole interpolation footprints: the dilation of invalid pixels by what an interpolator reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpumask.backends import adopt, select
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.errors import GpumaskError
from gpumask.pixels.interpolators import Interpolator, interpolator
from gpumask.pixels.values import as_bytes

BANDS_A_WORD = 8  # as in kernels/footprints.cuh


def footprint_validity(valid: Any, interp: Any = "cubic", backend: str | None = None) -> Any:
    """Say for every source pixel which interpolation footprints anchored there are wholly valid.

    valid: (row, col) bool or integer, non-zero is valid.
    interp: as in `resample`; the anchor is the floor of a coordinate. To B-splines `valid` is that of coefficients.
    Returns (row, col) uint8, in the array family of `valid`: bit 0 the pixel itself, bit 1 its taps along the row,
    bit 2 along the column, bit 3 all of them. (Of a B-spline, a whole number has all taps but the last, so that
    bits 0 to 2 are of several pixels across.) Pixels outside the array are invalid, so near an edge upper bits are 0.

    >>> footprint_validity(np.ones((5, 5)), "cubic", backend="numpy")[2]
    array([ 5, 15, 15,  5,  5], dtype=uint8)

    Source: the mask rule of CNES GridR 0.7 (invalid where any tap with a non-zero weight is invalid).
    """
    valid = adopt("valid", valid)
    if valid.ndim != 2 or 0 in valid.shape:
        raise GpumaskError(f"valid: expected a (row, col) array with pixels; got shape {valid.shape}")
    chosen = select(backend, valid)
    out = footprints(chosen, as_bytes("valid", valid), interpolator(interp))
    return chosen.to_family_of(valid, out)


def footprints(backend: Backend, valid: Any, interp: Interpolator) -> Any:
    """Run the kernel on a (row, col) uint8 mask, in the backend's memory; see `footprint_validity`."""
    valid = backend.asarray(valid)
    out = backend.empty(valid.shape, np.uint8)
    launch(backend, "footprint", valid.shape, valid, valid.strides[0], 0, 1, out, **interp.defines)
    return out


def footprints_by_band(backend: Backend, valid: Any, interp: Interpolator) -> Any:
    """Return footprints as kernels take them by band, from uint8 (row, col), or (band, row, col): uint32.

    Of one mask for all bands a (row, col) array; otherwise (word, row, col), four bits a band, eight bands a word.
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
