"""What kernels are given of a source and of a target, and which pixels they may use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gpumask.backends import arguments
from gpumask.backends.backend import Backend
from gpumask.backends.launch import launch
from gpumask.grids.grid import Grid
from gpumask.pixels.boundary import Boundary
from gpumask.resampling.image import Source, Target

_OUTSIDE = 2  # marks pixels outside the source in what says which pixels are valid beside shares


def as_argument(source: Source, boundary: Boundary) -> arguments.Source:
    """Return a source as kernels take it."""
    _, rows, cols = source.image.shape
    return arguments.Source(arguments.Pixels.of(source.image), rows, cols, *source.origin, *boundary.around)


def finite_source(backend: Backend, source: Source, most: float, by_band: bool) -> Source:
    """Return a source whose pixels are not valid where NaN, or larger than `most`, whatever the sign.

    by_band: whether that is so of each band by itself. Otherwise a pixel is invalid in all bands where it is so in any.
    """
    image = source.image
    if most >= float(np.finfo(image.dtype).max) and backend.at_once(lambda: _has_finite_sum(image)):  # the usual case
        return source
    finite = backend.empty(image.shape if by_band else image.shape[1:], np.uint8)
    parts = [(source.band(k), finite[k]) for k in range(len(image))] if by_band else [(source, finite)]
    for part, out in parts:
        valid = None if part.valid is None else backend.asarray(part.valid)
        pixels, counts = arguments.Pixels.of(part.image), arguments.Valid.of(valid)
        launch(backend, "all_finite", out.shape, pixels, most, counts, out, SRC_T=image.dtype)
    if source.valid is None and backend.at_once(finite.all):
        return source
    return replace(source, valid=finite)


def _has_finite_sum(image: np.ndarray) -> bool:
    """Say whether the sum of all pixels is finite, as then all of them are."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(image.sum()))


def carried(value: float, dtype: np.dtype[Any]) -> float | np.int64:
    """Return a value of a dtype as kernels take it: float64 as it is, the bits of others as int64."""
    if dtype == np.float64:
        return float(value)
    return np.int64(np.float32(value).view(np.int32) if dtype.kind == "f" else (int(value) + 2**63) % 2**64 - 2**63)


def marked(backend: Backend, grid: Grid, target: Target) -> Target:
    """Return a target whose validity is uint8, as kernels write it."""
    if target.share:
        valid = backend.empty(target.validity.shape, np.uint8) if target.valid is None else target.valid
        return replace(target, validity=valid, outside=_OUTSIDE, valid=None)
    return replace(target, validity=backend.empty(grid.shape, np.uint8)) if target.validity is None else target
